// Goal: the corridor carries whole, checked records and nothing else; nothing is lost while nobody reads.
// Method: round trips and damage by fast-check; an outlet that fills up; a clock moved by hand.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CorridorReader, recordsPerSecondOf, SETUP_RECORDS_PER_SECOND } from '../../../runtime/corridor/reader.ts';
import {
  type CorridorRecord,
  Decoded,
  DWELL_MS_MAX,
  decodeRecord,
  emptyRecord,
  encodeRecord,
  RECORD_BYTES,
  RECORDS_PER_SECOND_MAX,
  RecordKind,
  ResidencySpan,
} from '../../../runtime/corridor/record.ts';
import { CorridorWriter, type RecordOutlet } from '../../../runtime/corridor/writer.ts';

const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 500) };
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const timeMs = fc.integer({ min: 1_577_836_800_000, max: 4_102_444_799_999 });

/** A part of positions as the eye sends it: rising, and 0 behind the last. */
const dotsRecord = fc
  .record({ code: fc.nat(32), dots: fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), part: fc.nat(3) })
  .map(({ code, dots, part }) => {
    const index = Math.min(part, Math.max(0, Math.ceil(code / 8) - 1));
    const count = Math.min(8, code - 8 * index);
    const [a, b, c, d] = bodyOf(dots.slice(0, count).sort((one, other) => one - other));
    return { kind: RecordKind.dots, index, code, timeMs: 0, a: a!, b: b!, c: c!, d: d! };
  });

/** Up to eight positions as four u32. */
function bodyOf(dots: readonly number[]): number[] {
  return [0, 2, 4, 6].map((i) => ((dots[i] ?? 0) | ((dots[i + 1] ?? 0) << 16)) >>> 0);
}

/** Every record that the eye may send. */
const anyRecord: fc.Arbitrary<CorridorRecord> = fc
  .oneof(
    fc.record({
      kind: fc.constant(RecordKind.hello),
      index: fc.nat(8),
      code: fc.constant(0),
      timeMs,
      a: fc.constant(0),
      b: fc.constant(0),
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.crossing),
      index: fc.nat(11),
      code: fc.nat(1),
      timeMs,
      a: u32,
      b: u32,
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constantFrom(RecordKind.totals, RecordKind.truth, RecordKind.net),
      index: fc.nat(11),
      code: fc.constant(0),
      timeMs,
      a: u32,
      b: u32,
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.passers),
      index: fc.nat(7),
      code: fc.constant(0),
      timeMs,
      a: u32,
      b: u32,
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.visit),
      index: fc.nat(7),
      code: fc.constant(0),
      timeMs,
      a: fc.nat(DWELL_MS_MAX),
      b: u32,
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.zone),
      index: fc.nat(7),
      code: fc.constant(0),
      timeMs: fc.constant(0),
      a: u32,
      b: u32,
      c: u32,
      d: u32,
    }),
    fc.record({
      kind: fc.constant(RecordKind.state),
      index: fc.constant(0),
      code: fc.nat(4),
      timeMs,
      a: fc.nat(7),
      b: fc.constant(0),
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.residency),
      index: fc.constantFrom(...Object.values(ResidencySpan)),
      code: fc.constant(0),
      timeMs: fc.constant(0),
      a: u32,
      b: u32,
      c: u32,
      d: u32,
    }),
    fc.record({
      kind: fc.constantFrom(RecordKind.longest, RecordKind.overlong),
      index: fc.constant(0),
      code: fc.constant(0),
      timeMs,
      a: u32,
      b: u32,
      c: fc.constant(0),
      d: fc.constant(0),
    }),
    fc.record({
      kind: fc.constant(RecordKind.model),
      index: fc.nat(1),
      code: fc.constant(0),
      timeMs: fc.constant(0),
      a: u32,
      b: u32,
      c: u32,
      d: u32,
    }),
    fc.record({
      kind: fc.constant(RecordKind.frames),
      index: fc.constant(0),
      code: fc.constant(0),
      timeMs: fc.constant(0),
      a: u32,
      b: u32,
      c: u32,
      d: u32,
    }),
    dotsRecord,
  )
  .chain((body) => fc.record({ boot: u32, sequence: u32 }).map((head) => ({ ...body, ...head })));

function encoded(record: CorridorRecord): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  encodeRecord(record, bytes, view, 0);
  return { bytes, view };
}

test('every record comes back as it was sent', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const { bytes, view } = encoded(record);
      const back = emptyRecord();
      assert.is(decodeRecord(bytes, view, 0, back), Decoded.ok);
      assert.equal(back, record);
    }),
    runs,
  );
});

test('one damaged bit anywhere is refused', () => {
  fc.assert(
    fc.property(anyRecord, fc.nat(RECORD_BYTES * 8 - 1), (record, bit) => {
      const { bytes, view } = encoded(record);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.is.not(decodeRecord(bytes, view, 0, emptyRecord()), Decoded.ok);
    }),
    runs,
  );
});

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: RECORD_BYTES, maxLength: RECORD_BYTES }), (bytes) => {
      assert.is.not(decodeRecord(bytes, new DataView(bytes.buffer, bytes.byteOffset), 0, emptyRecord()), Decoded.ok);
    }),
    runs,
  );
});

test('a field out of its range is refused even with a right check sum', () => {
  const crossing: CorridorRecord = { ...emptyRecord(), kind: RecordKind.crossing, timeMs: 1_800_000_000_000 };
  const verdict = (change: Partial<CorridorRecord>) => {
    const { bytes, view } = encoded({ ...crossing, ...change });
    return decodeRecord(bytes, view, 0, emptyRecord());
  };
  assert.is(verdict({}), Decoded.ok);
  assert.is(verdict({ kind: 0 }), Decoded.badKind);
  assert.is(verdict({ kind: 16 }), Decoded.badKind);
  assert.is(verdict({ index: 12 }), Decoded.badIndex);
  assert.is(verdict({ kind: RecordKind.visit, index: 8 }), Decoded.badIndex);
  assert.is(verdict({ kind: RecordKind.residency, index: 4 }), Decoded.badIndex);
  assert.is(verdict({ kind: RecordKind.model, index: 2 }), Decoded.badIndex);
  assert.is(verdict({ kind: RecordKind.hello, code: 9 }), Decoded.badCode);
  assert.is(verdict({ kind: RecordKind.visit, a: DWELL_MS_MAX + 1 }), Decoded.badReserved);
  assert.is(verdict({ code: 2 }), Decoded.badCode);
  assert.is(verdict({ timeMs: 0 }), Decoded.badTime);
  assert.is(verdict({ timeMs: Number.NaN }), Decoded.badTime);
  assert.is(verdict({ timeMs: 1_800_000_000_000.5 }), Decoded.badTime);
  assert.is(verdict({ kind: RecordKind.state, b: 1 }), Decoded.badReserved);
});

test('positions are a set and no more: rising, as many as are told, zero behind them, in a part that is needed', () => {
  const verdict = (index: number, code: number, dots: readonly number[]) => {
    const [a, b, c, d] = bodyOf(dots);
    const record = { ...emptyRecord(), kind: RecordKind.dots, index, code, a: a!, b: b!, c: c!, d: d! };
    const { bytes, view } = encoded(record);
    return decodeRecord(bytes, view, 0, emptyRecord());
  };
  assert.is(verdict(0, 0, []), Decoded.ok);
  assert.is(verdict(0, 3, [5, 5, 0xffff]), Decoded.ok);
  assert.is(verdict(1, 9, [7]), Decoded.ok);
  assert.is(verdict(3, 32, [1, 2, 3, 4, 5, 6, 7, 8]), Decoded.ok);
  assert.is(verdict(0, 3, [5, 4, 6]), Decoded.badReserved, 'an order of its own');
  assert.is(verdict(0, 2, [5, 6, 7]), Decoded.badReserved, 'more than are told');
  assert.is(verdict(1, 8, []), Decoded.badReserved, 'a part that nobody needs');
  assert.is(verdict(4, 32, []), Decoded.badIndex);
  assert.is(verdict(0, 33, []), Decoded.badCode);
});

class FakeOutlet implements RecordOutlet {
  readonly records: CorridorRecord[] = [];
  isFull = false;
  write(bytes: Uint8Array, offset: number): number {
    if (this.isFull) return 0;
    const record = emptyRecord();
    const copy = bytes.slice(offset, offset + RECORD_BYTES);
    assert.is(decodeRecord(copy, new DataView(copy.buffer), 0, record), Decoded.ok);
    this.records.push(record);
    return RECORD_BYTES;
  }
  close(): void {}
}

function crossing(inCount: number): CorridorRecord {
  return { ...emptyRecord(), kind: RecordKind.crossing, timeMs: 1_800_000_000_000, a: inCount };
}

test('records wait in order while the pipe is full', () => {
  const outlet = new FakeOutlet();
  const writer = new CorridorWriter(outlet, 42);
  outlet.isFull = true;
  for (let i = 1; i <= 100; i++) writer.send(crossing(i));
  assert.is(outlet.records.length, 0);
  outlet.isFull = false;
  writer.flush();
  assert.equal(
    outlet.records.map((record) => record.a),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.equal(
    outlet.records.map((record) => record.sequence),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.is(writer.droppedCount, 0);
});

test('when the ring is full the oldest go, are counted, and the last total still arrives', () => {
  const outlet = new FakeOutlet();
  const writer = new CorridorWriter(outlet, 42);
  outlet.isFull = true;
  for (let i = 1; i <= 5000; i++) writer.send(crossing(i));
  outlet.isFull = false;
  writer.flush();
  assert.is(outlet.records.length, 4096);
  assert.is(writer.droppedCount, 904);
  assert.is(outlet.records.at(-1)?.a, 5000);
});

function readerWithClock() {
  const seen: CorridorRecord[] = [];
  const reasons: string[] = [];
  const clock = { us: 0 };
  const reader = new CorridorReader(
    { onRecord: (record) => seen.push({ ...record }), onCutOff: (reason) => reasons.push(reason) },
    () => clock.us,
  );
  return { seen, reasons, clock, reader };
}

test('records are found however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 70 })),
      (bodies, cuts) => {
        // In order: two of one boot and one number would rightly cut the eye off.
        const records = bodies.map((record, sequence) => ({ ...record, boot: 7, sequence }));
        const all = Uint8Array.from(records.flatMap((record) => [...encoded(record).bytes]));
        const { reader, seen, reasons } = readerWithClock();
        reader.takesDots = true;
        for (let offset = 0; offset < all.length; ) {
          const chunk = all.slice(offset, offset + cuts.next().value!);
          reader.feed(chunk, chunk.length);
          offset += chunk.length;
        }
        assert.equal(seen, records);
        assert.equal(reasons, []);
      },
    ),
    runs,
  );
});

test('a malformed record cuts the eye off, says so once, and nothing behind it is believed', () => {
  const { reader, seen, reasons } = readerWithClock();
  const good = encoded(crossing(1)).bytes;
  reader.feed(good, RECORD_BYTES);
  reader.feed(new Uint8Array(RECORD_BYTES), RECORD_BYTES);
  reader.feed(good, RECORD_BYTES);
  assert.is(seen.length, 1);
  assert.is(reasons.length, 1);
  assert.match(reasons[0] ?? '', /malformed record/);
});

/** Record `sequence` of an eye with this boot. */
function nth(sequence: number, boot = 1): Uint8Array {
  return encoded({ ...crossing(1), boot, sequence: sequence >>> 0 }).bytes;
}

test('more records than counting can need cut the eye off; a full pipe after a restart does not', () => {
  const { reader, reasons, seen, clock } = readerWithClock();
  for (let i = 0; i < 6144; i++) reader.feed(nth(i), RECORD_BYTES);
  assert.equal(reasons, []);
  clock.us += 1e6;
  for (let i = 0; i < RECORDS_PER_SECOND_MAX + 1; i++) reader.feed(nth(6144 + i), RECORD_BYTES);
  assert.is(reasons.length, 1);
  assert.is(seen.length, 6144 + RECORDS_PER_SECOND_MAX);
});

test('positions are taken while set-up mode was asked for; before and after they cut the eye off', () => {
  const dots = (sequence: number) =>
    encoded({ ...emptyRecord(), kind: RecordKind.dots, code: 1, a: 513, boot: 1, sequence }).bytes;
  const { reader, reasons, seen } = readerWithClock();
  reader.takesDots = true;
  reader.feed(dots(0), RECORD_BYTES);
  assert.equal([seen.length, reasons], [1, []]);
  reader.takesDots = false;
  reader.feed(nth(1), RECORD_BYTES);
  reader.feed(dots(2), RECORD_BYTES);
  assert.is(seen.length, 2);
  assert.match(reasons[0] ?? '', /nobody asked for set-up mode/);
});

test('the rate grows in set-up mode alone, by four views a second', () => {
  const takenIn1s = (takesDots: boolean) => {
    const { reader, seen, clock } = readerWithClock();
    for (let i = 0; i < 6144; i++) reader.feed(nth(i), RECORD_BYTES);
    reader.takesDots = takesDots;
    clock.us += 1e6;
    for (let i = 0; i < 400; i++) reader.feed(nth(6144 + i), RECORD_BYTES);
    return seen.length - 6144;
  };
  assert.equal([SETUP_RECORDS_PER_SECOND, takenIn1s(false), takenIn1s(true)], [16, 256, 272]);
});

test('what the voice takes follows from what is counted: 55 a second for one line, 104 for everything', () => {
  assert.is(recordsPerSecondOf(1, 0), 55);
  assert.is(recordsPerSecondOf(12, 8), 104);
});

test('a record sent twice, or one from before, cuts the eye off', () => {
  for (const wrong of [7, 6, 0]) {
    const { reader, reasons, seen } = readerWithClock();
    for (const sequence of [6, 7, wrong]) reader.feed(nth(sequence), RECORD_BYTES);
    assert.is(seen.length, 2);
    assert.match(reasons[0] ?? '', /out of order/);
  }
});

test('a gap, another boot and a sequence that runs over are an honest eye', () => {
  const { reader, reasons, seen } = readerWithClock();
  for (const [sequence, boot] of [
    [5, 1],
    [5000, 1],
    [0, 2],
    [1, 2],
    [-1, 3],
    [0, 3],
    [1, 3],
  ] as const)
    reader.feed(nth(sequence, boot), RECORD_BYTES);
  assert.equal(reasons, []);
  assert.is(seen.length, 7);
});

test('an eye that restarts every ten seconds is believed for ever; one that writes in its boots is cut off', () => {
  const patient = readerWithClock();
  for (let boot = 1; boot <= 5000; boot++) {
    patient.reader.feed(nth(0, boot), RECORD_BYTES);
    patient.clock.us += 10.1e6;
  }
  assert.equal(patient.reasons, []);
  const hasty = readerWithClock();
  for (let boot = 1; boot <= 5000; boot++) {
    hasty.reader.feed(nth(0, boot), RECORD_BYTES);
    hasty.clock.us += 0.1e6;
  }
  assert.match(hasty.reasons[0] ?? '', /new beginnings/);
  // The first is none, 2,048 at once, one more each ten seconds of about 207.
  assert.ok(hasty.seen.length >= 2049 && hasty.seen.length <= 2075, `${hasty.seen.length} boots`);
});

test.run();
