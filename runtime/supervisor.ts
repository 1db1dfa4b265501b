/**
 * Supervisor: on one machine without systemd it makes the corridor, starts eye and voice, and restarts either when it ends.
 * It holds both FIFOs open itself, so records that the eye has sent survive even when both programs die at once.
 * Each child is shut in as far as this machine can (isolation/isolation.ts), which is told at the start.
 * A child that ends with 75 has been told that there is a new configuration: the other one ends too, by itself or by us, and
 * both are planned and started anew. The voice has checked the file before (voice/commands/actions.ts).
 * The children run in process groups of their own: Ctrl-C reaches only the supervisor, which stops the eye first and the
 * voice after it, so that the last crossing is still published.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFifo } from '../drivers/fifo.ts';
import { openCorridorFifo } from '../drivers/inlet.ts';
import { readProcessArguments } from './config/arguments.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from './corridor/control.ts';
import { ExitCode, explain } from './errors.ts';
import { type Abilities, probeAbilities } from './isolation/abilities.ts';
import { type ChildPlan, planChild, type Role, requireAll } from './isolation/isolation.ts';
import { CAMERA_FOLDER } from './isolation/paths.ts';
import type { Log } from './log.ts';

/** First pause before a restart, doubled up to the last; back to the first after RUN_MS_GOOD of life. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 30_000;
const RUN_MS_GOOD = 60_000;
/** Stopping: the camera's own stop sequence takes up to 3 s, the voice's last delivery 2 s. */
const STOP_MS_MAX = 6000;

const RESET_SENTENCE =
  'the button was held: on a device lethe-reset would now remove configuration, credentials, Wi-Fi connection and counts, and look for a code. Nothing was removed here. To do it by hand, remove the configuration and the folder in state_dir.';

export type SupervisorOptions = {
  /** Words for both children besides --runtime-dir: --config, --set. */
  readonly args: readonly string[];
  readonly log: Log;
  /** The eye's source came to its end (a file) or cannot be used: everything was stopped. */
  readonly onEnded: (code: ExitCode) => void;
  /** Words for Node before the entry, such as --import FILE. From code only, for audits and crash tests: no option sets them. */
  readonly nodeWords?: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** Paths that these words need to read besides. */
  readonly extraReadPaths?: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** Descriptor that both print to; without it: what we print to. */
  readonly outputFd?: number;
  /** What this machine can enforce; without it: found out. */
  readonly abilities?: Abilities;
};

class Program {
  readonly name: Role;
  child: ChildProcess | undefined;
  restartCount = 0;
  #startedAtMs = 0;
  #pauseMs = PAUSE_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  /** Taken at the next start. */
  plan: ChildPlan;
  readonly #log: Log;
  readonly #output: number | 'inherit';
  readonly #onEnded: (code: number | null) => 'restart' | 'stay';

  constructor(
    name: Role,
    plan: ChildPlan,
    { log, outputFd = 'inherit' }: { readonly log: Log; readonly outputFd?: number | 'inherit' },
    onEnded: (code: number | null) => 'restart' | 'stay',
  ) {
    this.name = name;
    this.plan = plan;
    this.#log = log;
    this.#output = outputFd;
    this.#onEnded = onEnded;
  }

  start(): void {
    this.#startedAtMs = Date.now();
    const { program, words, environment } = this.plan;
    const child = spawn(program, words, {
      stdio: ['ignore', this.#output, this.#output],
      detached: true,
      env: { ...environment, LETHE_SUPERVISED: String(process.pid) },
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

  /** Resolves when it has ended by itself; after STOP_MS_MAX it is stopped. */
  async end(): Promise<void> {
    const { child } = this;
    if (child === undefined) return this.stop(); // one that waits for its next start does not come
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, STOP_MS_MAX);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await this.stop();
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
  /** How the two are started, and what is thereby enforced. */
  plans: Readonly<Record<Role, ChildPlan>>;
  readonly #options: SupervisorOptions;
  readonly #fds: number[];
  readonly #eye: Program;
  readonly #voice: Program;
  #isStopping = false;
  #isStartingAgain = false;

  /**
   * Makes the runtime folder (0700) and the FIFOs (0600). Throws DriverError, and ConfigError for a configuration that cannot
   * be used or whose isolation cannot be had here.
   */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.runtimeDir = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'lethe-'));
    try {
      this.plans = this.#planBoth();
      const paths = [CORRIDOR_FIFO, CONTROL_FIFO].map((name) => join(this.runtimeDir, name));
      makeFifo(...paths);
      this.#fds = paths.map(openCorridorFifo);
    } catch (error) {
      rmSync(this.runtimeDir, { recursive: true, force: true });
      throw error;
    }
    const { eye, voice } = this.plans;
    this.#eye = new Program('eye', eye, options, (code) => this.#onEnded(code, code === ExitCode.ok));
    this.#voice = new Program('voice', voice, options, (code) => {
      if (code === ExitCode.dataError) this.#endCutOffEye();
      return this.#onEnded(code, false);
    });
  }

  get eyePid(): number | undefined {
    return this.#eye.child?.pid;
  }

  get voicePid(): number | undefined {
    return this.#voice.child?.pid;
  }

  start(): void {
    this.#tellIsolation();
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

  #planBoth(): Record<Role, ChildPlan> {
    const { args, nodeWords, extraReadPaths, abilities = probeAbilities() } = this.#options;
    const childArgs = [...args, '--runtime-dir', this.runtimeDir];
    const { config, configPath } = readProcessArguments(childArgs);
    makeStateFolder(config.stateDir);
    mkdirSync(join(this.runtimeDir, CAMERA_FOLDER), { mode: 0o700, recursive: true });
    const planOf = (role: Role): ChildPlan => {
      const mountPoint = join(this.runtimeDir, `view-${role}`);
      mkdirSync(mountPoint, { mode: 0o700, recursive: true });
      return planChild(
        {
          role,
          config,
          configPath,
          runtimeDir: this.runtimeDir,
          mountPoint,
          entry: fileURLToPath(new URL(`./${role}/main.js`, import.meta.url)),
          args: childArgs,
          nodeWords: nodeWords?.[role] ?? [],
          extraReadPaths: extraReadPaths?.[role] ?? [],
          environment: process.env,
        },
        abilities,
      );
    };
    const plans = { eye: planOf('eye'), voice: planOf('voice') };
    if (config.privacy.isolation === 'required') requireAll(plans);
    return plans;
  }

  /** One line with everything; what cannot be enforced is a warning of its own, so that no level of calm hides it. */
  #tellIsolation(): void {
    const { log } = this.#options;
    const told = (['eye', 'voice'] as const).map((role) => {
      const { enforced, allowed } = this.plans[role];
      return [role, { enforced: enforced.map(({ guard, by }) => `${guard} (${by.join(', ')})`), allowed }] as const;
    });
    log.info(Object.fromEntries(told), 'isolation');
    for (const role of ['eye', 'voice'] as const) {
      for (const { guard, why, remedy } of this.plans[role].missing)
        log.warn(`NOT ISOLATED: ${guard} cannot be kept from the ${role} (${why}). ${remedy}`);
    }
  }

  /**
   * The voice cut the eye off: that eye ends at once, without a chance to say more, and what it left in the corridor is
   * thrown away unread. Otherwise the next voice would find the same bytes, perhaps with half a record before them, and
   * refuse every eye for ever. Both are started again by their own pauses.
   */
  #endCutOffEye(): void {
    if (this.#isStopping) return;
    const eye = this.#eye.child;
    if (eye === undefined) {
      discardAll(this.#fds[0]!);
      return;
    }
    eye.once('exit', () => {
      if (!this.#isStopping) discardAll(this.#fds[0]!);
    });
    eye.kill('SIGKILL');
  }

  /** Both are waited for: the eye tells its last numbers before the voice goes. */
  async #startAgain(): Promise<void> {
    if (this.#isStartingAgain) return;
    this.#isStartingAgain = true;
    await Promise.all([this.#eye.end(), this.#voice.end()]);
    if (this.#isStopping) return;
    // Words for the eye that has gone are none for the next one.
    discardAll(this.#fds[1]!);
    try {
      this.plans = this.#planBoth();
    } catch (error) {
      this.#options.log.error(`the new configuration cannot be used: ${explain(error)}`);
      void this.stop().then(() => this.#options.onEnded(ExitCode.config));
      return;
    }
    this.#eye.plan = this.plans.eye;
    this.#voice.plan = this.plans.voice;
    this.#isStartingAgain = false;
    this.#options.log.info('started again with a new configuration');
    this.start();
  }

  #onEnded(code: number | null, isEndOfSource: boolean): 'restart' | 'stay' {
    if (this.#isStopping) return 'stay';
    if (code === ExitCode.again) void this.#startAgain();
    if (this.#isStartingAgain) return 'stay';
    if (code === ExitCode.reset) {
      this.#options.log.warn(RESET_SENTENCE);
      void this.stop().then(() => this.#options.onEnded(ExitCode.reset));
      return 'stay';
    }
    // A configuration or a model does not get better by trying again.
    const isHopeless = code === ExitCode.config;
    if (!isEndOfSource && !isHopeless) return 'restart';
    void this.stop().then(() => this.#options.onEnded(isHopeless ? ExitCode.config : ExitCode.ok));
    return 'stay';
  }
}

/** The voice may write in this folder only, so it cannot make it. If we cannot either, the voice says so. */
function makeStateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // As said above.
  }
}

/** Empties a pipe that does not wait. */
function discardAll(fd: number): void {
  const bytes = Buffer.alloc(65_536);
  try {
    while (readSync(fd, bytes) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  } finally {
    bytes.fill(0);
  }
}
