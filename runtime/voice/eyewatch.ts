/**
 * What the voice knows of the eye's state: the word it last sent, or that it sends nothing any more.
 * The last word of an eye boot is kept in the ledger, because the eye says it only when it changes.
 */
import type { EyeStateWord } from '../contract/device.ts';
import { EYE_REASON_WORDS, EYE_STATE_WORDS, EyeState } from '../corridor/record.ts';
import { US_PER_S } from '../units.ts';
import { IntervalFlag } from './intervals/intervals.ts';
import type { EyeSeen } from './ledger/ledger.ts';

/** The eye sends totals every second; five missing ones in a row are not a matter of a busy processor. */
export const SILENT_AFTER_US = 5 * US_PER_S;

export class EyeWatch {
  /** `silent` while no record came for five seconds. */
  silent = false;
  /** Sentence, once the eye was cut off. */
  cutOffReason = '';
  /** EyeState and EyeReason of the last record; -1: none yet. */
  #state = -1;
  #reason = 0;
  #lastRecordUs: number;

  constructor(nowUs: number) {
    this.#lastRecordUs = nowUs;
  }

  get state(): EyeStateWord {
    if (this.cutOffReason !== '') return 'eye_cut_off';
    if (this.silent) return 'silent';
    return EYE_STATE_WORDS[this.#state] ?? 'unknown';
  }

  get reason(): string {
    if (this.cutOffReason !== '') return this.cutOffReason;
    return this.silent ? '' : (EYE_REASON_WORDS[this.#reason] ?? '');
  }

  /** What the present state takes away from an interval; IntervalFlag bits. */
  get flags(): number {
    if (this.silent || this.cutOffReason !== '') return IntervalFlag.silent;
    if (this.#state === EyeState.paused) return IntervalFlag.paused;
    return this.#state === EyeState.cameraLost ? IntervalFlag.cameraLost : 0;
  }

  /** A record of this eye came. */
  heard(seen: EyeSeen, nowUs: number): void {
    this.#state = seen.state;
    this.#reason = seen.reason;
    this.#lastRecordUs = nowUs;
    this.silent = false;
  }

  /** Time passes. */
  tick(nowUs: number): void {
    this.silent = nowUs - this.#lastRecordUs >= SILENT_AFTER_US;
  }
}
