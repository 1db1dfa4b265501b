/**
 * How often it may fail: claims that are refused cost one of an address' tries and one of all tries; both come back with time.
 * Guessing a token of 16 bytes is hopeless anyway: this keeps log and processor for the devices.
 * Memory: one entry an address that failed lately, at most ADDRESSES_MAX; beyond that the oldest is forgotten.
 */

/** A technician who holds the wrong code before the camera, again and again, does not come this far in ten minutes. */
export const FAILURES_PER_ADDRESS = 20;
export const FAILURES_IN_ALL = 300;
/** After so long all of them are back. */
export const RECOVERY_MS = 600_000;
export const ADDRESSES_MAX = 1000;

/** Failures that have not come back yet, as a number that falls with time. */
type Bucket = { level: number; atMs: number };

export class ClaimLimits {
  readonly #addresses = new Map<string, Bucket>();
  readonly #all: Bucket = { level: 0, atMs: 0 };

  /** Seconds until the next try may be made; 0: now. nowMs: monotonic. */
  waitS(address: string, nowMs: number): number {
    const own = this.#addresses.get(placeOf(address));
    return Math.max(
      own === undefined ? 0 : waitOf(own, FAILURES_PER_ADDRESS, nowMs),
      waitOf(this.#all, FAILURES_IN_ALL, nowMs),
    );
  }

  failed(address: string, nowMs: number): void {
    const place = placeOf(address);
    const own = this.#addresses.get(place) ?? { level: 0, atMs: nowMs };
    // To the end of the order in which they are forgotten.
    this.#addresses.delete(place);
    this.#addresses.set(place, own);
    add(own, FAILURES_PER_ADDRESS, nowMs);
    add(this.#all, FAILURES_IN_ALL, nowMs);
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size > ADDRESSES_MAX && oldest !== undefined) this.#addresses.delete(oldest);
  }
}

function levelAt({ level, atMs }: Bucket, most: number, nowMs: number): number {
  return Math.max(0, level - ((nowMs - atMs) * most) / RECOVERY_MS);
}

function add(bucket: Bucket, most: number, nowMs: number): void {
  bucket.level = levelAt(bucket, most, nowMs) + 1;
  bucket.atMs = nowMs;
}

function waitOf(bucket: Bucket, most: number, nowMs: number): number {
  const over = levelAt(bucket, most, nowMs) - (most - 1);
  return over <= 0 ? 0 : Math.ceil((over * RECOVERY_MS) / most / 1000);
}

/** Who has an address of IPv6 has 2^64 of them: its network counts. An IPv4 address may come as ::ffff:192.0.2.1. */
function placeOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4).join(':');
}
