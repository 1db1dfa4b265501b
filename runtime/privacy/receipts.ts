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
 */
import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, type DeviceKey, isSignedBy } from './device-key.ts';

export { type DeviceKey, openDeviceKey } from './device-key.ts';

const PURPOSE = 'lethe receipt 1';
/** Twelve counters and eight zones. */
const COVERS_MAX = 20;
/** Models of one interval; a device has one, and another after it was set up anew. */
const MODELS_MAX = 4;

const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,31}$' });
const Time = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Number1 = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Micros = Type.Union([Count, Type.Null()]);

const ReceiptSchema = Type.Object({
  v: Type.Literal(1),
  kind: Type.Literal('receipt'),
  site: Name,
  device: Name,
  /** Series of totals; each has a chain of its own. */
  epoch_id: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  /** Place in the chain, from 1. */
  number: Number1,
  /** Of the same count as that of the messages, and the one after the last that it covers. */
  seq: Number1,
  /** Start of the voice in which it was made. */
  boot: Number1,
  /** The interval, RFC 3339, UTC; the end is excluded. */
  from: Time,
  to: Time,
  quality: Type.Enum(['ok', 'degraded', 'paused', 'camera_lost']),
  /** Of this interval: the differences of the eye's running totals. Dropped ones were erased without being looked at. */
  frames: Type.Object({ read: Count, erased: Count, dropped: Count }),
  /** The longest that pixels, and anything made of them, lived in it, µs; null: no picture, or the eye did not say. */
  longest_us: Type.Object({ pixels: Micros, derived: Micros }),
  /** Eyes that began in it. With each, one picture may have ended together with the process that held it. */
  eye_starts: Count,
  /** SHA-256 of the models that looked at its pictures, in order; empty: the eye has not said which. */
  models: Type.Array(Sha256, { maxItems: MODELS_MAX }),
  /** SHA-256 of the configuration with all its defaults, in the form of RFC 8785. */
  config_sha256: Sha256,
  /** Version of Lethe. */
  version: Type.String({ maxLength: 64 }),
  /** The messages of the interval: number, topic below the device's, hash. */
  covers: Type.Array(Type.Object({ seq: Number1, topic: Type.String({ maxLength: 64 }), sha256: Sha256 }), {
    minItems: 1,
    maxItems: COVERS_MAX,
  }),
  /** Hash of the receipt before; null: the first of its chain. */
  previous: Type.Union([Sha256, Type.Null()]),
  /** Raw Ed25519 public key and signature in base64. */
  public_key: Type.String({ maxLength: 64 }),
  signature: Type.String({ maxLength: 128 }),
});
export type Receipt = Static<typeof ReceiptSchema>;
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
