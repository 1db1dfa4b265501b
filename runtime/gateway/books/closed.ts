/**
 * Closed intervals of doors and store, and what they add up to: the row of an interval, the counter's total, hour and day
 * change together, by as much as the interval grew. All inside a transaction of whoever calls.
 */
import type { Database } from '../../ports/database.ts';
import type { LocalDay } from '../../site/hours.ts';
import { MS_PER_S } from '../../units.ts';
import { type Counts, isNothing, type LineSum, minus, NO_SUM, plus, plusSum } from '../counts.ts';
import { metaOf, setMeta } from './tables.ts';

/** What a door or the store counted in one interval, as it is published. */
export type StoreRecord = {
  readonly seq: number;
  /** Door, or `store`. */
  readonly name: string;
  readonly fromS: number;
  readonly toS: number;
  readonly counts: Counts;
  /** The counter's total with this record. */
  readonly totals: Counts;
  readonly samples: number;
  readonly expected: number;
  readonly quality: number;
  /** How many of the expected devices reported. */
  readonly deviceCount: number;
  /** The others. */
  readonly missing: readonly string[];
  /** 0: the first time; each later one replaces the one before. */
  readonly revision: number;
};

export type CountsRow = {
  readonly counter: number;
  readonly count_in: number;
  readonly count_out: number;
  readonly net_in: number;
  readonly net_out: number;
};
export type ClosedRow = CountsRow & {
  readonly quality: number;
  readonly revision: number;
  readonly missing: string | null;
};

/** An interval of one counter as it is known now. */
export type Settlement = {
  readonly counterId: number;
  readonly name: string;
  readonly fromS: number;
  readonly counts: Counts;
  /** Of the lines behind it that reported. */
  readonly sums: Iterable<LineSum>;
  /** Expected devices behind it. */
  readonly devices: readonly string[];
  readonly missing: readonly string[];
  /** As it was told before, if it was. */
  readonly before: ClosedRow | undefined;
  /** The counter's total before. */
  readonly settled: Counts;
};

export class ClosedIntervals {
  /** Number of the last record. */
  seq = 0;
  readonly #database: Database;
  readonly #intervalS: number;
  readonly #dayOf: (atMs: number) => LocalDay;

  constructor(database: Database, intervalS: number, dayOf: (atMs: number) => LocalDay) {
    this.#database = database;
    this.#intervalS = intervalS;
    this.#dayOf = dayOf;
    this.reload();
  }

  reload(): void {
    this.seq = Number(metaOf(this.#database, 'seq') ?? 0);
  }

  /** Rows of the interval that begins at fromS, by the counter's id. */
  at(fromS: number): Map<number, ClosedRow> {
    const rows = this.#database.all<ClosedRow>(
      'SELECT counter, count_in, count_out, net_in, net_out, quality, revision, missing FROM closed WHERE from_s = ?',
      [fromS],
    );
    return new Map(rows.map((row) => [row.counter, row]));
  }

  /** Sums of all rows from fromS on, by the counter's id. */
  since(fromS: number): Map<number, Counts> {
    const rows = this.#database.all<CountsRow>(
      'SELECT counter, sum(count_in) AS count_in, sum(count_out) AS count_out, sum(net_in) AS net_in, sum(net_out) AS net_out FROM closed WHERE from_s >= ? GROUP BY counter',
      [fromS],
    );
    return new Map(rows.map((row) => [row.counter, countsOf(row)]));
  }

  /** Writes down what is new of one counter; undefined: nothing is. */
  write({
    counterId,
    name,
    fromS,
    counts,
    sums,
    devices,
    missing,
    before,
    settled,
  }: Settlement): StoreRecord | undefined {
    const isComplete = missing.length === 0;
    let whole = NO_SUM;
    for (const sum of sums) whole = plusSum(whole, sum);
    const quality = Math.max(whole.quality, isComplete ? 0 : 1);
    const missingText = isComplete ? null : JSON.stringify(missing);
    const added = before === undefined ? counts : minus(counts, countsOf(before));
    if (before !== undefined && isNothing(added) && before.quality === quality && before.missing === missingText)
      return undefined;
    this.seq += 1;
    setMeta(this.#database, 'seq', String(this.seq));
    const { seq } = this;
    const revision = before === undefined ? 0 : before.revision + 1;
    this.#database.run('INSERT OR REPLACE INTO closed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      fromS,
      counterId,
      counts.in,
      counts.out,
      counts.netIn,
      counts.netOut,
      quality,
      revision,
      seq,
      missingText,
    ]);
    this.#database.run(
      'UPDATE counter SET count_in = count_in + ?, count_out = count_out + ?, net_in = net_in + ?, net_out = net_out + ? WHERE id = ?',
      [added.in, added.out, added.netIn, added.netOut, counterId],
    );
    const wasComplete = before !== undefined && before.missing === null;
    this.#rollUp(counterId, fromS, added, (Number(isComplete) - Number(wasComplete)) * this.#intervalS);
    const toS = fromS + this.#intervalS;
    const totals = plus(settled, added);
    const { samples, expected } = whole;
    const deviceCount = devices.length - missing.length;
    return { seq, name, fromS, toS, counts, totals, samples, expected, quality, deviceCount, missing, revision };
  }

  /** Adds to hour (UTC) and day (the site's) of a counter. coveredS: seconds of which everybody reported. */
  #rollUp(counterId: number, fromS: number, counts: Counts, coveredS: number): void {
    const day = this.#dayOf(fromS * MS_PER_S);
    const more = [counterId, counts.in, counts.out, counts.netIn, counts.netOut, coveredS];
    const add =
      'ON CONFLICT DO UPDATE SET count_in = count_in + excluded.count_in, count_out = count_out + excluded.count_out, net_in = net_in + excluded.net_in, net_out = net_out + excluded.net_out, covered_s = covered_s + excluded.covered_s';
    this.#database.run(`INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?) ${add}`, [
      Math.floor(fromS / 3600) * 3600,
      ...more,
    ]);
    this.#database.run(`INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ${add}`, [
      Math.floor(day.fromMs / MS_PER_S),
      ...more,
      day.date,
      Math.floor(day.toMs / MS_PER_S),
    ]);
  }
}

export function countsOf({ count_in, count_out, net_in, net_out }: CountsRow): Counts {
  return { in: count_in, out: count_out, netIn: net_in, netOut: net_out };
}
