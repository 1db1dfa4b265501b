/**
 * Supervisor: on one machine without systemd it makes the corridor, starts eye and voice, and restarts either when it ends.
 * It holds both FIFOs open itself, so records that the eye has sent survive even when both programs die at once.
 * The children run in process groups of their own: Ctrl-C reaches only the supervisor, which stops the eye first and the
 * voice after it, so that the last crossing is still published.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFifo } from '../drivers/fifo.ts';
import { openCorridorFifo } from '../drivers/inlet.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from './corridor/control.ts';
import { ExitCode } from './errors.ts';
import type { Log } from './log.ts';

/** First pause before a restart, doubled up to the last; back to the first after RUN_MS_GOOD of life. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 30_000;
const RUN_MS_GOOD = 60_000;
/** Stopping: the camera's own stop sequence takes up to 3 s, the voice's last delivery 2 s. */
const STOP_MS_MAX = 6000;

type ProgramName = 'eye' | 'voice';

export type SupervisorOptions = {
  /** Words for both children besides --runtime-dir: --config, --set. */
  readonly args: readonly string[];
  readonly log: Log;
  /** The eye's source came to its end (a file) or cannot be used: everything was stopped. */
  readonly onEnded: (code: ExitCode) => void;
};

class Program {
  readonly name: ProgramName;
  child: ChildProcess | undefined;
  restartCount = 0;
  #startedAtMs = 0;
  #pauseMs = PAUSE_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  readonly #args: readonly string[];
  readonly #log: Log;
  readonly #onEnded: (code: number | null) => 'restart' | 'stay';

  constructor(
    name: ProgramName,
    args: readonly string[],
    log: Log,
    onEnded: (code: number | null) => 'restart' | 'stay',
  ) {
    this.name = name;
    this.#args = args;
    this.#log = log;
    this.#onEnded = onEnded;
  }

  start(): void {
    this.#startedAtMs = Date.now();
    const entry = fileURLToPath(new URL(`./${this.name}/main.js`, import.meta.url));
    const child = spawn(process.execPath, [entry, ...this.#args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { ...process.env, LETHE_SUPERVISED: String(process.pid) },
    });
    this.child = child;
    child.on('error', (error) => this.#log.error({ program: this.name, err: error }, 'program cannot be started'));
    child.on('exit', (code, signal) => {
      this.child = undefined;
      if (this.#onEnded(code) === 'stay') return;
      if (Date.now() - this.#startedAtMs > RUN_MS_GOOD) this.#pauseMs = PAUSE_MS_MIN;
      this.restartCount += 1;
      this.#log.warn({ child: this.name, code, signal, retryMs: this.#pauseMs }, `${this.name} ended and is restarted`);
      this.#timer = setTimeout(() => this.start(), this.#pauseMs);
      this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2);
    });
  }

  /** SIGTERM, then SIGKILL after STOP_MS_MAX; resolves when it is gone. */
  stop(): Promise<void> {
    clearTimeout(this.#timer);
    const child = this.child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      child.once('exit', () => {
        clearTimeout(kill);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}

export class Supervisor {
  readonly runtimeDir: string;
  readonly #options: SupervisorOptions;
  readonly #fds: number[];
  readonly #eye: Program;
  readonly #voice: Program;
  #isStopping = false;

  /** Makes the runtime folder (0700) and the FIFOs (0600). Throws DriverError. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.runtimeDir = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'lethe-'));
    const paths = [CORRIDOR_FIFO, CONTROL_FIFO].map((name) => join(this.runtimeDir, name));
    for (const path of paths) makeFifo(path);
    this.#fds = paths.map(openCorridorFifo);
    const args = [...options.args, '--runtime-dir', this.runtimeDir];
    this.#eye = new Program('eye', args, options.log, (code) => this.#onEnded(code, code === ExitCode.ok));
    this.#voice = new Program('voice', args, options.log, (code) => this.#onEnded(code, false));
  }

  get eyePid(): number | undefined {
    return this.#eye.child?.pid;
  }

  get voicePid(): number | undefined {
    return this.#voice.child?.pid;
  }

  start(): void {
    this.#voice.start();
    this.#eye.start();
  }

  /** Eye first, then voice, then the corridor. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#eye.stop();
    await this.#voice.stop();
    for (const fd of this.#fds) closeSync(fd);
    rmSync(this.runtimeDir, { recursive: true, force: true });
  }

  #onEnded(code: number | null, isEndOfSource: boolean): 'restart' | 'stay' {
    if (this.#isStopping) return 'stay';
    // A configuration or a model does not get better by trying again.
    const isHopeless = code === ExitCode.config;
    if (!isEndOfSource && !isHopeless) return 'restart';
    void this.stop().then(() => this.#options.onEnded(isHopeless ? ExitCode.config : ExitCode.ok));
    return 'stay';
  }
}
