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
  /** Pages of 4 KiB that the log may have before it is brought into the file; 1000, but for tests. */
  readonly logPagesMax?: number;
  /** A copy of the file as it is now, taken without disturbing a process that writes it; nothing can be changed in it. */
  readonly readOnly?: boolean;
};

export interface OpenDatabase {
  /**
   * Opens the file (0600), or makes it, and its folder (0700). Throws DatabaseError. A disk that can be read and not be
   * written gives a database that refuses every change with what the disk said; open it again to try again.
   */
  (path: string, options?: DatabaseOptions): Database;
  /** Renames the file, and its log with it, so that another one can begin. It must not be open. Throws DatabaseError. */
  setAside(path: string, suffix: string): void;
}
