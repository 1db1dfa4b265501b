/**
 * The machine that a bench runs on: its name, and how much it disturbs whoever measures on it. A frame that took long may
 * be our doing or that of another program, of the hypervisor or of a slow wake-up; what happens to a fixed piece of work
 * that reads no picture tells them apart.
 * Memory: tables taken before the measurement.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { boardModel } from '../../runtime/config/board.ts';
import { MS_PER_S } from '../../runtime/units.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** The board's own name where it has one. */
export function boardName(): string {
  return boardModel() || (cpus()[0]?.model ?? 'unknown');
}

/** Programs that wanted to run, over the last minute. */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

const ROUNDS_PER_CALIBRATION = 200_000;
const IDLE_STEPS_MAX = 4_000_000;

/** A chain of multiplications in registers (the generator of Numerical Recipes): touches no memory, so only time that was taken away lengthens it. */
function spin(roundCount: number): number {
  let value = roundCount | 1;
  for (let i = 0; i < roundCount; i++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  return value;
}

/** Rounds of `spin` that take `ms` when nobody disturbs them. */
function roundsOf(ms: number): number {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 50; i++) {
    const beganMs = performance.now();
    spin(ROUNDS_PER_CALIBRATION);
    shortestMs = Math.min(shortestMs, performance.now() - beganMs);
  }
  return Math.max(1, Math.round((ROUNDS_PER_CALIBRATION * ms) / shortestMs));
}

export type LoopJitter = {
  /** From one reading of the clock to the next, in a loop that does nothing else. */
  readonly idle_step_ms: Spread;
  /** A fixed piece of work, again and again. */
  readonly work_in_a_row_ms: Spread;
};

/** Two busy loops, each for half of `seconds`. workMs: what the work takes when nobody disturbs it. */
export function measureLoops(seconds: number, workMs: number): LoopJitter {
  const idle = measureIdle((seconds * MS_PER_S) / 2);
  const row = measureRow((seconds * MS_PER_S) / 2, workMs);
  return { idle_step_ms: spreadOf(idle), work_in_a_row_ms: spreadOf(row) };
}

/** The newest steps, if there are more than the table holds; of two that share a place the longer one stays. */
function measureIdle(durationMs: number): Float64Array {
  const steps = new Float64Array(IDLE_STEPS_MAX);
  const beganMs = performance.now();
  let beforeMs = beganMs;
  let count = 0;
  while (beforeMs - beganMs < durationMs) {
    const nowMs = performance.now();
    const place = count % IDLE_STEPS_MAX;
    steps[place] = Math.max(count < IDLE_STEPS_MAX ? 0 : steps[place]!, nowMs - beforeMs);
    beforeMs = nowMs;
    count += 1;
  }
  return steps.subarray(0, Math.min(count, IDLE_STEPS_MAX));
}

function measureRow(durationMs: number, workMs: number): Float64Array {
  const rounds = roundsOf(workMs);
  const steps = new Float64Array(Math.ceil(durationMs / workMs) * 2);
  const beganMs = performance.now();
  let count = 0;
  while (count < steps.length && performance.now() - beganMs < durationMs) {
    const stepBeganMs = performance.now();
    spin(rounds);
    steps[count] = performance.now() - stepBeganMs;
    count += 1;
  }
  return steps.subarray(0, count);
}

/**
 * The same fixed work, done by a timer between frames, in the same process: what the machine did to it, it did to frames.
 * One timer is set anew each time, so that nothing is allocated.
 */
export class TimerControl {
  readonly #delayMs: number;
  readonly #rounds: number;
  readonly #late: Float64Array;
  readonly #work: Float64Array;
  readonly #timer: NodeJS.Timeout;
  #count = 0;
  #dueMs = Number.NaN;

  /** delayMs: whole milliseconds from `set` to the work. */
  constructor(delayMs: number, countMax: number, workMs: number) {
    this.#delayMs = delayMs;
    this.#rounds = roundsOf(workMs);
    this.#late = new Float64Array(countMax);
    this.#work = new Float64Array(countMax);
    this.#timer = setTimeout(() => this.#step(), delayMs);
  }

  set(): void {
    this.#dueMs = performance.now() + this.#delayMs;
    this.#timer.refresh();
  }

  /** late: Node's timers count whole milliseconds and come up to one early, which counts as 0. */
  end(): { late_ms: Spread; work_ms: Spread } {
    clearTimeout(this.#timer);
    const cut = (row: Float64Array): Float64Array => row.subarray(0, this.#count);
    return { late_ms: spreadOf(cut(this.#late)), work_ms: spreadOf(cut(this.#work)) };
  }

  #step(): void {
    const nowMs = performance.now();
    spin(this.#rounds);
    // Not set yet: the constructor's own start of the timer.
    if (Number.isNaN(this.#dueMs) || this.#count === this.#late.length) return;
    this.#late[this.#count] = Math.max(0, nowMs - this.#dueMs);
    this.#work[this.#count] = performance.now() - nowMs;
    this.#count += 1;
  }
}
