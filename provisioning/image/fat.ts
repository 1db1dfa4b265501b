/** The boot partition inside an image (FAT), read and written in place by mtools, without a mount. */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import { writeAll } from './source.ts';
import { run } from './tools.ts';

/** Names that mtools does not take for a pattern or an option. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const COPY_BYTES = 4 * 1024 * 1024;

export class Fat {
  readonly #path: string;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;
  constructor(imagePath: string, offsetBytes: number, lengthBytes: number) {
    this.#path = resolve(imagePath);
    this.#offsetBytes = offsetBytes;
    this.#lengthBytes = lengthBytes;
  }

  /** Names in the top folder. Throws where there is no FAT file system. */
  async names(): Promise<Set<string>> {
    const { out } = await run('mdir', ['-i', this.#drive(), '-b', '::/']);
    return new Set(
      out
        .split('\n')
        .map((line) => line.replace(/^::\//, '').replace(/\/$/, '').trim())
        .filter((name) => name !== ''),
    );
  }

  async read(name: string): Promise<Buffer> {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-fat-'));
    try {
      await run('mcopy', ['-n', '-i', this.#drive(), `::/${plain(name)}`, 'out'], { folder });
      return readFileSync(join(folder, 'out'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Overwrites what lies there. */
  async write(name: string, bytes: Buffer): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-fat-'));
    try {
      writeFileSync(join(folder, 'in'), bytes);
      await run('mcopy', ['-o', '-i', this.#drive(), 'in', `::/${plain(name)}`], { folder });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What fsck.fat finds; none when it is clean. It knows no offsets, hence a copy (with holes) of the partition. */
  async faults(): Promise<readonly string[]> {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-fat-'));
    try {
      const copy = join(folder, 'fat.img');
      this.#extract(copy);
      const { code, out, err } = await run('fsck.fat', ['-n', copy], { codes: [0, 1, 2] });
      if (code === 0) return [];
      const lines = `${out}\n${err}`.split('\n').map((line) => line.trim());
      // Its version, its summary and its promise to leave all as it is are no faults.
      const isFault = (line: string) =>
        line !== '' && !/^fsck\.fat |^\/.*: \d+ files|^Leaving filesystem unchanged/.test(line);
      return lines.filter(isFault).slice(0, 10);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #extract(copy: string): void {
    const source = openSync(this.#path, 'r');
    const target = openSync(copy, 'w');
    const block = Buffer.alloc(COPY_BYTES);
    const zeroes = Buffer.alloc(COPY_BYTES);
    try {
      for (let at = 0; at < this.#lengthBytes; ) {
        const got = readSync(source, block, 0, Math.min(COPY_BYTES, this.#lengthBytes - at), this.#offsetBytes + at);
        if (got === 0) break;
        const part = block.subarray(0, got);
        if (!part.equals(zeroes.subarray(0, got))) writeAll(target, part, at);
        at += got;
      }
    } finally {
      closeSync(source);
      closeSync(target);
    }
    truncateSync(copy, this.#lengthBytes);
  }

  #drive(): string {
    return `${this.#path}@@${this.#offsetBytes}`;
  }
}

function plain(name: string): string {
  if (NAME.test(name)) return name;
  throw new ImageError('NAME', `${JSON.stringify(name)} cannot be written to the boot partition.`, {
    op: 'write image',
  });
}
