/**
 * Vitals of the voice: whether it does what it is there for, asked once a second by the tick that also closes intervals.
 * It is well while the eye is heard and what is counted leaves, or while there is a reason that it has told:
 * - an eye that is silent is told on `health`; after an hour of that our end of the corridor may be at fault;
 * - a ledger that cannot be written is told on `health` and in the log, and a new start would not mend the card; that
 *   nobody even tries to save what waits is our own fault;
 * - no broker is no fault, nor is one that lets nobody in; one that takes nothing on a standing connection may be one.
 */
import type { Pulse } from '../ports/pulse.ts';
import { US_PER_S } from '../units.ts';

export const SILENT_US_MAX = 3600 * US_PER_S;
/** Saving is tried at each tick, at most once a second. */
export const UNSAVED_US_MAX = 60 * US_PER_S;
/** The broker has its own time-out of a minute (mqtt.keepalive_s), after which the link is down. */
export const STUCK_US_MAX = 300 * US_PER_S;

export type VoiceFacts = {
  /** As `health` tells it. */
  readonly eyeState: string;
  /** No record for some seconds. */
  readonly isSilent: boolean;
  /** As `health` tells it. */
  readonly ledgerState: string;
  /** How long something has waited to be saved without a try, µs; 0: nothing waits. */
  readonly unsavedUs: number;
  readonly isLinkUp: boolean;
  /** Records that wait for the broker, and the last one that it has acknowledged. */
  readonly pendingCount: number;
  readonly acknowledgedSeq: number;
};

/** Remembers since when something is so. */
class Since {
  #us: number | undefined;

  /** How long it has been so, µs; 0: it is not. */
  of(isSo: boolean, nowUs: number): number {
    this.#us = isSo ? (this.#us ?? nowUs) : undefined;
    return this.#us === undefined ? 0 : nowUs - this.#us;
  }
}

export class VoiceVitals {
  readonly #pulse: Pulse;
  readonly #silent = new Since();
  readonly #stuck = new Since();
  #acknowledgedSeq = -1;

  constructor(pulse: Pulse) {
    this.#pulse = pulse;
  }

  /** A second has passed. Undefined: it is well; else what is wrong, in a few words, and no beat was given. */
  tick(facts: VoiceFacts, nowUs: number): string | undefined {
    const fault = this.#fault(facts, nowUs);
    const { eyeState, isLinkUp, ledgerState, pendingCount } = facts;
    const line = `eye ${eyeState}, broker ${isLinkUp ? 'up' : 'down'}, ledger ${ledgerState}${pendingCount > 0 ? ', records wait' : ''}`;
    this.#pulse.beat(fault === undefined, fault === undefined ? line : `${line}: not well, ${fault}`);
    return fault;
  }

  #fault(facts: VoiceFacts, nowUs: number): string | undefined {
    const silentUs = this.#silent.of(facts.isSilent, nowUs);
    const isMoving = facts.acknowledgedSeq !== this.#acknowledgedSeq;
    this.#acknowledgedSeq = facts.acknowledgedSeq;
    const stuckUs = this.#stuck.of(facts.isLinkUp && facts.pendingCount > 0 && !isMoving, nowUs);
    if (silentUs > SILENT_US_MAX) return 'nothing was heard of the eye for an hour';
    if (facts.unsavedUs > UNSAVED_US_MAX) return 'nothing was saved for a minute';
    return stuckUs > STUCK_US_MAX ? 'the broker has taken nothing for five minutes' : undefined;
  }
}
