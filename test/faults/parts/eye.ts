/**
 * A scripted eye: people cross several lines by a random, repeatable script, through the product's own corridor writer,
 * and the truth is known. A killed eye is a new boot: its numbers begin at 0, what it had put into the pipe is still there.
 */
import { EyeState, emptyRecord, RecordKind, TIME_MS_MIN } from '../../../runtime/corridor/record.ts';
import { CorridorWriter, type RecordOutlet } from '../../../runtime/corridor/writer.ts';
import type { Random } from './random.ts';
import type { QuickTime } from './time.ts';

/** Real ms between two looks at the clock. */
const STEP_MS = 10;
/**
 * The voice writes what it read at most once a second, and the eye says each second how many it has counted: what was
 * in memory only is told again, unless the eye dies in the same moment. Real ms are those that the machine takes.
 */
const AT_RISK_S = 2;
const AT_RISK_REAL_MS = 50;
const FRAME_RATE_HZ = 15;

export type Count = { in: number; out: number };

export type EyeScript = {
  readonly outlet: RecordOutlet;
  readonly time: QuickTime;
  readonly random: Random;
  readonly lineCount: number;
  readonly zoneCount: number;
  /** Of all lines together. The corridor allows 16 for long. */
  readonly crossingsPerSecond: number;
};

export class ScriptedEye {
  /** [line] everybody whom any boot has put into the corridor. */
  readonly truth: Count[];
  bootCount = 0;
  /** People of the last seconds before each kill: a voice that dies with its eye cannot ask for them again. */
  atRiskCount = 0;
  readonly #script: EyeScript;
  #writer!: CorridorWriter;
  /** [line] since this boot. */
  #counts!: Count[];
  #visits = 0;
  #framesRead = 0;
  #timer: NodeJS.Timeout | undefined;
  #isQuiet = false;
  #stepAtMs = Date.now();
  #beatAtMs = 0;
  /** Real times of the last crossings. */
  #recentMs: number[] = [];

  constructor(script: EyeScript) {
    this.#script = script;
    this.truth = Array.from({ length: script.lineCount }, () => ({ in: 0, out: 0 }));
  }

  /** Begins, or begins anew as after a kill -9. */
  start(): void {
    const { random, lineCount, zoneCount, outlet } = this.#script;
    this.kill();
    this.bootCount += 1;
    this.#writer = new CorridorWriter(outlet, random.whole(1, 0xfffffffe));
    this.#counts = Array.from({ length: lineCount }, () => ({ in: 0, out: 0 }));
    this.#visits = 0;
    this.#framesRead = 0;
    this.#send({ kind: RecordKind.hello, index: lineCount, code: zoneCount });
    for (const index of [0, 1]) this.#send({ kind: RecordKind.model, index, a: 1, b: 2, c: 3, d: 4 });
    this.#send({ kind: RecordKind.state, code: EyeState.counting });
    this.#stepAtMs = Date.now();
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  /** Stops in the middle of whatever it did. */
  kill(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#forget();
    this.atRiskCount += this.#recentMs.length;
    this.#recentMs = [];
  }

  /** Nobody crosses any more; the eye goes on saying so each second. */
  quiet(): void {
    this.#isQuiet = true;
  }

  /** One person, now. */
  cross(lineIndex: number, way: 'in' | 'out'): void {
    const count = this.#counts[lineIndex]!;
    count[way] += 1;
    this.truth[lineIndex]![way] += 1;
    this.#recentMs.push(Date.now());
    const code = way === 'in' ? 0 : 1;
    this.#send({ kind: RecordKind.crossing, index: lineIndex, code, a: count.in, b: count.out });
  }

  #forget(): void {
    const fromMs = Date.now() - (AT_RISK_S * 1000) / this.#script.time.pace - AT_RISK_REAL_MS;
    this.#recentMs = this.#recentMs.filter((ms) => ms >= fromMs);
  }

  #step(): void {
    const { random, time, crossingsPerSecond, lineCount } = this.#script;
    const nowMs = Date.now();
    const elapsedS = ((nowMs - this.#stepAtMs) * time.pace) / 1000;
    this.#stepAtMs = nowMs;
    let due = this.#isQuiet ? 0 : elapsedS * crossingsPerSecond;
    for (; due > 0; due -= 1)
      if (random.isTrue(Math.min(1, due)))
        this.cross(random.whole(0, lineCount - 1), random.isTrue(0.6) ? 'in' : 'out');
    if ((nowMs - this.#beatAtMs) * time.pace < 1000) return;
    this.#beatAtMs = nowMs;
    this.#forget();
    this.#beat();
  }

  /** What an eye says each second. */
  #beat(): void {
    for (const [index, { in: a, out: b }] of this.#counts.entries()) {
      this.#send({ kind: RecordKind.totals, index, a, b });
      this.#send({ kind: RecordKind.net, index, a, b });
    }
    this.#visits += 1;
    for (let index = 0; index < this.#script.zoneCount; index++) {
      this.#send({ kind: RecordKind.zone, index, a: 1, b: 0, c: this.#visits, d: 0 });
      this.#send({ kind: RecordKind.passers, index, a: 0, b: this.#visits });
    }
    this.#framesRead += FRAME_RATE_HZ;
    this.#send({ kind: RecordKind.frames, a: this.#framesRead, b: this.#framesRead });
    this.#send({ kind: RecordKind.longest, a: 400, b: 1200 });
  }

  #send(fields: Partial<ReturnType<typeof emptyRecord>>): void {
    // As the eye does: the corridor carries no time before 2020.
    const timeMs = Math.max(TIME_MS_MIN, this.#script.time.wallMs());
    this.#writer.send({ ...emptyRecord(), timeMs, ...fields });
  }
}
