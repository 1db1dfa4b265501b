/**
 * Windows: the set of all runs of eight bytes that occur in some known bytes ("text"), for asking of eight bytes of a
 * memory whether they are among them.
 * How: a polynomial hash of each window (rolling: Karp, Rabin: Efficient randomized pattern-matching algorithms, 1987) goes
 * into a bit map that fits the processor's caches better than the table does; only what is in there is looked up in the
 * table (open addressing) and compared byte by byte. So nothing that is in the set is missed, and nothing else is found.
 * Memory, all taken at once: the text, 16 to 32 bits of map and 8 to 16 bytes of table per byte of it.
 */
import { strict as assert } from 'node:assert';

/** Shortest run of bytes that is called a find. */
export const WINDOW_BYTES = 8;

/**
 * Different values among the eight. With fewer a window is something that any memory has (abababab), and finding it would
 * say nothing. Of the windows of a pattern frame 1 in 200 has fewer, and then its neighbours have enough.
 */
export const DISTINCT_MIN = 6;

/** Odd, with its bits well spread (2^32 over the golden ratio): multiplication by it is a permutation of 32 bits. */
const BASE = 0x9e3779b1;
/** BASE ^ WINDOW_BYTES: what a byte's share of the hash has become when it leaves the window. */
const LEAVING = Array.from({ length: WINDOW_BYTES }).reduce<number>((power) => Math.imul(power, BASE), 1);

/** Hash after `entering` came in and `leaving` went out; begin with 0, and 0 leaves while the window fills. */
export function roll(hash: number, entering: number, leaving: number): number {
  return (Math.imul(hash, BASE) + entering - Math.imul(leaving, LEAVING)) | 0;
}

export class WindowSet {
  readonly text: Uint8Array;
  /** Bytes of `text` in use. */
  textBytes = 0;
  readonly #map: Int32Array;
  readonly #mapShift: number;
  /** Where in `text` a window begins, plus 1; 0: free. */
  readonly #table: Int32Array;
  readonly #tableShift: number;

  /** capacityBytes: of all texts together, 1..2^27. */
  constructor(capacityBytes: number) {
    assert.ok(capacityBytes >= 1 && capacityBytes <= 2 ** 27, `${capacityBytes} bytes of text`);
    this.text = new Uint8Array(capacityBytes);
    const tableBits = Math.max(4, Math.ceil(Math.log2(capacityBytes * 2)));
    const mapBits = Math.max(5, Math.ceil(Math.log2(capacityBytes * 16)));
    this.#table = new Int32Array(2 ** tableBits);
    this.#tableShift = 32 - tableBits;
    this.#map = new Int32Array(2 ** (mapBits - 5));
    this.#mapShift = 32 - mapBits;
  }

  /**
   * Adds every window of `bytes` that has at least DISTINCT_MIN different values in it. False: the set is full.
   */
  add(bytes: Uint8Array): boolean {
    const begin = this.textBytes;
    if (begin + bytes.length > this.text.length) return false;
    this.text.set(bytes, begin);
    this.textBytes += bytes.length;
    let hash = 0;
    for (let i = 0; i < bytes.length; i++) {
      hash = roll(hash, bytes[i]!, i < WINDOW_BYTES ? 0 : bytes[i - WINDOW_BYTES]!);
      const from = i - WINDOW_BYTES + 1;
      if (from >= 0 && distinctIn(bytes, from) >= DISTINCT_MIN) this.#insert(hash, begin + from);
    }
    return true;
  }

  clear(): void {
    this.text.fill(0);
    this.textBytes = 0;
    this.#map.fill(0);
    this.#table.fill(0);
  }

  /** False: no window with this hash is in the set. True: perhaps. */
  mayHave(hash: number): boolean {
    const bit = Math.imul(hash, BASE) >>> this.#mapShift;
    return (this.#map[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Where in `text` a window with this hash lies that `isEqual` confirms; -1: nowhere. */
  find(hash: number, isEqual: (textOffset: number) => boolean): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let slot = Math.imul(hash, BASE) >>> this.#tableShift; ; slot = (slot + 1) & mask) {
      const entry = table[slot]!;
      if (entry === 0) return -1;
      if (isEqual(entry - 1)) return entry - 1;
    }
  }

  #insert(hash: number, textOffset: number): void {
    const mixed = Math.imul(hash, BASE);
    const bit = mixed >>> this.#mapShift;
    this.#map[bit >>> 5]! |= 1 << (bit & 31);
    const mask = this.#table.length - 1;
    let slot = mixed >>> this.#tableShift;
    while (this.#table[slot] !== 0) {
      if (this.#isSame(this.#table[slot]! - 1, textOffset)) return;
      slot = (slot + 1) & mask;
    }
    this.#table[slot] = textOffset + 1;
  }

  #isSame(a: number, b: number): boolean {
    for (let i = 0; i < WINDOW_BYTES; i++) if (this.text[a + i] !== this.text[b + i]) return false;
    return true;
  }
}

function distinctIn(bytes: Uint8Array, from: number): number {
  let count = 0;
  for (let i = 0; i < WINDOW_BYTES; i++) {
    let isNew = 1;
    for (let j = 0; j < i; j++) if (bytes[from + i] === bytes[from + j]) isNew = 0;
    count += isNew;
  }
  return count;
}
