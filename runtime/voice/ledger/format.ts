/**
 * The ledger's file: one line with format, version and SHA-256 of the second line, which is the state as JSON.
 * Records that wait for the broker are most of it and are written as lists. What one receipt has in common with the next
 * (site, keys, models, names of what it covers …) stands once; of each there is left little but its hashes and signature.
 */
import { createHash } from 'node:crypto';
import type { Receipt } from '../../privacy/receipts.ts';
import type { Quality } from '../intervals/intervals.ts';
import type { ZoneFacts } from '../intervals/zones.ts';
import { rfc3339 } from '../topics/payloads.ts';
import type { IntervalRecord, LedgerState, PendingRecord, ReceiptRecord } from './ledger.ts';

export const FORMAT = 'lethe-voice-state';
const FORMAT_VERSION = 3;

type EnvelopeRow = [number, number, string, number, number, number, number, Quality, boolean];
type CountRow = [...EnvelopeRow, number, number, number, number, number, number, number, number];
type ZoneRow = [...EnvelopeRow, number | null, ZoneFacts];

/** What stays the same from receipt to receipt; topics: of what they cover, in order. */
type Common = Pick<
  Receipt,
  'site' | 'device' | 'epoch_id' | 'boot' | 'models' | 'config_sha256' | 'version' | 'public_key'
> & { readonly topics: readonly string[] };
type ReceiptRow = [
  word: 'receipt',
  commonIndex: number,
  number: number,
  seq: number,
  fromMs: number,
  toMs: number,
  quality: Quality,
  frames: [read: number, erased: number, dropped: number, eyeStarts: number],
  longestUs: [pixels: number | null, derived: number | null],
  /** Of the messages, which bear the numbers before this one; then of the receipt before. SHA-256 in base64. */
  hashes: string[],
  previous: string | null,
  signature: string,
];
type Row = CountRow | ZoneRow | ReceiptRow;
type Body = Omit<LedgerState, 'pending'> & { readonly receiptCommons: Common[]; readonly pending: Row[] };

export function encodeState(state: LedgerState): string {
  const receiptCommons: Common[] = [];
  const pending = state.pending.map((record) =>
    record.kind === 'receipt' ? receiptRow(record.receipt, receiptCommons) : intervalRow(record),
  );
  const body = JSON.stringify({ ...state, receiptCommons, pending } satisfies Body);
  return `${FORMAT} ${FORMAT_VERSION} ${sha256(body)}\n${body}\n`;
}

/** The state, or in a few words why the text is none. With a right check sum its shape is as we wrote it. */
export function decodeState(text: string): LedgerState | string {
  const [head = '', body = ''] = text.split('\n');
  const [format, version, check] = head.split(' ');
  if (format !== FORMAT) return 'it does not begin as a state file';
  if (version !== String(FORMAT_VERSION)) return `its version is ${version}, this program reads ${FORMAT_VERSION}`;
  if (check !== sha256(body)) return 'its check sum is wrong';
  const { receiptCommons, pending, ...state } = JSON.parse(body) as Body;
  return { ...state, pending: pending.map((row) => recordOf(row, receiptCommons)) };
}

function intervalRow(r: IntervalRecord): Row {
  const envelope: EnvelopeRow = [r.seq, r.boot, r.name, r.fromMs, r.toMs, r.samples, r.expected, r.quality, r.isOpen];
  if (r.kind === 'zone') return [...envelope, r.entries, r.facts];
  return [...envelope, r.in, r.out, r.netIn, r.netOut, r.totalIn, r.totalOut, r.chains, r.groupsHour];
}

/** commons: the last of them is used again where it fits, else one is added. */
function receiptRow(receipt: Receipt, commons: Common[]): ReceiptRow {
  const last = commons.at(-1);
  if (last === undefined || !isCommonOf(last, receipt)) commons.push(commonOf(receipt));
  const { number, seq, from, to, quality, frames, longest_us, eye_starts, covers, previous, signature } = receipt;
  return [
    'receipt',
    commons.length - 1,
    number,
    seq,
    Date.parse(from),
    Date.parse(to),
    quality,
    [frames.read, frames.erased, frames.dropped, eye_starts],
    [longest_us.pixels, longest_us.derived],
    covers.map(({ sha256 }) => hexToBase64(sha256)),
    previous === null ? null : hexToBase64(previous),
    signature,
  ];
}

function commonOf(receipt: Receipt): Common {
  const { site, device, epoch_id, boot, models, config_sha256, version, public_key } = receipt;
  const topics = receipt.covers.map(({ topic }) => topic);
  return { site, device, epoch_id, boot, models, config_sha256, version, public_key, topics };
}

function isCommonOf(common: Common, receipt: Receipt): boolean {
  const { models, topics, ...words } = common;
  return (
    Object.entries(words).every(([name, word]) => receipt[name as keyof typeof words] === word) &&
    models.length === receipt.models.length &&
    models.every((model, index) => model === receipt.models[index]) &&
    topics.length === receipt.covers.length &&
    topics.every((topic, index) => topic === receipt.covers[index]!.topic)
  );
}

function recordOf(row: Row, commons: readonly Common[]): PendingRecord {
  if (row[0] === 'receipt') return receiptOf(row as ReceiptRow, commons);
  return intervalOf(row as CountRow | ZoneRow);
}

function receiptOf(row: ReceiptRow, commons: readonly Common[]): ReceiptRecord {
  const [, commonIndex, number, seq, fromMs, toMs, quality, frames, longestUs, hashes, previous, signature] = row;
  const { topics, site, device, epoch_id, boot, models, config_sha256, version, public_key } = commons[commonIndex]!;
  const [read, erased, dropped, eyeStarts] = frames;
  const receipt: Receipt = {
    v: 1,
    kind: 'receipt',
    site,
    device,
    epoch_id,
    number,
    seq,
    boot,
    from: rfc3339(fromMs),
    to: rfc3339(toMs),
    quality,
    frames: { read, erased, dropped },
    longest_us: { pixels: longestUs[0], derived: longestUs[1] },
    eye_starts: eyeStarts,
    models: [...models],
    config_sha256,
    version,
    covers: topics.map((topic, index) => ({
      seq: seq - topics.length + index,
      topic,
      sha256: base64ToHex(hashes[index]!),
    })),
    previous: previous === null ? null : base64ToHex(previous),
    public_key,
    signature,
  };
  return { kind: 'receipt', seq, toMs, receipt };
}

function intervalOf(row: CountRow | ZoneRow): IntervalRecord {
  const [seq, boot, name, fromMs, toMs, samples, expected, quality, isOpen] = row;
  const envelope = { seq, boot, name, fromMs, toMs, samples, expected, quality, isOpen };
  if (isZoneRow(row)) return { kind: 'zone', ...envelope, entries: row[9], facts: row[10] };
  const [countIn, countOut, netIn, netOut, totalIn, totalOut, chains, groupsHour] = row.slice(9) as number[];
  return {
    kind: 'count',
    ...envelope,
    in: countIn!,
    out: countOut!,
    netIn: netIn!,
    netOut: netOut!,
    totalIn: totalIn!,
    totalOut: totalOut!,
    chains: chains!,
    groupsHour: groupsHour!,
  };
}

function isZoneRow(row: CountRow | ZoneRow): row is ZoneRow {
  return typeof row[10] === 'object';
}

function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

function base64ToHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
