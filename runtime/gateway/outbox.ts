/**
 * Outbox: closed intervals on their way to the broker. They wait in the database, are sent in the order of their numbers,
 * several at a time, and leave only when the broker has acknowledged them and that is on disk; after a crash one may be sent
 * twice, and readers drop it by (epoch_id, seq).
 * Memory: WINDOW payloads.
 */
import type { Database } from '../ports/database.ts';
import type { Link } from '../ports/link.ts';
import { MS_PER_S } from '../units.ts';
import { sentInterval, type WaitingInterval } from './payloads.ts';

/** On their way at once: without it a broker far away would take one round trip a record. */
const WINDOW = 20;
/** A store that was away for a week must not bury its broker. */
const RECORDS_PER_SECOND_MAX = 100;
/** Ten weeks of one-minute records of a store with one door; beyond that the oldest go, and they stay in the database. */
export const OUTBOX_MAX = 200_000;

export type OutboxOptions = {
  readonly database: Database;
  readonly link: Link;
  readonly topicOf: (door: string) => string;
  /** Later than so many seconds after its end, a record is historical. */
  readonly lateS: number;
  readonly wallMs: () => number;
  readonly onFailure: (sentence: string) => void;
};

type Row = { readonly seq: number; readonly topic: string; readonly to_s: number; readonly payload: string };

export class Outbox {
  /** Records that wait. */
  count: number;
  /** Records given up since the start. */
  droppedCount = 0;
  readonly #options: OutboxOptions;
  readonly #flying = new Set<number>();
  /** Acknowledged, and to be removed with the next transaction. */
  #acknowledged: number[] = [];
  /** Of these, what the transaction that is going on removes. */
  #removed: ReadonlySet<number> = new Set();
  /** The last one that was sent on this connection. */
  #sentSeq = 0;
  #left = RECORDS_PER_SECOND_MAX;
  #stopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.count = this.#countRows();
  }

  /** Inside a transaction. */
  put(door: string, record: WaitingInterval): void {
    this.#options.database.run('INSERT INTO outbox VALUES (?, ?, ?, ?)', [
      record.seq,
      this.#options.topicOf(door),
      Math.floor(Date.parse(record.to) / MS_PER_S),
      JSON.stringify(record),
    ]);
    this.count += 1;
    if (this.count <= OUTBOX_MAX) return;
    this.#options.database.run('DELETE FROM outbox WHERE seq = (SELECT min(seq) FROM outbox)');
    this.count -= 1;
    this.droppedCount += 1;
  }

  /** Inside a transaction: removes what the broker has. */
  settle(): void {
    this.#removed = new Set(this.#acknowledged);
    for (const seq of this.#removed) {
      this.#options.database.run('DELETE FROM outbox WHERE seq = ?', [seq]);
      this.count -= this.#options.database.changes;
    }
  }

  /** A transaction is on disk; most of them remove nothing, and what was acknowledged meanwhile waits for one that does. */
  settled(): void {
    this.#acknowledged = this.#acknowledged.filter((seq) => !this.#removed.has(seq));
    this.#removed = new Set();
  }

  /** The transaction failed. */
  reload(): void {
    this.#removed = new Set();
    this.count = this.#countRows();
  }

  /** The link came up: what was not acknowledged is sent again. */
  connected(): void {
    this.#sentSeq = 0;
    this.pump();
  }

  /** Once a second. */
  tick(): void {
    this.#left = RECORDS_PER_SECOND_MAX;
    this.pump();
  }

  stop(): void {
    this.#stopped = true;
  }

  pump(): void {
    const { database, link } = this.#options;
    const room = Math.min(WINDOW - this.#flying.size, this.#left);
    if (this.#stopped || !link.up || room <= 0 || this.count === 0) return;
    const rows = database.all<Row>('SELECT seq, topic, to_s, payload FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?', [
      this.#sentSeq,
      room,
    ]);
    for (const row of rows) this.#send(row);
  }

  #send({ seq, topic, to_s: toS, payload }: Row): void {
    this.#sentSeq = seq;
    if (this.#flying.has(seq) || this.#acknowledged.includes(seq)) return;
    this.#flying.add(seq);
    this.#left -= 1;
    const { link, lateS, wallMs, onFailure } = this.#options;
    const isHistorical = wallMs() - toS * MS_PER_S > lateS * MS_PER_S;
    const text = sentInterval(JSON.parse(payload) as WaitingInterval, isHistorical);
    link.publish(topic, text, { retain: false, qos: 1 }).then(
      () => {
        this.#flying.delete(seq);
        this.#acknowledged.push(seq);
        this.pump();
      },
      (error: Error) => {
        this.#flying.delete(seq);
        this.#sentSeq = Math.min(this.#sentSeq, seq - 1);
        if (link.up) onFailure(error.message);
      },
    );
  }

  #countRows(): number {
    return this.#options.database.all<{ count: number }>('SELECT count(*) AS count FROM outbox')[0]?.count ?? 0;
  }
}
