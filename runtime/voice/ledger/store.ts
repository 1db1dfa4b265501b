/**
 * Store: the ledger's tables, and nothing of what they mean. State and batches change in one transaction, so they can never
 * contradict each other. Batches are read by pages, never all at once.
 */
import type { Database } from '../../ports/database.ts';
import type { Batch } from './records.ts';
import { firstSeqOf } from './records.ts';
import { decodeRow, encodeRow, type Words, wordsOf } from './row.ts';

/** `Leth`: tells our file from another SQLite database (pragma application_id). */
const APPLICATION_ID = 0x4c657468;
const FORMAT_VERSION = 1;

const SCHEMA = `
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};
  CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT NOT NULL, sha256 TEXT NOT NULL);
  CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  CREATE TABLE batches (first_seq INTEGER PRIMARY KEY, words_id INTEGER NOT NULL, row BLOB NOT NULL);`;

export type StateText = { readonly text: string; readonly check: string };
type BatchRow = { readonly first_seq: number; readonly words_id: number; readonly row: Uint8Array };

export class LedgerStore {
  readonly #database: Database;
  readonly #idOfWords = new Map<string, number>();
  readonly #wordsOfId = new Map<number, Words>();
  /** First numbers of batches that were met and could not be read. */
  readonly #damaged = new Set<number>();

  constructor(database: Database) {
    this.#database = database;
  }

  get damagedCount(): number {
    return this.#damaged.size;
  }

  /** The state; undefined: a new file. A string says why the file is not ours. Throws DatabaseError. */
  readState(): StateText | undefined | string {
    const version = this.#pragma('user_version');
    if (version === 0 && this.#database.all('SELECT name FROM sqlite_schema').length === 0) return undefined;
    if (this.#pragma('application_id') !== APPLICATION_ID) return 'it is no ledger';
    if (version !== FORMAT_VERSION) return `its version is ${version}, this program reads ${FORMAT_VERSION}`;
    const [row] = this.#database.all<{ text: string; sha256: string }>('SELECT text, sha256 FROM state');
    return row === undefined ? 'it has no state' : { text: row.text, check: row.sha256 };
  }

  /** Everything in one transaction; batches below `keepFromSeq` go first. Throws DatabaseError; then nothing has changed. */
  save(state: StateText, batches: readonly Batch[], keepFromSeq: number): void {
    try {
      this.#database.transaction(() => {
        if (this.#pragma('user_version') === 0) this.#database.exec(SCHEMA);
        if (keepFromSeq > 0) this.#database.run('DELETE FROM batches WHERE first_seq < ?', [keepFromSeq]);
        for (const batch of batches) this.#insert(batch);
        this.#database.run('INSERT OR REPLACE INTO state (id, text, sha256) VALUES (1, ?, ?)', [
          state.text,
          state.check,
        ]);
      });
    } catch (error) {
      // Words that were rolled back have lost their numbers.
      this.#idOfWords.clear();
      this.#wordsOfId.clear();
      throw error;
    }
  }

  /** The batch that holds the record `seq`, or the first one after it, and those that follow; none: there are no more. */
  batchesFrom(seq: number, countMax: number): Batch[] {
    const [holder] = this.#database.all<{ seq: number | null }>(
      'SELECT max(first_seq) AS seq FROM batches WHERE first_seq <= ?',
      [seq],
    );
    for (let firstSeq = holder?.seq ?? 0; ; ) {
      const rows = this.#database.all<BatchRow>(
        'SELECT first_seq, words_id, row FROM batches WHERE first_seq >= ? ORDER BY first_seq LIMIT ?',
        [firstSeq, countMax],
      );
      const batches = rows.flatMap((row) => this.#batchOf(row) ?? []);
      // A page of which nothing can be read must not pass for the end.
      if (batches.length > 0 || rows.length < countMax) return batches;
      firstSeq = rows.at(-1)!.first_seq + 1;
    }
  }

  /** First numbers of the oldest batches. */
  oldestSeqs(countMax: number): number[] {
    return this.#database
      .all<{ first_seq: number }>('SELECT first_seq FROM batches ORDER BY first_seq LIMIT ?', [countMax])
      .map(({ first_seq }) => first_seq);
  }

  close(): void {
    this.#database.close();
  }

  #pragma(name: 'user_version' | 'application_id'): number {
    return this.#database.all<Record<string, number>>(`PRAGMA ${name}`)[0]?.[name] ?? 0;
  }

  #insert(batch: Batch): void {
    const words = wordsOf(batch);
    const values = [firstSeqOf(batch), this.#wordsId(words), encodeRow(batch, words)];
    this.#database.run('INSERT INTO batches (first_seq, words_id, row) VALUES (?, ?, ?)', values);
  }

  #wordsId(words: Words): number {
    const text = JSON.stringify(words);
    const known = this.#idOfWords.get(text);
    if (known !== undefined) return known;
    this.#database.run('INSERT OR IGNORE INTO words (text) VALUES (?)', [text]);
    const [row] = this.#database.all<{ id: number }>('SELECT id FROM words WHERE text = ?', [text]);
    this.#idOfWords.set(text, row!.id);
    return row!.id;
  }

  #batchOf({ first_seq, words_id, row }: BatchRow): Batch | undefined {
    const words = this.#words(words_id);
    const batch = words === undefined ? undefined : decodeRow(row, first_seq, words);
    if (batch === undefined) this.#damaged.add(first_seq);
    return batch;
  }

  #words(id: number): Words | undefined {
    const known = this.#wordsOfId.get(id);
    if (known !== undefined) return known;
    const [row] = this.#database.all<{ text: string }>('SELECT text FROM words WHERE id = ?', [id]);
    if (row === undefined) return undefined;
    const words = JSON.parse(row.text) as Words;
    this.#wordsOfId.set(id, words);
    return words;
  }
}
