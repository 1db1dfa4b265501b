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
import type { LocalDay } from '../../site/hours.ts';
import { type DoorConfig, type GatewayConfig, OTHER_NAME, STORE_NAME } from '../config.ts';
import { type Counts, doorCounts, type LineSum, larger, minus, NO_COUNTS, NO_SUM, plus, plusSum } from '../counts.ts';
import type { IntervalReading } from '../incoming.ts';
import type { Members } from '../roster.ts';
import { ClosedIntervals, type CountsRow, countsOf, type StoreRecord } from './closed.ts';
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

type Sums = Map<number, LineSum>;

export type DoorsOptions = {
  readonly database: Database;
  readonly records: Records;
  readonly config: Pick<GatewayConfig, 'intervalS' | 'acceptUnknown'>;
  /** May grow: `prepare` before, `reload` after. */
  readonly roster: Members;
  readonly dayOf: (atMs: number) => LocalDay;
  /** Begin of the first interval, where the database knows none yet. */
  readonly firstFromS: number;
};

export class Doors {
  /** In the order of the roster; `other` last, if there is one. */
  readonly doors: Door[] = [];
  /** Begin of the next interval to be closed. */
  nextFromS = 0;
  /** Closed intervals that changed since, and when (ms), oldest first. */
  late = new Map<number, number>();
  readonly #options: DoorsOptions;
  readonly #intervalS: number;
  readonly #closed: ClosedIntervals;
  #storeId = 0;
  #storeSettled: Counts = NO_COUNTS;
  #open = new Map<number, Sums>();
  #doorOfLine = new Map<number, Door>();
  #linesOfDevice = new Map<string, Line[]>();

  /** Inside a transaction. */
  constructor(options: DoorsOptions) {
    this.#options = options;
    this.#intervalS = options.config.intervalS;
    this.#closed = new ClosedIntervals(options.database, this.#intervalS, options.dayOf);
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
    this.#closed.reload();
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

  /** Inside a transaction: what these doors need on disk, before the roster has them. */
  prepare(doors: readonly DoorConfig[]): void {
    const { database, records } = this.#options;
    for (const { of, name } of doors) {
      counterId(database, 'door', '', name);
      for (const { device, line } of of) records.line(device, line);
    }
  }

  /** A record of a line came. False: it belongs to an interval that is closed already. */
  take(line: Line, reading: IntervalReading, nowMs: number): boolean {
    const fromS = this.#startOf(reading.fromS);
    const sum = sumOfReading(reading);
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
    return this.#missingOf(this.#open.get(fromS) ?? new Map(), this.#options.roster.devices);
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
    for (const [id, counts] of this.#closed.since(fromS)) sums.set(id, plus(sums.get(id) ?? NO_COUNTS, counts));
    return sums;
  }

  get openCount(): number {
    return this.#open.size;
  }

  #makeCounters(): void {
    const { database, config, roster } = this.#options;
    this.prepare(roster.doors);
    if (config.acceptUnknown) counterId(database, 'door', '', OTHER_NAME);
    this.#storeId = counterId(database, 'store', '', STORE_NAME);
  }

  #makeDoors(): void {
    const { database, records, config, roster } = this.#options;
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
    for (const { name, overlap, of } of roster.doors)
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
    const { config, roster } = this.#options;
    if (door !== undefined || !config.acceptUnknown || roster.devices.includes(line.device)) return door;
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
    const before = this.#closed.at(fromS);
    const changed: StoreRecord[] = [];
    let store = NO_COUNTS;
    for (const door of this.doors) {
      const row = before.get(door.id);
      const isKnown = row !== undefined || door.lines.some(({ id }) => sums.has(id));
      if (!isClosing && !isKnown) continue;
      const counts = larger(this.#valueOf(door, sums), row === undefined ? NO_COUNTS : countsOf(row));
      store = plus(store, counts);
      const record = this.#closed.write({
        counterId: door.id,
        name: door.name,
        fromS,
        counts,
        sums: door.lines.flatMap(({ id }) => sums.get(id) ?? []),
        devices: door.devices,
        missing: this.#missingOf(sums, door.devices),
        before: row,
        settled: door.settled,
      });
      if (record === undefined) continue;
      door.settled = record.totals;
      changed.push(record);
    }
    const row = before.get(this.#storeId);
    const { devices } = this.#options.roster;
    const record = this.#closed.write({
      counterId: this.#storeId,
      name: STORE_NAME,
      fromS,
      counts: larger(store, row === undefined ? NO_COUNTS : countsOf(row)),
      sums: sums.values(),
      devices,
      missing: this.#missingOf(sums, devices),
      before: row,
      settled: this.#storeSettled,
    });
    if (record !== undefined) {
      this.#storeSettled = record.totals;
      changed.push(record);
    }
    return changed;
  }

  /** What open and late intervals add to the closed ones, by the door's id. */
  #waitingSince(fromS: number): Map<number, Counts> {
    const sums = new Map<number, Counts>();
    const add = (door: Door, counts: Counts) => sums.set(door.id, plus(sums.get(door.id) ?? NO_COUNTS, counts));
    for (const [beginS, lines] of this.#open)
      if (beginS >= fromS) for (const door of this.doors) add(door, this.#valueOf(door, lines));
    for (const beginS of this.late.keys()) {
      if (beginS < fromS) continue;
      const before = this.#closed.at(beginS);
      const lines = this.#sumsOf(beginS);
      for (const door of this.doors) {
        const row = before.get(door.id);
        const known = row === undefined ? NO_COUNTS : countsOf(row);
        add(door, minus(larger(this.#valueOf(door, lines), known), known));
      }
    }
    return sums;
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
