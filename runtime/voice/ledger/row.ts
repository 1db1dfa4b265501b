/**
 * Row: one batch in as few bytes as it needs: about 250 for eight lines with their receipt, of which the signature and
 * the hash of the receipt before are 96. What can be worked out is not stored: the receipt's hashes of its messages come
 * from the records. What hardly changes (names, keys, models, configuration …) is stored once, as *words*.
 * A batch that this form cannot hold exactly (of a clock that was not set, above all) is stored as JSON; writing proves it by reading its own row. Four bytes of
 * SHA-256 stand before each row, for SQLite has no check sums of its own.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Receipt } from '../../privacy/receipts.ts';
import { rfc3339 } from '../../units.ts';
import type { Quality } from '../intervals/intervals.ts';
import { coverOf } from '../receipts/covers.ts';
import { ByteReader, ByteWriter, NotCompact } from './bytes.ts';
import type { Batch, CountRecord, IntervalRecord, ZoneRecord } from './records.ts';

/** What batches of one epoch and configuration have in common; kept as JSON in a table of its own. */
export type Words = {
  readonly epochId: string;
  readonly counters: readonly string[];
  readonly zones: readonly string[];
  /** Of receipts; null: without. */
  readonly receipt: ReceiptWords | null;
};
type ReceiptWords = Pick<Receipt, 'site' | 'device' | 'config_sha256' | 'version' | 'public_key' | 'models'>;

const Form = { json: 0, compact: 1 } as const;
const CHECK_BYTES = 4;
const QUALITIES: readonly Quality[] = ['ok', 'degraded', 'paused', 'camera_lost'];
/** Bits beside the quality's two. */
const FLAG_OPEN = 4;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Tenths and hundredths are what these values were rounded to. */
const GROUPS_SCALE = 10;
const ZONE_SCALE = 100;

export function wordsOf({ records, receipt }: Batch): Words {
  const namesOf = (kind: IntervalRecord['kind']) =>
    records.filter((record) => record.kind === kind).map(({ name }) => name);
  return {
    epochId: records[0]!.epochId,
    counters: namesOf('count'),
    zones: namesOf('zone'),
    receipt: receipt === undefined ? null : receiptWordsOf(receipt),
  };
}

function receiptWordsOf({ site, device, config_sha256, version, public_key, models }: Receipt): ReceiptWords {
  return { site, device, config_sha256, version, public_key, models };
}

export function encodeRow(batch: Batch, words: Words): Uint8Array {
  const compact = compactBody(batch, words);
  const body = compact ?? Buffer.concat([Uint8Array.of(Form.json), Buffer.from(JSON.stringify(batch), 'utf8')]);
  const row = new Uint8Array(CHECK_BYTES + body.length);
  row.set(checkOf(body));
  row.set(body, CHECK_BYTES);
  return row;
}

/** firstSeq: of the batch. Undefined: the row is damaged. */
export function decodeRow(row: Uint8Array, firstSeq: number, words: Words): Batch | undefined {
  const body = row.subarray(CHECK_BYTES);
  if (body.length === 0 || Buffer.compare(checkOf(body), row.subarray(0, CHECK_BYTES)) !== 0) return undefined;
  return batchOf(body, firstSeq, words);
}

function checkOf(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest().subarray(0, CHECK_BYTES);
}

/** Undefined: it does not hold the batch exactly. */
function compactBody(batch: Batch, words: Words): Uint8Array | undefined {
  const writer = new ByteWriter();
  writer.byte(Form.compact);
  try {
    writeBatch(writer, batch);
  } catch (error) {
    if (error instanceof NotCompact) return undefined;
    throw error;
  }
  const body = writer.done();
  return isSame(batchOf(body, batch.records[0]!.seq, words), batch) ? body : undefined;
}

/** A receipt is published as it stands: the order of its fields counts. */
function isSame(read: Batch, batch: Batch): boolean {
  return (
    isDeepStrictEqual(read.records, batch.records) && JSON.stringify(read.receipt) === JSON.stringify(batch.receipt)
  );
}

function batchOf(body: Uint8Array, firstSeq: number, words: Words): Batch {
  const reader = new ByteReader(body);
  if (reader.byte() === Form.json)
    return withReceipt(JSON.parse(Buffer.from(body.subarray(1)).toString('utf8')) as Batch);
  return readBatch(reader, firstSeq, words);
}

/** JSON has no undefined. */
function withReceipt({ records, receipt }: Batch): Batch {
  return { records, receipt };
}

function writeBatch(writer: ByteWriter, { records, receipt }: Batch): void {
  const { boot, fromMs, toMs, samples, expected, quality, isOpen } = records[0]!;
  writer.byte(QUALITIES.indexOf(quality) | (isOpen ? FLAG_OPEN : 0));
  writer.count(boot);
  writer.count(fromMs);
  writer.count(toMs - fromMs);
  writer.count(samples);
  writer.count(expected);
  for (const record of records) if (record.kind === 'count') writeCounts(writer, record);
  for (const record of records) if (record.kind === 'zone') writeZone(writer, record);
  if (receipt !== undefined) writeReceipt(writer, receipt);
}

function readBatch(reader: ByteReader, firstSeq: number, words: Words): Batch {
  const flags = reader.byte();
  const boot = reader.count();
  const fromMs = reader.count();
  const common = {
    boot,
    fromMs,
    toMs: fromMs + reader.count(),
    samples: reader.count(),
    expected: reader.count(),
    quality: QUALITIES[flags % FLAG_OPEN]!,
    isOpen: (flags & FLAG_OPEN) !== 0,
  };
  let seq = firstSeq;
  const { epochId, counters, zones } = words;
  const envelope = (name: string) => ({ seq: seq++, epochId, name, ...common });
  const records: IntervalRecord[] = [
    ...counters.map((name) => ({ kind: 'count' as const, ...envelope(name), ...readCounts(reader) })),
    ...zones.map((name) => ({ kind: 'zone' as const, ...envelope(name), ...readZone(reader) })),
  ];
  const receipt = words.receipt === null ? undefined : readReceipt(reader, records, words.receipt);
  return { records, receipt };
}

function writeCounts(writer: ByteWriter, record: CountRecord): void {
  writer.count(record.in);
  writer.count(record.out);
  writer.count(record.netIn);
  writer.count(record.netOut);
  writer.count(record.totalIn);
  writer.count(record.totalOut);
  writer.count(record.chains);
  writer.decimal(record.groupsHour, GROUPS_SCALE);
}

function readCounts(reader: ByteReader) {
  return {
    in: reader.count(),
    out: reader.count(),
    netIn: reader.count(),
    netOut: reader.count(),
    totalIn: reader.count(),
    totalOut: reader.count(),
    chains: reader.count(),
    groupsHour: reader.decimal(GROUPS_SCALE),
  };
}

function writeZone(writer: ByteWriter, { facts, entries }: ZoneRecord): void {
  writer.count(facts.visits);
  writer.count(facts.bounces);
  writer.count(facts.passersBy);
  writer.count(facts.dwellCount);
  writer.decimalOrNull(facts.dwellMeanS, ZONE_SCALE);
  writer.decimalOrNull(facts.dwellMedianS, ZONE_SCALE);
  writer.decimalOrNull(facts.dwellP90S, ZONE_SCALE);
  writer.decimalOrNull(facts.peopleMean, ZONE_SCALE);
  writer.count(facts.peopleMax);
  writer.decimalOrNull(facts.queueMean, ZONE_SCALE);
  writer.count(facts.queueMax);
  writer.countOrNull(entries);
}

function readZone(reader: ByteReader) {
  const facts = {
    visits: reader.count(),
    bounces: reader.count(),
    passersBy: reader.count(),
    dwellCount: reader.count(),
    dwellMeanS: reader.decimalOrNull(ZONE_SCALE),
    dwellMedianS: reader.decimalOrNull(ZONE_SCALE),
    dwellP90S: reader.decimalOrNull(ZONE_SCALE),
    peopleMean: reader.decimalOrNull(ZONE_SCALE),
    peopleMax: reader.count(),
    queueMean: reader.decimalOrNull(ZONE_SCALE),
    queueMax: reader.count(),
  };
  return { facts, entries: reader.countOrNull() };
}

/** What the records say as well (numbers, times, quality, hashes) is not written; that it fits is proved by reading it. */
function writeReceipt(writer: ByteWriter, receipt: Receipt): void {
  writer.count(receipt.number);
  writer.count(receipt.frames.read);
  writer.count(receipt.frames.erased);
  writer.count(receipt.frames.dropped);
  writer.countOrNull(receipt.longest_us.pixels);
  writer.countOrNull(receipt.longest_us.derived);
  writer.count(receipt.eye_starts);
  writer.byte(receipt.previous === null ? 0 : 1);
  if (receipt.previous !== null) writer.raw(Buffer.from(receipt.previous, 'hex'));
  const signature = Buffer.from(receipt.signature, 'base64');
  if (signature.length !== SIGNATURE_BYTES) throw new NotCompact('signature');
  writer.raw(signature);
}

function readReceipt(reader: ByteReader, records: readonly IntervalRecord[], words: ReceiptWords): Receipt {
  const { epochId, boot, fromMs, toMs, quality } = records[0]!;
  const { site, device, config_sha256, version, public_key, models } = words;
  const number = reader.count();
  const frames = { read: reader.count(), erased: reader.count(), dropped: reader.count() };
  const longest_us = { pixels: reader.countOrNull(), derived: reader.countOrNull() };
  const eye_starts = reader.count();
  const previous = reader.byte() === 0 ? null : Buffer.from(reader.raw(HASH_BYTES)).toString('hex');
  return {
    v: 1,
    kind: 'receipt',
    site,
    device,
    epoch_id: epochId,
    number,
    seq: records.at(-1)!.seq + 1,
    boot,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    quality,
    frames,
    longest_us,
    eye_starts,
    models: [...models],
    config_sha256,
    version,
    covers: records.map(coverOf),
    previous,
    public_key,
    signature: Buffer.from(reader.raw(SIGNATURE_BYTES)).toString('base64'),
  };
}
