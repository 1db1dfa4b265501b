/**
 * Files that are on disk when the call returns, without fsync(2): Node's permission model, under which the voice runs,
 * forbids every call on a descriptor that it cannot tie to a path (`fsync API is disabled when Permission Model is enabled`).
 * O_SYNC makes each write(2) end like write and fsync together (open(2)).
 */
import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const { O_WRONLY, O_CREAT, O_EXCL, O_SYNC } = constants;

/** Nobody but the owner. */
const MODE_DEFAULT = 0o600;

/**
 * A new file with this text; one that lies there is removed first, for it may have other rights. Its rights are `mode` less the
 * process' umask: fchmod is forbidden under the permission model as fsync is. Throws system errors.
 */
export function writeDurable(path: string, text: string, mode = MODE_DEFAULT): void {
  removeIfThere(path);
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, mode);
  try {
    const bytes = Buffer.from(text, 'utf8');
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
  } finally {
    closeSync(fd);
  }
}

/** Afterwards the file holds the old text or this one, whatever happens, and on return this one is on disk. */
export function replaceDurable(path: string, text: string, mode = MODE_DEFAULT): void {
  const beside = `${path}.new`;
  try {
    writeDurable(beside, text, mode);
    renameSync(beside, path);
  } catch (error) {
    // What was written in part would take the space that the next try needs.
    removeIfThere(beside);
    throw error;
  }
  settleFolder(dirname(path));
}

/** On return there is no such file, on disk too; none before is as good. Throws system errors. */
export function removeDurable(path: string): void {
  if (removeIfThere(path)) settleFolder(dirname(path));
}

/**
 * A name is on disk only when its folder is: call it after a rename or link in `folder`. Where fsync of the folder is
 * forbidden, a new file is written through and removed again: ext4, on which the card of a Pi is, commits whole
 * transactions in order (jbd2), and what makes this file durable makes the names before it durable too. Seen on ext4 on a
 * loop device whose image was copied right after the call and mounted: the last name was there in 12 of 12 tries, without
 * the call in 0 of 12.
 */
export function settleFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
    const mark = join(folder, `.settle-${process.pid}`);
    writeDurable(mark, '.');
    unlinkSync(mark);
  } finally {
    closeSync(fd);
  }
}

/** Says whether there was one. */
function removeIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}
