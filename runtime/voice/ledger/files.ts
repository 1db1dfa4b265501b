/**
 * The ledger's few file operations, apart from it so that tests can let each of them fail.
 * Synchronous on purpose: a record is published only after it is on disk, and the corridor's pipe holds what arrives
 * in the milliseconds that a card takes.
 */
import { mkdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { settleFolder, writeDurable } from '../../durable.ts';

export type LedgerFiles = {
  /** The text, or undefined if there is no such file. Throws for every other fault. */
  readonly read: (path: string) => string | undefined;
  /** Makes the folder (0700) if it is not there. */
  readonly makeFolder: (path: string) => void;
  /** Afterwards the file (0600) holds the old text or the new one, whatever happens, and on return the new one is on disk. */
  readonly writeAtomic: (path: string, text: string) => void;
  readonly rename: (from: string, to: string) => void;
};

export const nodeFiles: LedgerFiles = {
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  writeAtomic(path, text) {
    const beside = `${path}.new`;
    try {
      writeDurable(beside, text);
      renameSync(beside, path);
    } catch (error) {
      // What was written in part would take the space that the next try needs.
      try {
        unlinkSync(beside);
      } catch {
        // It was never made.
      }
      throw error;
    }
    settleFolder(dirname(path));
  },
  rename: renameSync,
};
