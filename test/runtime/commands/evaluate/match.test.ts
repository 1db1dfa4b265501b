// Goal: the pairing of counted and true events is fair: as many pairs as there can be, near ones, the same from both sides.
// Method: literal cases that a nearest-first rule gets wrong; properties; a slow search through all pairings as the judge.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pairTimes } from '../../../../runtime/commands/evaluate/match.ts';

const times = (maxLength: number) =>
  fc.array(
    fc.integer({ min: 0, max: 120 }).map((tenth) => tenth / 10),
    { maxLength },
  );

/** Most pairs, and the smallest sum of gaps among those, by trying everything. */
function bestByTrying(a: readonly number[], b: readonly number[]): { count: number; gapS: number } {
  const [first, ...rest] = a;
  if (first === undefined) return { count: 0, gapS: 0 };
  let best = bestByTrying(rest, b);
  b.forEach((time, place) => {
    const gap = Math.abs(time - first);
    if (gap > 1 + 1e-9) return;
    const others = bestByTrying(rest, [...b.slice(0, place), ...b.slice(place + 1)]);
    const [count, gapS] = [others.count + 1, others.gapS + gap];
    if (count > best.count || (count === best.count && gapS < best.gapS)) best = { count, gapS };
  });
  return best;
}

const gapOf = (a: readonly number[], b: readonly number[]) =>
  pairTimes(a, b).reduce((sum, [i, j]) => sum + Math.abs(a[i]! - b[j]!), 0);

test('two people close behind each other both find a partner, which nearest-first would not give them', () => {
  // Nearest first pairs 5.8 with 5.8 and leaves 5.0 and 6.7 without one.
  assert.equal(pairTimes([5, 5.8], [5.8, 6.7]), [
    [0, 0],
    [1, 1],
  ]);
});

test('of two that are possible the nearer one is taken', () => {
  assert.equal(pairTimes([5], [4.1, 5.1]), [[0, 1]]);
});

test('lists need not be sorted, and places are those of the lists given', () => {
  assert.equal(
    [...pairTimes([9, 1], [1.2, 30, 8.8])].sort(([i], [j]) => i - j),
    [
      [0, 2],
      [1, 0],
    ],
  );
});

test('no two events further apart than allowed are ever paired, and each is used once', () => {
  fc.assert(
    fc.property(times(20), times(20), fc.constantFrom(0.5, 1, 5), (a, b, withinS) => {
      const pairs = pairTimes(a, b, withinS);
      for (const [i, j] of pairs) assert.ok(Math.abs(a[i]! - b[j]!) <= withinS + 1e-9);
      assert.is(new Set(pairs.map(([i]) => i)).size, pairs.length);
      assert.is(new Set(pairs.map(([, j]) => j)).size, pairs.length);
    }),
  );
});

test('neither list is favoured: the other way round there are as many pairs with the same gaps', () => {
  fc.assert(
    fc.property(times(20), times(20), (a, b) => {
      assert.is(pairTimes(a, b).length, pairTimes(b, a).length);
      assert.ok(Math.abs(gapOf(a, b) - gapOf(b, a)) < 1e-9);
    }),
  );
});

test('no other pairing has more pairs, or as many with smaller gaps', () => {
  fc.assert(
    fc.property(times(6), times(6), (a, b) => {
      const best = bestByTrying(a, b);
      assert.is(pairTimes(a, b).length, best.count);
      assert.ok(Math.abs(gapOf(a, b) - best.gapS) < 1e-9);
    }),
  );
});

test.run();
