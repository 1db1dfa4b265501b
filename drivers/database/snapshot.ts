/**
 * A copy of a database that another process may be writing, for whoever only reads.
 * Why a copy: readers beside a writer need the shared index that we do without (sqlite.ts). Why it is sound: the file
 * itself changes only when the log is brought into it, which changes the file's bytes or the log's head; if neither changed
 * while we copied, the file is one moment's, and what of the log was half written fails its check sums and is left out.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseError } from '../../runtime/errors.ts';

/** The log is brought in every few hours: a second try is rare. */
const TRIES_MAX = 10;
const PIECE_BYTES = 1 << 20;
/** The head of a log: magic, version, sizes, number and salts (sqlite.org/fileformat.html, 4.1). */
const LOG_HEAD_BYTES = 32;

export type Copy = { readonly path: string; readonly remove: () => void };

/** Throws DatabaseError: `absent`, `busy` when it never held still, `disk`. */
export function copyToRead(path: string): Copy {
  if (!existsSync(path))
    throw new DatabaseError('absent', `${path} is not there; expected a database.`, {
      op: 'read database',
      hint: 'Name a file that Lethe wrote.',
    });
  const folder = mkdtempSync(join(tmpdir(), 'lethe-read-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const target = join(folder, 'copy.db');
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) if (copyOnce(path, target)) return { path: target, remove };
  } catch (cause) {
    remove();
    const { code } = cause as NodeJS.ErrnoException;
    throw new DatabaseError('disk', `${path} cannot be copied to be read (${code}).`, {
      op: 'read database',
      hint: `Run it as the user that may read the file, with room for it in ${tmpdir()}.`,
      cause,
    });
  }
  remove();
  throw new DatabaseError('busy', `${path} changed each of ${TRIES_MAX} times while it was copied.`, {
    op: 'read database',
    hint: 'Try again, or stop the program that writes it.',
  });
}

function copyOnce(path: string, target: string): boolean {
  const log = `${path}-wal`;
  const head = logHead(log);
  const copied = copy(path, target);
  if (existsSync(log)) copy(log, `${target}-wal`);
  else rmSync(`${target}-wal`, { force: true });
  return copy(path, undefined) === copied && logHead(log) === head;
}

/** Hash of the bytes, which also go to target if there is one. */
function copy(path: string, target: string | undefined): string {
  const hash = createHash('sha256');
  const source = openSync(path, 'r');
  const sink = target === undefined ? undefined : openSync(target, 'w', 0o600);
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = readSync(source, piece); count > 0; count = readSync(source, piece)) {
      hash.update(piece.subarray(0, count));
      for (let written = 0; sink !== undefined && written < count; )
        written += writeSync(sink, piece, written, count - written);
    }
  } finally {
    closeSync(source);
    if (sink !== undefined) closeSync(sink);
  }
  return hash.digest('hex');
}

function logHead(path: string): string {
  if (!existsSync(path)) return '';
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(LOG_HEAD_BYTES);
    return head.toString('hex', 0, readSync(fd, head, 0, LOG_HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}
