/**
 * Bookkeeper: records of the eye in, totals, intervals and occupancy out, all of them inside the ledger's state.
 * It knows counters (lines, then entrances) and zones by their place in the eye's records and by their names in the
 * ledger, and nothing of brokers, payloads or the log.
 * Every number of the eye is a running total since its boot: what is new is the difference (totals.ts), so a record read
 * twice adds nothing and a lost one is made good by the next. Totals that fall are told as a fault: no honest eye has any.
 */
import { counterNames, outerCounters } from '../config/counters.ts';
import { minuteOfDay, parseHours } from '../config/hours.ts';
import type { Config } from '../config/schema.ts';
import { type CorridorRecord, Direction, RecordKind } from '../corridor/record.ts';
import type { Receipt } from '../privacy/receipts.ts';
import { StoreHours } from '../site/hours.ts';
import { Occupancy, type OccupancyFacts } from '../site/occupancy.ts';
import {
  addFrames,
  eyeOfBoot,
  modelOf,
  noteLongest,
  noteModel,
  takeFrames,
  takeModelHalf,
} from './intervals/frames.ts';
import { estimateGroups } from './intervals/groups.ts';
import { type ClosedInterval, IntervalBook } from './intervals/intervals.ts';
import { type Added, takeTotals } from './intervals/totals.ts';
import { factsOf } from './intervals/zones.ts';
import type { IntervalRecord, Ledger } from './ledger/ledger.ts';

/** What a record brought. */
export type Taken = {
  /** New people of a counter; undefined for records that count nobody. */
  readonly added?: Added;
  /** Of these, whose moment is not known. */
  readonly lateCount?: number;
  /** Pictures that were read since the record before. */
  readonly framesRead?: number;
  /** The eye must be cut off: one sentence's middle, such as `totals of line door that go backwards`. */
  readonly fault?: string;
};

export type Presence = { readonly people: number; readonly queue: number };

const NOTHING: Taken = {};

export class Bookkeeper {
  readonly counters: readonly string[];
  readonly zones: readonly string[];
  /** Changed since they were last published: [counter], [zone], the store. */
  readonly isCounterStale: boolean[];
  readonly isZoneStale: boolean[];
  isStoreStale = true;
  readonly #ledger: Ledger;
  readonly #book: IntervalBook;
  readonly #hours: StoreHours;
  readonly #occupancy: Occupancy;
  readonly #isOuter: readonly boolean[];
  /** Per zone: place of the counter that it lies before; -1: none. */
  readonly #passesIndex: readonly number[];
  readonly #presence: Presence[];
  #isOpen = true;
  /** Time of the last record that bears one: some have none of their own. */
  #recordTimeMs = 0;

  /** ledger: made for the same counters and zones. */
  constructor(config: Config, ledger: Ledger) {
    const { state } = ledger;
    this.counters = counterNames(config);
    this.zones = config.zones.map(({ name }) => name);
    this.isCounterStale = this.counters.map(() => true);
    this.isZoneStale = this.zones.map(() => false);
    this.#presence = this.zones.map(() => ({ people: 0, queue: 0 }));
    this.#ledger = ledger;
    this.#book = new IntervalBook(
      state.intervals,
      this.counters,
      this.zones,
      config.intervalS,
      config.camera.frameRateHz,
    );
    this.#hours = new StoreHours({
      hours: parseHours(config.openingHours),
      timeZone: config.timeZone,
      resetMinute: minuteOfDay(config.occupancy.resetAt)!,
    });
    this.#occupancy = new Occupancy(state.occupancy);
    const outer = outerCounters(config);
    this.#isOuter = this.counters.map((name) => outer.includes(name));
    this.#passesIndex = config.zones.map(({ passes }) => this.counters.indexOf(passes));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** When the last record with a time was made; 0: none yet. */
  get recordTimeMs(): number {
    return this.#recordTimeMs;
  }

  /** Who is in the zone now. */
  presence(zoneIndex: number): Presence {
    return this.#presence[zoneIndex]!;
  }

  storeFacts(): OccupancyFacts {
    return this.#occupancy.facts();
  }

  /** Somebody has counted: so many people are in the store. */
  setPeople(people: number, nowMs: number): void {
    this.#occupancy.set(people, nowMs);
    this.isStoreStale = true;
    this.#ledger.touch();
  }

  /** countFrom: as takeTotals says. nowMs: wall clock. */
  take(record: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    if (record.timeMs > 0) this.#recordTimeMs = record.timeMs;
    switch (record.kind) {
      case RecordKind.crossing:
      case RecordKind.totals:
        return this.#takeCount(record, countFrom, nowMs);
      case RecordKind.net:
        return this.#takeNet(record, countFrom, nowMs);
      case RecordKind.zone:
        return this.#takeZone(record, countFrom, nowMs);
      case RecordKind.passers:
        return this.#takePassers(record, countFrom, nowMs);
      case RecordKind.visit:
        this.#book.addDwell(record.index, record.a, record.timeMs, nowMs);
        this.#ledger.touch();
        return NOTHING;
      case RecordKind.frames:
        return this.#takeFrames(record, countFrom, nowMs);
      case RecordKind.longest:
        noteLongest(this.#book.framesAt(record.timeMs, nowMs), record.a, record.b);
        return NOTHING;
      case RecordKind.model:
        takeModelHalf(eyeOfBoot(this.#ledger.state.eyes, record.boot), record);
        return NOTHING;
      default:
        return NOTHING;
    }
  }

  /** The interval of timeMs is not whole; flags: IntervalFlag bits. */
  mark(flags: number, timeMs: number, nowMs: number): void {
    this.#book.mark(flags, timeMs, nowMs);
  }

  /** Nobody has set the clock yet; uptimeS: since the voice's start. */
  markUnsynced(uptimeS: number, nowMs: number): void {
    this.#book.markUnsynced(uptimeS, nowMs);
  }

  /** The eye is silent, paused or gone: nobody is known to be anywhere. */
  emptyZones(): void {
    for (const [zoneIndex, { people, queue }] of this.#presence.entries()) {
      if (people === 0 && queue === 0) continue;
      this.#presence[zoneIndex] = { people: 0, queue: 0 };
      this.isZoneStale[zoneIndex] = true;
    }
  }

  /** A second has passed: opening and closing. */
  tick(nowMs: number): void {
    const isOpen = this.#hours.isOpen(nowMs);
    if (isOpen !== this.#isOpen) this.isStoreStale = true;
    this.#isOpen = isOpen;
    if (!this.#occupancy.advance(this.#hours.lastClosingMs(nowMs), nowMs)) return;
    this.isStoreStale = true;
    this.#ledger.touch();
  }

  /**
   * Puts the intervals that are over into the ledger; true if there were any. receiptOf: asked of each when its records
   * have their numbers, and before those of the next.
   */
  closeIntervals(
    nowMs: number,
    receiptOf: (interval: ClosedInterval, records: readonly IntervalRecord[]) => Receipt | undefined = () => undefined,
  ): boolean {
    const closed = this.#book.advance(nowMs);
    // Totals at the end of each: those of now less all that came after it.
    const running = this.counters.map((name, i) => {
      const total = this.#ledger.totals('lines', name);
      return {
        in: total.in - this.#book.openCount(i, 'in') - closed.reduce((sum, interval) => sum + interval.in[i]!, 0),
        out: total.out - this.#book.openCount(i, 'out') - closed.reduce((sum, interval) => sum + interval.out[i]!, 0),
      };
    });
    for (const interval of closed) {
      const records: IntervalRecord[] = [];
      for (const [i, name] of this.counters.entries()) {
        const total = running[i]!;
        total.in += interval.in[i]!;
        total.out += interval.out[i]!;
        records.push(this.#countRecord(interval, i, name, total.in, total.out));
      }
      for (const [i, name] of this.zones.entries()) records.push(this.#zoneRecord(interval, i, name));
      this.#ledger.append({ records, receipt: receiptOf(interval, records) });
    }
    return closed.length > 0;
  }

  #takeCount(record: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    const { index, boot, a, b } = record;
    const name = this.counters[index]!;
    const added = takeTotals(this.#ledger.totals('lines', name), boot, a, b, countFrom);
    if (added === undefined) return { fault: `totals of line ${name} that go backwards` };
    let { in: lateIn, out: lateOut } = added;
    if (lateIn === 0 && lateOut === 0) return NOTHING;
    if (record.kind === RecordKind.crossing) {
      // One of them is the crossing itself, at its own time; more than one: records before it were lost.
      const isIn = record.code === Direction.in;
      if (isIn && lateIn > 0) {
        this.#book.addCrossing(index, 'in', record.timeMs, nowMs);
        lateIn -= 1;
      } else if (!isIn && lateOut > 0) {
        this.#book.addCrossing(index, 'out', record.timeMs, nowMs);
        lateOut -= 1;
      }
    }
    if (lateIn > 0 || lateOut > 0) this.#book.addLate(index, lateIn, lateOut, nowMs);
    if (this.#isOuter[index]) {
      this.#occupancy.add(added.in, added.out, record.timeMs, this.#isOpen);
      this.isStoreStale = true;
    }
    this.isCounterStale[index] = true;
    this.#ledger.touch();
    return { added, lateCount: lateIn + lateOut };
  }

  #takeNet({ index, boot, a, b, timeMs }: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    const name = this.counters[index]!;
    const added = takeTotals(this.#ledger.totals('net', name), boot, a, b, countFrom);
    if (added === undefined) return { fault: `net totals of line ${name} that go backwards` };
    if (added.in === 0 && added.out === 0) return NOTHING;
    this.#book.addNet(index, added.in, added.out, timeMs, nowMs);
    this.isCounterStale[index] = true;
    this.#ledger.touch();
    return NOTHING;
  }

  #takeZone({ index, boot, a, b, c, d }: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    const name = this.zones[index]!;
    const added = takeTotals(this.#ledger.totals('visits', name), boot, c, d, countFrom);
    if (added === undefined) return { fault: `visits of zone ${name} that go backwards` };
    this.#book.addPresence(index, a, b, this.#recordTimeMs, nowMs);
    const before = this.#presence[index]!;
    if (before.people !== a || before.queue !== b) {
      this.#presence[index] = { people: a, queue: b };
      this.isZoneStale[index] = true;
    }
    if (added.in === 0 && added.out === 0) return NOTHING;
    this.#book.addVisits(index, added.in, added.out, 0, this.#recordTimeMs, nowMs);
    this.#ledger.touch();
    return NOTHING;
  }

  #takePassers({ index, boot, a, b, timeMs }: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    const name = this.zones[index]!;
    const added = takeTotals(this.#ledger.totals('passers', name), boot, a, b, countFrom);
    if (added === undefined) return { fault: `passers-by of zone ${name} that go backwards` };
    if (added.in === 0) return NOTHING;
    this.#book.addVisits(index, 0, 0, added.in, timeMs, nowMs);
    this.#ledger.touch();
    return NOTHING;
  }

  /** Not worth a save of its own: after a crash the next such record tells the difference. */
  #takeFrames(record: CorridorRecord, countFrom: 'zero' | 'here', nowMs: number): Taken {
    const eye = eyeOfBoot(this.#ledger.state.eyes, record.boot);
    const added = takeFrames(eye, record, countFrom);
    if (added === undefined) return { fault: 'numbers of frames that go backwards' };
    if (added.read === 0 && added.erased === 0 && added.dropped === 0 && !added.isStart) return NOTHING;
    this.#book.addSamples(added.read, this.#recordTimeMs, nowMs);
    const tally = this.#book.framesAt(this.#recordTimeMs, nowMs);
    addFrames(tally, added);
    if (added.read > 0) noteModel(tally, modelOf(eye));
    return { framesRead: added.read };
  }

  #countRecord(interval: ClosedInterval, i: number, name: string, totalIn: number, totalOut: number): IntervalRecord {
    const { hour } = interval;
    const groups = estimateGroups(hour.in[i]!, hour.chains[i]!, (interval.toMs - hour.fromMs) / 1000);
    return {
      kind: 'count',
      ...this.#envelope(interval, name),
      in: interval.in[i]!,
      out: interval.out[i]!,
      netIn: interval.netIn[i]!,
      netOut: interval.netOut[i]!,
      totalIn,
      totalOut,
      chains: interval.chains[i]!,
      groupsHour: Math.round(10 * groups) / 10,
    };
  }

  #zoneRecord(interval: ClosedInterval, i: number, name: string): IntervalRecord {
    const passesIndex = this.#passesIndex[i]!;
    return {
      kind: 'zone',
      ...this.#envelope(interval, name),
      facts: factsOf(interval.zones[i]!),
      entries: passesIndex < 0 ? null : interval.in[passesIndex]!,
    };
  }

  #envelope({ fromMs, toMs, samples, expected, quality, unsyncedUptimeS }: ClosedInterval, name: string) {
    const isOpen = this.#hours.isOpen(fromMs) || this.#hours.nextChangeMs(fromMs) < toMs;
    const { state } = this.#ledger;
    const { epochId, boot } = state;
    const seq = this.#ledger.nextSeq();
    const envelope = { seq, epochId, boot, name, fromMs, toMs, samples, expected, quality, isOpen };
    return unsyncedUptimeS === undefined ? envelope : { ...envelope, unsyncedUptimeS };
  }
}
