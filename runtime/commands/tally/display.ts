/**
 * Display: one line of a terminal that is written anew, and sentences above it. Without a terminal only the sentences.
 * Kept within the width of the terminal: a line that wraps cannot be written over.
 */
import { MS_PER_S } from '../../units.ts';
import { DIRECTIONS } from './match.ts';
import type { Session } from './session.ts';

const WIDTH_DEFAULT = 80;
const CLEAR_LINE = '\r\x1b[K';
const [BOLD, PLAIN] = ['\x1b[1m', '\x1b[0m'];

export type DisplayOptions = {
  readonly write: (text: string) => void;
  /** Columns of the terminal now; undefined: there is none. */
  readonly columns: () => number | undefined;
  readonly isTerminal: boolean;
  readonly deviceShown: boolean;
};

export class Display {
  readonly #options: DisplayOptions;
  #last = '';
  #isDrawn = false;

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  /** A sentence of its own line, above the live one. */
  say(sentence: string): void {
    this.clear();
    this.#options.write(`${sentence}\n`);
  }

  /** What the person did last, for the end of the line. */
  echo(text: string): void {
    this.#last = text;
  }

  draw(session: Session, tMs: number): void {
    const { isTerminal, write, columns } = this.#options;
    if (!isTerminal) return;
    // Some pseudo-terminals say that they have no columns.
    const text = this.#line(session, tMs).slice(0, (columns() || WIDTH_DEFAULT) - 1);
    write(`${CLEAR_LINE}${BOLD}${text}${PLAIN}`);
    this.#isDrawn = true;
  }

  clear(): void {
    if (this.#isDrawn) this.#options.write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  #line(session: Session, tMs: number): string {
    const parts = DIRECTIONS.map((direction) => {
      const person = session.seen(session.presses, direction, tMs);
      if (!this.#options.deviceShown) return `${direction.toUpperCase()} you ${person}`;
      const device = session.seen(session.counts, direction, tMs);
      const difference = device - person;
      return `${direction.toUpperCase()} you ${person} device ${device} (${difference > 0 ? '+' : ''}${difference})`;
    });
    const state = session.isPaused ? 'PAUSED' : session.isOpen('broker') || session.isOpen('device') ? 'NO DEVICE' : '';
    return [elapsedText(tMs), ...parts, state, this.#last].filter((part) => part !== '').join('  ');
  }
}

/** 3 723 000 → 1:02:03 */
export function elapsedText(ms: number): string {
  const seconds = Math.floor(ms / MS_PER_S);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
