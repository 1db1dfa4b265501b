/**
 * Score: what the counted events of some entrances are worth against the true ones: per direction, per interval, by density.
 * Directions are never pooled for a verdict: too many in and too many out would look like an honest balance.
 * A sequence is one line of one clip or scene; nothing here knows where it comes from.
 */
import { type Equivalence, equivalence, lowerBound } from '../statistics.ts';
import { pairTimes, WAYS, type Way } from './match.ts';

export type PassedEvent = {
  /** Seconds from the beginning. */
  readonly atS: number;
  readonly direction: Way;
  /** People, or tracks where the truth does not know the people, in view at that moment. */
  readonly peopleInView: number;
};

export type Sequence = {
  readonly name: string;
  readonly durationS: number;
  readonly truth: readonly PassedEvent[];
  readonly counted: readonly PassedEvent[];
};

/** Shares are 0..1, null where nothing was there to be found (recall) or nothing was counted (precision). */
export type Rates = {
  readonly trueCount: number;
  readonly countedCount: number;
  readonly matchedCount: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** One-sided exact bounds of 95 % confidence. */
  readonly precisionLower: number | null;
  readonly recallLower: number | null;
};

/** How far the numbers of an interval are off. Somebody at the edge of two intervals is wrong in both. */
export type IntervalError = {
  readonly lengthS: number;
  readonly intervalCount: number;
  readonly trueMean: number;
  /** Mean of |counted − true|. */
  readonly absoluteErrorMean: number;
  /** absoluteErrorMean as a share of trueMean; null where nobody passed. */
  readonly share: number | null;
};

export type Band = { readonly from: number; readonly to: number; readonly rates: Rates };

export type Score = {
  readonly directions: Readonly<Record<Way, Rates & { readonly equivalence: Equivalence }>>;
  /** Lengths of which no sequence has one whole interval are left out. */
  readonly intervals: readonly (IntervalError & { readonly direction: Way })[];
  /** Bands with neither a true nor a counted event are left out. */
  readonly density: readonly Band[];
};

/** Publishing intervals of the product, as far as clips are long enough for them. */
const INTERVALS_S = [15, 60, 900];
const BANDS: readonly (readonly [number, number])[] = [
  [0, 1],
  [2, 3],
  [4, 6],
  [7, 10],
  [11, Infinity],
];

export function ratesOf(trueCount: number, countedCount: number, matchedCount: number): Rates {
  const precision = countedCount === 0 ? null : matchedCount / countedCount;
  const recall = trueCount === 0 ? null : matchedCount / trueCount;
  return {
    trueCount,
    countedCount,
    matchedCount,
    precision,
    recall,
    f1: matchedCount === 0 ? null : (2 * matchedCount) / (trueCount + countedCount),
    precisionLower: countedCount === 0 ? null : lowerBound(matchedCount, countedCount),
    recallLower: trueCount === 0 ? null : lowerBound(matchedCount, trueCount),
  };
}

type Matched = { readonly truth: ReadonlySet<PassedEvent>; readonly counted: ReadonlySet<PassedEvent> };

const goingThe = (way: Way, events: readonly PassedEvent[]) => events.filter(({ direction }) => direction === way);

function match(sequence: Sequence, way: Way): Matched {
  const truth = goingThe(way, sequence.truth);
  const counted = goingThe(way, sequence.counted);
  const pairs = pairTimes(
    truth.map(({ atS }) => atS),
    counted.map(({ atS }) => atS),
  );
  return { truth: new Set(pairs.map(([i]) => truth[i]!)), counted: new Set(pairs.map(([, j]) => counted[j]!)) };
}

/** One sequence, one direction. */
export function scoreSequence(sequence: Sequence, way: Way): Rates {
  const { truth, counted } = sequence;
  return ratesOf(goingThe(way, truth).length, goingThe(way, counted).length, match(sequence, way).truth.size);
}

/** What went wrong in one sequence and direction, event by event. */
export function errorsOf(sequence: Sequence, way: Way) {
  const matched = match(sequence, way);
  return {
    missed: goingThe(way, sequence.truth).filter((event) => !matched.truth.has(event)),
    doubled: goingThe(way, sequence.counted).filter((event) => !matched.counted.has(event)),
  };
}

export function score(sequences: readonly Sequence[]): Score {
  const matches = sequences.map((sequence) => ({ in: match(sequence, 'in'), out: match(sequence, 'out') }));
  const direction = (way: Way) => {
    const trueCount = sequences.reduce((sum, { truth }) => sum + goingThe(way, truth).length, 0);
    const countedCount = sequences.reduce((sum, { counted }) => sum + goingThe(way, counted).length, 0);
    const matchedCount = matches.reduce((sum, matched) => sum + matched[way].truth.size, 0);
    return {
      ...ratesOf(trueCount, countedCount, matchedCount),
      equivalence: equivalence(trueCount, countedCount, matchedCount),
    };
  };
  return {
    directions: { in: direction('in'), out: direction('out') },
    intervals: WAYS.flatMap((way) =>
      INTERVALS_S.flatMap((lengthS) => {
        const error = intervalError(sequences, way, lengthS);
        return error === null ? [] : [{ direction: way, ...error }];
      }),
    ),
    density: densityOf(sequences, matches),
  };
}

/** Over the whole intervals of all sequences; what is left at a sequence's end is not looked at. Null: there is none. */
function intervalError(sequences: readonly Sequence[], way: Way, lengthS: number): IntervalError | null {
  let intervalCount = 0;
  let trueSum = 0;
  let errorSum = 0;
  for (const { durationS, truth, counted } of sequences) {
    const wholeCount = Math.floor(durationS / lengthS + 1e-9);
    const surplus = new Int32Array(wholeCount);
    const add = (events: readonly PassedEvent[], sign: number) => {
      for (const { atS } of goingThe(way, events)) {
        const interval = Math.floor(atS / lengthS);
        if (interval >= wholeCount) continue;
        surplus[interval]! += sign;
        if (sign < 0) trueSum += 1;
      }
    };
    add(counted, 1);
    add(truth, -1);
    intervalCount += wholeCount;
    for (const difference of surplus) errorSum += Math.abs(difference);
  }
  if (intervalCount === 0) return null;
  return {
    lengthS,
    intervalCount,
    trueMean: trueSum / intervalCount,
    absoluteErrorMean: errorSum / intervalCount,
    share: trueSum === 0 ? null : errorSum / trueSum,
  };
}

/** A pair belongs where its true event is, so that it is one success of both precision and recall. */
function densityOf(sequences: readonly Sequence[], matches: readonly Readonly<Record<Way, Matched>>[]): Band[] {
  return BANDS.flatMap(([from, to]) => {
    const countWithin = (events: Iterable<PassedEvent>) =>
      [...events].filter(({ peopleInView }) => peopleInView >= from && peopleInView <= to).length;
    let [trueCount, matchedCount, doubledCount] = [0, 0, 0];
    sequences.forEach(({ truth, counted }, i) => {
      const matched = matches[i]!;
      trueCount += countWithin(truth);
      doubledCount += countWithin(counted.filter((event) => !matched[event.direction].counted.has(event)));
      for (const way of WAYS) matchedCount += countWithin(matched[way].truth);
    });
    if (trueCount === 0 && doubledCount === 0) return [];
    return [{ from, to, rates: ratesOf(trueCount, matchedCount + doubledCount, matchedCount) }];
  });
}
