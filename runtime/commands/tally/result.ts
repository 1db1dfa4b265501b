/**
 * Result: what follows from the moments of a session, and from nothing else, so that whoever has the record can do the sum
 * again. Matching first, over everything; then what lies in a gap or within the window of one is left out, pair by pair:
 * a crossing that only one of the two could see says nothing about either.
 * A crossing is dated by its press; one that the device alone has by its count less the lag. At both ends of the session
 * a count without a press may belong to somebody who crossed before or after it: there, too, it is left out.
 * Shares are rounded to four decimals, so that two machines whose logarithms differ in the last bit agree.
 */
import { equivalence, lowerBound, type Verdict } from '../statistics.ts';
import { DIRECTIONS, type Direction, type Moment, matchMoments } from './match.ts';
import type { Gap } from './session.ts';

export type TallyEvents = {
  readonly presses: readonly Moment[];
  readonly counts: readonly Moment[];
  readonly gaps: readonly Gap[];
  /** Length of the session. */
  readonly durationMs: number;
};

export type TallyRules = {
  readonly windowMs: number;
  /** Such as 0.02. */
  readonly marginShare: number;
  readonly alpha: number;
};

/** As in the record: snake_case. */
export type DirectionResult = {
  /** Presses and counts that are compared. */
  readonly person: number;
  readonly device: number;
  readonly matched: number;
  /** Only the person: missed by the device, or pressed by mistake. */
  readonly missed: number;
  /** Only the device: counted twice or wrongly, or not pressed. */
  readonly extra: number;
  /** Left out: one of the two was not looking. */
  readonly unobserved: number;
  readonly unobserved_counts: number;
  /** matched / person, and what it is at least with 95 % confidence (Clopper and Pearson); null: nobody. */
  readonly recall: number | null;
  readonly recall_low: number | null;
  /** matched / device, likewise. */
  readonly precision: number | null;
  readonly precision_low: number | null;
  readonly verdict: Verdict;
  /** (device − person) / person, and its interval with 1 − 2 alpha of confidence. */
  readonly bias: number | null;
  readonly interval: readonly [number, number] | null;
  /** Crossings still needed for a verdict; null: no number can be told. */
  readonly more_needed: number | null;
};

export type Unmatched = readonly [tMs: number, direction: Direction, who: 'person' | 'device'];

export type TallyResult = {
  /** Device after person: median over the pairs. */
  readonly lag_ms: number;
  readonly in: DirectionResult;
  readonly out: DirectionResult;
  /** Without those left out, in order of time. */
  readonly unmatched: readonly Unmatched[];
};

const CONFIDENCE = 0.95;

type Item = { readonly tMs: number; readonly direction: Direction; readonly who: 'both' | 'person' | 'device' };

export function tallyResult(events: TallyEvents, rules: TallyRules): TallyResult {
  const { lagMs, items } = itemsOf(events, rules.windowMs);
  const isSeen = (item: Item) => !isLeftOut(item, events, rules.windowMs);
  const seen = items.filter(isSeen);
  const leftOut = items.filter((item) => !isSeen(item));
  const [resultIn, resultOut] = DIRECTIONS.map((direction) => {
    const of = (item: Item) => item.direction === direction;
    return directionResult(seen.filter(of), leftOut.filter(of), rules);
  });
  const unmatched = seen.flatMap(({ tMs, direction, who }): Unmatched[] =>
    who === 'both' ? [] : [[tMs, direction, who]],
  );
  return { lag_ms: lagMs, in: resultIn!, out: resultOut!, unmatched: unmatched.sort((a, b) => a[0] - b[0]) };
}

function itemsOf({ presses, counts }: TallyEvents, windowMs: number): { lagMs: number; items: Item[] } {
  const { lagMs, pairs } = matchMoments(presses, counts, windowMs);
  const pairedPresses = new Set(pairs.map(([press]) => press));
  const pairedCounts = new Set(pairs.map(([, count]) => count));
  const items: Item[] = presses.map(([tMs, direction], index) => ({
    tMs,
    direction,
    who: pairedPresses.has(index) ? 'both' : 'person',
  }));
  for (const [index, [tMs, direction]] of counts.entries())
    if (!pairedCounts.has(index)) items.push({ tMs: tMs - lagMs, direction, who: 'device' });
  return { lagMs, items };
}

function isLeftOut({ tMs, who }: Item, { gaps, durationMs }: TallyEvents, windowMs: number): boolean {
  if (gaps.some(([fromMs, toMs]) => tMs >= fromMs - windowMs && tMs <= toMs + windowMs)) return true;
  return who === 'device' && (tMs < windowMs || tMs > durationMs - windowMs);
}

function directionResult(seen: readonly Item[], leftOut: readonly Item[], rules: TallyRules): DirectionResult {
  const countOf = (items: readonly Item[], who: Item['who']) => items.filter((item) => item.who === who).length;
  const matched = countOf(seen, 'both');
  const missed = countOf(seen, 'person');
  const extra = countOf(seen, 'device');
  const [person, device] = [matched + missed, matched + extra];
  const { verdict, biasShare, intervalShare, moreNeeded } = equivalence(
    person,
    device,
    matched,
    rules.marginShare,
    rules.alpha,
  );
  const [low, high] = intervalShare ?? [];
  return {
    person,
    device,
    matched,
    missed,
    extra,
    unobserved: leftOut.length - countOf(leftOut, 'device'),
    unobserved_counts: leftOut.length - countOf(leftOut, 'person'),
    recall: shareOf(matched, person),
    recall_low: person === 0 ? null : rounded(lowerBound(matched, person, CONFIDENCE)),
    precision: shareOf(matched, device),
    precision_low: device === 0 ? null : rounded(lowerBound(matched, device, CONFIDENCE)),
    verdict,
    bias: biasShare === null ? null : rounded(biasShare),
    interval: low === undefined || high === undefined ? null : [rounded(low), rounded(high)],
    more_needed: moreNeeded,
  };
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : rounded(part / whole);
}

function rounded(share: number): number {
  // Adding 0 turns −0 into 0, which JSON does not know either.
  return Math.round(share * 1e4) / 1e4 + 0;
}
