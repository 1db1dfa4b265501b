/**
 * Matching: which press and which count are the same crossing. Both are moments on one time line, per direction.
 * A person presses about as late as ever, and the device's totals come up to a second after the crossing, so all
 * differences share a constant part, the lag. It is taken out first: the shift within ±LAG_MS_MAX with which most events
 * find a partner (then the nearest ones), made exact as the median of the differences over those pairs.
 * Pairs are one to one, at most the window apart, as many as possible, and among those the nearest (pairing.ts).
 */

import { nearestPairs, type Pair } from '../pairing.ts';

export type Direction = 'in' | 'out';
export const DIRECTIONS: readonly Direction[] = ['in', 'out'];

/** Milliseconds since the begin of the session, and which way. */
export type Moment = readonly [tMs: number, direction: Direction];

/** Nobody presses later than this all the time; a device further away than this is counting something else. */
const LAG_MS_MAX = 5000;
const LAG_STEP_MS = 100;
/** With fewer pairs the best shift is chance; then nothing is taken out. */
const LAG_PAIRS_MIN = 5;

export type Matched = {
  /** Median of count − press over the pairs, whole ms; 0 when there are too few to tell. */
  readonly lagMs: number;
  /** In order of time, in before out. */
  readonly pairs: readonly Pair[];
};

/** presses and counts: each in order of time. */
export function matchMoments(presses: readonly Moment[], counts: readonly Moment[], windowMs: number): Matched {
  const sides = DIRECTIONS.map((direction) => ({
    presses: timesOf(presses, direction),
    counts: timesOf(counts, direction),
  }));
  const roughMs = roughLag(sides, windowMs);
  const differences = pairsAt(sides, roughMs, windowMs).map(([i, j]) => counts[j]![0] - presses[i]![0]);
  if (differences.length < LAG_PAIRS_MIN) return { lagMs: 0, pairs: pairsAt(sides, 0, windowMs) };
  const lagMs = Math.round(median(differences));
  return { lagMs, pairs: pairsAt(sides, lagMs, windowMs) };
}

type Times = { readonly indices: readonly number[]; readonly ms: readonly number[] };
type Side = { readonly presses: Times; readonly counts: Times };

function timesOf(moments: readonly Moment[], direction: Direction): Times {
  const indices = moments.flatMap((moment, index) => (moment[1] === direction ? [index] : []));
  return { indices, ms: indices.map((index) => moments[index]![0]) };
}

function pairsAt(sides: readonly Side[], lagMs: number, windowMs: number): Pair[] {
  return sides.flatMap(({ presses, counts }) =>
    nearestPairs(
      presses.ms,
      counts.ms.map((ms) => ms - lagMs),
      windowMs,
    ).map(([i, j]) => [presses.indices[i]!, counts.indices[j]!] as const),
  );
}

/** The shift of the grid with most pairs, then the nearest pairs, then the smallest shift. */
function roughLag(sides: readonly Side[], windowMs: number): number {
  let best = { lagMs: 0, pairCount: -1, distanceMs: 0 };
  for (let step = 0; step <= LAG_MS_MAX / LAG_STEP_MS; step++) {
    for (const lagMs of step === 0 ? [0] : [step * LAG_STEP_MS, -step * LAG_STEP_MS]) {
      let [pairCount, distanceMs] = [0, 0];
      for (const { presses, counts } of sides) {
        const found = countInOrder(presses.ms, counts.ms, lagMs, windowMs);
        pairCount += found.pairCount;
        distanceMs += found.distanceMs;
      }
      const isBetter = pairCount > best.pairCount || (pairCount === best.pairCount && distanceMs < best.distanceMs);
      if (isBetter) best = { lagMs, pairCount, distanceMs };
    }
  }
  return best.lagMs;
}

/**
 * How many pairs there can be: first with first is as many as any other way of pairing when every event reaches equally
 * far. Its distances are not the least ones, but good enough to choose a shift by.
 */
function countInOrder(
  presses: readonly number[],
  counts: readonly number[],
  lagMs: number,
  windowMs: number,
): { pairCount: number; distanceMs: number } {
  let [i, j, pairCount, distanceMs] = [0, 0, 0, 0];
  while (i < presses.length && j < counts.length) {
    const differenceMs = counts[j]! - lagMs - presses[i]!;
    if (Math.abs(differenceMs) <= windowMs) {
      pairCount += 1;
      distanceMs += Math.abs(differenceMs);
      i += 1;
      j += 1;
    } else if (differenceMs > 0) i += 1;
    else j += 1;
  }
  return { pairCount, distanceMs };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
