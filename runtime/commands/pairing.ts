/**
 * Pairing: which moment of one list belongs to which of another, one to one. Used wherever a count is held against people.
 * Of all pairings within a distance it takes one with the most pairs, and of these one with the least sum of distances.
 * Taking the nearest pair first is simpler, but two people close behind each other can then leave one without a partner.
 * Memory: one byte for each pair of moments of the longest stretch without a pause: 5,000 of both are 25 MB for a moment.
 */

/** Places in the two lists. */
export type Pair = readonly [indexA: number, indexB: number];

/** Most pairs, then least distance. Both lists ascending. Cut where nothing reaches across, to keep the tables small. */
export function nearestPairs(a: readonly number[], b: readonly number[], within: number): Pair[] {
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [fromI, fromJ] = [i, j];
    let reach = Math.min(a[i]!, b[j]!) + within;
    for (;;) {
      if (i < a.length && a[i]! <= reach) reach = Math.max(reach, a[i++]! + within);
      else if (j < b.length && b[j]! <= reach) reach = Math.max(reach, b[j++]! + within);
      else break;
    }
    for (const [k, l] of pairStretch(a.slice(fromI, i), b.slice(fromJ, j), within)) pairs.push([fromI + k, fromJ + l]);
  }
  return pairs;
}

const Step = { none: 0, skipA: 1, skipB: 2, pair: 3 } as const;

/**
 * Alignment by dynamic programming, as in Needleman and Wunsch (1970): on a line the best pairs never cross each other.
 * A pair is worth more than all distances together, so the number of pairs comes first.
 */
function pairStretch(a: readonly number[], b: readonly number[], within: number): Pair[] {
  const width = b.length + 1;
  const pairWorth = (Math.min(a.length, b.length) + 1) * within + 1;
  const steps = new Uint8Array((a.length + 1) * width);
  let above = new Float64Array(width);
  for (let i = 1; i <= a.length; i++) {
    const row = new Float64Array(width);
    for (let j = 1; j < width; j++) {
      let value = above[j]!;
      let step: number = Step.skipA;
      if (row[j - 1]! > value) {
        value = row[j - 1]!;
        step = Step.skipB;
      }
      const distance = Math.abs(a[i - 1]! - b[j - 1]!);
      const paired = above[j - 1]! + pairWorth - distance;
      if (distance <= within && paired > value) {
        value = paired;
        step = Step.pair;
      }
      row[j] = value;
      steps[i * width + j] = step;
    }
    above = row;
  }
  const pairs: Pair[] = [];
  for (let i = a.length, j = b.length; i > 0 && j > 0; ) {
    const step = steps[i * width + j]!;
    if (step === Step.pair) pairs.push([i - 1, j - 1]);
    if (step !== Step.skipB) i -= 1;
    if (step !== Step.skipA) j -= 1;
  }
  return pairs.reverse();
}
