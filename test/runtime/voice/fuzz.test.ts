// Goal: whatever an eye sends, the voice never crashes and never counts anything but what came before the first bad byte;
// the eye is cut off, and health and log say so.
// Method: honest crossings, then hostile bytes made by fast-check, then honest ones again; a voice with manual clock, link
// and disk in memory. Records that are hostile but look honest (a crossing that was none) are beyond any reader.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_BYTES, RecordKind } from '../../../runtime/corridor/record.ts';
import { encode, type Health, settle, type Total, VoiceBench } from './bench.ts';

const START_MS = Date.UTC(2026, 0, 5, 12);
const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 150) };
const u32 = fc.integer({ min: 0, max: 0xffffffff });

/** What a hostile eye does, given the bench with its honest history; returns bytes. */
type Hostile = (bench: VoiceBench) => Uint8Array;

const randomBytes: fc.Arbitrary<Hostile> = fc
  .uint8Array({ minLength: RECORD_BYTES, maxLength: 300 })
  .map((bytes) => () => bytes);

/** The check sum is right in all of these: only the range checks stand between them and the books. */
const outOfRange: fc.Arbitrary<Hostile> = fc
  .oneof(
    fc.record({ kind: fc.oneof(fc.constant(0), fc.integer({ min: 15, max: 255 })), a: u32 }),
    fc.record({ kind: fc.constant(RecordKind.crossing), code: fc.integer({ min: 2, max: 255 }), a: u32 }),
    fc.record({ kind: fc.constant(RecordKind.state), code: fc.integer({ min: 5, max: 255 }) }),
    fc.record({ kind: fc.constant(RecordKind.state), a: fc.integer({ min: 8, max: 0xffffffff }) }),
    fc.record({
      kind: fc.constant(RecordKind.totals),
      timeMs: fc.oneof(
        fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY, START_MS + 0.5, 4_102_444_800_000),
        fc.double({ max: 1_577_836_799_999 }),
      ),
    }),
    fc.record({ kind: fc.constant(RecordKind.residency), index: fc.integer({ min: 4, max: 255 }), a: u32 }),
  )
  .map((fields) => (bench) => bench.eye.record({ timeMs: START_MS, ...fields }));

/** One line and no zone are configured. */
const notConfigured: fc.Arbitrary<Hostile> = fc
  .oneof(
    fc.record({
      kind: fc.constantFrom(RecordKind.crossing, RecordKind.totals, RecordKind.net, RecordKind.truth),
      index: fc.integer({ min: 1, max: 11 }),
      a: u32,
    }),
    fc.record({
      kind: fc.constantFrom(RecordKind.zone, RecordKind.passers, RecordKind.visit),
      index: fc.nat(7),
      a: fc.nat(1000),
    }),
    fc.record({ kind: fc.constant(RecordKind.hello), index: fc.integer({ min: 2, max: 12 }), code: fc.nat(8) }),
  )
  .map((fields) => (bench) => bench.eye.record({ timeMs: START_MS, ...fields }));

const tooMany: fc.Arbitrary<Hostile> = fc.integer({ min: 6400, max: 7000 }).map((count) => (bench) => {
  const records = Array.from({ length: count }, () => bench.eye.totals(bench.nowMs));
  return Uint8Array.from(records.flatMap((record) => [...record]));
});

const outOfOrder: fc.Arbitrary<Hostile> = fc
  .nat(1)
  .map((sequence) => (bench) => encode({ kind: RecordKind.totals, boot: 1, sequence, timeMs: bench.nowMs, a: 1e6 }));

const backwards: fc.Arbitrary<Hostile> = fc.constant((bench: VoiceBench) => {
  bench.eye.counts[0]!.in -= 1;
  return bench.eye.totals(bench.nowMs);
});

const hostile = fc.oneof(randomBytes, outOfRange, notConfigured, tooMany, outOfOrder, backwards);

test('hostile bytes after honest ones: cut off once, told in health, and the count is that of the honest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), hostile, fc.nat(20), async (honest, attack, later) => {
      const bench = new VoiceBench({}, START_MS);
      try {
        await bench.start();
        bench.greet();
        for (let i = 0; i < honest; i++) bench.feed(bench.eye.cross('in', bench.nowMs));
        await bench.seconds(1);
        bench.feed(attack(bench));
        bench.eye.counts[0]!.in = honest;
        for (let i = 0; i < later; i++) bench.feed(bench.eye.cross('in', bench.nowMs));
        await settle();
        assert.is(bench.fatal.length, 1);
        const health = bench.retained<Health>('health');
        assert.is(health?.corridor.cut_off, true);
        assert.is(health?.eye.state, 'eye_cut_off');
        assert.is(health?.eye.reason, bench.fatal[0]);
        assert.is(bench.retained<Total>('total/door')?.in, honest);
        // What is on disk is no more than that either.
        await bench.crash();
        assert.is(bench.retained<Total>('total/door')?.in, honest);
      } finally {
        await bench.dispose();
      }
    }),
    runs,
  );
});

test('bytes of any kind in pieces of any size never throw', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 30 }), async (chunks) => {
      const bench = new VoiceBench({}, START_MS);
      try {
        await bench.start();
        for (const chunk of chunks) bench.feed(chunk);
        await settle();
        const byteCount = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        // A whole record of noise passes the check sum once in four thousand million.
        assert.is(bench.fatal.length, byteCount >= RECORD_BYTES ? 1 : 0);
        assert.equal(bench.intervals(), []);
      } finally {
        await bench.dispose();
      }
    }),
    runs,
  );
});

test.run();
