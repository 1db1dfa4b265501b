/**
 * Doors and store: lines of devices joined, interval by interval, and the totals of both.
 * An interval is open until it is closed (closing.ts decides when). Then each door gets a record, and the store one; what
 * comes after that changes them and is told again with the next revision. A door never becomes smaller by it: totals only
 * grow, and each record says the total that it led to, so that in the order of their numbers they add up.
 *
 * `settled` is the sum of what was closed; `arrived` is that and what waits in open or late intervals. All changes are to be
 * made inside a transaction; when that fails, `reload` goes back to what is on disk.
 * Memory: sums of the lines in open intervals, some 100 bytes each; a few numbers a door.
 */
import type { Database } from '../../ports/database.ts';
import { MS_PER_S } from '../../units.ts';
import type { LocalDay } from '../../voice/hours/hours.ts';
import { type GatewayConfig, OTHER_NAME, STORE_NAME } from '../config.ts';
import {
  type Counts,
  doorCounts,
  isNothing,
  type LineSum,
  larger,
  minus,
  NO_COUNTS,
  NO_SUM,
  plus,
  plusSum,
} from '../counts.ts';
import type { IntervalReading } from '../incoming.ts';
import { counterId, type Line, type Records, sumOfReading } from './records.ts';
import { metaOf, setMeta } from './tables.ts';

export type Door = {
  readonly id: number;
  readonly name: string;
  readonly overlap: 'sum' | 'max';
  /** Of `other`, as they are met. */
  readonly lines: Line[];
  /** Expected of it. */
  readonly devices: readonly string[];
  settled: Counts;
  arrived: Counts;
};

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

type Sums = Map<number, LineSum>;

type ClosedRow = {
  readonly counter: number;
  readonly count_in: number;
  readonly count_out: number;
  readonly net_in: number;
  readonly net_out: number;
  readonly quality: number;
  readonly revision: number;
  readonly missing: string | null;
};

type CountsRow = Pick<ClosedRow, 'counter' | 'count_in' | 'count_out' | 'net_in' | 'net_out'>;

export type DoorsOptions = {
  readonly database: Database;
  readonly records: Records;
  readonly config: GatewayConfig;
  readonly dayOf: (atMs: number) => LocalDay;
  /** Begin of the first interval, where the database knows none yet. */
  readonly firstFromS: number;
};

export class Doors {
  /** In the order of the configuration; `other` last, if there is one. */
  readonly doors: Door[] = [];
  /** Begin of the next interval to be closed. */
  nextFromS = 0;
  /** Number of the last record. */
  seq = 0;
  /** Closed intervals that changed since, and when (ms), oldest first. */
  late = new Map<number, number>();
  readonly #options: DoorsOptions;
  readonly #intervalS: number;
  #storeId = 0;
  #storeSettled: Counts = NO_COUNTS;
  #open = new Map<number, Sums>();
  #doorOfLine = new Map<number, Door>();
  #linesOfDevice = new Map<string, Line[]>();

  /** Inside a transaction. */
  constructor(options: DoorsOptions) {
    this.#options = options;
    this.#intervalS = options.config.intervalS;
    this.#makeCounters();
    // From the first start on it is known what is to be closed, also by the next life.
    if (metaOf(options.database, 'next_from_s') === undefined) this.#setNext(this.#startOf(options.firstFromS));
    this.reload();
  }

  /** After a failed transaction, and at the beginning: all from the disk. */
  reload(): void {
    const { database, records } = this.#options;
    this.#makeDoors();
    this.nextFromS = Number(metaOf(database, 'next_from_s'));
    this.seq = Number(metaOf(database, 'seq') ?? 0);
    this.#open = new Map(
      records.intervalsFrom(this.nextFromS, this.#intervalS).map((fromS) => [fromS, this.#sumsOf(fromS)]),
    );
    this.late = new Map(
      database
        .all<{ from_s: number; touched_ms: number }>('SELECT from_s, touched_ms FROM late ORDER BY from_s')
        .map(({ from_s, touched_ms }) => [from_s, touched_ms]),
    );
    const waiting = this.#waitingSince(Number.NEGATIVE_INFINITY);
    for (const door of this.doors) door.arrived = plus(door.settled, waiting.get(door.id) ?? NO_COUNTS);
  }

  /** A record of a line came. False: it belongs to an interval that is closed already. */
  take(line: Line, reading: IntervalReading, nowMs: number): boolean {
    const fromS = this.#startOf(reading.fromS);
    const sum = sumOfReading(reading);
    this.#rollUp(line.id, reading.fromS, sum, reading.spanS);
    const door = this.#meet(line);
    if (fromS < this.nextFromS) {
      this.#touchLate(fromS, nowMs);
      if (door !== undefined) this.#arrive(door, line, this.#sumsOf(fromS), sum);
      return false;
    }
    const sums: Sums = this.#open.get(fromS) ?? new Map();
    this.#open.set(fromS, sums);
    sums.set(line.id, plusSum(sums.get(line.id) ?? NO_SUM, sum));
    if (door !== undefined) this.#arrive(door, line, sums, sum);
    return true;
  }

  /** Expected devices that have not reported all of the interval that begins at fromS (open ones only). */
  missing(fromS: number): string[] {
    return this.#missingOf(this.#open.get(fromS) ?? new Map(), this.#options.config.devices);
  }

  /** Closes the next interval. Returns its records, the store's last. */
  closeNext(): StoreRecord[] {
    const fromS = this.nextFromS;
    const records = this.#settle(fromS, this.#open.get(fromS) ?? new Map(), true);
    this.#open.delete(fromS);
    this.#setNext(fromS + this.#intervalS);
    return records;
  }

  /** Goes on from a later interval without a record of those between, of which nobody reported anything. */
  skipTo(fromS: number): void {
    const firstKnownS = Math.min(...this.#open.keys(), this.#startOf(fromS));
    if (firstKnownS > this.nextFromS) this.#setNext(firstKnownS);
  }

  /** The clock was ahead and is right now: intervals of today must not count as closed. */
  goBackTo(fromS: number): void {
    this.#setNext(this.#startOf(fromS));
    this.reload();
  }

  /** Reckons a late interval anew. Returns the records that changed. */
  revise(fromS: number): StoreRecord[] {
    const records = this.#settle(fromS, this.#sumsOf(fromS), false);
    this.#options.database.run('DELETE FROM late WHERE from_s = ?', [fromS]);
    this.late.delete(fromS);
    return records;
  }

  /** What each door counted since then, waiting intervals included; by the door's id. */
  countedSince(fromS: number): Map<number, Counts> {
    const sums = this.#waitingSince(fromS);
    const rows = this.#options.database.all<CountsRow>(
      'SELECT counter, sum(count_in) AS count_in, sum(count_out) AS count_out, sum(net_in) AS net_in, sum(net_out) AS net_out FROM closed WHERE from_s >= ? GROUP BY counter',
      [fromS],
    );
    for (const row of rows) sums.set(row.counter, plus(sums.get(row.counter) ?? NO_COUNTS, countsOf(row)));
    return sums;
  }

  get openCount(): number {
    return this.#open.size;
  }

  #makeCounters(): void {
    const { database, records, config } = this.#options;
    for (const { of, name } of config.doors) {
      counterId(database, 'door', '', name);
      for (const { device, line } of of) records.line(device, line);
    }
    if (config.acceptUnknown) counterId(database, 'door', '', OTHER_NAME);
    this.#storeId = counterId(database, 'store', '', STORE_NAME);
  }

  #makeDoors(): void {
    const { database, records, config } = this.#options;
    const totals = new Map(
      database
        .all<CountsRow & { kind: string; name: string }>(
          "SELECT id AS counter, kind, name, count_in, count_out, net_in, net_out FROM counter WHERE kind <> 'line'",
        )
        .map((row) => [`${row.kind}/${row.name}`, { id: row.counter, settled: countsOf(row) }]),
    );
    this.#storeSettled = totals.get(`store/${STORE_NAME}`)!.settled;
    this.#doorOfLine = new Map();
    this.#linesOfDevice = new Map();
    this.doors.length = 0;
    const add = (name: string, overlap: 'sum' | 'max', lines: Line[], devices: readonly string[]) => {
      const door = { ...totals.get(`door/${name}`)!, name, overlap, lines, devices, arrived: NO_COUNTS };
      this.doors.push(door);
      for (const line of lines) this.#doorOfLine.set(line.id, door);
    };
    for (const { name, overlap, of } of config.doors)
      add(
        name,
        overlap,
        of.map(({ device, line }) => records.line(device, line)),
        [...new Set(of.map(({ device }) => device))],
      );
    if (config.acceptUnknown) add(OTHER_NAME, 'sum', [], []);
    for (const line of records.lines) this.#meet(line);
  }

  /** The door of a line, if it has one. */
  #meet(line: Line): Door | undefined {
    const known = this.#linesOfDevice.get(line.device) ?? [];
    if (!known.includes(line)) this.#linesOfDevice.set(line.device, [...known, line]);
    const door = this.#doorOfLine.get(line.id);
    const { devices, acceptUnknown } = this.#options.config;
    if (door !== undefined || !acceptUnknown || devices.includes(line.device)) return door;
    const other = this.doors.at(-1)!;
    other.lines.push(line);
    this.#doorOfLine.set(line.id, other);
    return other;
  }

  /** sums: with what came. */
  #arrive(door: Door, line: Line, sums: Sums, came: Counts): void {
    const after = this.#valueOf(door, sums);
    const whole = sums.get(line.id) ?? NO_SUM;
    const before = this.#valueOf(door, new Map([...sums, [line.id, { ...whole, ...minus(whole, came) }]]));
    door.arrived = plus(door.arrived, minus(after, before));
  }

  #valueOf(door: Door, sums: Sums): Counts {
    return doorCounts(
      door.lines.map(({ id }) => sums.get(id) ?? NO_COUNTS),
      door.overlap,
    );
  }

  /** A device has reported when all of its lines that make up doors have; one without such lines, when any of its has. */
  #missingOf(sums: Sums, devices: readonly string[]): string[] {
    const isWhole = ({ id }: Line) => (sums.get(id)?.spanS ?? 0) >= this.#intervalS;
    return devices.filter((device) => {
      const lines = this.#linesOfDevice.get(device) ?? [];
      const counting = lines.filter(({ id }) => this.#doorOfLine.has(id));
      return counting.length > 0 ? !counting.every(isWhole) : !lines.some(isWhole);
    });
  }

  #settle(fromS: number, sums: Sums, isClosing: boolean): StoreRecord[] {
    const { config } = this.#options;
    const before = this.#closedAt(fromS);
    const changed: StoreRecord[] = [];
    let store = NO_COUNTS;
    for (const door of this.doors) {
      const row = before.get(door.id);
      const isKnown = row !== undefined || door.lines.some(({ id }) => sums.has(id));
      if (!isClosing && !isKnown) continue;
      const counts = larger(this.#valueOf(door, sums), row === undefined ? NO_COUNTS : countsOf(row));
      store = plus(store, counts);
      const own = new Map(door.lines.flatMap(({ id }) => (sums.has(id) ? [[id, sums.get(id)!] as const] : [])));
      const record = this.#write(door.id, door.name, fromS, counts, own, door.devices, row, door.settled);
      if (record === undefined) continue;
      door.settled = record.totals;
      changed.push(record);
    }
    const row = before.get(this.#storeId);
    const counts = larger(store, row === undefined ? NO_COUNTS : countsOf(row));
    const { devices } = config;
    const record = this.#write(this.#storeId, STORE_NAME, fromS, counts, sums, devices, row, this.#storeSettled);
    if (record !== undefined) {
      this.#storeSettled = record.totals;
      changed.push(record);
    }
    if (changed.length > 0) setMeta(this.#options.database, 'seq', String(this.seq));
    return changed;
  }

  /** Writes down what is new of one counter; undefined: nothing is. */
  #write(
    id: number,
    name: string,
    fromS: number,
    counts: Counts,
    sums: Sums,
    devices: readonly string[],
    before: ClosedRow | undefined,
    settled: Counts,
  ): StoreRecord | undefined {
    const missing = this.#missingOf(sums, devices);
    const isComplete = missing.length === 0;
    let whole = NO_SUM;
    for (const sum of sums.values()) whole = plusSum(whole, sum);
    const quality = Math.max(whole.quality, isComplete ? 0 : 1);
    const missingText = isComplete ? null : JSON.stringify(missing);
    const added = before === undefined ? counts : minus(counts, countsOf(before));
    if (before !== undefined && isNothing(added) && before.quality === quality && before.missing === missingText)
      return undefined;
    this.seq += 1;
    const revision = before === undefined ? 0 : before.revision + 1;
    const { database } = this.#options;
    const values = [
      fromS,
      id,
      counts.in,
      counts.out,
      counts.netIn,
      counts.netOut,
      quality,
      revision,
      this.seq,
      missingText,
    ];
    database.run('INSERT OR REPLACE INTO closed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', values);
    database.run(
      'UPDATE counter SET count_in = count_in + ?, count_out = count_out + ?, net_in = net_in + ?, net_out = net_out + ? WHERE id = ?',
      [added.in, added.out, added.netIn, added.netOut, id],
    );
    const wasComplete = before !== undefined && before.missing === null;
    this.#rollUp(id, fromS, added, (Number(isComplete) - Number(wasComplete)) * this.#intervalS);
    return {
      seq: this.seq,
      name,
      fromS,
      toS: fromS + this.#intervalS,
      counts,
      totals: plus(settled, added),
      samples: whole.samples,
      expected: whole.expected,
      quality,
      deviceCount: devices.length - missing.length,
      missing,
      revision,
    };
  }

  #rollUp(id: number, fromS: number, { in: countIn, out, netIn, netOut }: Counts, coveredS: number): void {
    const { database, dayOf } = this.#options;
    const day = dayOf(fromS * MS_PER_S);
    const more = [id, countIn, out, netIn, netOut, coveredS];
    const add =
      'ON CONFLICT DO UPDATE SET count_in = count_in + excluded.count_in, count_out = count_out + excluded.count_out, net_in = net_in + excluded.net_in, net_out = net_out + excluded.net_out, covered_s = covered_s + excluded.covered_s';
    database.run(`INSERT INTO hour VALUES (?, ?, ?, ?, ?, ?, ?) ${add}`, [Math.floor(fromS / 3600) * 3600, ...more]);
    database.run(`INSERT INTO day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ${add}`, [
      Math.floor(day.fromMs / MS_PER_S),
      ...more,
      day.date,
      Math.floor(day.toMs / MS_PER_S),
    ]);
  }

  /** What open and late intervals add to the closed ones, by the door's id. */
  #waitingSince(fromS: number): Map<number, Counts> {
    const sums = new Map<number, Counts>();
    const add = (door: Door, counts: Counts) => sums.set(door.id, plus(sums.get(door.id) ?? NO_COUNTS, counts));
    for (const [beginS, lines] of this.#open)
      if (beginS >= fromS) for (const door of this.doors) add(door, this.#valueOf(door, lines));
    for (const beginS of this.late.keys()) {
      if (beginS < fromS) continue;
      const before = this.#closedAt(beginS);
      const lines = this.#sumsOf(beginS);
      for (const door of this.doors) {
        const row = before.get(door.id);
        const known = row === undefined ? NO_COUNTS : countsOf(row);
        add(door, minus(larger(this.#valueOf(door, lines), known), known));
      }
    }
    return sums;
  }

  #closedAt(fromS: number): Map<number, ClosedRow> {
    const rows = this.#options.database.all<ClosedRow>(
      'SELECT counter, count_in, count_out, net_in, net_out, quality, revision, missing FROM closed WHERE from_s = ?',
      [fromS],
    );
    return new Map(rows.map((row) => [row.counter, row]));
  }

  #touchLate(fromS: number, nowMs: number): void {
    this.#options.database.run(
      'INSERT INTO late VALUES (?, ?) ON CONFLICT DO UPDATE SET touched_ms = excluded.touched_ms',
      [fromS, nowMs],
    );
    this.late.set(fromS, nowMs);
  }

  #setNext(fromS: number): void {
    this.nextFromS = fromS;
    setMeta(this.#options.database, 'next_from_s', String(fromS));
  }

  #sumsOf(fromS: number): Sums {
    return this.#options.records.sumsOf(fromS, fromS + this.#intervalS);
  }

  #startOf(atS: number): number {
    return Math.floor(atS / this.#intervalS) * this.#intervalS;
  }
}

function countsOf({ count_in, count_out, net_in, net_out }: CountsRow): Counts {
  return { in: count_in, out: count_out, netIn: net_in, netOut: net_out };
}
