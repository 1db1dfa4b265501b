// Goal: press and count of one crossing find each other, whatever constant delay lies between them, and nothing else does.
// Method: properties over random doors; the pairing against trying every way on small ones.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nearestPairs } from '../../../../runtime/commands/pairing.ts';
import { type Moment, matchMoments } from '../../../../runtime/commands/tally/match.ts';

const WINDOW_MS = 2000;
const moments = (minLength: number, maxMs = 600_000) =>
  fc
    .array(fc.tuple(fc.nat(maxMs), fc.constantFrom('in' as const, 'out' as const)), { minLength, maxLength: 60 })
    .map((list): Moment[] => [...list].sort((a, b) => a[0] - b[0]));
const shifted = (list: readonly Moment[], ms: number): Moment[] => list.map(([t, way]) => [t + ms, way]);

test('a person with a constant delay is matched fully, and the delay is found', () => {
  fc.assert(
    fc.property(moments(5), fc.integer({ min: -4900, max: 4900 }), (presses, lagMs) => {
      const { lagMs: found, pairs } = matchMoments(presses, shifted(presses, lagMs), WINDOW_MS);
      assert.is(pairs.length, presses.length);
      assert.is(found, lagMs);
      for (const [press, count] of pairs) assert.is(press, count);
    }),
  );
});

test('with fewer than five pairs no delay is taken out: it would be chance', () => {
  const presses: Moment[] = [1000, 20_000, 40_000, 60_000].map((t) => [t, 'in']);
  assert.equal(matchMoments(presses, shifted(presses, 1500), WINDOW_MS), {
    lagMs: 0,
    pairs: [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  });
  assert.equal(matchMoments(presses, shifted(presses, 3000), WINDOW_MS), { lagMs: 0, pairs: [] });
});

test('an unsteady thumb and a total each second are within the window', () => {
  const wobble = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(moments(10), wobble, fc.integer({ min: 0, max: 2000 }), (presses, wobbles, lagMs) => {
      const counts = presses
        .map(([t, way], index): Moment => [Math.ceil((t + lagMs + wobbles[index]!) / 1000) * 1000, way])
        .sort((a, b) => a[0] - b[0]);
      assert.is(matchMoments(presses, counts, WINDOW_MS).pairs.length, presses.length);
    }),
  );
});

test('pairs are of one direction, one to one, and within the window once the lag is out', () => {
  fc.assert(
    fc.property(moments(0, 60_000), moments(0, 60_000), (presses, counts) => {
      const { lagMs, pairs } = matchMoments(presses, counts, WINDOW_MS);
      assert.is(new Set(pairs.map(([press]) => press)).size, pairs.length);
      assert.is(new Set(pairs.map(([, count]) => count)).size, pairs.length);
      for (const [press, count] of pairs) {
        assert.is(presses[press]![1], counts[count]![1]);
        assert.ok(Math.abs(counts[count]![0] - lagMs - presses[press]![0]) <= WINDOW_MS);
      }
    }),
  );
});

/** Most pairs, least distance, by trying everything. */
function bruteForce(presses: readonly number[], counts: readonly number[]): [number, number] {
  const [first, ...rest] = presses;
  if (first === undefined) return [0, 0];
  let best = bruteForce(rest, counts);
  for (const [index, count] of counts.entries()) {
    const distance = Math.abs(count - first);
    if (distance > WINDOW_MS) continue;
    const [pairs, sum] = bruteForce(
      rest,
      counts.filter((_, other) => other !== index),
    );
    if (pairs + 1 > best[0] || (pairs + 1 === best[0] && sum + distance < best[1])) best = [pairs + 1, sum + distance];
  }
  return best;
}

test('there is no way to pair more, nor as many at less distance', () => {
  const times = fc.array(fc.nat(9000), { maxLength: 6 }).map((list) => [...list].sort((a, b) => a - b));
  fc.assert(
    fc.property(times, times, (presses, counts) => {
      const pairs = nearestPairs(presses, counts, WINDOW_MS);
      const distance = pairs.reduce((sum, [i, j]) => sum + Math.abs(presses[i]! - counts[j]!), 0);
      assert.equal([pairs.length, distance], bruteForce(presses, counts));
    }),
  );
});

test('a false count just before a true one does not take its press', () => {
  assert.equal(nearestPairs([10_000], [8500, 10_100], WINDOW_MS), [[0, 1]]);
});

test('a busy day of 4,000 crossings in one unbroken stream is matched', () => {
  const presses = Array.from({ length: 4000 }, (_, index): Moment => [index * 700, 'in']);
  assert.is(matchMoments(presses, shifted(presses, 800), WINDOW_MS).pairs.length, 4000);
});

test.run();
