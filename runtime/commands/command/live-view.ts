/**
 * What arrives on `setup`, shown: in a terminal as a picture that is drawn over itself, elsewhere as one line of JSON for
 * each moment. It keeps nothing but the last moment.
 */
import { Value } from 'typebox/value';
import type { Config } from '../../config/schema.ts';
import { SetupDotsSchema } from '../../contract/commands.ts';
import { MS_PER_S } from '../../units.ts';
import { elapsedText } from '../tally/display.ts';
import { draw, type Place, sizeFor } from './drawing.ts';

const HOME = '\x1b[H';
const CLEAR_ALL = '\x1b[2J';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const [HIDE_CURSOR, SHOW_CURSOR] = ['\x1b[?25l', '\x1b[?25h'];
/** Frame, and two lines of words. */
const OTHER_ROWS = 5;
/** The device tells an empty view as well: silence is something else. */
const SILENCE_MS = 3000;

export type LiveViewOptions = {
  readonly config: Config;
  readonly out: (text: string) => void;
  /** Columns and rows now; undefined: it is no terminal. */
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined;
};

export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #isTerminal: boolean;
  #dots: readonly Place[] = [];
  #untilMs: number;
  #heardAtMs: number;
  #isOpen = false;

  constructor(options: LiveViewOptions, untilMs: number, nowMs: number) {
    this.#options = options;
    this.#isTerminal = options.size() !== undefined;
    this.#untilMs = untilMs;
    this.#heardAtMs = nowMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** A payload of `setup`; anything else is ignored. */
  hear(payload: string, nowMs: number): void {
    let json: unknown;
    try {
      json = JSON.parse(payload);
    } catch {
      return;
    }
    if (!Value.Check(SetupDotsSchema, json)) return;
    this.#dots = json.dots;
    this.#untilMs = Date.parse(json.until);
    this.#heardAtMs = nowMs;
    if (this.#isTerminal) this.show(nowMs);
    else this.#options.out(`${JSON.stringify({ at: json.at, dots: json.dots })}\n`);
  }

  /** Draws anew; call it now and then, so that time and silence are seen. */
  show(nowMs: number): void {
    const size = this.#options.size();
    if (!this.#isTerminal || size === undefined) return;
    const { config, out } = this.#options;
    const isSilent = nowMs - this.#heardAtMs > SILENCE_MS;
    const picture = draw(config, isSilent ? [] : this.#dots, sizeFor(size.columns - 2, size.rows - OTHER_ROWS));
    const state = isSilent
      ? 'No positions: paused by the button, without a camera, or away. See health.'
      : `${this.#dots.length} in view.`;
    const rows = [
      `${config.site}/${config.device}: set-up mode, ${elapsedText(Math.max(0, this.#untilMs - nowMs) + MS_PER_S - 1)} left. Ctrl-C ends it.`,
      ...picture,
      state,
    ].map((row) => `${row}${CLEAR_REST_OF_LINE}`);
    out(`${this.#isOpen ? HOME : `${HIDE_CURSOR}${CLEAR_ALL}${HOME}`}${rows.join('\n')}${CLEAR_BELOW}`);
    this.#isOpen = true;
  }

  close(): void {
    if (this.#isOpen) this.#options.out(`\n${SHOW_CURSOR}`);
    this.#isOpen = false;
  }
}
