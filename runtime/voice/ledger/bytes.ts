/**
 * Bytes: numbers in as few bytes as they need, one after the other, for the ledger's rows.
 * Counts are varints of 7 bits a byte, least first (LEB128), up to 2^53 - 1.
 */

const WIRE_BITS = 128;
const GROWTH_BYTES = 256;

/** A value that has no place in the compact form; the row is then written as JSON. */
export class NotCompact extends Error {}

export class ByteWriter {
  #bytes = new Uint8Array(GROWTH_BYTES);
  #length = 0;

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer from 0 to 2^53 - 1; throws NotCompact for anything else. */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) throw new NotCompact(`${value}`);
    let rest = value;
    while (rest >= WIRE_BITS) {
      this.byte((rest % WIRE_BITS) | WIRE_BITS);
      rest = Math.floor(rest / WIRE_BITS);
    }
    this.byte(rest);
  }

  /** From 0 to 2^53 - 2, or null. */
  countOrNull(value: number | null): void {
    this.count(value === null ? 0 : value + 1);
  }

  /** value · scale is an integer, as with numbers that were rounded to it. */
  decimal(value: number, scale: number): void {
    this.count(scaled(value, scale));
  }

  decimalOrNull(value: number | null, scale: number): void {
    this.countOrNull(value === null ? null : scaled(value, scale));
  }

  /** As they are; the reader must know how many. */
  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(byteCount: number): void {
    const larger = new Uint8Array(this.#length + byteCount + GROWTH_BYTES);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function scaled(value: number, scale: number): number {
  const count = Math.round(value * scale);
  if (count / scale !== value) throw new NotCompact(`${value}`);
  return count;
}

/** What ByteWriter wrote, in the same order. Throws RangeError beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw new RangeError('a row that ends too early');
    this.#offset += 1;
    return value;
  }

  count(): number {
    let value = 0;
    for (let weight = 1; ; weight *= WIRE_BITS) {
      const byte = this.byte();
      value += (byte % WIRE_BITS) * weight;
      if (byte < WIRE_BITS) return value;
    }
  }

  countOrNull(): number | null {
    const value = this.count();
    return value === 0 ? null : value - 1;
  }

  decimal(scale: number): number {
    return this.count() / scale;
  }

  decimalOrNull(scale: number): number | null {
    const value = this.count();
    return value === 0 ? null : (value - 1) / scale;
  }

  raw(byteCount: number): Uint8Array {
    const end = this.#offset + byteCount;
    if (end > this.#bytes.length) throw new RangeError('a row that ends too early');
    const bytes = this.#bytes.slice(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}
