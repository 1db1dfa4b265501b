// Goal: the bound on what the corridor carries is one: no record that is believed has more freedom than is reckoned.
// Method: literals worked out by hand for one line; every kind's bits against the ranges that the decoder enforces.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { capacityOf } from '../../../runtime/corridor/capacity.ts';
import {
  DECODED_WORDS,
  Decoded,
  decodeRecord,
  emptyRecord,
  encodeRecord,
  RECORD_BYTES,
  RecordKind,
} from '../../../runtime/corridor/record.ts';

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.05, `${actual}, expected about ${expected}`);

test('one line and no zone', () => {
  const { bitsOf, recordsPerSecond, bitsPerRecord, bitsPerSecond } = capacityOf({ counters: 1, zones: 0 });
  assert.is(recordsPerSecond, 55);
  // 80 years are 2.52e12 ms: 41.2 bits; two directions, two counters of 32 bits.
  near(bitsOf['crossing']!, 41.2 + 1 + 64);
  near(bitsOf['frames']!, 128);
  near(bitsOf['residency']!, 128 + 2);
  // Five states, eight reasons.
  near(bitsOf['state']!, 41.2 + Math.log2(40));
  near(bitsOf['hello']!, 41.2);
  // Residency has four times as many ways as each of frames and zone, twice as many as model: 2^128 × (4 + 2 + 1 + 1).
  near(bitsPerRecord, 131);
  near(bitsPerSecond / 1000, (55 * 131 + 0.1 * 64) / 1000);
});

test('more to count is more to carry', () => {
  const small = capacityOf({ counters: 1, zones: 0 });
  const large = capacityOf({ counters: 12, zones: 8 });
  assert.ok(large.bitsPerSecond > small.bitsPerSecond);
  near(large.bitsOf['crossing']!, small.bitsOf['crossing']! + Math.log2(12));
  assert.is(large.burstBits > 0 && large.burstPauseS < small.burstPauseS, true);
});

test('positions count in set-up mode alone, and what is believed without it is as if there were none', () => {
  const layout = { counters: 1, zones: 0 };
  const counting = capacityOf(layout);
  const setup = capacityOf(layout, 'setup');
  assert.is('dots' in counting.bitsOf, false);
  // Four parts, 33 totals, eight of 65,536 positions without their order: 128 bits less log2(8!).
  near(setup.bitsOf['dots']!, 2 + Math.log2(33) + 128 - Math.log2(40_320));
  assert.is(setup.recordsPerSecond, 55 + 16);
  near(setup.bitsPerRecord, 131);
  near(setup.bitsPerSecond / 1000, (71 * 131 + 0.1 * 64) / 1000);
});

test('every kind is reckoned, and what the decoder refuses in its head is not', () => {
  const { bitsOf } = capacityOf({ counters: 12, zones: 8 }, 'setup');
  assert.equal(Object.keys(bitsOf), Object.keys(RecordKind));
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [name, kind] of Object.entries(RecordKind)) {
    let ways = 0;
    for (let index = 0; index < 256; index++)
      for (let code = 0; code < 256; code++) {
        encodeRecord({ ...emptyRecord(), kind, index, code, timeMs: 1_800_000_000_000 }, bytes, view, 0);
        const decoded = decodeRecord(bytes, view, 0, emptyRecord());
        if (decoded === Decoded.ok) ways += 1;
        else assert.match(DECODED_WORDS[decoded], kind === RecordKind.dots ? /index|code|reserved/ : /index|code/);
      }
    // The voice knows the two numbers of a hello beforehand, so that there they carry nothing.
    if (kind !== RecordKind.hello) assert.ok(bitsOf[name]! >= Math.log2(ways), `${name}: ${ways} ways`);
  }
});

test.run();
