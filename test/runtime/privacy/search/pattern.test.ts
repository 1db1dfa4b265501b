// Goal: frames of the pattern are fresh, repeatable, and keep the rule that the search relies on.
// Method: direct, over frames and keys.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AS_HALF, AS_WHOLE, Pattern } from '../../../../runtime/privacy/search/pattern.ts';

const BYTES = 20_000;
const keys = fc.uint8Array({ minLength: 16, maxLength: 16 });

function frameOf(pattern: Pattern, frameIndex: number): Uint8Array {
  const frame = new Uint8Array(BYTES);
  pattern.fill(frameIndex, frame);
  return frame;
}

test('the same key and number give the same frame, any other a different one', () => {
  fc.assert(
    fc.property(keys, fc.nat(), (key, frameIndex) => {
      const frame = frameOf(new Pattern(key), frameIndex);
      assert.equal(frameOf(new Pattern(key), frameIndex), frame);
      const differing = frameOf(new Pattern(key), frameIndex + 1).filter((value, i) => value !== frame[i]).length;
      assert.ok(differing > BYTES / 2, `${differing} of ${BYTES} bytes differ`);
    }),
    { numRuns: 20 },
  );
});

test('every byte may follow the one before it: as it is, as int8, and halved', () => {
  fc.assert(
    fc.property(keys, (key) => {
      const pattern = new Pattern(key);
      const frame = frameOf(pattern, 3);
      for (let i = 1; i < BYTES; i++) {
        const [before, value] = [frame[i - 1]!, frame[i]!];
        assert.ok(pattern.follows[(before << 8) | value]! & AS_WHOLE);
        assert.ok(pattern.follows[((before ^ 128) << 8) | (value ^ 128)]! & AS_WHOLE);
        assert.ok(pattern.follows[((before >> 1) << 8) | (value >> 1)]! & AS_HALF);
      }
    }),
    { numRuns: 5 },
  );
});

test('no byte may follow itself, and few may follow any: most memory is passed over at the first look', () => {
  fc.assert(
    fc.property(keys, (key) => {
      const { follows } = new Pattern(key);
      for (let value = 0; value < 256; value++) assert.is(follows[(value << 8) | value], 0);
      const share = follows.filter((ways) => (ways & AS_WHOLE) !== 0).length / follows.length;
      assert.ok(share < 0.27, `${share} of all pairs`);
    }),
    { numRuns: 20 },
  );
});

test('a frame uses nearly all values a byte has, evenly enough for eight of them to be unlike any others', () => {
  const frame = frameOf(new Pattern(Buffer.alloc(16, 5)), 0);
  const counts = new Map<number, number>();
  for (const value of frame) counts.set(value, (counts.get(value) ?? 0) + 1);
  assert.ok(counts.size >= 248, `${counts.size} values`);
  const entropyBits = [...counts.values()].reduce((sum, count) => sum - (count / BYTES) * Math.log2(count / BYTES), 0);
  assert.ok(entropyBits > 7, `${entropyBits} bits`);
});

test.run();
