/**
 * Seeded random numbers: the whole scene (who comes, how they look, the grain of the sensor) follows from one integer.
 * Generator: sfc32 of Chris Doty-Humphrey's PractRand (public domain), 128 bits of state, warmed up by 16 draws.
 */
export class Random {
  /** a, b, c, counter. A typed array, so that drawing allocates nothing. */
  readonly #state = new Uint32Array(4);

  /** `stream` gives independent sequences of the same seed: looks of the shop, people, grain. */
  constructor(seed: number, stream: number) {
    this.#state[0] = seed;
    this.#state[1] = stream;
    this.#state[2] = 0x9e3779b9;
    this.#state[3] = 1;
    for (let warmUp = 0; warmUp < 16; warmUp += 1) this.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    const state = this.#state;
    const a = state[0]!;
    const b = state[1]!;
    const c = state[2]!;
    const sum = (a + b + state[3]!) >>> 0;
    state[3] = state[3]! + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return sum / 4294967296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** Bell-shaped with the given mean and spread, never more than 2.45 spreads away (sum of six uniforms). */
  bell(mean: number, spread: number): number {
    let sum = 0;
    for (let term = 0; term < 6; term += 1) sum += this.next();
    return mean + ((sum - 3) / Math.SQRT1_2) * spread;
  }

  /** Waiting time of a Poisson process with `perSecond` events, in seconds. */
  waitS(perSecond: number): number {
    return -Math.log(1 - this.next()) / perSecond;
  }
}
