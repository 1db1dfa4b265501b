/**
 * Closed numbers out of the database, a page at a time: for exports, by time, and for sinks, by the number of their last
 * publication, so that what was revised comes again.
 */
import type { Database } from '../../ports/database.ts';
import { type Counts, QUALITIES } from '../counts.ts';

export const GRAINS = ['minute', 'hour', 'day'] as const;
/** minute: the intervals themselves, whatever their length. */
export type Grain = (typeof GRAINS)[number];

export type ExportRow = {
  /** Door, or `store`. */
  readonly door: string;
  readonly fromS: number;
  readonly toS: number;
  readonly counts: Counts;
  /** Seconds of which every device reported. */
  readonly coveredS: number;
  /** Of intervals; null: a sum over many. */
  readonly revision: number | null;
  readonly quality: string | null;
  readonly missing: readonly string[];
};

/** From fromS to before toS; doors: empty: all, and the store. */
export type Wanted = {
  readonly grain: Grain;
  readonly fromS: number;
  readonly toS: number;
  readonly doors: readonly string[];
  /** Length of an interval. */
  readonly intervalS: number;
};

const PAGE_ROWS = 2000;
const HOUR_S = 3600;

type Row = {
  readonly from_s: number;
  readonly counter: number;
  readonly name: string;
  readonly count_in: number;
  readonly count_out: number;
  readonly net_in: number;
  readonly net_out: number;
};
type SumRow = Row & { readonly covered_s: number; readonly to_s: number };
type ClosedRow = Row & {
  readonly quality: number;
  readonly revision: number;
  readonly seq: number;
  readonly missing: string | null;
};

const CLOSED_COLUMNS =
  't.from_s, t.counter, c.name, t.count_in, t.count_out, t.net_in, t.net_out, t.quality, t.revision, t.seq, t.missing';
const SUM_COLUMNS = 't.from_s, t.counter, c.name, t.count_in, t.count_out, t.net_in, t.net_out, t.covered_s';
/** Lines of devices are counters too. */
const OF_STORE = "c.kind IN ('door', 'store')";

/** Names that have numbers, doors and `store`. */
export function knownDoors(database: Database): string[] {
  return database
    .all<{ name: string }>(`SELECT name FROM counter c WHERE ${OF_STORE} ORDER BY id`)
    .map(({ name }) => name);
}

/** In the order of time, then of the doors. */
export function* exportRows(database: Database, wanted: Wanted): Generator<ExportRow> {
  const { grain, fromS, toS, doors, intervalS } = wanted;
  const table = grain === 'minute' ? 'closed' : grain;
  const columns =
    grain === 'minute'
      ? CLOSED_COLUMNS
      : `${SUM_COLUMNS}, ${grain === 'day' ? 't.to_s' : `t.from_s + ${HOUR_S} AS to_s`}`;
  let [lastS, lastCounter] = [fromS, -1];
  for (;;) {
    const rows = database.all<ClosedRow | SumRow>(
      `SELECT ${columns} FROM ${table} t JOIN counter c ON c.id = t.counter WHERE ${OF_STORE} AND (t.from_s, t.counter) > (?, ?) AND t.from_s < ? ORDER BY t.from_s, t.counter LIMIT ${PAGE_ROWS}`,
      [lastS, lastCounter, toS],
    );
    for (const row of rows)
      if (doors.length === 0 || doors.includes(row.name))
        yield 'seq' in row ? rowOfClosed(row, intervalS) : rowOfSum(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    [lastS, lastCounter] = [last.from_s, last.counter];
  }
}

export type NewRows = { readonly rows: readonly ExportRow[]; readonly seq: number };

/** Intervals that were told after that number, oldest first, at most so many; seq: of the last one. */
export function rowsAfter(database: Database, seq: number, limit: number, intervalS: number): NewRows {
  const rows = database.all<ClosedRow>(
    `SELECT ${CLOSED_COLUMNS} FROM closed t JOIN counter c ON c.id = t.counter WHERE t.seq > ? ORDER BY t.seq LIMIT ?`,
    [seq, limit],
  );
  return { rows: rows.map((row) => rowOfClosed(row, intervalS)), seq: rows.at(-1)?.seq ?? seq };
}

function rowOfClosed(row: ClosedRow, intervalS: number): ExportRow {
  const missing = row.missing === null ? [] : (JSON.parse(row.missing) as string[]);
  return {
    door: row.name,
    fromS: row.from_s,
    toS: row.from_s + intervalS,
    counts: countsOf(row),
    coveredS: missing.length === 0 ? intervalS : 0,
    revision: row.revision,
    quality: QUALITIES[row.quality] ?? null,
    missing,
  };
}

function rowOfSum(row: SumRow): ExportRow {
  const { name, from_s: fromS, to_s: toS, covered_s: coveredS } = row;
  return { door: name, fromS, toS, counts: countsOf(row), coveredS, revision: null, quality: null, missing: [] };
}

function countsOf(row: Row): Counts {
  return { in: row.count_in, out: row.count_out, netIn: row.net_in, netOut: row.net_out };
}
