/**
 * Input: what the person does, from keys of a terminal, lines of a pipe, or two buttons. Each becomes one word.
 * Keys: two that the thumbs find blind (f and j carry the bumps of the keyboard), u, p, q; Ctrl-C and Ctrl-D end as q does,
 * for in raw mode the terminal makes no signal of them. Arrow keys and the like send several characters and are no key.
 */
import type { Gpio } from '../../ports/gpio.ts';
import type { Direction } from './match.ts';

export type Word = Direction | 'undo' | 'pause' | 'end';
export const WORDS: readonly Word[] = ['in', 'out', 'undo', 'pause', 'end'];

/** Contacts bounce for some milliseconds; no hand presses twice within this. */
const DEBOUNCE_MS = 50;
/**
 * A key held down repeats about 30 times a second, each in a read of its own: such a repeat is no person. Two presses that
 * a slow connection brought in one read are two.
 */
const REPEAT_MS = 60;
const LINE_CHARS_MAX = 1000;

export type Keys = { readonly in: string; readonly out: string };
export const KEYS_DEFAULT = 'f,j';
const TAKEN_KEYS = 'upq';

/** `f,j` → keys, or the sentence that says what is wrong. */
export function parseKeys(text: string): Keys | string {
  const [keyIn = '', keyOut = '', ...more] = text.split(',');
  const isKey = (key: string) => /^[\x21-\x7e]$/.test(key) && !TAKEN_KEYS.includes(key.toLowerCase());
  if (more.length === 0 && isKey(keyIn) && isKey(keyOut) && keyIn.toLowerCase() !== keyOut.toLowerCase())
    return { in: keyIn, out: keyOut };
  return `--keys is ${text}; expected two different keys such as ${KEYS_DEFAULT}, none of them u, p or q.`;
}

/** Bytes of a terminal in raw mode → words. Unknown keys are ignored: a thumb slips. Shift makes no difference. */
export class KeyReader {
  readonly #words: ReadonlyMap<string, Word>;
  #last = '';
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(keys: Keys) {
    this.#words = new Map<string, Word>([
      [keys.in.toLowerCase(), 'in'],
      [keys.out.toLowerCase(), 'out'],
      ['u', 'undo'],
      ['p', 'pause'],
      ['q', 'end'],
      ['\x03', 'end'],
      ['\x04', 'end'],
    ]);
  }

  /** text: one read. */
  read(text: string, tMs: number): Word[] {
    if (text.startsWith('\x1b')) return [];
    const isRepeat = text === this.#last && tMs - this.#lastMs < REPEAT_MS;
    this.#last = text;
    this.#lastMs = tMs;
    if (isRepeat) return [];
    return [...text.toLowerCase()].flatMap((key) => this.#words.get(key) ?? []);
  }
}

/** Bytes of a pipe → words, one a line; `onUnknown` gets what is none. */
export class LineReader {
  #rest = '';
  readonly #onUnknown: (line: string) => void;

  constructor(onUnknown: (line: string) => void) {
    this.#onUnknown = onUnknown;
  }

  read(text: string): Word[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX);
    return lines.flatMap((line) => this.#wordOf(line.trim().toLowerCase()));
  }

  /** What stood before the end of the pipe without a line feed. */
  finish(): Word[] {
    return this.read('\n');
  }

  #wordOf(line: string): Word[] {
    if (line === '') return [];
    const word = WORDS.find((known) => known === line);
    if (word === undefined) this.#onUnknown(line);
    return word === undefined ? [] : [word];
  }
}

/** Opens both buttons; returns what gives them back. Throws DriverError, with nothing left open. */
export function openButtons(
  gpio: Gpio,
  pins: { readonly in: number; readonly out: number },
  onWord: (word: Word) => void,
): () => void {
  const first = gpio.openButton(pins.in, DEBOUNCE_MS, () => onWord('in'));
  try {
    const second = gpio.openButton(pins.out, DEBOUNCE_MS, () => onWord('out'));
    return () => {
      first.close();
      second.close();
    };
  } catch (error) {
    first.close();
    throw error;
  }
}
