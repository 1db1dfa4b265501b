// Goal: which numbers are here is known exactly, in few ranges, and what is stored is what is in memory.
// Method: a plain set beside it, by fast-check; the stored ranges are replayed from the edits alone.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RANGES_MAX, SeenNumbers } from '../../../../runtime/gateway/books/seen.ts';

const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });

test('every number is taken once, and the gaps are all that is missing', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 10 }), (script, floor) => {
      const seen = new SeenNumbers(floor);
      const reference = new Set<number>();
      const stored = new Map<number, number>();
      for (const number of script) {
        const isNew = number > floor && !reference.has(number);
        const edit = seen.add(number);
        assert.is(edit !== undefined, isNew);
        if (isNew) reference.add(number);
        for (const first of edit?.removed ?? []) stored.delete(first);
        for (const { first, last } of edit?.put ?? []) stored.set(first, last);
      }
      const ranges = [...stored].map(([first, last]) => ({ first, last })).sort((a, b) => a.first - b.first);
      assert.equal(seen.ranges, ranges);
      assert.equal(new SeenNumbers(floor, ranges).ranges, ranges, 'read again');
      const missing = seen
        .gaps(100)
        .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      const highest = Math.max(floor, ...reference);
      const expected = Array.from({ length: highest - floor }, (_, i) => floor + 1 + i).filter(
        (n) => !reference.has(n),
      );
      assert.equal(missing, expected);
      assert.is(seen.missingCount, expected.length);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test('a device that sends every second number costs a bounded memory, and what is given up is counted', () => {
  const seen = new SeenNumbers(0);
  const stored = new Map<number, number>();
  for (let number = 2; number <= 2 * (RANGES_MAX + 10); number += 2) {
    const edit = seen.add(number)!;
    for (const first of edit.removed) stored.delete(first);
    for (const { first, last } of edit.put) stored.set(first, last);
  }
  assert.is(seen.ranges.length, RANGES_MAX);
  assert.is(seen.lostCount, 10);
  assert.equal(
    [...stored.keys()].sort((a, b) => a - b),
    seen.ranges.map(({ first }) => first),
  );
});

test.run();
