/**
 * What is known of the time. A Pi has no clock of its own (a Pi 5 has one without a battery): systemd starts it with the time
 * of the last start, of the last synchronisation or of its own making, whichever is latest, so what the clock says is a lower
 * bound from the beginning. systemd-timesyncd leaves a file when a time server has answered.
 */
import { existsSync } from 'node:fs';
import type { CodeMoment } from '../payload/code.ts';

export function momentNow(timeKnownFile: string): CodeMoment {
  return { nowMs: Date.now(), isTimeKnown: existsSync(timeKnownFile) };
}

/** A moment at which no code has expired: for what was judged before. */
export const ONCE_VALID: CodeMoment = { nowMs: 0, isTimeKnown: false };
