/**
 * The process behind the camera: started through the npm package node-libcamera, ended by its process id.
 * The package runs `sh -c "libcamera-vid --a b"`, gives no handle on the child and no way to end it, and collects its
 * messages in memory. So a script of ours stands in for `libcamera-vid` (shim/): it writes the process id to a file, sends
 * the messages into a named pipe and then becomes rpicam-vid by `exec`.
 * The package takes no environment either, so ours is changed for the one synchronous moment in which it spawns, and put
 * back before anything else can run. This is the only place that does so.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vid } from 'node-libcamera';
import { DriverError } from '../../../runtime/errors.ts';
import { settledWithin } from '../../fifo.ts';
import type { Flags, RpicamTiming } from './options.ts';

export type CameraPaths = {
  /** Private folder (0700) that holds the others. */
  readonly folder: string;
  /** Named pipe of pictures. */
  readonly frames: string;
  /** Named pipe of messages. */
  readonly messages: string;
  /** Named pipe that carries nothing; its end tells the guard that we are gone. */
  readonly lifeline: string;
  readonly pidFile: string;
};

/** The names are those of the shim. */
export function cameraPaths(folder: string): CameraPaths {
  return {
    folder,
    frames: join(folder, 'frames.fifo'),
    messages: join(folder, 'messages.fifo'),
    lifeline: join(folder, 'lifeline.fifo'),
    pidFile: join(folder, 'pid'),
  };
}

const SHIM = join('drivers', 'camera', 'rpicam', 'shim');
/** From the start of the shell to the process id in its file; a script of five lines. */
const PID_WAIT_MS = 2000;
const PID_POLL_MS = 10;
/** Longest wait for a killed process; longer only if the kernel itself hangs in the camera's driver. */
const KILLED_WAIT_MS = 2000;

export class RpicamChild {
  /** Resolves with the shell's exit status: 128 + signal for a signal. Never rejects. */
  readonly exited: Promise<number>;
  /** False while the process may still be there. */
  hasExited = false;
  readonly #paths: CameraPaths;

  constructor(flags: Flags, paths: CameraPaths, program: string | undefined) {
    this.#paths = paths;
    const environment: Record<string, string | undefined> = {
      PATH: [shimFolder(), process.env['PATH'] ?? '/usr/bin:/bin'].join(delimiter),
      LETHE_CAMERA_FOLDER: paths.folder,
      // The line that names the picture size is one of libcamera's at this level; we do not run without having seen it.
      LIBCAMERA_LOG_LEVELS: '*:INFO',
      LIBCAMERA_LOG_FILE: undefined,
    };
    if (program !== undefined) environment['LETHE_RPICAM_VID'] = program;
    // Both ends, because Linux lets nobody open the writing end alone before there is a reader. Closed on exec by Node, so
    // no child inherits it.
    const lifelineFd = openSync(paths.lifeline, constants.O_RDWR | constants.O_NONBLOCK);
    const ended = withEnvironment(environment, () => vid(packageOptions(flags)));
    this.exited = ended
      .then(() => 0, statusOf)
      .then((status) => {
        this.hasExited = true;
        closeSync(lifelineFd);
        return status;
      });
    // First in the row: the folder with the process id is removed at exit, too.
    process.prependOnceListener('exit', this.#killAtExit);
    void this.exited.then(() => process.off('exit', this.#killAtExit));
  }

  /**
   * Ends the process and resolves when it is gone. gentle: SIGINT first, after which it finishes the present picture, so
   * somebody must go on reading; otherwise SIGTERM, which it does not handle; SIGKILL last.
   */
  async end(gentle: boolean, timing: RpicamTiming): Promise<void> {
    await this.#pidKnown();
    if (gentle && (await this.#signal('SIGINT', timing.interruptMs))) return;
    if (await this.#signal('SIGTERM', timing.terminateMs)) return;
    if (await this.#signal('SIGKILL', KILLED_WAIT_MS)) return;
    throw new DriverError('timeout', 'rpicam-vid does not end, not even when killed.', {
      op: 'stop camera',
      hint: 'The camera driver of the kernel hangs: restart the board.',
    });
  }

  async #signal(signal: NodeJS.Signals, waitMs: number): Promise<boolean> {
    if (this.hasExited) return true;
    this.#kill(signal);
    return settledWithin(waitMs, this.exited);
  }

  #kill(signal: NodeJS.Signals): void {
    const pid = this.#pid();
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch {
      // Gone between the look and the signal.
    }
  }

  /** The shim writes the id within milliseconds; asked to stop before that, we wait for it rather than lose the child. */
  async #pidKnown(): Promise<void> {
    for (let waitedMs = 0; waitedMs < PID_WAIT_MS && !this.hasExited; waitedMs += PID_POLL_MS) {
      if (this.#pid() !== undefined) return;
      await settledWithin(PID_POLL_MS, this.exited);
    }
  }

  /** The id of the process if it is ours: its command line names our pipe. Ids are reused, and we must not hit others. */
  #pid(): number | undefined {
    try {
      const pid = Number(readFileSync(this.#paths.pidFile, 'utf8').trim());
      if (!Number.isInteger(pid) || pid <= 1) return undefined;
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.includes(this.#paths.frames) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Our program ends without `stop()` (process.exit, uncaught error): nothing but a synchronous kill is possible now. */
  readonly #killAtExit = (): void => this.#kill('SIGKILL');
}

/** The folder of our `libcamera-vid`. The compiler does not copy scripts, so from dist/ it lies further up. */
export function shimFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const script = join(folder, SHIM, 'libcamera-vid');
    if (existsSync(script)) {
      requireExecutable(script);
      return dirname(script);
    }
    if (folder === dirname(folder)) break;
  }
  throw new DriverError('absent', `the script ${join(SHIM, 'libcamera-vid')} is missing from the installation.`, {
    op: 'start camera',
    hint: 'Install the whole package again.',
  });
}

function requireExecutable(script: string): void {
  try {
    accessSync(script, constants.X_OK);
  } catch (cause) {
    throw new DriverError('other', `${script} may not be executed.`, {
      op: 'start camera',
      hint: `Allow it: chmod +x ${script}`,
      cause,
    });
  }
}

/** Runs `action` with the variables set (undefined: unset), and puts the old ones back before returning. */
function withEnvironment<T>(variables: Readonly<Record<string, string | undefined>>, action: () => T): T {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  setEnvironment(variables);
  try {
    return action();
  } finally {
    setEnvironment(before);
  }
}

function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/**
 * Flags in the form that the package wants. Its types know the options of 2022 only, while unknown names are passed on as
 * they are (utils.ts, convertOptionsToCmdArgs): hence the cast. Two names have converters that take numbers apart.
 */
function packageOptions(flags: Flags): Parameters<typeof vid>[0] {
  const options: Record<string, unknown> = { ...flags };
  const roi = flags['roi'];
  if (typeof roi === 'string') {
    const [x, y, w, h] = roi.split(',');
    options['roi'] = { x, y, w, h };
  }
  const gains = flags['awbgains'];
  if (typeof gains === 'string') options['awbgains'] = gains.split(',');
  return options as Parameters<typeof vid>[0];
}

/** The error of child_process.exec as an exit status. */
function statusOf(error: unknown): number {
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === 'number' ? code : 1;
}
