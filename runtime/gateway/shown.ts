/**
 * Totals as they are told each second: what arrived in records, and what devices counted since. Never smaller than what was
 * told before, also over restarts, since the largest is on disk before it is told.
 */
import type { Database } from '../ports/database.ts';
import type { Door } from './books/doors.ts';
import type { Line } from './books/records.ts';
import { STORE_NAME } from './config.ts';
import { type Counts, NO_COUNTS, plus } from './counts.ts';
import type { Fresh } from './live.ts';

export type ShownTotal = { readonly name: string; readonly totals: Counts };

type Row = { readonly id: number; readonly shown_in: number; readonly shown_out: number };

export class ShownTotals {
  readonly #database: Database;
  readonly #sinceRecord: (line: Line) => Fresh;
  /** By the door's id, as on disk. */
  #shown = new Map<number, Fresh>();
  /** Totals that were handed out last, as text. */
  readonly #told = new Map<string, string>();

  constructor(database: Database, sinceRecord: (line: Line) => Fresh) {
    this.#database = database;
    this.#sinceRecord = sinceRecord;
  }

  reload(doors: readonly Door[]): void {
    this.#shown = new Map();
    const rows = this.#database.all<Row>("SELECT id, shown_in, shown_out FROM counter WHERE kind = 'door'");
    for (const { id, shown_in, shown_out } of rows) this.#shown.set(id, { in: shown_in, out: shown_out });
    for (const { id } of doors) if (!this.#shown.has(id)) this.#shown.set(id, { in: 0, out: 0 });
  }

  /** Inside a transaction. */
  save(doors: readonly Door[]): void {
    for (const door of doors) {
      const before = this.#shown.get(door.id) ?? { in: 0, out: 0 };
      const fresh = this.freshOf(door, () => true);
      const now = {
        in: Math.max(before.in, door.arrived.in + fresh.in),
        out: Math.max(before.out, door.arrived.out + fresh.out),
      };
      if (now.in === before.in && now.out === before.out) continue;
      this.#database.run('UPDATE counter SET shown_in = ?, shown_out = ? WHERE id = ?', [now.in, now.out, door.id]);
      this.#shown.set(door.id, now);
    }
  }

  /**
   * People through a door since the newest records of its lines, of those lines that `counts` says yes to. Of lines that
   * see the same people only those count whose records are newest: what another still has to tell of that time was seen.
   */
  freshOf({ lines, overlap }: Door, counts: (line: Line) => boolean): Fresh {
    const newestS = Math.max(...lines.map(({ base }) => base?.toS ?? 0));
    const chosen = lines.filter((line) => counts(line) && (overlap === 'sum' || (line.base?.toS ?? 0) === newestS));
    const fresh = chosen.map((line) => this.#sinceRecord(line));
    const join = (values: number[]) =>
      overlap === 'sum' ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values);
    return { in: join(fresh.map((line) => line.in)), out: join(fresh.map(({ out }) => out)) };
  }

  /** Each door, and the store. Net totals are those of the records. */
  all(doors: readonly Door[]): ShownTotal[] {
    return [...doors.map((door) => this.#of(door)), this.store(doors)];
  }

  store(doors: readonly Door[]): ShownTotal {
    return { name: STORE_NAME, totals: doors.reduce((sum, door) => plus(sum, this.#of(door).totals), NO_COUNTS) };
  }

  /** Of all, those that are not as they were the last time. */
  takeChanged(doors: readonly Door[]): ShownTotal[] {
    return this.all(doors).filter(({ name, totals }) => {
      const text = JSON.stringify(totals);
      const isNew = this.#told.get(name) !== text;
      this.#told.set(name, text);
      return isNew;
    });
  }

  #of({ id, name, arrived }: Door): ShownTotal {
    const shown = this.#shown.get(id) ?? { in: 0, out: 0 };
    return { name, totals: { ...arrived, in: shown.in, out: shown.out } };
  }
}
