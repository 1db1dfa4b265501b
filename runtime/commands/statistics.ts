/**
 * Statistics of counting: is a count equivalent to the truth, how sure is a share, how many more people are needed.
 * The anchor is VDV 457 (acceptance of passenger counters), which asks for equivalence: not "no difference was found", which
 * ten people always reach, but "a difference beyond the margin is excluded" (Siebert and Ellenberger, Validation of automatic
 * passenger counting, Transportation 47, 2020). They test the mean difference per door stop with Student's t. Here every event
 * is known one by one, so the spread follows from the errors themselves: a missed and a doubled crossing are rare and
 * independent, each a Poisson count whose variance is its mean, and the variance of counted − true is missed + doubled.
 * What would make it wrong: errors that come in bursts (a bus load of twins), which widen the truth beyond this formula.
 * A counted event more than a second away is one missed and one doubled: its two errors cancel in the count, so the test is
 * a little too strict there. Nothing here reads files or keeps state.
 * No package: the two distributions are ten lines each and held against SciPy; @stdlib's beta quantile is a tree of packages.
 */

/** The equivalence region: 98 % right is what stores ask for. */
export const MARGIN_SHARE_DEFAULT = 0.02;
const ALPHA_DEFAULT = 0.05;
/** Chance of a verdict once the people asked for have passed. */
const POWER = 0.9;
/** Beyond this many crossings "more are needed" is no advice any more. */
const NEEDED_COUNT_MAX = 1e6;
const BISECTIONS = 60;

export type Verdict = 'equivalent' | 'not_equivalent' | 'undecided';

export type Equivalence = {
  readonly trueCount: number;
  readonly countedCount: number;
  readonly missedCount: number;
  readonly doubledCount: number;
  readonly marginShare: number;
  readonly alpha: number;
  /** (counted − true) / true; null when nobody passed, as the next four. */
  readonly biasShare: number | null;
  readonly standardErrorShare: number | null;
  /** 1 − 2 alpha of confidence, so 90 %: inside ±margin exactly when both one-sided tests pass. */
  readonly intervalShare: readonly [number, number] | null;
  /** Of the hypotheses "counts too few by the margin or more" and "too many": both at most alpha means equivalent. */
  readonly pTooFew: number | null;
  readonly pTooMany: number | null;
  /** not_equivalent: the interval lies wholly beyond the margin. */
  readonly verdict: Verdict;
  /** True crossings still needed for a verdict, with a chance of 90 %, at the error rate seen. 0 once there is a verdict;
   *  null where no number can be told (nobody passed yet, or the bias lies on the margin itself). */
  readonly moreNeeded: number | null;
};

/**
 * Two one-sided tests (TOST) of the relative bias of the count of one direction.
 * Standard error: sqrt(missed + doubled + 3) / true. The 3 is −ln(alpha), the upper bound of a Poisson mean of which
 * nothing was seen ("rule of three"): without it no error in ten people would prove everything.
 * matchedCount: events that are in both lists, at most either count.
 */
export function equivalence(
  trueCount: number,
  countedCount: number,
  matchedCount: number,
  marginShare = MARGIN_SHARE_DEFAULT,
  alpha = ALPHA_DEFAULT,
): Equivalence {
  const missedCount = trueCount - matchedCount;
  const doubledCount = countedCount - matchedCount;
  if (!(matchedCount >= 0 && missedCount >= 0 && doubledCount >= 0))
    throw new RangeError(`${matchedCount} events match of ${trueCount} true and ${countedCount} counted ones`);
  const common = { trueCount, countedCount, missedCount, doubledCount, marginShare, alpha };
  if (trueCount === 0) {
    const none = { biasShare: null, standardErrorShare: null, intervalShare: null, pTooFew: null, pTooMany: null };
    return { ...common, ...none, verdict: 'undecided', moreNeeded: null };
  }
  const biasShare = (countedCount - trueCount) / trueCount;
  const variance = missedCount + doubledCount - Math.log(alpha);
  const standardErrorShare = Math.sqrt(variance) / trueCount;
  const reach = normalQuantile(1 - alpha) * standardErrorShare;
  const intervalShare = [biasShare - reach, biasShare + reach] as const;
  const verdict = verdictOf(intervalShare, marginShare);
  return {
    ...common,
    biasShare,
    standardErrorShare,
    intervalShare,
    pTooFew: normalCdf(-(biasShare + marginShare) / standardErrorShare),
    pTooMany: normalCdf((biasShare - marginShare) / standardErrorShare),
    verdict,
    moreNeeded: verdict === 'undecided' ? moreNeeded(trueCount, biasShare, variance, marginShare, alpha) : 0,
  };
}

function verdictOf([low, high]: readonly [number, number], marginShare: number): Verdict {
  if (low >= -marginShare && high <= marginShare) return 'equivalent';
  if (low > marginShare || high < -marginShare) return 'not_equivalent';
  return 'undecided';
}

/**
 * As long as fewer have passed than a counter without bias would need, that number is the goal: the bias seen in a few
 * people is mostly chance. Whoever is undecided beyond it has a bias, and then it is taken as seen.
 */
function moreNeeded(
  trueCount: number,
  biasShare: number,
  variance: number,
  marginShare: number,
  alpha: number,
): number | null {
  const errorRate = variance / trueCount;
  const fair = crossingsNeeded(errorRate, marginShare, { alpha });
  if (fair > trueCount) return fair > NEEDED_COUNT_MAX ? null : fair - trueCount;
  const biased = crossingsNeeded(errorRate, marginShare, { alpha, biasShare });
  return biased > NEEDED_COUNT_MAX ? null : Math.max(1, biased - trueCount);
}

/**
 * Smallest number of true crossings with which a counter of this error rate (missed and doubled per true crossing) and
 * this true bias gets a verdict, either way, with probability `power`. For no bias it is
 * errorRate · (z(1 − alpha) + z((1 + power) / 2))² / margin². Infinity when the bias is the margin.
 */
export function crossingsNeeded(
  errorRate: number,
  marginShare: number,
  { alpha = ALPHA_DEFAULT, power = POWER, biasShare = 0 } = {},
): number {
  const z = normalQuantile(1 - alpha);
  const chanceOfVerdict = (count: number) => {
    const spread = Math.sqrt(errorRate / count);
    const above = (marginShare - biasShare) / spread;
    const below = (marginShare + biasShare) / spread;
    const equivalent = Math.max(0, normalCdf(above - z) + normalCdf(below - z) - 1);
    return equivalent + normalCdf(-above - z) + normalCdf(-below - z);
  };
  let enough = 1;
  while (chanceOfVerdict(enough) < power) {
    enough *= 2;
    if (enough > 2 ** 40) return Infinity;
  }
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (chanceOfVerdict(middle) < power) tooFew = middle;
    else enough = middle;
  }
  return enough;
}

/**
 * One-sided exact lower bound of a share (Clopper and Pearson 1934): the smallest share under which `successes` or more
 * of n are not rarer than 1 − confidence. 0..1; 0 when nothing was tried.
 */
export function lowerBound(successes: number, n: number, confidence = 0.95): number {
  if (!(successes >= 0 && successes <= n)) throw new RangeError(`${successes} successes of ${n}`);
  if (successes === 0) return 0;
  // The bound is below successes / n, where the first term of the tail is its largest: nothing overflows or is lost.
  let low = 0;
  let high = successes / n;
  for (let i = 0; i < BISECTIONS; i += 1) {
    const middle = (low + high) / 2;
    if (binomialTail(successes, n, middle) < 1 - confidence) low = middle;
    else high = middle;
  }
  return low;
}

/** Probability of `successes` or more of n at this share; share below successes / n. */
function binomialTail(successes: number, n: number, share: number): number {
  let logTerm = successes * Math.log(share) + (n - successes) * Math.log1p(-share);
  for (let i = 1; i <= n - successes; i += 1) logTerm += Math.log((successes + i) / i);
  const odds = share / (1 - share);
  let term = Math.exp(logTerm);
  let sum = term;
  for (let i = successes; i < n && term > sum * 1e-17; i += 1) {
    term *= ((n - i) / (i + 1)) * odds;
    sum += term;
  }
  return sum;
}

/** Probability that a standard normal variable is below z, to 1e-15: the series of Marsaglia (2004), J. Stat. Software 11/4. */
export function normalCdf(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let term = z;
  let sum = z;
  for (let i = 3, before = 0; sum !== before; i += 2) {
    before = sum;
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI));
}

/** The z with normalCdf(z) = probability; between −8 and 8. */
export function normalQuantile(probability: number): number {
  let low = -8;
  let high = 8;
  for (let i = 0; i < BISECTIONS; i += 1) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
