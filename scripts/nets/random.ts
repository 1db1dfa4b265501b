/**
 * Small seeded generator for test networks and their inputs: the same numbers on every machine and Node version, by
 * whole-number arithmetic alone. Mulberry32 by Tommy Ettinger (public domain); not for anything secret.
 */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** 0 .. 2^32 - 1 */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  /** min <= value < max */
  real(min: number, max: number): number {
    return min + (this.uint32() / 2 ** 32) * (max - min);
  }
  /** Whole number, both ends included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.real(0, max - min + 1));
  }
  pick<Value>(values: readonly Value[]): Value {
    return values[this.integer(0, values.length - 1)]!;
  }
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.uint32() >>> 24);
  }
}

/** A seed for a name: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
