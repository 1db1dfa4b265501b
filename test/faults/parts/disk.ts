/**
 * A small disk for the voice's state, in a mount namespace of its own: a tmpfs that can be filled, freed and made
 * read-only while nobody else on this machine sees it. Needs root; where a mount is refused, the reason is told.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILLER = 'filler';
const CHUNK_BYTES = 4096;

export class SmallDisk {
  /** Where the voice sees it. */
  readonly path: string;
  readonly #keeper: ChildProcess;
  /** Where this process sees it. */
  readonly #outside: string;

  private constructor(path: string, keeper: ChildProcess) {
    this.path = path;
    this.#keeper = keeper;
    this.#outside = `/proc/${keeper.pid}/root${path}`;
  }

  /** A sentence instead, where this machine does not let us mount. */
  static async create(bytes: number): Promise<SmallDisk | string> {
    if (process.getuid?.() !== 0) return 'mounting a small disk needs root';
    const path = join(mkdtempSync(join(tmpdir(), 'lethe-disk-')), 'state');
    mkdirSync(path);
    const script = 'mount -t tmpfs -o "size=$1,mode=700" lethe-fault "$0" && echo ready && exec sleep infinity';
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', script, path, String(bytes)];
    const keeper = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const answer = await new Promise<string>((resolve) => {
      keeper.once('error', (error) => resolve(error.message));
      keeper.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      keeper.stderr.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    });
    if (answer === 'ready') return new SmallDisk(path, keeper);
    keeper.kill('SIGKILL');
    return `a small disk cannot be mounted (${answer})`;
  }

  /** Words before those of a program that is to see the disk. */
  get before(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#keeper.pid}/ns/mnt`];
  }

  /** Not a byte is left. */
  fill(): void {
    const fd = openSync(join(this.#outside, FILLER), 'a');
    try {
      for (let chunk = Buffer.alloc(CHUNK_BYTES, 1); ; ) if (writeSync(fd, chunk) === 0) break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(fd);
    }
  }

  free(): void {
    rmSync(join(this.#outside, FILLER), { force: true });
  }

  /** False: a program has a file open for writing, and the kernel does not allow it. */
  remount(mode: 'ro' | 'rw'): boolean {
    const [program, ...words] = [...this.before, 'mount', '-o', `remount,${mode}`, this.path];
    return spawnSync(program!, words).status === 0;
  }

  dispose(): void {
    this.#keeper.kill('SIGKILL');
    rmSync(join(this.path, '..'), { recursive: true, force: true });
  }
}
