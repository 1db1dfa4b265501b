/**
 * When intervals are closed and told again. One is due when all expected devices have reported, or when the deadline has
 * passed since it ended and since devices could reach us: after a night without a broker nobody is called missing who has
 * not had the time to speak. What comes later is gathered for a moment and told as one revision, a bounded number a second.
 */
import type { Log } from '../log.ts';
import { MS_PER_S, rfc3339 } from '../units.ts';
import type { StoreRecord } from './books/closed.ts';
import type { Doors } from './books/doors.ts';
import type { GatewayConfig } from './config.ts';

/** What comes late to an interval comes in several records: one revision for all of them. */
const REVISION_WAIT_MS = 5000;
const REVISIONS_PER_TICK = 50;
const CLOSINGS_PER_TICK = 200;
/** While so many wait for the broker, nothing is revised. */
const OUTBOX_BUSY = 2000;
/** After a longer absence, intervals of which nobody reported anything are passed over. */
const CATCH_UP_S = 7 * 86_400;
/** The clock was ahead if the next interval lies further in the future. */
const AHEAD_S_MAX = 600;

export type ClosingOptions = {
  readonly doors: Doors;
  readonly config: GatewayConfig;
  readonly log: Log;
  readonly monotonicMs: () => number;
};

export class Closing {
  readonly #options: ClosingOptions;
  #upSinceMs = Number.POSITIVE_INFINITY;

  constructor(options: ClosingOptions) {
    this.#options = options;
  }

  linkUp(): void {
    this.#upSinceMs = this.#options.monotonicMs();
  }

  linkDown(): void {
    this.#upSinceMs = Number.POSITIVE_INFINITY;
  }

  /** Inside a transaction. Records of what is due now, in order. */
  close(nowMs: number): StoreRecord[] {
    const { doors, log } = this.#options;
    const nowS = Math.floor(nowMs / MS_PER_S);
    if (doors.nextFromS > nowS + AHEAD_S_MAX) {
      log.warn(
        `The next interval would begin at ${rfc3339(doors.nextFromS * MS_PER_S)}: the clock was ahead. Goes on from now.`,
      );
      doors.goBackTo(nowS);
    }
    if (doors.nextFromS < nowS - CATCH_UP_S) doors.skipTo(nowS - CATCH_UP_S);
    const records: StoreRecord[] = [];
    for (let count = 0; count < CLOSINGS_PER_TICK && this.#isDue(nowMs); count += 1) records.push(...doors.closeNext());
    return records;
  }

  /** Inside a transaction. waitingCount: records that the broker has not got yet. */
  revise(nowMs: number, waitingCount: number): StoreRecord[] {
    if (waitingCount > OUTBOX_BUSY) return [];
    const { doors } = this.#options;
    const due: number[] = [];
    for (const [fromS, touchedMs] of doors.late) {
      if (due.length === REVISIONS_PER_TICK) break;
      // A clock that was set meanwhile makes it due as well.
      if (Math.abs(nowMs - touchedMs) >= REVISION_WAIT_MS) due.push(fromS);
    }
    return due.flatMap((fromS) => doors.revise(fromS));
  }

  #isDue(nowMs: number): boolean {
    const { doors, config, monotonicMs } = this.#options;
    const endedMs = nowMs - (doors.nextFromS + config.intervalS) * MS_PER_S;
    if (endedMs < 0) return false;
    const reachableMs = monotonicMs() - this.#upSinceMs;
    const isLate = Math.min(endedMs, reachableMs) >= config.deadlineS * MS_PER_S;
    return isLate || doors.missing(doors.nextFromS).length === 0;
  }
}
