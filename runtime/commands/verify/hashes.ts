/** Hashes of receipts by their numbers. Memory: 32 bytes for each number that came, in blocks; 7 MB for 150 days of minutes. */
const HASH_BYTES = 32;
/** Small, so that numbers far apart do not cost much more than they are worth. */
const BLOCK_HASHES = 64;

export class HashTable {
  readonly #blocks = new Map<number, Buffer>();

  /** Hexadecimal; undefined: none of this number. */
  get(number: number): string | undefined {
    const offset = (number % BLOCK_HASHES) * HASH_BYTES;
    const bytes = this.#blocks.get(Math.floor(number / BLOCK_HASHES))?.subarray(offset, offset + HASH_BYTES);
    // No SHA-256 that anybody will ever see is all zeros.
    return bytes?.some((byte) => byte !== 0) ? bytes.toString('hex') : undefined;
  }

  set(number: number, hash: string): void {
    const index = Math.floor(number / BLOCK_HASHES);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = Buffer.alloc(BLOCK_HASHES * HASH_BYTES);
      this.#blocks.set(index, block);
    }
    block.write(hash, (number % BLOCK_HASHES) * HASH_BYTES, 'hex');
  }
}
