/**
 * Tells presses from holds, for every implementation of the pins: what they have in common is when the button went down and
 * when it was let go. Memory: one timer while the button is down.
 */
import { type ButtonHold, HOLD_FACTOR_MAX } from '../../runtime/ports/gpio.ts';
import { US_PER_MS } from '../../runtime/units.ts';

/** Calls back after `ms`; returns what takes that back. */
export type After = (ms: number, task: () => void) => () => void;

const afterReal: After = (ms, task) => {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
};

export class HoldWatch {
  readonly #hold: ButtonHold;
  readonly #onPress: () => void;
  readonly #monotonicUs: () => number;
  readonly #after: After;
  /** µs; undefined while the button is up, or was down from the beginning. */
  #downAtUs: number | undefined;
  #isReached = false;
  #cancel: () => void = () => {};

  constructor(
    hold: ButtonHold,
    onPress: () => void,
    monotonicUs: () => number = () => performance.now() * US_PER_MS,
    after: After = afterReal,
  ) {
    this.#hold = hold;
    this.#onPress = onPress;
    this.#monotonicUs = monotonicUs;
    this.#after = after;
  }

  down(): void {
    if (this.#downAtUs !== undefined) return;
    this.#downAtUs = this.#monotonicUs();
    this.#isReached = false;
    this.#cancel = this.#after(this.#hold.ms, () => {
      this.#isReached = true;
      this.#hold.onReached();
    });
  }

  up(): void {
    if (this.#downAtUs === undefined) return;
    const heldMs = (this.#monotonicUs() - this.#downAtUs) / US_PER_MS;
    this.#downAtUs = undefined;
    this.#cancel();
    if (this.#isReached) this.#hold.onReleased(heldMs <= HOLD_FACTOR_MAX * this.#hold.ms);
    else this.#onPress();
  }

  close(): void {
    this.#downAtUs = undefined;
    this.#cancel();
  }
}
