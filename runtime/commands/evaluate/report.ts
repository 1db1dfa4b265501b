/**
 * Report: the parts of text and JSON that clips and scenes share. Text is for people: what it means stands beside the
 * number; JSON has the same in full digits, snake_case, and null where there is no number.
 */
import type { Equivalence, Verdict } from '../statistics.ts';
import { MATCH_S, WAYS, type Way } from './match.ts';
import type { Band, Rates, Score } from './score.ts';
import { percent, signedPercent, table } from './table.ts';

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  equivalent: 'equivalent',
  not_equivalent: 'not equivalent',
  undecided: 'undecided',
};

/** `4 to 6`, `11 or more`. */
export function bandName({ from, to }: Pick<Band, 'from' | 'to'>): string {
  return to === Infinity ? `${from} or more` : `${from} to ${to}`;
}

/** One direction's verdict as a sentence that says what may be concluded from it. */
export function verdictSentence(way: Way, result: Equivalence): string {
  const { verdict, intervalShare, marginShare, moreNeeded } = result;
  const margin = percent(marginShare, 0);
  if (intervalShare === null) return `${way}: undecided, because nobody passed.`;
  const [low, high] = intervalShare.map((share) => signedPercent(share));
  const range = `the count is off by ${low} to ${high} (90 % interval)`;
  if (verdict === 'equivalent') return `${way}: equivalent: ${range}, inside ±${margin}.`;
  if (verdict === 'not_equivalent') return `${way}: not equivalent: ${range}, wholly beyond ±${margin}.`;
  const more =
    moreNeeded === null
      ? 'more people will hardly decide it: the bias lies at the margin itself'
      : `about ${moreNeeded} more true crossings would decide it at the error rate seen`;
  return `${way}: undecided: ${range}, neither inside ±${margin} nor beyond; ${more}.`;
}

/** A sentence for every verdict there can be; stands below the sentences of the directions. */
export const VERDICT_MEANING =
  'Equivalent means: a bias beyond the margin is excluded with 95 % confidence; undecided is no fault, only too few people.';

function ratesCells({ trueCount, countedCount, matchedCount, ...rates }: Rates): string[] {
  return [
    ...[trueCount, countedCount, matchedCount].map(String),
    percent(rates.precision),
    percent(rates.precisionLower),
    percent(rates.recall),
    percent(rates.recallLower),
  ];
}
const RATES_HEADER = ['true', 'counted', 'matched', 'precision', 'at least', 'recall', 'at least'];

/** A table of rates, one row a name. */
export function ratesTable(title: string, rows: readonly (readonly [name: string, rates: Rates])[]): string {
  return table([[title, ...RATES_HEADER], ...rows.map(([name, rates]) => [name, ...ratesCells(rates)])]);
}

/** Everything over all entrances: directions with verdicts, intervals, density. Ends without a line break. */
export function scoreText({ directions, intervals, density }: Score, densityOf: 'tracks' | 'people'): string {
  const rows = WAYS.map((way) => {
    const { equivalence, ...rates } = directions[way];
    return [
      way,
      ...ratesCells(rates),
      percent(rates.f1),
      signedPercent(equivalence.biasShare),
      VERDICT_WORDS[equivalence.verdict],
    ];
  });
  const parts = [
    table([
      ['direction', ...RATES_HEADER, 'F1', 'bias', `within ±${percent(directions.in.equivalence.marginShare, 0)}`],
      ...rows,
    ]),
    [...WAYS.map((way) => verdictSentence(way, directions[way].equivalence)), VERDICT_MEANING].join('\n'),
  ];
  if (intervals.length > 0) {
    const header = ['error per interval', 'intervals', 'true on average', 'off by', 'share'];
    const errors = intervals.map((row) => [
      `${row.direction}, ${row.lengthS} s`,
      String(row.intervalCount),
      row.trueMean.toFixed(2),
      row.absoluteErrorMean.toFixed(2),
      percent(row.share),
    ]);
    parts.push(table([header, ...errors]));
  }
  if (density.length > 0) {
    const bands = density.map((band) => [bandName(band), band.rates] as const);
    parts.push(ratesTable(`${densityOf} in view`, bands));
  }
  parts.push(
    'at least: exact lower bound, 95 % confidence. Off by: mean of |counted - true|, so that errors do not cancel.',
  );
  return parts.join('\n\n');
}

export function ratesJson(rates: Rates) {
  return {
    true: rates.trueCount,
    counted: rates.countedCount,
    matched: rates.matchedCount,
    precision: rates.precision,
    precision_lower: rates.precisionLower,
    recall: rates.recall,
    recall_lower: rates.recallLower,
    f1: rates.f1,
  };
}

export function equivalenceJson(result: Equivalence) {
  return {
    verdict: result.verdict,
    margin: result.marginShare,
    alpha: result.alpha,
    bias: result.biasShare,
    standard_error: result.standardErrorShare,
    interval_90: result.intervalShare,
    p_too_few: result.pTooFew,
    p_too_many: result.pTooMany,
    missed: result.missedCount,
    doubled: result.doubledCount,
    more_needed: result.moreNeeded,
  };
}

/** The same as scoreText, for programs. */
export function scoreJson({ directions, intervals, density }: Score) {
  const direction = (way: Way) => {
    const { equivalence, ...rates } = directions[way];
    return { ...ratesJson(rates), equivalence: equivalenceJson(equivalence) };
  };
  return {
    match_s: MATCH_S,
    directions: { in: direction('in'), out: direction('out') },
    intervals: intervals.map((row) => ({
      direction: row.direction,
      length_s: row.lengthS,
      intervals: row.intervalCount,
      true_mean: row.trueMean,
      absolute_error_mean: row.absoluteErrorMean,
      share: row.share,
    })),
    density: density.map(({ from, to, rates }) => ({ from, to: to === Infinity ? null : to, ...ratesJson(rates) })),
  };
}
