// Goal: percentiles that err by no more than a bucket, and only towards the worse.
// Method: against sorting, by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ResidencyHistogram } from '../../../runtime/privacy/residency.ts';

test('a percentile is the sorted value, rounded up by less than 10 µs', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 19_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.01, 0.5, 0.99, 1),
      (values, share) => {
        const histogram = new ResidencyHistogram();
        for (const value of values) histogram.record(value);
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(values.length * share) - 1]!;
        const found = histogram.percentileUs(share);
        assert.ok(found >= exact && found <= exact + 10, `${found} for ${exact}`);
        assert.is(histogram.usMax, sorted.at(-1));
      },
    ),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test('what is longer than the scale is told by its maximum', () => {
  const histogram = new ResidencyHistogram();
  histogram.record(50_000);
  assert.is(histogram.percentileUs(0.5), 50_000);
});

test('an empty histogram says 0, and reset empties it', () => {
  const histogram = new ResidencyHistogram();
  assert.is(histogram.percentileUs(0.99), 0);
  histogram.record(5);
  histogram.reset();
  assert.is(histogram.count, 0);
  assert.is(histogram.percentileUs(0.5), 0);
});

test.run();
