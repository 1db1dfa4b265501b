/**
 * The audit's stage: the real supervisor with the real eye and voice, as `lethe run` starts them, with the pattern camera
 * in place of rpicam-vid and a broker inside of this process. Everything it makes lies in one private folder.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeFifo } from '../../../drivers/fifo.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import { configWords } from '../../config/arguments.ts';
import { embeddedBrokerWords } from '../../config/broker.ts';
import { loadConfig } from '../../config/config.ts';
import type { Config } from '../../config/schema.ts';
import { DriverError } from '../../errors.ts';
import type { Abilities } from '../../isolation/abilities.ts';
import type { ChildPlan, Role } from '../../isolation/isolation.ts';
import { createLog } from '../../log.ts';
import { PATTERN_KEY_BYTES } from '../../privacy/search/pattern.ts';
import { Supervisor } from '../../supervisor.ts';
import { MS_PER_S } from '../../units.ts';
import { CAMERA_FILES } from './camera-files.ts';

/** The camera opens within a second; the rest is for a slow board. */
const ANSWER_MS_MAX = 60 * MS_PER_S;
/** Longer than any frame lives, and than the voice needs for what the eye told it. */
const SETTLE_MS = 300;

/** Lines of the log in a message about something that did not come about. */
const LAST_WORDS = 10;

export type StageOptions = {
  readonly configPath: string | undefined;
  readonly overrides: readonly string[];
  readonly frameRateHz: number;
  /** Words for the eye's Node before its entry, for an eye that is to do wrong, and what these read: the control, crashes. */
  readonly eyeWords?: readonly string[];
  readonly eyeReadPaths?: readonly string[];
  /** What this machine can enforce; without it: found out. */
  readonly abilities?: Abilities;
};

export class Stage {
  readonly config: Config;
  readonly folder: string;
  readonly key: Uint8Array;
  readonly supervisor: Supervisor;
  readonly startedAtMs = Date.now();
  /** Number of the next frame: so many were ordered. */
  frameCount = 0;
  /** Last payload of each topic below the device. */
  readonly messages = new Map<string, Record<string, unknown>>();
  readonly #broker: EmbeddedBroker;
  readonly #log: number;
  readonly #orders: number;
  readonly #answers: Socket;
  #onAnswer: (answer: string) => void = () => {};
  #isFrozen = false;
  #stopped: Promise<void> | undefined;

  /** Starts everything; frames come only when ordered. Throws ConfigError, ModelError, DriverError. */
  static async open(options: StageOptions): Promise<Stage> {
    const broker = await startEmbeddedBroker(0);
    const folder = mkdtempSync(join(tmpdir(), 'lethe-audit-'));
    try {
      return new Stage(options, broker, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      await broker.stop();
      throw error;
    }
  }

  private constructor(options: StageOptions, broker: EmbeddedBroker, folder: string) {
    const { configPath, frameRateHz, eyeWords = [], eyeReadPaths = [], abilities } = options;
    const overrides = [
      ...options.overrides,
      'camera.driver=rpicam',
      `camera.frame_rate_hz=${frameRateHz}`,
      'gpio.driver=memory',
      ...embeddedBrokerWords(broker.port),
      'interval_s=5',
      `state_dir=${join(folder, 'state')}`,
      // All that they ever say, into a file that is searched as well.
      'log_level=debug',
    ];
    this.#broker = broker;
    this.folder = folder;
    this.config = loadConfig({ path: configPath, overrides });
    this.key = randomBytes(PATTERN_KEY_BYTES);
    mkdirSync(dirname(this.logPath));
    this.#log = openSync(this.logPath, 'w', 0o600);
    const { program, orders, answers } = this.#prepareFolder();
    this.#orders = orders;
    this.#answers = new Socket({ fd: answers, readable: true, writable: false });
    this.#answers.setEncoding('utf8');
    this.#answers.on('data', (text: string) => this.#onAnswer(text.trim()));
    broker.onMessage(`lethe/v1/${this.config.site}/${this.config.device}/#`, (topic, payload) => {
      this.messages.set(topic.split('/').slice(4).join('/'), JSON.parse(payload) as Record<string, unknown>);
    });
    // The camera driver takes another program than rpicam-vid from there, as it does for its tests.
    process.env['LETHE_RPICAM_VID'] = program;
    this.supervisor = new Supervisor({
      args: configWords(configPath, overrides),
      log: createLog('supervisor', 'fatal'),
      onEnded: () => {},
      nodeWords: { eye: eyeWords },
      extraReadPaths: { eye: [folder, ...eyeReadPaths] },
      outputFd: this.#log,
      ...(abilities === undefined ? {} : { abilities }),
    });
    this.supervisor.start();
  }

  /** What eye and voice printed. */
  get logPath(): string {
    return join(this.folder, 'log', 'eye-and-voice.log');
  }

  get plans(): Readonly<Record<Role, ChildPlan>> {
    return this.supervisor.plans;
  }

  /** Process id. Throws DriverError if it does not run. */
  pidOf(role: Role): number {
    const pid = role === 'eye' ? this.supervisor.eyePid : this.supervisor.voicePid;
    if (pid !== undefined) return pid;
    throw new DriverError('disconnected', `the ${role} does not run.`, {
      op: 'audit',
      hint: `What it said last:\n${this.lastWords()}`,
    });
  }

  /** Sends `count` frames at the frame rate; resolves when the last is forgotten, or should be. */
  async sendFrames(count: number): Promise<void> {
    const from = this.frameCount;
    this.frameCount += count;
    await this.order(`frames ${from} ${count}`, (count / this.config.camera.frameRateHz) * MS_PER_S);
    await sleep(SETTLE_MS);
  }

  /** Gives the camera an order and waits for its answer. */
  async order(order: string, takesMs: number): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#noAnswer(order)), takesMs + ANSWER_MS_MAX);
      this.#onAnswer = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.tell(order);
    await answered;
  }

  /** Gives the camera an order that it does not answer. */
  tell(order: string): void {
    writeSync(this.#orders, `${order}\n`);
  }

  /** Stops both processes where they are, so that what is read of them is one moment: first the eye, then who listens to it. */
  async freeze(): Promise<void> {
    this.#isFrozen = true;
    process.kill(this.pidOf('eye'), 'SIGSTOP');
    await sleep(SETTLE_MS);
    process.kill(this.pidOf('voice'), 'SIGSTOP');
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    for (const pid of [this.supervisor.voicePid, this.supervisor.eyePid])
      if (pid !== undefined) process.kill(pid, 'SIGCONT');
  }

  /** Ends eye and voice; `messages` then has what they said last. The folder stays until `remove`. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.thaw();
    await this.supervisor.stop();
    this.#answers.destroy();
    closeSync(this.#orders);
    closeSync(this.#log);
    await this.#broker.stop();
    delete process.env['LETHE_RPICAM_VID'];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  lastWords(): string {
    return readFileSync(this.logPath, 'utf8').trim().split('\n').slice(-LAST_WORDS).join('\n');
  }

  #noAnswer(order: string): DriverError {
    return new DriverError('timeout', `the audit's camera did not obey "${order}" in time.`, {
      op: 'audit',
      hint: `The eye may not have started it. What eye and voice said last:\n${this.lastWords()}`,
    });
  }

  #prepareFolder(): { program: string; orders: number; answers: number } {
    const path = (name: string): string => join(this.folder, name);
    writeFileSync(path(CAMERA_FILES.key), this.key, { mode: 0o600 });
    makeFifo(path(CAMERA_FILES.orders), path(CAMERA_FILES.answers));
    const program = path('rpicam-vid');
    const camera = fileURLToPath(new URL('./pattern-camera.js', import.meta.url));
    writeFileSync(
      program,
      // A Node hands its permissions on to its children since version 22, but the camera is no part of the eye.
      `#!/bin/sh\nunset NODE_OPTIONS\nexec ${[process.execPath, camera, this.folder].map(shellQuoted).join(' ')} "$@"\n`,
      { mode: 0o700 },
    );
    const openPipe = (name: string) => openSync(path(name), constants.O_RDWR | constants.O_NONBLOCK);
    return { program, orders: openPipe(CAMERA_FILES.orders), answers: openPipe(CAMERA_FILES.answers) };
  }
}

/** For sh: nothing inside single quotes means anything, and a quote itself stands outside of them. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
