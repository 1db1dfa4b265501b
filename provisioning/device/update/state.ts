/**
 * What is known of updates on this device, in one file that root writes and the voice reads: /opt/lethe/update/state.json.
 *
 * | phase | what is true | a start after a power cut |
 * |---|---|---|
 * | idle | current = confirmed; the other slot may hold anything | nothing to do |
 * | install | current = confirmed; `slot`, the other one, is being filled | the bundle is taken again; if it is gone, `slot` is emptied |
 * | trial | `slot` is whole; current is being switched to it, or is | the switch is finished, and `slot` gets its time once more, three times at most |
 * | back | current is being switched back to confirmed | the switch is finished |
 *
 * Each phase is on disk before what it allows is done. The link `confirmed` moves only when a trial has ended well.
 */
import { isVersion } from '../../bundle/manifest.ts';
import { isSlot, type Slot } from '../layout.ts';

export type Phase = 'idle' | 'install' | 'trial' | 'back';

/** How the last try ended. reason: a BundleErrorKind for refused; for rolled_back why it was not healthy. */
export type LastUpdate = {
  readonly version: string;
  readonly outcome: 'confirmed' | 'rolled_back' | 'refused';
  readonly reason: string;
  /** ISO 8601 in UTC, by the clock of the device. */
  readonly at: string;
};

export type UpdateState = {
  readonly v: 1;
  readonly phase: Phase;
  /** The slot that is filled or tried; in `idle` what runs. */
  readonly slot: Slot;
  /** Of what that slot holds or is to hold. */
  readonly version: string;
  /** trial: how often the watching program was started in it. */
  readonly starts: number;
  /** back: why. */
  readonly reason: string;
  readonly last: LastUpdate | null;
  /** Versions that were rolled back here, oldest first; they are never taken again. */
  readonly rolled_back: readonly string[];
};

const PHASES: readonly Phase[] = ['idle', 'install', 'trial', 'back'];
const ROLLED_BACK_MAX = 32;
const OUTCOMES: readonly string[] = ['confirmed', 'rolled_back', 'refused'];

export function idleState(slot: Slot, version: string): UpdateState {
  return { v: 1, phase: 'idle', slot, version, starts: 0, reason: '', last: null, rolled_back: [] };
}

/** text: undefined when there is no file. A damaged one counts as none: links say what runs, and what is lost is history. */
export function parseState(text: string | undefined): UpdateState | undefined {
  let value: Partial<UpdateState> | null;
  try {
    value = JSON.parse(text ?? 'null') as Partial<UpdateState> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value.v !== 1) return undefined;
  const { phase, slot, version, starts, reason, last = null, rolled_back: rolledBack } = value;
  if (phase === undefined || !PHASES.includes(phase) || !isSlot(slot) || version === undefined) return undefined;
  if (!isVersion(version) || !Number.isInteger(starts) || typeof reason !== 'string') return undefined;
  if (!Array.isArray(rolledBack) || !rolledBack.every(isVersion)) return undefined;
  const isLast = last === null || (isVersion(last.version) && OUTCOMES.includes(last.outcome));
  return { v: 1, phase, slot, version, starts: starts!, reason, last: isLast ? last : null, rolled_back: rolledBack };
}

export function formatState(state: UpdateState): string {
  return `${JSON.stringify(state)}\n`;
}

/** The version joins those that are never taken again. */
export function withRolledBack(state: UpdateState): readonly string[] {
  return [...state.rolled_back.filter((version) => version !== state.version), state.version].slice(-ROLLED_BACK_MAX);
}
