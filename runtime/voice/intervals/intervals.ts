/**
 * Intervals: counts per counter (line or entrance) and zone in pieces of wall-clock time that begin at whole multiples of interval_s (UTC).
 * Each crossing belongs to the interval of its own time, also when it is read later; what only the running totals
 * tell (records were lost) or what comes after its interval was closed goes to the current interval and marks it.
 * Intervals are closed in order, a little after their end, and every one of them is closed: one without people says so.
 * So total(k) - total(k-1) = count(k) for any two neighbours, which a reader can check.
 *
 * When the wall clock is set back by more than one interval, what is open is closed as degraded and time begins again at
 * the new hour: two intervals may then bear the same time; their sequence numbers differ.
 * While the clock is not set at all (a board without a battery shows 1970 or 2000 until a time server answers), nothing is
 * closed; who is counted waits and goes to the first interval of the set clock, which is marked: nobody is lost, and
 * no reader gets an interval of 1970.
 * A clock that shows a possible time and was not set by anybody since the start is believed, as there is no better one, and
 * the interval says so, with the seconds since the voice's start: whoever learns later when that was can place it.
 * Memory: the intervals not yet closed, as a rule one or two; they live inside the ledger's state.
 */
import type { Interval } from '../../contract/counts.ts';
import { MS_PER_S } from '../../units.ts';
import { addFrameTally, emptyFrames, type FrameTally } from './frames.ts';
import { CHAIN_GAP_MS } from './groups.ts';
import { addDwell, addPresence, addTally, emptyZoneTally, type ZoneTally } from './zones.ts';

/** What made an interval less than whole; bits of OpenInterval.flags. */
export const IntervalFlag = { late: 1, silent: 2, paused: 4, cameraLost: 8, clock: 16 } as const;

export type Quality = Interval['quality'];

export type OpenInterval = {
  fromMs: number;
  toMs: number;
  /** People per counter, in the order of IntervalState.lines. */
  in: number[];
  out: number[];
  /** What is left when those who turned back are taken out, by the time they left the view. */
  netIn: number[];
  netOut: number[];
  /** Entries with a pause before them (groups.ts). */
  chains: number[];
  /** In the order of IntervalState.zones. */
  zones: ZoneTally[];
  /** Frames read. */
  samples: number;
  /** What happened to every picture, for the receipt: those that came before the clock was set are in it as well. */
  frames: FrameTally;
  flags: number;
  /** The clock was not set in it: seconds from the start of the voice to the last one of which that is known. */
  unsyncedUptimeS?: number;
};

/** What must survive a restart. */
export type IntervalState = {
  /** Names of the counters that the lists in `open` stand for. */
  lines: string[];
  zones: string[];
  /** Of the counters: when somebody last came in; 0: never. */
  lastInMs: number[];
  /** Entries and chains in closed intervals since the full hour that began at fromMs. */
  hour: { fromMs: number; in: number[]; chains: number[] };
  /** End of the last closed interval; 0: none yet. */
  closedToMs: number;
  /** In order of time. */
  open: OpenInterval[];
};

export type ClosedInterval = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly in: readonly number[];
  readonly out: readonly number[];
  readonly netIn: readonly number[];
  readonly netOut: readonly number[];
  readonly chains: readonly number[];
  readonly zones: readonly ZoneTally[];
  /** The same since the full hour, this interval included, for the estimate of groups. */
  readonly hour: { readonly fromMs: number; readonly in: readonly number[]; readonly chains: readonly number[] };
  readonly samples: number;
  readonly frames: Readonly<FrameTally>;
  /** Frames that a camera without fault would have given. */
  readonly expected: number;
  readonly quality: Quality;
  /** As in OpenInterval. */
  readonly unsyncedUptimeS?: number;
};

/** How long after its end an interval waits for crossings that are on their way; the eye reports at least once a second. */
export const GRACE_MS = 1500;
/** Fewer frames than this share of the expected ones is `degraded`; cameras keep their rate within a few per cent. */
const COVERAGE_MIN = 0.9;
/** While the voice was away the corridor kept crossings for about an hour: up to that, quiet intervals are sent as well. */
const GAP_MS_MAX = 3_600_000;
/** A crossing older than this tells more about the clock than about people. */
const AGE_MS_MAX = 24 * 3_600_000;
/** A clock that shows an earlier time was never set; the corridor draws the same line. */
const CLOCK_MS_MIN = Date.UTC(2020, 0, 1);

const HOUR_MS = 3_600_000;
/** Lists of an interval with one number a counter. */
const COUNTS = ['in', 'out', 'netIn', 'netOut', 'chains'] as const;

export function emptyIntervals(lines: readonly string[], zones: readonly string[] = []): IntervalState {
  const zeros = lines.map(() => 0);
  return {
    lines: [...lines],
    zones: [...zones],
    lastInMs: zeros,
    hour: { fromMs: 0, in: [...zeros], chains: [...zeros] },
    closedToMs: 0,
    open: [],
  };
}

export class IntervalBook {
  readonly #state: IntervalState;
  readonly #intervalMs: number;
  readonly #frameRateHz: number;

  /** state: changed in place; its lists are brought into the order of `lines` (counters) and `zones`. */
  constructor(
    state: IntervalState,
    lines: readonly string[],
    zones: readonly string[],
    intervalS: number,
    frameRateHz: number,
  ) {
    this.#state = state;
    this.#intervalMs = intervalS * MS_PER_S;
    this.#frameRateHz = frameRateHz;
    const from = lines.map((name) => state.lines.indexOf(name));
    const sorted = (counts: readonly number[]) => from.map((index) => counts[index] ?? 0);
    for (const interval of state.open) {
      for (const measure of COUNTS) interval[measure] = sorted(interval[measure]);
      const tallies = interval.zones;
      // Of another life of the voice, which was over before this one's first second.
      if (interval.unsyncedUptimeS !== undefined) interval.unsyncedUptimeS = 0;
      interval.zones = zones.map((name) => tallies[state.zones.indexOf(name)] ?? emptyZoneTally());
    }
    state.lastInMs = sorted(state.lastInMs);
    state.hour = { ...state.hour, in: sorted(state.hour.in), chains: sorted(state.hour.chains) };
    state.lines = [...lines];
    state.zones = [...zones];
  }

  /** One person crossed at timeMs. */
  addCrossing(counterIndex: number, direction: 'in' | 'out', timeMs: number, nowMs: number): void {
    const interval = this.#at(timeMs, nowMs);
    interval[direction][counterIndex]! += 1;
    if (direction === 'out') return;
    // A clock that was set makes a pause where there was none: one party more.
    if (Math.abs(timeMs - this.#state.lastInMs[counterIndex]!) >= CHAIN_GAP_MS) interval.chains[counterIndex]! += 1;
    this.#state.lastInMs[counterIndex] = timeMs;
  }

  /** People who left the view at timeMs, and whose crossings did not cancel. */
  addNet(counterIndex: number, netIn: number, netOut: number, timeMs: number, nowMs: number): void {
    const interval = this.#at(timeMs, nowMs, false);
    interval.netIn[counterIndex]! += netIn;
    interval.netOut[counterIndex]! += netOut;
  }

  /** Entries into a zone, entries shorter than bounce_s, and people who passed by, around timeMs. */
  addVisits(
    zoneIndex: number,
    visits: number,
    bounces: number,
    passersBy: number,
    timeMs: number,
    nowMs: number,
  ): void {
    const tally = this.#at(timeMs, nowMs, false).zones[zoneIndex]!;
    tally.visits += visits;
    tally.bounces += bounces;
    tally.passersBy += passersBy;
  }

  /** A visit of a zone ended at timeMs. */
  addDwell(zoneIndex: number, dwellMs: number, timeMs: number, nowMs: number): void {
    addDwell(this.#at(timeMs, nowMs, false).zones[zoneIndex]!, dwellMs);
  }

  /** So many people are in a zone, and so many of them stand, at timeMs; about once a second. */
  addPresence(zoneIndex: number, people: number, queue: number, timeMs: number, nowMs: number): void {
    addPresence(this.#at(timeMs, nowMs, false).zones[zoneIndex]!, people, queue);
  }

  /** People whose moment is not known. */
  addLate(counterIndex: number, countIn: number, countOut: number, nowMs: number): void {
    const interval = this.#current(nowMs);
    interval.in[counterIndex]! += countIn;
    interval.out[counterIndex]! += countOut;
    interval.flags |= IntervalFlag.late;
  }

  /** Frames read around timeMs. */
  addSamples(frameCount: number, timeMs: number, nowMs: number): void {
    this.#at(timeMs, nowMs, false).samples += frameCount;
  }

  /** Pictures of the interval of timeMs, to be added to. */
  framesAt(timeMs: number, nowMs: number): FrameTally {
    return this.#at(timeMs, nowMs, false).frames;
  }

  /** Notes that the interval of timeMs is not whole; flag is one of IntervalFlag. */
  mark(flag: number, timeMs: number, nowMs: number): void {
    this.#at(timeMs, nowMs, false).flags |= flag;
  }

  /** Nobody has set the clock yet. Call it about once a second, as long as it is so; uptimeS: since the voice's start. */
  markUnsynced(uptimeS: number, nowMs: number): void {
    this.#current(nowMs).unsyncedUptimeS = uptimeS;
  }

  /** Closes what is over, in order, and opens what has begun. Call it about once a second. */
  advance(nowMs: number): ClosedInterval[] {
    if (nowMs < CLOCK_MS_MIN) return [];
    const { open } = this.#state;
    const closed: ClosedInterval[] = [];
    const newestMs = Math.max(this.#state.closedToMs, open.at(-1)?.fromMs ?? 0);
    if (newestMs - nowMs > this.#intervalMs) {
      for (const interval of open.splice(this.#hasUndated ? 1 : 0)) {
        interval.flags |= IntervalFlag.clock;
        closed.push(this.#closed(interval));
      }
      this.#state.closedToMs = 0;
    }
    this.#current(nowMs);
    while (open.length > 0 && open[0]!.toMs + GRACE_MS <= nowMs) {
      const interval = open.shift()!;
      this.#state.closedToMs = interval.toMs;
      closed.push(this.#closed(interval));
    }
    return closed;
  }

  /** People of a counter in intervals that are still open: what totals hold and no closed interval does. */
  openCount(counterIndex: number, measure: 'in' | 'out' | 'netIn' | 'netOut'): number {
    return this.#state.open.reduce((sum, interval) => sum + interval[measure][counterIndex]!, 0);
  }

  #closed(interval: OpenInterval): ClosedInterval {
    const expected = Math.round((this.#frameRateHz * (interval.toMs - interval.fromMs)) / MS_PER_S);
    const hour = this.#hourWith(interval);
    return { ...interval, hour, expected, quality: qualityOf(interval.flags, interval.samples, expected) };
  }

  /** Takes a closed interval into the full hour that it lies in; a copy of that hour so far. */
  #hourWith(interval: OpenInterval): ClosedInterval['hour'] {
    const { hour } = this.#state;
    const fromMs = Math.floor(interval.fromMs / HOUR_MS) * HOUR_MS;
    const isSame = hour.fromMs === fromMs;
    const plus = (before: readonly number[], now: readonly number[]) =>
      now.map((count, index) => count + (isSame ? before[index]! : 0));
    this.#state.hour = { fromMs, in: plus(hour.in, interval.in), chains: plus(hour.chains, interval.chains) };
    return { ...this.#state.hour };
  }

  /** The open interval of timeMs, or the current one (marked late, if that matters) where that is closed or absurd. */
  #at(timeMs: number, nowMs: number, countsPeople = true): OpenInterval {
    const current = this.#current(nowMs);
    if (timeMs >= current.fromMs) return current;
    const openFromMs = Math.max(this.#state.closedToMs, CLOCK_MS_MIN);
    if (timeMs >= openFromMs && nowMs - timeMs < AGE_MS_MAX) return this.#openAt(timeMs);
    if (countsPeople) current.flags |= IntervalFlag.late;
    return current;
  }

  /** The interval of now; the first one of a set clock takes in who waited for it. */
  #current(nowMs: number): OpenInterval {
    if (nowMs < CLOCK_MS_MIN) return this.#undated();
    const { open } = this.#state;
    const waiting = this.#hasUndated ? open.shift() : undefined;
    const current = this.#reached(nowMs);
    if (waiting !== undefined) takeIn(current, waiting);
    return current;
  }

  get #hasUndated(): boolean {
    return this.#state.open[0]?.fromMs === 0;
  }

  /** Holds who is counted before the clock is set. It begins in 1970, so it is the first of those open. */
  #undated(): OpenInterval {
    const { open } = this.#state;
    if (!this.#hasUndated) open.unshift({ ...this.#empty(0, CLOCK_MS_MIN), flags: IntervalFlag.clock });
    return open[0]!;
  }

  #reached(nowMs: number): OpenInterval {
    const { open, closedToMs } = this.#state;
    // A clock that was set back a little stays in the interval it had reached.
    const reachedMs = Math.max(nowMs, closedToMs, open.at(-1)?.fromMs ?? 0);
    const lastToMs = open.at(-1)?.toMs ?? closedToMs;
    if (lastToMs > 0 && reachedMs - lastToMs <= GAP_MS_MAX) {
      for (let fromMs = lastToMs; fromMs <= reachedMs; fromMs = this.#openAt(fromMs).toMs);
    }
    return this.#openAt(reachedMs);
  }

  /** Finds or makes the interval of timeMs; it never overlaps its neighbours, even after interval_s was changed. */
  #openAt(timeMs: number): OpenInterval {
    const { open, closedToMs } = this.#state;
    let index = open.length;
    while (index > 0 && open[index - 1]!.fromMs > timeMs) index -= 1;
    const before = open[index - 1];
    if (before !== undefined && timeMs < before.toMs) return before;
    const alignedMs = Math.floor(timeMs / this.#intervalMs) * this.#intervalMs;
    const made = this.#empty(
      Math.max(alignedMs, before?.toMs ?? closedToMs),
      Math.min(alignedMs + this.#intervalMs, open[index]?.fromMs ?? Number.POSITIVE_INFINITY),
    );
    open.splice(index, 0, made);
    return made;
  }

  #empty(fromMs: number, toMs: number): OpenInterval {
    const { lines, zones } = this.#state;
    const zeros = () => lines.map(() => 0);
    return {
      fromMs,
      toMs,
      in: zeros(),
      out: zeros(),
      netIn: zeros(),
      netOut: zeros(),
      chains: zeros(),
      zones: zones.map(() => emptyZoneTally()),
      samples: 0,
      frames: emptyFrames(),
      flags: 0,
    };
  }
}

/** Whatever happened in `other` happened in `interval`, but for the samples: they would make up for those that are missing. */
function takeIn(interval: OpenInterval, other: OpenInterval): void {
  for (const measure of COUNTS) {
    for (const [index, count] of other[measure].entries()) interval[measure][index]! += count;
  }
  for (const [index, tally] of other.zones.entries()) addTally(interval.zones[index]!, tally);
  addFrameTally(interval.frames, other.frames);
  interval.flags |= other.flags;
  if (other.unsyncedUptimeS !== undefined) interval.unsyncedUptimeS ??= other.unsyncedUptimeS;
}

/** The worst of what happened, in one word. */
function qualityOf(flags: number, samples: number, expected: number): Quality {
  if (flags & IntervalFlag.cameraLost) return 'camera_lost';
  if (flags & IntervalFlag.paused) return 'paused';
  return flags !== 0 || samples < COVERAGE_MIN * expected ? 'degraded' : 'ok';
}
