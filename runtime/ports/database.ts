/**
 * Database: SQL in one file, synchronous. For what must be on disk before anything is told: when a call that changes
 * something returns, the change is on disk.
 * Every fault is a DatabaseError (runtime/errors.ts). One process at a time has a file.
 */

export type SqlValue = number | bigint | string | Uint8Array | null;

export interface Database {
  /** Several statements without parameters: schema, pragmas. */
  exec(sql: string): void;
  /** One statement; prepared once per text and kept. */
  run(sql: string, values?: readonly SqlValue[]): void;
  /** Rows with columns by name. Blobs are copies; integers beyond 2^53 are bigint. */
  all<Row extends object>(sql: string, values?: readonly SqlValue[]): Row[];
  /** BEGIN IMMEDIATE … COMMIT, ROLLBACK when work throws. On return it is on disk. Not to be nested. */
  transaction<T>(work: () => T): T;
  /** Rows that the last `run` changed. */
  readonly changes: number;
  close(): void;
}

export type DatabaseOptions = {
  /** File may not grow beyond; then `kind` of the error is `full`. The log beside it (-wal) is not counted. */
  readonly bytesMax?: number;
  /** A copy of the file as it is now, taken without disturbing a process that writes it; nothing can be changed in it. */
  readonly readOnly?: boolean;
};

/** Opens or makes the file (0600). Throws DatabaseError. */
export type OpenDatabase = (path: string, options?: DatabaseOptions) => Database;
