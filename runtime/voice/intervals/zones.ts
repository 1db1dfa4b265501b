/**
 * What happened in one zone in one interval: people and queue as they were each second, visits and how long they were.
 * Dwell is kept in bins that grow by 5 %, so a median or percentile is right to 2.5 % however long the interval, and
 * no list of single visits exists anywhere. The mean is exact.
 * Memory: one small object; only bins that hold something.
 */

export type ZoneTally = {
  visits: number;
  bounces: number;
  passersBy: number;
  /** Visits that ended in the interval, and how long they were together. */
  ended: number;
  dwellMsSum: number;
  /** bin → visits. */
  dwellBins: Record<string, number>;
  /** Of the eye's reports, one a second. */
  samples: number;
  peopleSum: number;
  peopleMax: number;
  queueSum: number;
  queueMax: number;
};

/** What is published of it; seconds, and null where there was nothing to measure. */
export type ZoneFacts = {
  readonly visits: number;
  readonly bounces: number;
  readonly passersBy: number;
  /** The number of visits that the dwell times rest on. */
  readonly dwellCount: number;
  readonly dwellMeanS: number | null;
  readonly dwellMedianS: number | null;
  readonly dwellP90S: number | null;
  readonly peopleMean: number | null;
  readonly peopleMax: number;
  readonly queueMean: number | null;
  readonly queueMax: number;
};

const BIN_MS_MIN = 100;
const BIN_GROWTH = 1.05;

export function emptyZoneTally(): ZoneTally {
  return {
    visits: 0,
    bounces: 0,
    passersBy: 0,
    ended: 0,
    dwellMsSum: 0,
    dwellBins: {},
    samples: 0,
    peopleSum: 0,
    peopleMax: 0,
    queueSum: 0,
    queueMax: 0,
  };
}

export function addDwell(tally: ZoneTally, dwellMs: number): void {
  tally.ended += 1;
  tally.dwellMsSum += dwellMs;
  const bin = Math.max(0, Math.floor(Math.log(dwellMs / BIN_MS_MIN) / Math.log(BIN_GROWTH)));
  tally.dwellBins[bin] = (tally.dwellBins[bin] ?? 0) + 1;
}

export function addPresence(tally: ZoneTally, people: number, queue: number): void {
  tally.samples += 1;
  tally.peopleSum += people;
  tally.peopleMax = Math.max(tally.peopleMax, people);
  tally.queueSum += queue;
  tally.queueMax = Math.max(tally.queueMax, queue);
}

/** What happened in `other` happened here. */
export function addTally(tally: ZoneTally, other: ZoneTally): void {
  for (const field of ['visits', 'bounces', 'passersBy', 'ended', 'dwellMsSum'] as const) tally[field] += other[field];
  for (const field of ['samples', 'peopleSum', 'queueSum'] as const) tally[field] += other[field];
  for (const field of ['peopleMax', 'queueMax'] as const) tally[field] = Math.max(tally[field], other[field]);
  for (const [bin, count] of Object.entries(other.dwellBins))
    tally.dwellBins[bin] = (tally.dwellBins[bin] ?? 0) + count;
}

export function factsOf(tally: ZoneTally): ZoneFacts {
  const { visits, bounces, passersBy, ended, samples, peopleMax, queueMax } = tally;
  return {
    visits,
    bounces,
    passersBy,
    dwellCount: ended,
    dwellMeanS: ended === 0 ? null : rounded(tally.dwellMsSum / ended / 1000),
    dwellMedianS: percentileS(tally, 0.5),
    dwellP90S: percentileS(tally, 0.9),
    peopleMean: samples === 0 ? null : rounded(tally.peopleSum / samples),
    peopleMax,
    queueMean: samples === 0 ? null : rounded(tally.queueSum / samples),
    queueMax,
  };
}

/** The geometric middle of the bin in which that share of the visits is reached, seconds. */
function percentileS({ dwellBins, ended }: ZoneTally, share: number): number | null {
  if (ended === 0) return null;
  const bins = Object.entries(dwellBins)
    .map(([bin, count]) => [Number(bin), count] as const)
    .sort((a, b) => a[0] - b[0]);
  let reached = 0;
  for (const [bin, count] of bins) {
    reached += count;
    if (reached >= share * ended) return rounded((BIN_MS_MIN * BIN_GROWTH ** (bin + 0.5)) / 1000);
  }
  return null;
}

/** A hundredth is what frames at 15 Hz and bins of 5 % are good for. */
function rounded(value: number): number {
  return Math.round(100 * value) / 100;
}
