/**
 * Quick time: the clock of the voice and of the scripted eye, which runs `pace` times as fast as the real one and may be set.
 * Simulated, and nothing else in a voice under test is: intervals of 5 s, back-off of 1 to 30 s and time-outs of 10 s keep
 * their proportions, so that twenty kills fall into as many intervals without lasting for minutes. What does not become
 * quicker is the machine: for the voice, disk, broker and its own start are slow. FAULT_PACE=1 is real time.
 *
 * One file holds the setting; the voice's process reads it through time-preload.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PACE = Number(process.env['FAULT_PACE'] ?? 20);
/** Environment variable with the path of the setting. */
export const TIME_FILE_VARIABLE = 'LETHE_FAULT_TIME';

export type TimeSetting = {
  /** At the real time realMs the clock showed wallMs. */
  readonly realMs: number;
  readonly wallMs: number;
  readonly pace: number;
};

export function wallMsOf({ realMs, wallMs, pace }: TimeSetting, nowRealMs: number): number {
  return Math.floor(wallMs + (nowRealMs - realMs) * pace);
}

export class QuickTime {
  readonly pace: number;
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'lethe-time-'));
  #setting: TimeSetting;

  constructor(pace = PACE) {
    this.pace = pace;
    this.path = join(this.#folder, 'time.json');
    const nowMs = Date.now();
    this.#setting = { realMs: nowMs, wallMs: nowMs, pace };
    this.#write();
  }

  wallMs(): number {
    return wallMsOf(this.#setting, Date.now());
  }

  /** Sets the wall clock, as a time server or a person does; monotonic time is not touched. */
  set(wallMs: number): void {
    this.#setting = { realMs: Date.now(), wallMs, pace: this.pace };
    this.#write();
  }

  /** Waits until so many seconds of this time have passed. */
  seconds(count: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, (count * 1000) / this.pace));
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(): void {
    writeFileSync(this.path, JSON.stringify(this.#setting));
  }
}
