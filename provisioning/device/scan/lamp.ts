/**
 * Which pattern the lamp shows, of all there is to say: a held button first, as somebody stands there; then that a code is
 * taken; then why one was refused, undisturbed for as long as it takes to count it; then what the camera sees.
 */
import { LampPlayer, levelsByName, TICK_MS } from '../../../runtime/lamp.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { OutputPin } from '../../../runtime/ports/gpio.ts';
import type { Refusal } from '../../payload/refusals.ts';
import { SCAN_PATTERNS, type ScanPatternName } from './patterns.ts';

/** The longest refusal takes 8 s: at least three times. */
export const REFUSAL_MS = 30_000;
/** A code that is held in a shaking hand is seen in every other picture. */
const SEEN_MS = 1000;

/** What the device is about, if there is nothing else to say. */
export type ScanState = Extract<ScanPatternName, 'starting' | 'waiting' | 'accepted' | 'cameraLost' | 'noKeys'>;

const LEVELS = levelsByName<ScanPatternName>(SCAN_PATTERNS);

export class ScanLamp {
  readonly #player: LampPlayer;
  readonly #stopTicks: () => void;
  #state: ScanState = 'starting';
  #pattern: ScanPatternName = 'starting';
  #isHeld = false;
  #refusal: Refusal | undefined;
  #refusalTicks = 0;
  #seenTicks = 0;

  /** The pin stays the caller's: `stop()` leaves it dark but open. */
  constructor(pin: OutputPin, clock: Clock) {
    this.#player = new LampPlayer(pin, LEVELS.starting);
    this.#stopTicks = clock.every(TICK_MS, () => this.#tick());
  }

  get pattern(): ScanPatternName {
    return this.#pattern;
  }

  /** A refusal is shown, or would be if nothing went before it. */
  get isRefusing(): boolean {
    return this.#refusalTicks > 0;
  }

  showState(state: ScanState): void {
    this.#state = state;
    this.#choose();
  }

  showHeld(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#choose();
  }

  /**
   * For REFUSAL_MS from now; the one that is shown goes on undisturbed. A code that is none of ours, such as a poster's that
   * hangs there all the time, says nothing of what was refused before and does not take its place.
   */
  showRefusal(refusal: Refusal): void {
    if (refusal === 'not_ours' && this.isRefusing && this.#refusal !== 'not_ours') return;
    this.#refusal = refusal;
    this.#refusalTicks = REFUSAL_MS / TICK_MS;
    this.#choose();
  }

  /** There is a code in the picture that could not be read. */
  showSeen(): void {
    this.#seenTicks = SEEN_MS / TICK_MS;
    this.#choose();
  }

  stop(): void {
    this.#stopTicks();
    this.#player.goDark();
  }

  #tick(): void {
    if (this.#refusalTicks > 0) this.#refusalTicks -= 1;
    if (this.#seenTicks > 0) this.#seenTicks -= 1;
    if (!this.#choose()) this.#player.step();
  }

  /** True when another pattern has begun. */
  #choose(): boolean {
    const pattern = this.#wanted();
    if (pattern === this.#pattern) return false;
    this.#pattern = pattern;
    this.#player.play(LEVELS[pattern]);
    return true;
  }

  #wanted(): ScanPatternName {
    if (this.#isHeld) return 'held';
    if (this.#state === 'accepted') return 'accepted';
    if (this.#refusal !== undefined && this.#refusalTicks > 0) return this.#refusal;
    if (this.#state === 'waiting' && this.#seenTicks > 0) return 'seen';
    return this.#state;
  }
}
