/** So many of something a minute, and a few at once after a pause (a leaky bucket). */
import { US_PER_S } from '../../units.ts';

export class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #nowUs: () => number;
  #left: number;
  #atUs: number;

  /** nowUs: monotonic. */
  constructor(perMinute: number, burst: number, nowUs: () => number) {
    this.#perSecond = perMinute / 60;
    this.#burst = burst;
    this.#nowUs = nowUs;
    this.#left = burst;
    this.#atUs = nowUs();
  }

  /** True if there is one left, which is gone then. */
  take(): boolean {
    const nowUs = this.#nowUs();
    this.#left = Math.min(this.#burst, this.#left + ((nowUs - this.#atUs) / US_PER_S) * this.#perSecond);
    this.#atUs = nowUs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
