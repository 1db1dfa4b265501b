/**
 * Random numbers that come again: the same seed gives the same script of crossings and the same faults in the same order.
 * At which instruction of the voice a fault falls is up to the machine; that is the part which many tries are for.
 */

/** Printed with every row; FAULT_SEED repeats it. */
export const SEED = Number(process.env['FAULT_SEED'] ?? 20_261);

export class Random {
  #state: number;

  /** name: of whoever draws, so that one drawing more does not change what another one gets. */
  constructor(name: string, seed = SEED) {
    this.#state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed) >>> 0;
  }

  /** 0 (included) to 1. mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** Whole, both ends included. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  isTrue(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)]!;
  }
}
