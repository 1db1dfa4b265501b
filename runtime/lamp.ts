/**
 * Lamp: how a pattern of a status lamp is written down and played. Shared by the eye and by the program that looks for a
 * setup code; what there is to be said, and which pattern says it, each of them decides.
 * How: a pattern is laid out once as one level per TICK_MS; a tick takes the next level, so it allocates nothing, and writes
 * to the pin only when the level changes. Ticks are counted, not timed: a late tick stretches the pattern.
 */
import { strict as assert } from 'node:assert';
import type { OutputPin } from './ports/gpio.ts';

/** Every segment is a whole number of these: short enough for the 50 ms of the fastest flicker. */
export const TICK_MS = 50;

export type LampPattern = {
  /** Pairs of [onMs, offMs], repeated without end. */
  readonly segments: readonly (readonly [onMs: number, offMs: number])[];
  /** What a person sees, for the README. */
  readonly looks: string;
  readonly meaning: string;
};

/** One byte per tick of a cycle: 1 lit, 0 dark. */
export function levelsOf(pattern: LampPattern): Uint8Array {
  const levels: number[] = [];
  for (const [onMs, offMs] of pattern.segments) {
    assert.ok(onMs % TICK_MS === 0 && offMs % TICK_MS === 0, `segment ${onMs}, ${offMs} is not whole ticks`);
    for (let atMs = 0; atMs < onMs + offMs; atMs += TICK_MS) levels.push(atMs < onMs ? 1 : 0);
  }
  return Uint8Array.from(levels);
}

/** Every pattern of a language laid out, by its name. */
export function levelsByName<Name extends string>(
  patterns: Readonly<Record<Name, LampPattern>>,
): Readonly<Record<Name, Uint8Array>> {
  const entries = Object.entries<LampPattern>(patterns).map(([name, pattern]) => [name, levelsOf(pattern)]);
  return Object.fromEntries(entries) as Record<Name, Uint8Array>;
}

/** Plays levels on a pin, one a `step`. The pin stays the caller's. */
export class LampPlayer {
  /** Writes that the pin refused since boot. A lamp is not worth a crash; the next change tries again. */
  failedWriteCount = 0;
  readonly #pin: OutputPin;
  #levels: Uint8Array;
  #tickIndex = 0;
  #isLit = false;

  /** Shows the first level at once. */
  constructor(pin: OutputPin, levels: Uint8Array) {
    this.#pin = pin;
    this.#levels = levels;
    this.step();
  }

  /** Begins at once with the first level. */
  play(levels: Uint8Array): void {
    this.#levels = levels;
    this.#tickIndex = 0;
    this.step();
  }

  step(): void {
    this.#show(this.#levels[this.#tickIndex] === 1);
    this.#tickIndex = this.#tickIndex + 1 < this.#levels.length ? this.#tickIndex + 1 : 0;
  }

  /** Until the next `play` or `step`. */
  goDark(): void {
    this.#show(false);
  }

  #show(isLit: boolean): void {
    if (isLit === this.#isLit) return;
    this.#isLit = isLit;
    try {
      this.#pin.write(isLit);
    } catch {
      this.failedWriteCount += 1;
    }
  }
}
