/**
 * Status lamp: what the eye is doing, to be read from the floor without tools.
 * Rule of thumb behind the table: lit most of the time, people are counted; dark most of the time, they are not; even
 * blinking, slow: wait, fast: see to it. No steady light and no steady dark while running, so a program that hangs is
 * seen (lamp frozen) and so is one that is gone (lamp dark).
 * How: every pattern is laid out once as one level per TICK_MS; a tick takes the next level, so it allocates nothing,
 * and writes to the pin only when the level changes. Ticks are counted, not timed: a late tick stretches the pattern.
 * Does not: choose pin or driver, nor decide states; eye.ts does.
 */
import { strict as assert } from 'node:assert';
import { ControlWord } from '../corridor/control.ts';
import { EyeState } from '../corridor/record.ts';
import type { Clock } from '../ports/clock.ts';
import type { OutputPin } from '../ports/gpio.ts';

/** Every segment is a whole number of these: short enough for the 50 ms of `identify`. */
export const TICK_MS = 50;
export const IDENTIFY_MS = 10_000;

export type LampPattern = {
  /** Pairs of [onMs, offMs], repeated without end. */
  readonly segments: readonly (readonly [onMs: number, offMs: number])[];
  /** What a person sees, for the README. */
  readonly looks: string;
  readonly meaning: string;
};

/** The whole language of the lamp. Cycles of the two lit and the dark pattern are 2 s, so they can be compared. */
export const LED_PATTERNS = {
  starting: {
    segments: [[1000, 1000]],
    looks: 'slow even blinking, 1 s on, 1 s off',
    meaning: 'starting; no picture yet',
  },
  counting: {
    segments: [[1900, 100]],
    looks: 'lit, one short dark every 2 s',
    meaning: 'counting, broker connected',
  },
  linkDown: {
    segments: [
      [1150, 150],
      [200, 150],
      [200, 150],
    ],
    looks: 'lit, three short darks every 2 s',
    meaning: 'counting, broker away; counts are kept',
  },
  setup: {
    segments: [
      [250, 250],
      [250, 250],
      [850, 150],
    ],
    looks: 'two even blinks and a long one every 2 s',
    meaning: 'counting in set-up mode: positions of people are told, without a picture',
  },
  paused: {
    segments: [
      [100, 200],
      [100, 1600],
    ],
    looks: 'dark, two short flashes every 2 s',
    meaning: 'paused by the privacy button; no picture is taken',
  },
  cameraLost: {
    segments: [[200, 200]],
    looks: 'fast even blinking, 2.5 a second',
    meaning: 'camera lost; trying again',
  },
  identify: {
    segments: [[50, 50]],
    looks: 'flicker, 10 a second, for 10 s',
    meaning: 'somebody asked "which one is it?"',
  },
  reset: {
    segments: [[100, 100]],
    looks: 'fast flicker, 5 a second, while the button is held',
    meaning: 'let the button go now, and the device is reset as it came',
  },
  off: {
    segments: [[0, 1000]],
    looks: 'dark',
    meaning: 'stopped, or no power',
  },
} as const satisfies Record<string, LampPattern>;
export type LampPatternName = keyof typeof LED_PATTERNS;

/**
 * A button that is held wins over everything, as somebody stands below it and waits for a sign. Then identify, so that the
 * lamp can be found whatever its state; the link matters only while counting, and
 * there less than that positions are told.
 */
export function patternFor(
  state: EyeState,
  isLinkUp: boolean,
  isIdentifying: boolean,
  isSetup = false,
  isHeld = false,
): LampPatternName {
  if (isHeld) return 'reset';
  if (isIdentifying) return 'identify';
  switch (state) {
    case EyeState.starting:
      return 'starting';
    case EyeState.counting:
      if (isSetup) return 'setup';
      return isLinkUp ? 'counting' : 'linkDown';
    case EyeState.paused:
      return 'paused';
    case EyeState.cameraLost:
      return 'cameraLost';
    case EyeState.stopping:
      return 'off';
  }
}

/** One byte per tick of a cycle: 1 lit, 0 dark. */
export function levelsOf(pattern: LampPattern): Uint8Array {
  const levels: number[] = [];
  for (const [onMs, offMs] of pattern.segments) {
    assert.ok(onMs % TICK_MS === 0 && offMs % TICK_MS === 0, `segment ${onMs}, ${offMs} is not whole ticks`);
    for (let atMs = 0; atMs < onMs + offMs; atMs += TICK_MS) levels.push(atMs < onMs ? 1 : 0);
  }
  return Uint8Array.from(levels);
}

const LEVELS = Object.fromEntries(
  Object.entries(LED_PATTERNS).map(([name, pattern]) => [name, levelsOf(pattern)]),
) as Readonly<Record<LampPatternName, Uint8Array>>;

export class Indicator {
  /** Writes that the pin refused since boot. A lamp is not worth a crash; the next change tries again. */
  failedWriteCount = 0;
  readonly #pin: OutputPin;
  readonly #stopTicks: () => void;
  #state: EyeState = EyeState.starting;
  /** Up until told otherwise: a device without a voice has no broker that could be away. */
  #isLinkUp = true;
  #isSetup = false;
  #isHeld = false;
  #identifyTicks = 0;
  #pattern: LampPatternName = 'starting';
  #levels: Uint8Array = LEVELS.starting;
  #tickIndex = 0;
  #isLit = false;
  #isStopped = false;

  /** Shows `starting` at once. The pin stays the caller's: `stop()` leaves it dark but open. */
  constructor(pin: OutputPin, clock: Clock) {
    this.#pin = pin;
    this.#stopTicks = clock.every(TICK_MS, () => this.#tick());
    this.#step();
  }

  get pattern(): LampPatternName {
    return this.#pattern;
  }

  showState(state: EyeState): void {
    this.#state = state;
    this.#choose();
  }

  /** Words from the voice. linkUp, linkDown: whether it has its broker; identify: flicker for IDENTIFY_MS from now. */
  hear(word: ControlWord): void {
    if (word === ControlWord.identify) this.#identifyTicks = IDENTIFY_MS / TICK_MS;
    if (word === ControlWord.linkUp || word === ControlWord.linkDown) this.#isLinkUp = word === ControlWord.linkUp;
    this.#choose();
  }

  /** Whether positions are told now. */
  showSetup(isOn: boolean): void {
    this.#isSetup = isOn;
    this.#choose();
  }

  /** The button is held long enough for a reset. */
  showHeld(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#choose();
  }

  /** Dark for good, and no more ticks. Safe to call twice. */
  stop(): void {
    if (this.#isStopped) return;
    this.#stopTicks();
    this.#show(false);
    this.#pattern = 'off';
    this.#isStopped = true;
  }

  #tick(): void {
    if (this.#identifyTicks > 0) {
      this.#identifyTicks -= 1;
      if (this.#identifyTicks === 0) {
        this.#choose();
        return;
      }
    }
    this.#step();
  }

  /** A new pattern begins at once with its first segment; the same one goes on undisturbed. */
  #choose(): void {
    if (this.#isStopped) return;
    const pattern = patternFor(this.#state, this.#isLinkUp, this.#identifyTicks > 0, this.#isSetup, this.#isHeld);
    if (pattern === this.#pattern) return;
    this.#pattern = pattern;
    this.#levels = LEVELS[pattern];
    this.#tickIndex = 0;
    this.#step();
  }

  #step(): void {
    this.#show(this.#levels[this.#tickIndex] === 1);
    this.#tickIndex = this.#tickIndex + 1 < this.#levels.length ? this.#tickIndex + 1 : 0;
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
