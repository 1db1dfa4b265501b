/** What `lethe verify` has to say: findings, which make a recording unsound, and notes, which do not. Both are bounded. */

/**
 * gap: receipts or messages that must have been there are not. fork: two receipts of one number, or one that follows
 * another than the one here. edit: what is here is not what was signed. replay: an old receipt again. key: another key than
 * the one that is trusted, or than the one before. frames: pictures that were read and not erased.
 */
export type FindingKind = 'gap' | 'fork' | 'edit' | 'replay' | 'key' | 'frames';

export type Finding = {
  readonly kind: FindingKind;
  /** site/device; empty: not known. */
  readonly device: string;
  /** Where it shows, from 1. */
  readonly line: number;
  /** Numbers of receipts, first and last; null: it is not about receipts. */
  numbers: readonly [number, number] | null;
  text: string;
};

export type Note = { readonly device: string; readonly line: number; readonly text: string };

/** A recording that is wrong from end to end is as wrong as one with so many findings. */
const FINDINGS_MAX = 1000;
const NOTES_MAX = 200;

export class Findings {
  readonly findings: Finding[] = [];
  readonly notes: Note[] = [];
  /** Not kept, but counted. */
  findingsLeftOut = 0;
  notesLeftOut = 0;
  /** What the input is counted in. */
  readonly place: 'line' | 'record';

  constructor(place: 'line' | 'record') {
    this.place = place;
  }

  /** The finding, so that it may be widened while its like follow. */
  add(finding: Finding): Finding {
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
    else this.findingsLeftOut += 1;
    return finding;
  }

  note(note: Note): void {
    if (this.notes.length < NOTES_MAX) this.notes.push(note);
    else this.notesLeftOut += 1;
  }

  get isSound(): boolean {
    return this.findings.length === 0;
  }
}

/** `receipt 7`, `receipts 7 to 9` */
export function receiptsText(first: number, last: number): string {
  return first === last ? `receipt ${first}` : `receipts ${first} to ${last}`;
}
