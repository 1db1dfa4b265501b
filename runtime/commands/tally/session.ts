/**
 * Session: what happened at the door, as two lists of moments, one by the person and one by the device, and the stretches
 * in which one of the two did not look. Pure: it is told the time (ms since the begin) with every event.
 * An undone press leaves `presses` and is kept apart with the time of the undoing: mistakes are common and do not count,
 * but who reads the record shall see how often somebody changed their mind.
 * Memory: at most MOMENTS_MAX moments a list; a session that is full ends itself.
 */
import { TALLY_MOMENTS_MAX as MOMENTS_MAX, type TALLY_GAP_REASONS, type TALLY_NOTES } from '../../contract/tally.ts';
import type { Direction, Moment } from './match.ts';

export type GapReason = (typeof TALLY_GAP_REASONS)[number];
/** From and to in ms since the begin. */
export type Gap = readonly [fromMs: number, toMs: number, reason: GapReason];
export type Undone = readonly [tMs: number, direction: Direction, undoneAtMs: number];

export type NoteWord = (typeof TALLY_NOTES)[number];
export type Note = readonly [tMs: number, word: NoteWord];

const NOTES_MAX = 1000;

export class Session {
  readonly presses: Moment[] = [];
  readonly undone: Undone[] = [];
  readonly counts: Moment[] = [];
  readonly notes: Note[] = [];
  readonly #closed: Gap[] = [];
  readonly #open = new Map<GapReason, number>();

  get isPaused(): boolean {
    return this.#open.has('pause');
  }

  get isFull(): boolean {
    return Math.max(this.presses.length, this.counts.length, this.undone.length) >= MOMENTS_MAX;
  }

  /** False: not taken, because both are paused or the session is full. */
  press(tMs: number, direction: Direction): boolean {
    if (this.isPaused || this.isFull) return false;
    this.presses.push([tMs, direction]);
    return true;
  }

  /** Takes the last press back; undefined when there is none. */
  undo(tMs: number): Direction | undefined {
    const last = this.presses.pop();
    if (last === undefined) return undefined;
    this.undone.push([...last, tMs]);
    return last[1];
  }

  /** Counts are kept while the person pauses: who is left out is decided at the end, by gaps. */
  count(tMs: number, direction: Direction): void {
    if (!this.isFull) this.counts.push([tMs, direction]);
  }

  note(tMs: number, word: NoteWord): void {
    if (this.notes.length < NOTES_MAX) this.notes.push([tMs, word]);
  }

  /** fromMs may lie in the past. An open gap of this reason stays as it is. */
  openGap(fromMs: number, reason: GapReason): void {
    if (!this.#open.has(reason)) this.#open.set(reason, Math.max(0, fromMs));
  }

  closeGap(toMs: number, reason: GapReason): void {
    const fromMs = this.#open.get(reason);
    if (fromMs === undefined) return;
    this.#open.delete(reason);
    this.#closed.push([fromMs, Math.max(fromMs, toMs), reason]);
  }

  isOpen(reason: GapReason): boolean {
    return this.#open.has(reason);
  }

  /** In order of their begin; what is open ends at toMs. */
  gapsUntil(toMs: number): Gap[] {
    const open = [...this.#open].map(([reason, fromMs]): Gap => [Math.min(fromMs, toMs), toMs, reason]);
    return [
      ...this.#closed.map(([from, to, reason]): Gap => [Math.min(from, toMs), Math.min(to, toMs), reason]),
      ...open,
    ]
      .filter(([from, to]) => to > from)
      .sort((a, b) => a[0] - b[0]);
  }

  /** For the display: events of a direction outside of the gaps, without the margins that the result has. */
  seen(moments: readonly Moment[], direction: Direction, nowMs: number): number {
    const gaps = this.gapsUntil(nowMs);
    return moments.filter(([t, way]) => way === direction && !gaps.some(([from, to]) => t >= from && t <= to)).length;
  }
}
