/**
 * Records: what is kept of each closed interval and sent. An interval gives one *batch*: the records of its counters and
 * zones with numbers in a row, and the receipt that covers them with the number after the last.
 */
import type { Receipt } from '../../privacy/receipts.ts';
import type { Quality } from '../intervals/intervals.ts';
import type { ZoneFacts } from '../intervals/zones.ts';

/** What all records of a batch have in common, but for seq and name. */
type Envelope = {
  /** Of the records of this ledger, whatever their epoch: it never falls and has no holes but those that were given up. */
  readonly seq: number;
  /** Series of totals that it belongs to; with site, device and seq it names the record for good. */
  readonly epochId: string;
  readonly boot: number;
  /** Of the counter or zone. */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: number;
  readonly expected: number;
  readonly quality: Quality;
  /** The shop was open in it, at least for a part. */
  readonly isOpen: boolean;
  /** The clock was not set in it: seconds since the start of the voice at its end. Absent: it was, or nobody knows. */
  readonly unsyncedUptimeS?: number;
};

/** What one counter (line or entrance) counted in one interval. */
export type CountRecord = Envelope & {
  readonly kind: 'count';
  readonly in: number;
  readonly out: number;
  readonly netIn: number;
  readonly netOut: number;
  readonly totalIn: number;
  readonly totalOut: number;
  /** Entries with a pause before them, and the parties that came in since the full hour (groups.ts). */
  readonly chains: number;
  readonly groupsHour: number;
};

/** What happened in one zone in one interval. */
export type ZoneRecord = Envelope & {
  readonly kind: 'zone';
  readonly facts: ZoneFacts;
  /** People who came in through the counter that the zone lies before; null: it lies before none. */
  readonly entries: number | null;
};

export type IntervalRecord = CountRecord | ZoneRecord;

/** What the device signs about an interval, after the records that it covers; published as it stands here. */
export type ReceiptRecord = {
  readonly kind: 'receipt';
  readonly seq: number;
  readonly epochId: string;
  readonly toMs: number;
  readonly receipt: Receipt;
};

export type LedgerRecord = IntervalRecord | ReceiptRecord;

export type Batch = {
  /** At least one. */
  readonly records: readonly IntervalRecord[];
  /** Undefined: the device had no key. */
  readonly receipt: Receipt | undefined;
};

/** In the order in which they are sent. */
export function recordsOf({ records, receipt }: Batch): LedgerRecord[] {
  if (receipt === undefined) return [...records];
  const { epochId, toMs } = records[0]!;
  return [...records, { kind: 'receipt', seq: receipt.seq, epochId, toMs, receipt }];
}

export function firstSeqOf({ records }: Batch): number {
  return records[0]!.seq;
}

export function lastSeqOf({ records, receipt }: Batch): number {
  return receipt?.seq ?? records.at(-1)!.seq;
}
