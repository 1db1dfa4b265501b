/**
 * Net: who really came in or went out. A person of the scene who crosses in and out again while in view has a balance of
 * nothing; anybody else is one net event for each crossing that is left, when they leave the view.
 * The product's net events carry no person. They are paired with the true ones by time and direction; what is left over of
 * them is blamed on the turn-back nearest in time, if there is one, because that is what a wrongly netted one leaves behind.
 */
import { pairTimes, WAYS, type Way } from './match.ts';
import { type Rates, ratesOf } from './score.ts';

/** A track ends some seconds after the person was last seen: it might have been hidden. */
const NET_MATCH_S = 5;

export type NetEvent = { readonly atS: number; readonly direction: Way };

/** One person and one line. */
export type PersonVisit = {
  /** Crossings in less crossings out. */
  readonly balance: number;
  readonly crossingCount: number;
  /** When the person was last in view. */
  readonly lastSeenAtS: number;
};

export type NetScore = {
  readonly directions: Readonly<Record<Way, Rates>>;
  /** People who crossed and whose crossings cancel. */
  readonly turnBackCount: number;
  readonly turnBackRightCount: number;
};

export type NetSequence = { readonly visits: readonly PersonVisit[]; readonly net: readonly NetEvent[] };

export function scoreNet(sequences: readonly NetSequence[]): NetScore {
  const tallies = { in: [0, 0, 0], out: [0, 0, 0] };
  let turnBackCount = 0;
  let turnBackRightCount = 0;
  for (const { visits, net } of sequences) {
    const leftOverAtS: number[] = [];
    for (const way of WAYS) {
      const trueAtS = visits.flatMap(({ balance, lastSeenAtS }) =>
        Array.from({ length: Math.max(0, way === 'in' ? balance : -balance) }, () => lastSeenAtS),
      );
      const countedAtS = net.flatMap(({ atS, direction }) => (direction === way ? [atS] : []));
      const pairs = pairTimes(trueAtS, countedAtS, NET_MATCH_S);
      const paired = new Set(pairs.map(([, counted]) => counted));
      leftOverAtS.push(...countedAtS.filter((_, place) => !paired.has(place)));
      const tally = tallies[way];
      tally[0]! += trueAtS.length;
      tally[1]! += countedAtS.length;
      tally[2]! += pairs.length;
    }
    const turnBacks = visits.filter(({ balance }) => balance === 0);
    const wrongCount = pairTimes(
      turnBacks.map(({ lastSeenAtS }) => lastSeenAtS),
      leftOverAtS,
      NET_MATCH_S,
    ).length;
    turnBackCount += turnBacks.length;
    turnBackRightCount += turnBacks.length - wrongCount;
  }
  const rates = ([trueCount = 0, countedCount = 0, matchedCount = 0]: readonly number[]) =>
    ratesOf(trueCount, countedCount, matchedCount);
  return { directions: { in: rates(tallies.in), out: rates(tallies.out) }, turnBackCount, turnBackRightCount };
}
