/**
 * The few file operations of the setup, so that a test can cut the power between any two of them. Each is durable on return;
 * a replaced file is the old one or the new one whatever happens. Errors are the system's.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { removeDurable, replaceDurable } from '../../runtime/durable.ts';

export interface SetupDisk {
  /** undefined: no such file. A file longer than FILE_BYTES_MAX, a link or anything else than a file counts as one that is empty. */
  read(path: string): string | undefined;
  /** mode: less the umask. */
  replace(path: string, text: string, mode: number): void;
  remove(path: string): void;
}

/** An attempt with two certificates, a key and a configuration has some thousand bytes. */
export const FILE_BYTES_MAX = 131_072;

export const realDisk: SetupDisk = { read: readBounded, replace: replaceDurable, remove: removeDurable };

/** Nothing is followed and nothing waited for: what lies there was written by a program with fewer rights than ours. */
function readBounded(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') return '';
    throw error;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.size > FILE_BYTES_MAX) return '';
    const bytes = Buffer.alloc(FILE_BYTES_MAX);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, FILE_BYTES_MAX, 0));
  } finally {
    closeSync(fd);
  }
}
