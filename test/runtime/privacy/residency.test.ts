// Goal: percentiles that err by no more than a bucket, and only towards the worse; no frame is lost from any of the tables.
// Method: against sorting and adding up, by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameResidency, ResidencyHistogram } from '../../../runtime/privacy/residency.ts';

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

test('whatever becomes of frames: minutes add up to the time since boot, and the longest of each second to the maximum', () => {
  const us = fc.double({ min: 0, max: 40_000, noNaN: true });
  const frame = fc.record({ pixelsUs: us, moreUs: us, isDropped: fc.boolean() });
  const minutes = fc.array(fc.array(frame, { maxLength: 30 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(minutes, us, (frames, limitUs) => {
      const residency = new FrameResidency(limitUs);
      const { pixels, derived } = residency;
      let minuteCount = 0;
      let longestUs = 0;
      for (const minute of frames) {
        for (const { pixelsUs, moreUs, isDropped } of minute) {
          if (isDropped) residency.recordDropped(pixelsUs);
          else residency.recordFrame(pixelsUs, pixelsUs + moreUs);
          longestUs = Math.max(longestUs, pixels.takeLongestUs());
        }
        minuteCount += pixels.minute.count;
        pixels.minute.reset();
      }
      const all = frames.flat();
      const whole = all.filter(({ isDropped }) => !isDropped);
      assert.is(minuteCount, all.length);
      assert.is(pixels.sinceBoot.count, all.length);
      assert.is(derived.sinceBoot.count, whole.length);
      assert.is(longestUs, pixels.sinceBoot.usMax);
      const over = all.filter(({ pixelsUs, moreUs, isDropped }) => pixelsUs + (isDropped ? 0 : moreUs) > limitUs);
      assert.is(residency.overlongCount, over.length);
      assert.ok(over.length === 0 ? residency.takeOverlongUs() === 0 : residency.takeOverlongUs() > limitUs);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test.run();
