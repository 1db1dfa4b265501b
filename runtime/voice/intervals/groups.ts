/**
 * Groups: how many parties came in, from the times of single people and nothing else.
 * People of one party come through a line within seconds of each other: entries less than CHAIN_GAP_MS apart make a
 * chain. In a busy door strangers chain as well, so chains are too few; the expected number of chance links is taken out:
 *   G = C · exp((G / T) · (3 + 1.4 · (n / G - 1)))       n people in C chains in T seconds, by fixed point
 * 3 s is the gap, 1.4 s the mean time that each further member of a party takes. Simulated with up to 1,000 parties an
 * hour the mean size of a party is right to 0.002 with it; without it is 0.05 to 2.8 people too large.
 * It needs a long period: summed over single minutes it is 8 % too high at 30 parties an hour and useless at 600, over
 * whole hours 1 % at 120 and 4 to 10 % at 300 to 600. So an hour is what is published.
 */

/** Gap between two entries from which on they are two parties. */
export const CHAIN_GAP_MS = 3000;
const CHAIN_GAP_S = CHAIN_GAP_MS / 1000;
const MEMBER_S = 1.4;
const ROUNDS_MAX = 100;
const PRECISION = 1e-6;

/**
 * Parties behind peopleCount people in chainCount chains within periodS seconds; between chainCount and peopleCount.
 * Where no number of parties explains so few chains (a door that never pauses), every person is one.
 */
export function estimateGroups(peopleCount: number, chainCount: number, periodS: number): number {
  if (chainCount === 0 || periodS <= 0) return chainCount;
  let groups = chainCount;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const linksExpected = (groups / periodS) * (CHAIN_GAP_S + MEMBER_S * (peopleCount / groups - 1));
    const next = Math.min(peopleCount, chainCount * Math.exp(linksExpected));
    if (Math.abs(next - groups) < PRECISION) return next;
    groups = next;
  }
  return groups;
}
