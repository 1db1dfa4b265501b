/** What a receipt says of each message that it covers; worked out from the record, by whoever writes or reads receipts. */
import { messageHash, type Receipt } from '../../privacy/receipts.ts';
import type { IntervalRecord } from '../ledger/records.ts';
import { intervalPayload } from '../topics/payloads.ts';

export type Cover = Receipt['covers'][number];

export function coverOf(record: IntervalRecord): Cover {
  return { seq: record.seq, topic: topicOf(record), sha256: hashOfMessage(record) };
}

/** Below the device's. */
export function topicOf(record: IntervalRecord): string {
  return `${record.kind === 'zone' ? 'zone' : 'interval'}/${record.name}`;
}

/** The message of a record as JSON.parse gives it, but for what differs with the time of sending. */
export function messageOf(record: IntervalRecord): object {
  return JSON.parse(intervalPayload({ record, epochId: record.epochId, tz: '', historical: false })) as object;
}

/** As a subscriber works it out from the message; what differs with the time of sending is not in the hash. */
function hashOfMessage(record: IntervalRecord): string {
  return messageHash(messageOf(record));
}
