/**
 * Set-up mode, the voice's side: asks the eye for positions for some minutes, puts the parts of each moment together and
 * publishes them. Nothing of it is kept, counted or sent later: who does not listen at that moment has missed it.
 *
 * The corridor takes positions only while this class says so (`takesDots`): from the moment before the eye is asked until the eye's lease
 * must have run out. What comes after the end, out of the pipe, is read and dropped. That it was on is in the ledger's
 * state: a voice that is started again in between ends it, and does not cut off an eye that had not heard of it yet.
 * An eye whose positions do not rise from part to part is cut off, as their order could carry something else.
 * Memory: the positions of one moment.
 */
import { ControlWord, SETUP_LEASE_S, SETUP_REPEAT_S } from '../corridor/control.ts';
import { type CorridorRecord, DOTS_HZ, DOTS_PER_RECORD, dotsInPart } from '../corridor/record.ts';
import type { Clock } from '../ports/clock.ts';
import { MS_PER_MINUTE, US_PER_S } from '../units.ts';
import { Allowance } from './commands/allowance.ts';
import type { CommandMemory } from './commands/memory.ts';

/** What was under way in both pipes when the lease ended arrives within this. */
const PIPES_S = 20;
/** The eye's clock ticks a little before ours now and then. */
const BURST = 2;

export type SetupOptions = {
  readonly clock: Clock;
  readonly memory: CommandMemory;
  readonly control: (word: ControlWord) => void;
  /** From now on the corridor takes positions, or does not. */
  readonly onTakesDots: (takesDots: boolean) => void;
  /** dots: x · 256 + y, rising. */
  readonly publish: (dots: readonly number[], untilMs: number) => void;
  /** The memory has changed. */
  readonly touch: () => void;
};

export class Setup {
  readonly #options: SetupOptions;
  readonly #allowance: Allowance;
  /** Wall clock, for people; 0: it is off. */
  #untilMs = 0;
  /** Monotonic µs: when it ends, when the eye is asked again, and until when positions may still come. */
  #endUs = 0;
  #askUs = 0;
  #graceUs = 0;
  #dots: number[] = [];
  #nextSequence = 0;

  constructor(options: SetupOptions) {
    this.#options = options;
    this.#allowance = new Allowance(60 * DOTS_HZ, BURST, () => options.clock.monotonicUs());
  }

  /** When it ends by itself, ms since 1970; null: it is off. */
  get untilMs(): number | null {
    return this.#untilMs === 0 ? null : this.#untilMs;
  }

  /** At the start of the voice. wasOn: it may have been on when the voice before ended. */
  resume(wasOn: boolean): void {
    if (wasOn) this.#over();
  }

  /** Of `minutes` above 0, counted from now; one that is on ends, so that the eye's hour begins anew. */
  begin(minutes: number): void {
    const { clock, control, onTakesDots } = this.#options;
    onTakesDots(true);
    if (this.#untilMs > 0) control(ControlWord.setupOff);
    this.#untilMs = clock.wallMs() + minutes * MS_PER_MINUTE;
    this.#endUs = clock.monotonicUs() + minutes * 60 * US_PER_S;
    this.#ask();
  }

  /** Ends it, if it is on. */
  end(): void {
    if (this.#untilMs > 0) this.#over();
  }

  /** An eye has started: it knows of nothing. */
  hello(): void {
    if (this.#untilMs > 0) this.#ask();
  }

  /** A second has passed. */
  tick(): void {
    const { clock, memory, onTakesDots, touch } = this.#options;
    const nowUs = clock.monotonicUs();
    if (this.#untilMs > 0) {
      if (nowUs >= this.#endUs) this.#over();
      else if (nowUs >= this.#askUs) this.#ask();
    } else if (this.#graceUs > 0 && nowUs >= this.#graceUs) {
      this.#graceUs = 0;
      onTakesDots(false);
      memory.isSetupOn = false;
      touch();
    }
  }

  /** A record of kind `dots`. Returns what is wrong with it, to be said after "the eye sent", or undefined. */
  take({ index, code, sequence, a, b, c, d }: CorridorRecord): string | undefined {
    if (index === 0) this.#dots = [];
    // Parts of one moment are sent in one go: after a gap (a ring that has run over) a part is none of this moment.
    else if (this.#dots.length !== index * DOTS_PER_RECORD || sequence !== this.#nextSequence) return undefined;
    this.#nextSequence = (sequence + 1) >>> 0;
    for (const pair of [a, b, c, d]) this.#dots.push(pair & 0xffff, pair >>> 16);
    this.#dots.length = index * DOTS_PER_RECORD + dotsInPart(code, index);
    const first = index * DOTS_PER_RECORD;
    if (index > 0 && this.#dots[first]! < this.#dots[first - 1]!) return 'positions that do not rise';
    if (this.#dots.length === code) this.#tell();
    return undefined;
  }

  #tell(): void {
    if (this.#untilMs > 0 && this.#allowance.take()) this.#options.publish(this.#dots, this.#untilMs);
  }

  #ask(): void {
    this.#askUs = this.#options.clock.monotonicUs() + SETUP_REPEAT_S * US_PER_S;
    this.#options.control(ControlWord.setupOn);
  }

  /** The word may be lost: until the eye's lease is over, positions are no breach. */
  #over(): void {
    const { clock, control, onTakesDots } = this.#options;
    onTakesDots(true);
    this.#untilMs = 0;
    this.#graceUs = clock.monotonicUs() + (SETUP_LEASE_S + PIPES_S) * US_PER_S;
    control(ControlWord.setupOff);
  }
}
