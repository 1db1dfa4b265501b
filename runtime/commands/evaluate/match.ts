/**
 * Matching: which counted event is which true one. The same rule for clips, scenes and people who count by hand.
 * As many as possible within MATCH_S, and among those the nearest (pairing.ts).
 */
import { nearestPairs, type Pair } from '../pairing.ts';

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
export function pairTimes(a: readonly number[], b: readonly number[], withinS = MATCH_S): Pair[] {
  const [sortedA, sortedB] = [inOrder(a), inOrder(b)];
  const times = (places: readonly number[], list: readonly number[]) => places.map((place) => list[place]!);
  const pairs = nearestPairs(times(sortedA, a), times(sortedB, b), withinS + ROUNDING_S);
  return pairs.map(([i, j]) => [sortedA[i]!, sortedB[j]!]);
}

/** Places of the times, the earliest first. */
function inOrder(times: readonly number[]): number[] {
  return times.map((_, place) => place).sort((one, other) => times[one]! - times[other]!);
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
