/**
 * Matching: which counted event is which true one. The same rule for clips, scenes and people who count by hand.
 * Of all one-to-one pairings within MATCH_S it takes one with the most pairs, and of these one with the smallest sum of gaps.
 * Taking the nearest pair first is simpler, but two people close behind each other can then leave one without a partner.
 * Memory: (true × counted) cells of the longest stretch of events without a pause of more than MATCH_S.
 */

/** Hand counts are good to about half a second, a body takes another half to cross a line. */
export const MATCH_S = 1;

export type Way = 'in' | 'out';
export const WAYS: readonly Way[] = ['in', 'out'];

/** A time that was stored in decimals may be off by the last digit of a double. */
const ROUNDING_S = 1e-9;

/**
 * Pairs [place in a, place in b] of times (seconds, in any order) that are at most withinS apart, each place at most once.
 * How many there are does not depend on which list is a.
 */
export function pairTimes(
  a: readonly number[],
  b: readonly number[],
  withinS = MATCH_S,
): (readonly [number, number])[] {
  const all = [
    ...a.map((atS, place) => ({ atS, place, isA: true })),
    ...b.map((atS, place) => ({ atS, place, isA: false })),
  ];
  all.sort((one, other) => one.atS - other.atS);
  const pairs: (readonly [number, number])[] = [];
  // Events that are further than withinS from the next one cannot be paired over the pause.
  for (let from = 0, until = 1; from < all.length; from = until, until += 1) {
    while (until < all.length && all[until]!.atS - all[until - 1]!.atS <= withinS + ROUNDING_S) until += 1;
    const stretch = all.slice(from, until);
    const inA = stretch.filter(({ isA }) => isA);
    const inB = stretch.filter(({ isA }) => !isA);
    for (const [i, j] of pairStretch(
      inA.map(({ atS }) => atS),
      inB.map(({ atS }) => atS),
      withinS,
    ))
      pairs.push([inA[i]!.place, inB[j]!.place]);
  }
  return pairs;
}

/**
 * a and b rise. On a line an optimal pairing never needs to cross over, so best[i][j], the best of the events from i and
 * from j on, follows from skipping one of the two or pairing them.
 */
function pairStretch(a: readonly number[], b: readonly number[], withinS: number): [number, number][] {
  if (a.length === 0 || b.length === 0) return [];
  const width = b.length + 1;
  const pairCount = new Int32Array((a.length + 1) * width);
  const gapS = new Float64Array((a.length + 1) * width);
  const isBetter = (count: number, gap: number, than: number) =>
    count > pairCount[than]! || (count === pairCount[than]! && gap < gapS[than]!);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const cell = i * width + j;
      const [skipA, skipB, both] = [cell + width, cell + 1, cell + width + 1];
      const skip = isBetter(pairCount[skipA]!, gapS[skipA]!, skipB) ? skipA : skipB;
      pairCount[cell] = pairCount[skip]!;
      gapS[cell] = gapS[skip]!;
      const gap = Math.abs(a[i]! - b[j]!);
      if (gap > withinS + ROUNDING_S || !isBetter(pairCount[both]! + 1, gapS[both]! + gap, cell)) continue;
      pairCount[cell] = pairCount[both]! + 1;
      gapS[cell] = gapS[both]! + gap;
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const cell = i * width + j;
    const isSame = (other: number) => pairCount[cell] === pairCount[other] && gapS[cell] === gapS[other];
    if (isSame(cell + width)) i += 1;
    else if (isSame(cell + 1)) j += 1;
    else {
      pairs.push([i, j]);
      i += 1;
      j += 1;
    }
  }
  return pairs;
}

/** How many events are in both lists: same way, within MATCH_S, one to one. */
export function matchEvents(
  truth: readonly { readonly t: number; readonly dir: string }[],
  counted: readonly { readonly atS: number; readonly direction: Way }[],
): number {
  const timesOf = (way: Way) =>
    pairTimes(
      truth.flatMap(({ t, dir }) => (dir === way ? [t] : [])),
      counted.flatMap(({ atS, direction }) => (direction === way ? [atS] : [])),
    );
  return timesOf('in').length + timesOf('out').length;
}
