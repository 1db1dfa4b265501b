/**
 * What the database needs of a disk, small enough that a simulated one can stand in its place and lose power
 * (test/fakes/disk.ts), and Node's file system as such a disk.
 * Writes go to the page cache; `sync` or `writeThrough` bring them to the disk. All faults are system errors with a `code`.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { settleFolder } from '../../runtime/durable.ts';
import { claimFile } from './claim.ts';

export interface DiskFile {
  /** Bytes read: fewer than asked for at the end of the file. */
  read(target: Uint8Array, offset: number): number;
  write(bytes: Uint8Array, offset: number): void;
  /** As write, and on return these bytes and the file's size are on the disk. */
  writeThrough(bytes: Uint8Array, offset: number): void;
  sizeBytes(): number;
  truncate(sizeBytes: number): void;
  /** fsync. False: it is forbidden here, and nothing was done. */
  sync(): boolean;
  close(): void;
}

/** The right to a file, against other processes. */
export type Claim = {
  /** False: another process has taken the file over. */
  readonly isHeld: () => boolean;
  readonly release: () => void;
};

export interface Disk {
  /** create: made (0600) if it is not there. */
  open(path: string, how: 'read' | 'write' | 'create'): DiskFile;
  exists(path: string): boolean;
  remove(path: string): void;
  rename(from: string, to: string): void;
  /** With all above it, 0700. */
  makeFolder(path: string): void;
  /** On return the names in the folder are on the disk. */
  settle(folder: string): void;
  /** Throws a DatabaseError `busy` while a living process has it. */
  claim(path: string): Claim;
}

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_SYNC } = constants;
const FLAGS = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT } as const;

export const nodeDisk: Disk = {
  open: (path, how) => new NodeFile(path, FLAGS[how]),
  exists: existsSync,
  remove: unlinkSync,
  rename: renameSync,
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  settle: settleFolder,
  claim: claimFile,
};

/** One file, with a second descriptor for what is written through, opened when it is first needed. */
class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #fd: number;
  #throughFd: number | undefined;

  constructor(path: string, flags: number) {
    this.#path = path;
    this.#fd = openSync(path, flags, 0o600);
  }

  read(target: Uint8Array, offset: number): number {
    let read = 0;
    while (read < target.length) {
      const count = readSync(this.#fd, target, read, target.length - read, offset + read);
      if (count === 0) break;
      read += count;
    }
    return read;
  }

  write(bytes: Uint8Array, offset: number): void {
    writeAll(this.#fd, bytes, offset);
  }

  writeThrough(bytes: Uint8Array, offset: number): void {
    this.#throughFd ??= openSync(this.#path, O_WRONLY | O_SYNC);
    writeAll(this.#throughFd, bytes, offset);
  }

  sizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.#fd, sizeBytes);
  }

  sync(): boolean {
    try {
      fsyncSync(this.#fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
      return false;
    }
  }

  close(): void {
    closeSync(this.#fd);
    if (this.#throughFd !== undefined) closeSync(this.#throughFd);
  }
}

function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, offset + written);
}
