// Goal: a shop full of counters does not come back at once, and none waits for ever.
// Method: properties over failures, ranges and random numbers; a simulated shop after a power cut.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { retryDelayMs } from '../../../drivers/link/backoff.ts';

const RANGE = { retryMinMs: 1000, retryMaxMs: 30_000 };
const ranges = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 0, max: 100_000 }))
  .map(([retryMinMs, more]) => ({ retryMinMs, retryMaxMs: retryMinMs + more }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failures = fc.integer({ min: 0, max: 1_000_000 });

test('it is never shorter than the least wait and never longer than the longest', () => {
  fc.assert(
    fc.property(failures, ranges, random, (failureCount, range, share) => {
      const delayMs = retryDelayMs(failureCount, range, () => share);
      assert.ok(delayMs >= range.retryMinMs && delayMs <= range.retryMaxMs, `${delayMs}`);
    }),
  );
});

test('more failures never shorten it, and two devices with other random numbers never wait alike', () => {
  fc.assert(
    fc.property(failures, random, random, (failureCount, share, other) => {
      const delayMs = retryDelayMs(failureCount, RANGE, () => share);
      assert.ok(retryDelayMs(failureCount + 1, RANGE, () => share) >= delayMs);
      if (Math.abs(share - other) > 1e-9)
        assert.is.not(
          delayMs,
          retryDelayMs(failureCount, RANGE, () => other),
        );
    }),
  );
});

test('of a thousand devices after a power cut no more than a fair share comes within any 100 ms, from the first try on', () => {
  for (const [failureCount, spreadMs] of [
    [0, 1000],
    [1, 3000],
    [9, 29_000],
  ] as const) {
    const buckets = new Map<number, number>();
    for (let device = 0; device < 1000; device++) {
      const bucket = Math.floor(retryDelayMs(failureCount, RANGE) / 100);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    }
    // Binomial: the mean plus six standard deviations is passed once in a thousand million runs.
    const mean = (1000 * 100) / spreadMs;
    assert.ok(Math.max(...buckets.values()) <= mean + 6 * Math.sqrt(mean) + 1, `${failureCount}`);
  }
});

test.run();
