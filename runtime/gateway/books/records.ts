/**
 * Records of devices: each once, whatever arrives how often and in which order. Knows by (device, epoch, number) what is
 * here, for ever; keeps what lines counted for minute_days.
 * Everything that changes something is to be called inside a transaction; when that fails, `reload` goes back to what is
 * on disk.
 * Memory: ranges of numbers of all epochs (seen.ts), one object a line.
 */
import type { Database } from '../../ports/database.ts';
import { type LineSum, NO_SUM, plusSum } from '../counts.ts';
import type { IntervalReading, RecordReading, ZoneReading } from '../incoming.ts';
import { type NumberRange, type SeenEdit, SeenNumbers } from './seen.ts';

/**
 * Numbers before the first that was heard of an epoch which are asked for as well: about a day of a counter with one line
 * (a record and a receipt a minute), so that a gateway that is put up at noon knows the morning.
 */
export const LOOKBACK_NUMBERS = 3000;

/** The newest record of a line. */
export type LineBase = {
  readonly epochId: string;
  readonly totalIn: number;
  readonly totalOut: number;
  readonly toS: number;
};

export type Line = {
  readonly id: number;
  readonly device: string;
  readonly name: string;
  base: LineBase | undefined;
};

/** An epoch of which numbers are missing. */
export type OpenNumbers = { readonly device: string; readonly epochId: string; readonly seen: SeenNumbers };

type Epoch = { readonly id: number; readonly device: string; readonly epochId: string; readonly seen: SeenNumbers };

type CounterRow = {
  readonly id: number;
  readonly device: string;
  readonly name: string;
  readonly base_epoch: string | null;
  readonly base_in: number;
  readonly base_out: number;
  readonly base_to_s: number;
};

type ReadingRow = {
  readonly counter: number;
  readonly span_s: number;
  readonly count_in: number;
  readonly count_out: number;
  readonly net_in: number;
  readonly net_out: number;
  readonly samples: number;
  readonly expected: number;
  readonly quality: number;
};

export class Records {
  readonly #database: Database;
  /** By device and epoch id. */
  #epochs = new Map<string, Epoch>();
  /** By device and line. */
  #lines = new Map<string, Line>();

  constructor(database: Database) {
    this.#database = database;
    this.reload();
  }

  reload(): void {
    this.#epochs = new Map();
    this.#lines = new Map();
    const ranges = new Map<number, NumberRange[]>();
    for (const { epoch, first, last } of this.#database.all<{ epoch: number } & NumberRange>(
      'SELECT epoch, first, last FROM seen',
    ))
      ranges.set(epoch, [...(ranges.get(epoch) ?? []), { first, last }]);
    const epochs = this.#database.all<{ id: number; device: string; epoch_id: string; floor: number }>(
      'SELECT id, device, epoch_id, floor FROM epoch',
    );
    for (const { id, device, epoch_id: epochId, floor } of epochs)
      this.#epochs.set(`${device}/${epochId}`, { id, device, epochId, seen: new SeenNumbers(floor, ranges.get(id)) });
    const counters = this.#database.all<CounterRow>(
      "SELECT id, device, name, base_epoch, base_in, base_out, base_to_s FROM counter WHERE kind = 'line'",
    );
    for (const row of counters) this.#lines.set(`${row.device}/${row.name}`, lineOf(row));
  }

  /** Takes one in. Null: it was here already. A line: it counted something there. Undefined: taken, and no count. */
  take(reading: RecordReading): Line | null | undefined {
    const epoch = this.#epochOf(reading);
    const edit = epoch.seen.add(reading.seq);
    if (edit === undefined) return null;
    this.#saveSeen(epoch.id, edit);
    if (reading.kind === 'zone') this.#addZone(reading, epoch.id);
    return reading.kind === 'interval' ? this.#addReading(reading, epoch.id) : undefined;
  }

  /** What all lines said of the time from fromS to before toS, by the line's id. */
  sumsOf(fromS: number, toS: number): Map<number, LineSum> {
    const sums = new Map<number, LineSum>();
    const rows = this.#database.all<ReadingRow>(
      'SELECT counter, span_s, count_in, count_out, net_in, net_out, samples, expected, quality FROM reading WHERE from_s >= ? AND from_s < ?',
      [fromS, toS],
    );
    for (const row of rows) sums.set(row.counter, plusSum(sums.get(row.counter) ?? NO_SUM, sumOfRow(row)));
    return sums;
  }

  /** Starts of intervals of so many seconds of which something is known, from fromS on. */
  intervalsFrom(fromS: number, intervalS: number): number[] {
    return this.#database
      .all<{ begin: number }>(
        'SELECT DISTINCT from_s / ?1 * ?1 AS begin FROM reading WHERE from_s >= ?2 ORDER BY begin',
        [intervalS, fromS],
      )
      .map(({ begin }) => begin);
  }

  /** The line, made if it is new. */
  line(device: string, name: string): Line {
    const key = `${device}/${name}`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const id = counterId(this.#database, 'line', device, name);
    const line: Line = { id, device, name, base: undefined };
    this.#lines.set(key, line);
    return line;
  }

  get lines(): IterableIterator<Line> {
    return this.#lines.values();
  }

  /** Epochs of which numbers are missing. */
  openNumbers(): OpenNumbers[] {
    return [...this.#epochs.values()].filter(({ seen }) => seen.gaps(1).length > 0);
  }

  /** Numbers that are missing, of all devices. */
  get missingCount(): number {
    return this.openNumbers().reduce((sum, { seen }) => sum + seen.missingCount, 0);
  }

  /** Removes what is before beforeS, at most spanS of the oldest. Returns whether there is more to remove. */
  forget(beforeS: number, spanS: number): boolean {
    let isMore = false;
    for (const table of ['reading', 'zone', 'closed'] as const) {
      const oldestS = this.#database.all<{ oldest: number | null }>(`SELECT min(from_s) AS oldest FROM ${table}`)[0]
        ?.oldest;
      if (oldestS === null || oldestS === undefined || oldestS >= beforeS) continue;
      const toS = Math.min(beforeS, oldestS + spanS);
      this.#database.run(`DELETE FROM ${table} WHERE from_s < ?`, [toS]);
      isMore ||= toS < beforeS;
    }
    return isMore;
  }

  #epochOf({ device, epochId, seq }: RecordReading): Epoch {
    const key = `${device}/${epochId}`;
    const known = this.#epochs.get(key);
    if (known !== undefined) return known;
    const floor = Math.max(0, seq - 1 - LOOKBACK_NUMBERS);
    this.#database.run('INSERT INTO epoch (device, epoch_id, floor) VALUES (?, ?, ?)', [device, epochId, floor]);
    const [row] = this.#database.all<{ id: number }>('SELECT id FROM epoch WHERE device = ? AND epoch_id = ?', [
      device,
      epochId,
    ]);
    const epoch = { id: row!.id, device, epochId, seen: new SeenNumbers(floor) };
    this.#epochs.set(key, epoch);
    return epoch;
  }

  #saveSeen(epochId: number, { removed, put }: SeenEdit): void {
    const kept = new Set(put.map(({ first }) => first));
    for (const first of removed)
      if (!kept.has(first)) this.#database.run('DELETE FROM seen WHERE epoch = ? AND first = ?', [epochId, first]);
    for (const { first, last } of put)
      this.#database.run('INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last', [
        epochId,
        first,
        last,
      ]);
  }

  #addReading(reading: IntervalReading, epoch: number): Line {
    const line = this.line(reading.device, reading.name);
    const { fromS, seq, spanS, netIn, netOut, samples, expected, quality } = reading;
    this.#database.run('INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      fromS,
      line.id,
      epoch,
      seq,
      spanS,
      reading.in,
      reading.out,
      netIn,
      netOut,
      samples,
      expected,
      quality,
    ]);
    const toS = fromS + spanS;
    if (line.base === undefined || toS > line.base.toS)
      line.base = { epochId: reading.epochId, totalIn: reading.totalIn, totalOut: reading.totalOut, toS };
    const { base } = line;
    this.#database.run(
      'UPDATE counter SET count_in = count_in + ?, count_out = count_out + ?, net_in = net_in + ?, net_out = net_out + ?, base_epoch = ?, base_in = ?, base_out = ?, base_to_s = ? WHERE id = ?',
      [reading.in, reading.out, netIn, netOut, base.epochId, base.totalIn, base.totalOut, base.toS, line.id],
    );
    return line;
  }

  #addZone({ fromS, device, name, seq, spanS, visits, bounces, passersBy }: ZoneReading, epoch: number): void {
    const values = [fromS, device, name, epoch, seq, spanS, visits, bounces, passersBy];
    this.#database.run('INSERT INTO zone VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', values);
  }
}

/** Id of a counter, made with zeros if it is new. */
export function counterId(database: Database, kind: 'line' | 'door' | 'store', device: string, name: string): number {
  database.run(
    'INSERT INTO counter (kind, device, name, count_in, count_out, net_in, net_out) VALUES (?, ?, ?, 0, 0, 0, 0) ON CONFLICT DO NOTHING',
    [kind, device, name],
  );
  const [row] = database.all<{ id: number }>('SELECT id FROM counter WHERE kind = ? AND device = ? AND name = ?', [
    kind,
    device,
    name,
  ]);
  return row!.id;
}

export function sumOfReading(reading: IntervalReading): LineSum {
  const { netIn, netOut, spanS, samples, expected, quality } = reading;
  return { in: reading.in, out: reading.out, netIn, netOut, spanS, samples, expected, quality };
}

function sumOfRow(row: ReadingRow): LineSum {
  return {
    in: row.count_in,
    out: row.count_out,
    netIn: row.net_in,
    netOut: row.net_out,
    spanS: row.span_s,
    samples: row.samples,
    expected: row.expected,
    quality: row.quality,
  };
}

function lineOf({ id, device, name, base_epoch, base_in, base_out, base_to_s }: CounterRow): Line {
  const base =
    base_epoch === null ? undefined : { epochId: base_epoch, totalIn: base_in, totalOut: base_out, toS: base_to_s };
  return { id, device, name, base };
}
