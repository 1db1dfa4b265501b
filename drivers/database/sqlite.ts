/**
 * SQLite as our database: the official WebAssembly build (sqlite.org/wasm), because the voice runs under Node's
 * permission model, which allows no native add-on, and because no compiler is needed on the device. The package's
 * dist-tag `latest` points to an older one, so its version is pinned.
 *
 * How it is set up: write-ahead log, which costs one sync a transaction; synchronous=FULL, so that a transaction that
 * returned is on disk; exclusive, so that the log's index lives in our memory and needs no shared one.
 * Memory: 8 MiB of WebAssembly heap, which holds CACHE_KIB of pages a database and may grow to HEAP_PAGES_MAX; the
 * program itself takes about 8 MiB more and 40 ms to load (measured on x86-64).
 */
import sqlite3InitModule, {
  type Database as Connection,
  type PreparedStatement,
  type Sqlite3Static,
} from '@sqlite.org/sqlite-wasm';
import { DatabaseError } from '../../runtime/errors.ts';
import type { Database, DatabaseOptions, OpenDatabase, SqlValue } from '../../runtime/ports/database.ts';
import { type Claim, type Disk, nodeDisk } from './disk.ts';
import { faultOf } from './faults.ts';
import { copyToRead } from './snapshot.ts';
import { Vfs } from './vfs.ts';

/** That of the file system and of the page cache. */
const PAGE_BYTES = 4096;
const CACHE_KIB = 2048;
/** The log is brought into the file when it has so many pages, and not kept longer than that. */
const LOG_PAGES = 1000;
const HEAP_PAGES_INITIAL = 128;
/** 256 MiB, in pages of 64 KiB: where a mistake ends. */
const HEAP_PAGES_MAX = 4096;
/** Statements that are kept prepared; texts are few and constant. */
const STATEMENTS_MAX = 100;

type Loaded = { readonly sqlite: Sqlite3Static; readonly vfs: Vfs };
let loading: Promise<Loaded> | undefined;

/** Loads the program once for the process. */
export async function loadSqlite(disk: Disk = nodeDisk): Promise<OpenDatabase> {
  loading ??= load();
  const loaded = await loading;
  return (path, options = {}) => openOn(loaded, disk, path, options);
}

async function load(): Promise<Loaded> {
  const memory = new WebAssembly.Memory({ initial: HEAP_PAGES_INITIAL, maximum: HEAP_PAGES_MAX });
  // Emscripten's options are not in the package's types.
  const init = sqlite3InitModule as (options: object) => Promise<Sqlite3Static>;
  const sqlite = await init({ wasmMemory: memory, print: () => {}, printErr: () => {} });
  // What it would print to the console is in the errors that it returns.
  Object.assign(sqlite.config, { error: () => {}, warn: () => {} });
  return { sqlite, vfs: new Vfs(sqlite) };
}

function openOn(loaded: Loaded, disk: Disk, path: string, options: DatabaseOptions): Database {
  if (options.readOnly !== true) return new SqliteFile(loaded, disk, path, options);
  const copy = copyToRead(path);
  try {
    return new SqliteFile(loaded, nodeDisk, copy.path, options, copy.remove);
  } catch (error) {
    copy.remove();
    throw error;
  }
}

class SqliteFile implements Database {
  readonly #loaded: Loaded;
  readonly #path: string;
  readonly #name: string;
  readonly #claim: Claim;
  readonly #connection: Connection;
  readonly #statements = new Map<string, PreparedStatement>();
  readonly #afterClose: (() => void) | undefined;

  constructor(loaded: Loaded, disk: Disk, path: string, options: DatabaseOptions, afterClose?: () => void) {
    this.#loaded = loaded;
    this.#path = path;
    this.#afterClose = afterClose;
    this.#claim = this.#try('open database', () => disk.claim(path));
    const { sqlite, vfs } = loaded;
    this.#name = vfs.nameOn(disk, path);
    let connection: Connection | undefined;
    try {
      connection = this.#try('open database', () => {
        const made = new sqlite.oo1.DB({ filename: this.#name, flags: 'c', vfs: vfs.name });
        connection = made;
        return made;
      });
      this.#connection = connection;
      this.exec(settings(options));
    } catch (error) {
      connection?.close();
      this.#letGo();
      throw error;
    }
  }

  get changes(): number {
    return this.#connection.changes() as number;
  }

  exec(sql: string): void {
    this.#try('write database', () => this.#connection.exec(sql));
  }

  run(sql: string, values: readonly SqlValue[] = []): void {
    this.#use(sql, values, 'write database', (statement) => void statement.step());
  }

  all<Row extends object>(sql: string, values: readonly SqlValue[] = []): Row[] {
    return this.#use(sql, values, 'read database', (statement) => {
      const rows: Row[] = [];
      while (statement.step()) rows.push(statement.get({}) as Row);
      return rows;
    });
  }

  transaction<T>(work: () => T): T {
    if (!this.#claim.isHeld())
      throw new DatabaseError('busy', `${this.#path} was taken over by another process; expected one process a file.`, {
        op: 'write database',
        hint: `Is Lethe running twice? ${this.#path}-owner names the other one.`,
      });
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.run('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#connection.close();
    this.#letGo();
  }

  #letGo(): void {
    this.#loaded.vfs.forget(this.#name);
    this.#claim.release();
    this.#afterClose?.();
  }

  /** After some faults SQLite has done it by itself. */
  #rollBack(): void {
    const { capi } = this.#loaded.sqlite;
    if (capi.sqlite3_get_autocommit(this.#connection) === 0) this.#connection.exec('ROLLBACK');
  }

  #use<T>(sql: string, values: readonly SqlValue[], op: string, use: (statement: PreparedStatement) => T): T {
    return this.#try(op, () => {
      const statement = this.#statement(sql);
      try {
        if (values.length > 0) statement.bind([...values]);
        return use(statement);
      } finally {
        statement.reset();
        statement.clearBindings();
      }
    });
  }

  #statement(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const [oldest] = this.#statements;
    if (oldest !== undefined && this.#statements.size >= STATEMENTS_MAX) {
      oldest[1].finalize();
      this.#statements.delete(oldest[0]);
    }
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Turns what fails into a DatabaseError. */
  #try<T>(op: string, work: () => T): T {
    const { vfs, sqlite } = this.#loaded;
    vfs.lastFault = undefined;
    try {
      return work();
    } catch (error) {
      throw faultOf(error, { op, path: this.#path, lastFault: vfs.lastFault, capi: sqlite.capi });
    }
  }
}

function settings({ bytesMax, readOnly }: DatabaseOptions): string {
  return [
    // First: whatever looks into a file with a log wants shared memory otherwise.
    'PRAGMA locking_mode=EXCLUSIVE',
    `PRAGMA page_size=${PAGE_BYTES}`,
    `PRAGMA cache_size=-${CACHE_KIB}`,
    'PRAGMA journal_mode=WAL',
    'PRAGMA synchronous=FULL',
    `PRAGMA wal_autocheckpoint=${LOG_PAGES}`,
    `PRAGMA journal_size_limit=${LOG_PAGES * PAGE_BYTES}`,
    'PRAGMA foreign_keys=ON',
    ...(bytesMax === undefined ? [] : [`PRAGMA max_page_count=${Math.floor(bytesMax / PAGE_BYTES)}`]),
    ...(readOnly === true ? ['PRAGMA query_only=ON'] : []),
  ].join(';');
}
