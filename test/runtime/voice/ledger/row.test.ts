/**
 * Goal: a row gives back exactly the batch that was written, to the byte of what is published, and takes little room.
 * Method: batches made at random, with receipts that fit them and with ones that do not; every byte of a row changed once.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Receipt, signedReceipt } from '../../../../runtime/privacy/receipts.ts';
import type { Quality } from '../../../../runtime/voice/intervals/intervals.ts';
import type { Batch, IntervalRecord } from '../../../../runtime/voice/ledger/records.ts';
import { decodeRow, encodeRow, type Words, wordsOf } from '../../../../runtime/voice/ledger/row.ts';
import { coverOf } from '../../../../runtime/voice/receipts/covers.ts';
import { intervalPayload } from '../../../../runtime/voice/topics/payloads.ts';
import { memoryKey } from '../../../fakes/key.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 200);
const EPOCH = '00000000-0000-4000-8000-000000000001';
const key = memoryKey();

/** Objects as ours are: with a prototype. */
function record<T extends object>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const count = fc.oneof(fc.nat(3), fc.nat(100_000), fc.maxSafeNat());
/** One value is needed for null: 2^53 - 1 itself goes as JSON. */
const countOrNull = fc.option(count.map((value) => Math.min(value, Number.MAX_SAFE_INTEGER - 1)));
const hundredths = fc.nat(1_000_000).map((value) => value / 100);
const timeMs = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2100, 0) });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));

const envelope = record({
  boot: fc.integer({ min: 1, max: 1_000_000 }),
  fromMs: timeMs,
  durationMs: fc.integer({ min: 1, max: 3_600_000 }),
  samples: count,
  expected: count,
  quality: fc.constantFrom<Quality>('ok', 'degraded', 'paused', 'camera_lost'),
  isOpen: fc.boolean(),
});
const counts = record({
  in: count,
  out: count,
  netIn: count,
  netOut: count,
  totalIn: count,
  totalOut: count,
  chains: count,
  groupsHour: fc.nat(100_000).map((value) => value / 10),
});
const facts = record({
  visits: count,
  bounces: count,
  passersBy: count,
  dwellCount: count,
  dwellMeanS: fc.option(hundredths),
  dwellMedianS: fc.option(hundredths),
  dwellP90S: fc.option(hundredths),
  peopleMean: fc.option(hundredths),
  peopleMax: count,
  queueMean: fc.option(hundredths),
  queueMax: count,
});

const recordsOf = record({
  firstSeq: fc.integer({ min: 1, max: 1e9 }),
  envelope,
  counters: fc.array(counts, { minLength: 1, maxLength: 12 }),
  zones: fc.array(record({ facts, entries: countOrNull }), { maxLength: 8 }),
}).map(({ firstSeq, envelope: { durationMs, ...common }, counters, zones }): IntervalRecord[] => {
  let seq = firstSeq;
  const next = (name: string) => ({
    seq: seq++,
    epochId: EPOCH,
    name,
    ...common,
    toMs: common.fromMs + durationMs,
  });
  return [
    ...counters.map((counted, index) => ({ kind: 'count' as const, ...next(`line${index}`), ...counted })),
    ...zones.map((zone, index) => ({ kind: 'zone' as const, ...next(`zone${index}`), ...zone })),
  ];
});

const receiptFacts = record({
  number: fc.integer({ min: 1, max: 1e9 }),
  frames: record({ read: count, erased: count, dropped: count }),
  longest_us: record({ pixels: fc.option(fc.nat(1e6)), derived: fc.option(fc.nat(1e6)) }),
  eye_starts: fc.nat(5),
  models: fc.array(hash, { maxLength: 4 }),
  config_sha256: hash,
  previous: fc.option(hash),
});

const batches = record({ records: recordsOf, receipt: fc.option(receiptFacts, { nil: undefined }) }).map(
  ({ records, receipt }): Batch => {
    const { boot, fromMs, toMs, quality } = records[0]!;
    if (receipt === undefined) return { records, receipt };
    const { number, frames, longest_us, eye_starts, models, config_sha256, previous } = receipt;
    return {
      records,
      receipt: signedReceipt(
        {
          v: 1,
          kind: 'receipt',
          site: 'demo',
          device: 'door1',
          epoch_id: EPOCH,
          number,
          seq: records.at(-1)!.seq + 1,
          boot,
          from: new Date(fromMs).toISOString(),
          to: new Date(toMs).toISOString(),
          quality,
          frames,
          longest_us,
          eye_starts,
          models,
          config_sha256,
          version: '0.1.0',
          covers: records.map(coverOf),
          previous,
        },
        key,
      ),
    };
  },
);

/** As the store keeps them: words go through JSON. */
function roundTrip(batch: Batch): {
  readonly row: Uint8Array;
  readonly read: Batch | undefined;
  readonly words: Words;
} {
  const words = JSON.parse(JSON.stringify(wordsOf(batch))) as Words;
  const row = encodeRow(batch, words);
  return { row, read: decodeRow(row, batch.records[0]!.seq, words), words };
}

const isCompact = (row: Uint8Array) => row[4] === 1;
const published = ({ records, receipt }: Batch) => [
  ...records.map((record) => intervalPayload({ record, epochId: record.epochId, tz: 'UTC', historical: true })),
  JSON.stringify(receipt),
];

test('a batch comes back as it was, and is published with the same bytes', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const { row, read } = roundTrip(batch);
      assert.ok(isCompact(row));
      assert.equal(read, batch);
      assert.equal(published(read!), published(batch));
    }),
    { numRuns: RUNS },
  );
});

test('a receipt that does not fit its records, or a number of another kind, is kept exactly too, as JSON', () => {
  const changes = fc.oneof(
    fc.constant((receipt: Receipt): Receipt => ({ ...receipt, seq: receipt.seq + 1 })),
    fc.constant((receipt: Receipt): Receipt => ({ ...receipt, signature: 'short' })),
    fc.constant((receipt: Receipt): Receipt => ({ ...receipt, covers: receipt.covers.slice(1) })),
    fc.constant((receipt: Receipt): Receipt => ({ ...receipt, from: '2026-01-01T00:00:00.001Z' })),
    fc.constant((receipt: Receipt): Receipt => ({ ...receipt, eye_starts: -1 })),
  );
  fc.assert(
    fc.property(batches, changes, (batch, change) => {
      fc.pre(batch.receipt !== undefined);
      const odd = { ...batch, receipt: change(batch.receipt!) };
      const { row, read } = roundTrip(odd);
      assert.not.ok(isCompact(row));
      assert.equal(read, odd);
      assert.equal(published(read!), published(odd));
    }),
    { numRuns: RUNS },
  );
});

test('a row with one bit changed is not believed', () => {
  fc.assert(
    fc.property(batches, fc.nat(), fc.nat(7), (batch, place, bit) => {
      const { row, words } = roundTrip(batch);
      row[place % row.length]! ^= 1 << bit;
      assert.is(decodeRow(row, batch.records[0]!.seq, words), undefined);
    }),
    { numRuns: RUNS },
  );
});

test('eight lines of a busy minute and their receipt take at most 260 bytes', () => {
  const busy = {
    ...{
      kind: 'count' as const,
      epochId: EPOCH,
      boot: 200,
      fromMs: Date.UTC(2026, 5),
      toMs: Date.UTC(2026, 5) + 60_000,
    },
    ...{ samples: 895, expected: 900, quality: 'ok' as const, isOpen: true, in: 25, out: 31, netIn: 24, netOut: 30 },
    ...{ totalIn: 1_500_000, totalOut: 1_490_000, chains: 20, groupsHour: 512.3 },
  };
  const records = Array.from({ length: 8 }, (_, index) => ({ ...busy, seq: 1_900_000 + index, name: `line${index}` }));
  const [{ receipt }] = fc.sample(
    batches.filter(({ receipt: made }) => made !== undefined && made.previous !== null),
    { numRuns: 1, seed: 1 },
  ) as [Batch];
  const times = { from: new Date(busy.fromMs).toISOString(), to: new Date(busy.toMs).toISOString() };
  const fitting: Receipt = {
    ...receipt!,
    ...times,
    boot: 200,
    quality: 'ok',
    seq: records.at(-1)!.seq + 1,
    number: 216_000,
    frames: { read: 895, erased: 895, dropped: 3 },
    longest_us: { pixels: 310, derived: 1190 },
    eye_starts: 0,
    covers: records.map(coverOf),
  };
  const { row } = roundTrip({ records, receipt: fitting });
  assert.ok(isCompact(row));
  assert.ok(row.length <= 260, `${row.length} bytes`);
});

test.run();
