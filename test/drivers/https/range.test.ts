// Goal: a part of a file is the part that was asked for, and what is not understood is all of it.
// Method: examples of RFC 9110 section 14; bounds by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { byteRange } from '../../../drivers/https/range.ts';

test('first and last, the rest, and the end', () => {
  assert.equal(byteRange('bytes=0-499', 10_000), { first: 0, last: 499 });
  assert.equal(byteRange('bytes=9500-', 10_000), { first: 9500, last: 9999 });
  assert.equal(byteRange('bytes=-500', 10_000), { first: 9500, last: 9999 });
  assert.equal(byteRange('bytes=9999-20000', 10_000), { first: 9999, last: 9999 });
  assert.equal(byteRange('bytes=-20000', 10_000), { first: 0, last: 9999 });
});

test('what begins after the end is outside', () => {
  assert.is(byteRange('bytes=10000-', 10_000), 'outside');
  assert.is(byteRange('bytes=-0', 10_000), 'outside');
});

test('several parts, other units and nonsense are all of it', () => {
  for (const header of [
    undefined,
    '',
    'bytes=-',
    'bytes=0-1,3-4',
    'lines=0-1',
    'bytes=5-2',
    'bytes= 0-1',
    'bytes=0x1-2',
  ])
    assert.is(byteRange(header, 10), undefined, String(header));
});

test('whatever is asked for, nothing beyond the file is given', () =>
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(2000), fc.integer({ min: 1, max: 1000 }), (first, last, bytes) => {
      const range = byteRange(`bytes=${first}-${last}`, bytes);
      if (range === undefined || range === 'outside') return;
      assert.ok(range.first <= range.last && range.last < bytes && range.first >= 0);
    }),
  ));

test.run();
