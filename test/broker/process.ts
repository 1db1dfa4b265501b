/** The whole voice as a process of its own, between two real FIFOs; the test is the eye. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCorridorFifo } from '../../drivers/inlet.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from '../../runtime/corridor/control.ts';
import { fifoOutlet, type RecordOutlet } from '../../runtime/corridor/writer.ts';
import { within } from '../fakes/within.ts';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'runtime', 'voice', 'main.js');

export type HowToStart = {
  /** Program and words that run Node in their turn, such as those of nsenter. */
  readonly before: readonly string[];
  /** Words for Node before the entry. */
  readonly nodeWords: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

export class VoiceProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-process-'));
  readonly runtimeDir = join(this.folder, 'run');
  readonly configPath = join(this.folder, 'lethe.json');
  output = '';
  #child: ChildProcess | undefined;
  #outlet: RecordOutlet | undefined;
  #controlFd = -1;
  readonly #how: Partial<HowToStart>;

  constructor(config: object, withFifos = true, how: Partial<HowToStart> = {}) {
    this.#how = how;
    mkdirSync(this.runtimeDir, { mode: 0o700 });
    writeFileSync(this.configPath, JSON.stringify({ state_dir: 'state', ...config }));
    if (!withFifos) return;
    for (const name of [CORRIDOR_FIFO, CONTROL_FIFO]) {
      const made = spawnSync('mkfifo', ['-m', '600', join(this.runtimeDir, name)]);
      if (made.status !== 0) throw new Error(`mkfifo failed: ${made.stderr}`);
    }
    this.#outlet = fifoOutlet(openCorridorFifo(join(this.runtimeDir, CORRIDOR_FIFO)));
    this.#controlFd = openSync(join(this.runtimeDir, CONTROL_FIFO), constants.O_RDWR | constants.O_NONBLOCK);
  }

  start(): void {
    const { before = [], nodeWords = [], env = {} } = this.#how;
    const words = [...nodeWords, MAIN, '--config', this.configPath, '--runtime-dir', this.runtimeDir];
    const [program, ...args] = [...before, process.execPath, ...words];
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#child = child;
  }

  /** Of the process that was started last; nsenter and its like become the voice by exec. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** The corridor, for an eye that writes by itself. */
  get outlet(): RecordOutlet {
    return this.#outlet!;
  }

  /** One record, as the eye writes it. */
  send(record: Uint8Array): void {
    if (this.#outlet?.write(record, 0) !== record.length) throw new Error('the corridor is full');
  }

  /** Words that the voice sent to the eye since the last call. */
  words(): number[] {
    const buffer = Buffer.alloc(256);
    try {
      return [...buffer.subarray(0, readSync(this.#controlFd, buffer))];
    } catch {
      return [];
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Exit code, or the signal that ended it. */
  ended(timeoutMs = 5000): Promise<number | string | null> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve(child.exitCode ?? child.signalCode);
    }
    return within(
      timeoutMs,
      'the voice ends',
      new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal))),
    );
  }

  async dispose(): Promise<void> {
    if (this.#child !== undefined) {
      this.#child.kill('SIGKILL');
      await this.ended();
    }
    this.#outlet?.close();
    if (this.#controlFd >= 0) closeSync(this.#controlFd);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
