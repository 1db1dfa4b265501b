/**
 * Receipts: what a device signs about each interval: how many pictures it read and erased, the longest that one of them
 * lived, by which model, configuration and version, and the hashes of the messages that it sent about the interval.
 * Each names the hash of the one before, so a receipt that is missing, changed, doubled or put elsewhere shows.
 * They prove what the device said and that nobody changed it since; that the device said the truth is the audit's matter.
 *
 * Signed bytes: the line `lethe receipt 1`, then the receipt without `signature` in the form of RFC 8785 (device-key.ts).
 * Hash of a receipt: SHA-256 of the whole receipt, signature included, in the same form.
 * Hash of a message: SHA-256 of its payload in that form, without `historical` and `tz`: these two are settled when it is
 * sent, which may be days after the receipt was made, and again when it is sent once more.
 * Its fields: runtime/contract/receipt.ts.
 */
import { createHash } from 'node:crypto';
import { Value } from 'typebox/value';
import { type Receipt, ReceiptSchema } from '../contract/receipt.ts';
import { canonicalJson, type DeviceKey, isSignedBy } from './device-key.ts';

export type { Receipt } from '../contract/receipt.ts';
export { type DeviceKey, openDeviceKey } from './device-key.ts';

const PURPOSE = 'lethe receipt 1';

export type UnsignedReceipt = Omit<Receipt, 'signature' | 'public_key'>;

export function signedReceipt(facts: UnsignedReceipt, key: DeviceKey): Receipt {
  const unsigned = { ...facts, public_key: key.publicKey };
  return { ...unsigned, signature: key.sign(PURPOSE, canonicalJson(unsigned)) };
}

/** True if the private half of the receipt's own key signed it; whose key that is, is another question. */
export function isReceiptSigned({ signature, ...unsigned }: Receipt): boolean {
  return isSignedBy(unsigned.public_key, PURPOSE, canonicalJson(unsigned), signature);
}

/** json: as JSON.parse gives it. Everything that keeps it from being a receipt; none: it is one, signed or not. */
export function receiptFaults(json: unknown): string[] {
  if (Value.Check(ReceiptSchema, json)) return [];
  return Value.Errors(ReceiptSchema, json).map(
    ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || 'the receipt'}: ${message}`,
  );
}

/** SHA-256 in hexadecimal. */
export function receiptHash(receipt: Receipt): string {
  return sha256(canonicalJson(receipt));
}

/** payload: of an interval or zone message, as JSON.parse gives it. SHA-256 in hexadecimal. */
export function messageHash(payload: object): string {
  const { historical: _historical, tz: _tz, ...rest } = payload as { historical?: unknown; tz?: unknown };
  return sha256(canonicalJson(rest));
}

/** Of anything that JSON can say, in the form of RFC 8785; hexadecimal. */
export function canonicalHash(value: unknown): string {
  return sha256(canonicalJson(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
