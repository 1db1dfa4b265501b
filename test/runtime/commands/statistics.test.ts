// Goal: a verdict on a count is neither given too early nor kept back too long, and a bound is a bound.
// Method: values of SciPy 1.17 and of the literature as literals; properties; verdicts on simulated counters of a known bias.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  crossingsNeeded,
  equivalence,
  lowerBound,
  normalCdf,
  normalQuantile,
} from '../../../runtime/commands/statistics.ts';

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

// from scipy.stats import beta, norm
// beta.ppf(1 - confidence, k, n - k + 1)
const BOUNDS: readonly (readonly [number, number, number, number])[] = [
  [98, 100, 0.95, 0.9383807996039593],
  [196, 200, 0.95, 0.9548195850052813],
  [294, 300, 0.95, 0.9609089413190415],
  [490, 500, 0.95, 0.9663117276688555],
  [980, 1000, 0.95, 0.9710698771486013],
  [58, 58, 0.95, 0.9496606616695799],
  [59, 59, 0.95, 0.9504923901117731],
  [298, 298, 0.95, 0.9899975675623223],
  [300, 300, 0.95, 0.9900639180555423],
  [7, 10, 0.95, 0.3933757838945877],
  [1, 3, 0.95, 0.016952427508441514],
  [9985, 10000, 0.99, 0.9973272815424298],
];

test('the lower bound of a share is that of Clopper and Pearson', () => {
  for (const [successes, n, confidence, expected] of BOUNDS)
    near(lowerBound(successes, n, confidence), expected, 1e-10);
  assert.is(lowerBound(0, 10), 0);
  assert.is(lowerBound(0, 0), 0);
});

test('a lower bound lies below the share, and rises with more of the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.nat({ max: 400 }), (successes, failures) => {
      const bound = lowerBound(successes, successes + failures);
      assert.ok(bound >= 0 && bound < successes / (successes + failures));
      assert.ok(lowerBound(2 * successes, 2 * (successes + failures)) > bound);
      assert.ok(lowerBound(successes, successes + failures, 0.99) < bound);
    }),
  );
});

test('more successes than trials are our own mistake', () => {
  assert.throws(() => lowerBound(11, 10), /11 successes of 10/);
  assert.throws(() => equivalence(10, 10, 11), /11 events match/);
});

test('the normal distribution and its quantile are those of SciPy', () => {
  // norm.cdf(z), norm.ppf(p)
  for (const [z, probability] of [
    [-5, 2.866515718791933e-7],
    [-1.96, 0.024997895148220435],
    [0, 0.5],
    [0.3, 0.6179114221889526],
    [1.2345, 0.8914916766373298],
    [6, 0.9999999990134123],
  ] as const)
    near(normalCdf(z), probability, 1e-14);
  for (const [probability, z] of [
    [0.05, -1.6448536269514729],
    [0.5, 0],
    [0.999, 3.090232306167813],
  ] as const)
    near(normalQuantile(probability), z, 1e-12);
});

test('the number of crossings needed is the textbook’s: z² times rate over margin²', () => {
  const table = [
    [0.03, 0.01, 3247],
    [0.03, 0.02, 812],
    [0.03, 0.03, 361],
    [0.03, 0.05, 130],
    [0.05, 0.02, 1353],
    [0.02, 0.01, 2165],
    [0.02, 0.02, 542],
  ] as const;
  for (const [errorRate, marginShare, count] of table) assert.is(crossingsNeeded(errorRate, marginShare), count);
});

test('a bias costs people, and one on the margin cannot be decided', () => {
  assert.ok(crossingsNeeded(0.03, 0.02, { biasShare: 0.01 }) > 2 * 812);
  assert.ok(Number.isFinite(crossingsNeeded(0.05, 0.02, { biasShare: -0.04 })));
  assert.is(crossingsNeeded(0.03, 0.02, { biasShare: 0.02 }), Infinity);
});

test('bias, interval and both p-values of a worked example', () => {
  // n, c, m = 1000, 985, 980; se = sqrt((n - m) + (c - m) - log(.05)) / n; b = (c - n) / n; z = norm.ppf(.95)
  // b - z * se, b + z * se, norm.sf((b + .02) / se), norm.cdf((b - .02) / se)
  const result = equivalence(1000, 985, 980);
  assert.equal([result.missedCount, result.doubledCount, result.biasShare], [20, 5, -0.015]);
  near(result.standardErrorShare!, 0.005291099344517544, 1e-15);
  near(result.intervalShare![0], -0.02370308394739024, 1e-12);
  near(result.intervalShare![1], -0.00629691605260976, 1e-12);
  near(result.pTooFew!, 0.17233372602997377, 1e-12);
  near(result.pTooMany!, 1.859235997270515e-11, 1e-14);
  assert.is(result.verdict, 'undecided');
});

test('ten people without an error prove nothing, a hundred and forty-three do', () => {
  assert.is(equivalence(10, 10, 10).verdict, 'undecided');
  assert.is(equivalence(142, 142, 142).verdict, 'undecided');
  assert.is(equivalence(143, 143, 143).verdict, 'equivalent');
});

test('a count that is wrong beyond doubt is not equivalent, either way', () => {
  assert.is(equivalence(500, 450, 450).verdict, 'not_equivalent');
  assert.is(equivalence(500, 550, 500).verdict, 'not_equivalent');
});

test('errors that cancel leave the bias small but the interval wide', () => {
  const cancelling = equivalence(1000, 1000, 900);
  assert.is(cancelling.biasShare, 0);
  assert.is(cancelling.verdict, 'undecided');
  assert.ok(cancelling.intervalShare![1] > equivalence(1000, 1000, 1000).intervalShare![1] * 5);
});

test('how many more are needed is told while undecided, is nought with a verdict, and is open before anybody passed', () => {
  // (10 missed + 5 doubled + 3) / 500 is 3.6 %: 974 in all.
  assert.is(equivalence(500, 495, 490).moreNeeded, crossingsNeeded((15 - Math.log(0.05)) / 500, 0.02) - 500);
  assert.is(equivalence(143, 143, 143).moreNeeded, 0);
  assert.equal(equivalence(0, 3, 0), {
    trueCount: 0,
    countedCount: 3,
    missedCount: 0,
    doubledCount: 3,
    marginShare: 0.02,
    alpha: 0.05,
    biasShare: null,
    standardErrorShare: null,
    intervalShare: null,
    pTooFew: null,
    pTooMany: null,
    verdict: 'undecided',
    moreNeeded: null,
  });
  // 2 % too few of ten thousand: on the margin itself.
  assert.is(equivalence(10_000, 9_800, 9_800).moreNeeded, null);
});

const counts = fc
  .tuple(fc.nat({ max: 3000 }), fc.nat({ max: 200 }), fc.nat({ max: 200 }))
  .map(([matched, missed, doubled]) => ({ matched, missed, doubled }));

test('equivalent means that both one-sided tests pass, and only that', () => {
  fc.assert(
    fc.property(counts, ({ matched, missed, doubled }) => {
      const result = equivalence(matched + missed, matched + doubled, matched);
      if (result.pTooFew === null || result.pTooMany === null) return;
      const bothPass = Math.max(result.pTooFew, result.pTooMany) <= 0.05;
      assert.is(result.verdict === 'equivalent', bothPass);
      assert.is(result.verdict === 'undecided', result.moreNeeded !== 0);
    }),
  );
});

/** Seeded Poisson by Knuth's product; enough for means below 100. */
function poisson(mean: number, random: () => number): number {
  let count = -1;
  for (let product = 1; product > Math.exp(-mean); product *= random()) count += 1;
  return count;
}

test('a counter whose bias is the margin is called equivalent in about 5 % of trials, a good one in 90 %', () => {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  const shareOfEquivalent = (trueCount: number, missedRate: number, doubledRate: number) => {
    let equivalentCount = 0;
    for (let trial = 0; trial < 4000; trial += 1) {
      const missed = Math.min(trueCount, poisson(missedRate * trueCount, random));
      const doubled = poisson(doubledRate * trueCount, random);
      const matched = trueCount - missed;
      if (equivalence(trueCount, matched + doubled, matched).verdict === 'equivalent') equivalentCount += 1;
    }
    return equivalentCount / 4000;
  };
  for (const trueCount of [150, 500, 1500]) {
    const wrongly = shareOfEquivalent(trueCount, 0.025, 0.005);
    assert.ok(wrongly <= 0.065, `${trueCount} crossings: ${wrongly}`);
  }
  near(shareOfEquivalent(812, 0.015, 0.015), 0.9, 0.05);
});

test.run();
