/**
 * What went wrong with a database, as a sentence with value, expectation and remedy.
 */
import type { CAPI } from '@sqlite.org/sqlite-wasm';
import { DatabaseError, LetheError } from '../../runtime/errors.ts';

export type FaultContext = {
  readonly op: string;
  readonly path: string;
  /** What the disk refused last. */
  readonly lastFault: NodeJS.ErrnoException | undefined;
  readonly capi: CAPI;
};

/** By code of the system. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space there.',
  EDQUOT: 'Free some space there, or raise the quota.',
  EACCES: 'Give file and folder to the user that runs this program.',
  EPERM: 'Give file and folder to the user that runs this program.',
  EROFS: 'Mount it writable, or choose a writable folder.',
  ENOENT: 'Make the folder.',
  EISDIR: 'A folder stands where the file should be: remove it.',
  EIO: 'The disk fails: replace the card.',
};

/** error: of SQLite, of the system, or already one of ours. */
export function faultOf(error: unknown, { op, path, lastFault, capi }: FaultContext): LetheError {
  if (error instanceof LetheError) return error;
  const cause = lastFault ?? error;
  const systemCode = (cause as NodeJS.ErrnoException).code;
  if (typeof systemCode === 'string') {
    return new DatabaseError('disk', `${path}: ${systemCode} while it was to ${op}; expected a disk that works.`, {
      op,
      hint: REMEDIES[systemCode] ?? 'Check the disk.',
      cause,
    });
  }
  const resultCode = (error as { resultCode?: number }).resultCode ?? capi.SQLITE_ERROR;
  const reason = error instanceof Error ? error.message : String(error);
  switch (resultCode & 0xff) {
    case capi.SQLITE_FULL:
      return new DatabaseError('full', `${path} has reached the size that it may have.`, {
        op,
        hint: 'Delete what is no longer needed, or allow a larger file.',
        cause,
      });
    case capi.SQLITE_CORRUPT:
    case capi.SQLITE_NOTADB:
      return new DatabaseError('damaged', `${path} is damaged (${reason}); expected an SQLite database.`, {
        op,
        hint: 'Put the file aside and keep it if its contents matter; check the card.',
        cause,
      });
    default:
      return new DatabaseError('other', `${path}: ${reason}.`, { op, cause });
  }
}
