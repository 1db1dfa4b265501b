/**
 * Vitals of the eye: whether it does what it is there for, asked once a second by the loop that also counts, so that a loop
 * that stands still is not asked and does not beat. It is well while pictures come, or while there is a reason known and
 * bounded why none do: somebody paused it, or the camera is being started (camera-keeper.ts gives up by itself after about
 * a minute of failures, so the bound here is for a keeper that hangs).
 */
import { EYE_STATE_WORDS, EyeState } from '../corridor/record.ts';
import type { Pulse } from '../ports/pulse.ts';
import { US_PER_S } from '../units.ts';

/** Longer than a camera's own time-out (camera.rpicam), which is told and leads to a restart of the camera. */
export const FRAMES_US_MAX = 15 * US_PER_S;
/** Starting, and starting again after failures: eight tries with pauses of up to 15 s, and each may take 10 s to fail. */
export const START_US_MAX = 240 * US_PER_S;

export type EyeFacts = {
  readonly state: EyeState;
  /** Pictures that arrived since boot, whether they were looked at or dropped. */
  readonly frameCount: number;
};

export class EyeVitals {
  readonly #pulse: Pulse;
  #state: EyeState = EyeState.starting;
  #frameCount = 0;
  /** When a picture came last, or the eye entered a state in which none is expected at once. */
  #sinceUs: number;
  /** When the camera last worked: a camera that is lost and starting in turns is one fault, not many. */
  #workedUs: number;
  #secondFrames = 0;

  constructor(pulse: Pulse, nowUs: number) {
    this.#pulse = pulse;
    this.#sinceUs = nowUs;
    this.#workedUs = nowUs;
  }

  /** A second has passed. False: something is wrong, and no beat was given. */
  tick({ state, frameCount }: EyeFacts, nowUs: number): boolean {
    this.#secondFrames = frameCount - this.#frameCount;
    if (frameCount !== this.#frameCount || state === EyeState.paused) {
      this.#sinceUs = nowUs;
      this.#workedUs = nowUs;
    } else if (state !== this.#state) this.#sinceUs = nowUs;
    this.#state = state;
    this.#frameCount = frameCount;
    if (frameCount > 0 || state === EyeState.paused) this.#pulse.ready();
    const isWell = this.#isWell(nowUs);
    this.#pulse.beat(isWell, this.#line(nowUs, isWell));
    return isWell;
  }

  #isWell(nowUs: number): boolean {
    if (this.#state === EyeState.counting && nowUs - this.#sinceUs > FRAMES_US_MAX) return false;
    return nowUs - this.#workedUs <= START_US_MAX;
  }

  /** Of words and whole tens of seconds, so that it is news only when something has changed. */
  #line(nowUs: number, isWell: boolean): string {
    const word = EYE_STATE_WORDS[this.#state] ?? 'unknown';
    if (this.#secondFrames > 0 || this.#state === EyeState.paused) return word;
    const tens = 10 * Math.floor((nowUs - this.#workedUs) / (10 * US_PER_S));
    return `${word}, no picture for ${tens} s${isWell ? '' : ': not well'}`;
  }
}
