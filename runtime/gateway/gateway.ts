/**
 * The gateway of a store: records of its devices in, doors and store out. All that it does follows from messages, a second
 * that passed, the link that goes up or down, and `stop`.
 *
 *   link → hearing → records (each once, on disk) → doors (intervals, totals) → outbox (on disk) → link
 *
 * A message is acknowledged to the broker when it is on disk, and nothing is told that is not: whatever dies and whenever,
 * records are neither lost nor counted twice. When the database cannot be written, what arrives stays at the broker.
 */
import { minuteOfDay, parseHours } from '../config/hours.ts';
import { baseTopic } from '../contract/topics.ts';
import { DatabaseError } from '../errors.ts';
import { atMost } from '../link/at-most.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Database } from '../ports/database.ts';
import type { Link } from '../ports/link.ts';
import { StoreHours } from '../site/hours.ts';
import { MS_PER_S, rfc3339, US_PER_MS } from '../units.ts';
import type { StoreRecord } from './books/closed.ts';
import { type Door, Doors } from './books/doors.ts';
import { beginLife } from './books/life.ts';
import { Records } from './books/records.ts';
import { metaOf, openTables, setMeta } from './books/tables.ts';
import { ClaimBooks } from './claim/books.ts';
import { Closing } from './closing.ts';
import { type GatewayConfig, STORE_NAME } from './config.ts';
import { Devices } from './devices.ts';
import { Gaps } from './gaps.ts';
import { Hearing } from './hearing.ts';
import { deviceFilters, type Reading, type RecordReading } from './incoming.ts';
import { Intake } from './intake.ts';
import { Joining } from './joining.ts';
import { type Fresh, LiveTotals } from './live.ts';
import { StoreOccupancy, type StoreOccupancyState } from './occupancy.ts';
import { Outbox } from './outbox.ts';
import { type Life, waitingInterval } from './payloads.ts';
import { type Newcomer, Roster } from './roster.ts';
import { ShownTotals } from './shown.ts';
import { summaryOf } from './summary.ts';
import { Telling } from './telling.ts';
import { ID_PREFIX } from './updates/updates.ts';
import { type ReleaseSource, Updating } from './updating.ts';

const GAPS_TICKS = 5;
const RETENTION_TICKS = 10;
/** Of the oldest, removed at once. */
const RETENTION_SPAN_S = 6 * 3600;
const MINUTE_TICKS = 60;
/** The broker keeps what devices say while we are away for so long; beyond that we ask them again. */
const SESSION_S = 7 * 86_400;
/** A stop has to be over in 2 s. */
const LAST_WORD_MS = 700;
const GOODBYE_MS = 500;

export type GatewayOptions = {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly link: Link;
  readonly database: Database;
  readonly log: Log;
  readonly version: string;
  /** Told that closed intervals are new in the database: for sinks. */
  readonly onClosed?: () => void;
  /** Newer versions for devices; undefined: none are offered. */
  readonly releases?: ReleaseSource | undefined;
  /** Told before the database is closed. */
  readonly onStopping?: () => void;
};

export type GatewayCounts = {
  /** Records since the start. */
  taken: number;
  doubled: number;
  late: number;
  /** Intervals of the store that were told for the first time, and of these without a device missing; revisions. */
  closed: number;
  closedWhole: number;
  revised: number;
};

export class Gateway {
  readonly counts: GatewayCounts = { taken: 0, doubled: 0, late: 0, closed: 0, closedWhole: 0, revised: 0 };
  /** Why the database cannot be written; empty: it can. */
  databaseReason = '';
  databaseBytes = 0;
  readonly doors: Doors;
  readonly devices: Devices;
  readonly hearing: Hearing;
  readonly outbox: Outbox;
  readonly gaps: Gaps;
  readonly records: Records;
  readonly occupancy: StoreOccupancy;
  readonly shown: ShownTotals;
  readonly life: Life;
  /** Devices and doors of the file and of claims. */
  readonly roster: Roster;
  readonly claimed: ClaimBooks;
  readonly #options: GatewayOptions;
  readonly #hours: StoreHours;
  readonly #telling: Telling;
  readonly #closing: Closing;
  readonly #joining: Joining;
  readonly updating: Updating;
  readonly #intake = new Intake({ write: (readings) => this.#writeRecords(readings) });
  readonly #live = new LiveTotals();
  readonly #startedAtMs: number;
  #tickCount = 0;
  #newStrangers: string[] = [];
  #missingTold = '';
  #stopTicking: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  /** Throws DatabaseError when the database cannot be begun with. */
  constructor(options: GatewayOptions) {
    const { config, clock, link, database, log } = options;
    this.#options = options;
    this.#startedAtMs = clock.wallMs();
    this.#hours = new StoreHours({
      hours: parseHours(config.openingHours),
      timeZone: config.timeZone,
      resetMinute: minuteOfDay(config.occupancy.resetAt) ?? 0,
    });
    openTables(database);
    this.claimed = new ClaimBooks(database);
    this.roster = new Roster(config, this.claimed.devices());
    this.life = database.transaction(() => beginLife(database, config));
    this.records = new Records(database);
    this.doors = database.transaction(
      () =>
        new Doors({
          database,
          records: this.records,
          config,
          roster: this.roster,
          dayOf: (atMs) => this.#hours.dayOf(atMs),
          firstFromS: Math.floor(this.#startedAtMs / MS_PER_S),
        }),
    );
    this.devices = new Devices(this.roster.devices, 2 * config.intervalS + config.deadlineS);
    for (const { device, base } of this.records.lines) if (base) this.devices.noteRecord(device, base.toS);
    this.shown = new ShownTotals(database, (line) => this.#live.since(line));
    this.shown.reload(this.doors.doors);
    this.occupancy = new StoreOccupancy(this.#hours, this.#occupancySources(), this.#storedOccupancy());
    const fail = (sentence: string) => log.warn(sentence);
    this.#closing = new Closing({ doors: this.doors, config, log, monotonicMs: () => this.#monotonicMs() });
    this.#joining = new Joining({
      roster: this.roster,
      doors: this.doors,
      write: (work) => this.#write(work),
      onJoined: (devices) => this.#joined(devices),
      onNotice: fail,
    });
    this.updating = new Updating({
      config,
      boot: this.life.boot,
      source: options.releases,
      database,
      link,
      clock,
      log,
      roster: this.roster,
      devices: this.devices,
      claimed: this.claimed,
      isOpen: (atMs) => this.#hours.isOpen(atMs),
      write: (work) => this.#write(work),
    });
    const { life } = this;
    this.#telling = new Telling({
      config,
      roster: this.roster,
      link,
      life,
      version: options.version,
      startedAtMs: this.#startedAtMs,
      hours: this.#hours,
      onFailure: fail,
    });
    this.outbox = new Outbox({
      database,
      link,
      topicOf: (door) => this.#telling.topics.interval(door),
      lateS: config.deadlineS + config.intervalS,
      wallMs: () => clock.wallMs(),
      onFailure: fail,
    });
    this.gaps = new Gaps(`gateway-${this.life.boot}`, {
      isOnline: (device) => this.devices.isOnline(device),
      ask: (device, id, epochId, first, last) => this.#askAgain(device, id, epochId, first, last),
    });
    const strangers = database
      .all<{ device: string }>('SELECT device FROM stranger')
      .map(({ device }) => device)
      .filter((device) => !this.devices.isExpected(device));
    this.hearing = new Hearing(strangers, {
      site: config.site,
      intervalS: config.intervalS,
      acceptUnknown: config.acceptUnknown,
      isExpected: (device) => this.devices.isExpected(device),
      wallMs: () => clock.wallMs(),
      onRecord: (reading) => this.#intake.take(reading),
      onReading: (reading) => this.#take(reading),
      onStranger: (device) => this.#stranger(device),
      onFault: fail,
    });
  }

  start(): void {
    const { config, clock, link, log } = this.#options;
    const { boot, epochId } = this.life;
    log.info(
      {
        boot,
        epoch_id: epochId,
        devices: this.roster.devices.length,
        doors: this.roster.doors.length,
        outbox: this.outbox.count,
      },
      'gateway started',
    );
    this.#telling.start();
    this.#stopTicking = clock.every(MS_PER_S, () => this.#tick());
    link.start(
      {
        will: this.#telling.will,
        topics: deviceFilters(config.site),
        sessionExpiryS: SESSION_S,
      },
      {
        onUp: () => {
          this.#closing.linkUp();
          log.info({ outbox: this.outbox.count }, `link up: ${config.mqtt.url}`);
          this.#telling.connected();
          this.outbox.connected();
        },
        onDown: (reason) => {
          this.#closing.linkDown();
          log.warn(`link down: ${reason}`);
        },
        onMessage: (message) => (this.#ending === undefined ? this.hearing.take(message) : never()),
        onNotice: (sentence) => log.warn(sentence),
      },
    );
  }

  /** What keeps it from its work now; empty: nothing. */
  get illness(): string {
    if (this.databaseReason !== '') return this.databaseReason;
    return this.#options.link.up ? '' : 'not connected to the broker';
  }

  /** A device has its certificate: from now on it is expected and counts, also after a restart. */
  adopt(newcomer: Newcomer): void {
    if (this.#ending === undefined) this.#joining.add(newcomer);
  }

  /** Writes what arrived, says `stopped` if there is a broker to say it to, and ends within 1.5 s. May be called again. */
  stop(): Promise<void> {
    this.#ending ??= this.#sayGoodbye();
    return this.#ending;
  }

  async #sayGoodbye(): Promise<void> {
    const { link, log, database, onStopping } = this.#options;
    this.#stopTicking?.();
    onStopping?.();
    this.#intake.flush();
    this.outbox.stop();
    await atMost(LAST_WORD_MS, this.#telling.stopped());
    await atMost(GOODBYE_MS, link.stop());
    this.#write(() => void this.outbox.settle());
    database.close();
    log.info({ outbox: this.outbox.count }, 'gateway stopped');
  }

  #take(reading: Exclude<Reading, RecordReading>): void {
    const { log, clock, config } = this.#options;
    if (reading.kind === 'total') {
      this.#live.note(reading.device, reading.line, reading.epochId, reading.in, reading.out);
    } else if (reading.kind === 'status') {
      const isNews = this.devices.noteStatus(reading.device, reading.isOnline, reading.boot, clock.wallMs());
      if (isNews) log.info({ device: reading.device }, reading.isOnline ? 'device is there' : 'device is gone');
    } else if (reading.kind === 'info') {
      this.updating.take(reading);
      if (config.intervalS % reading.intervalS === 0) return;
      log.warn(
        `interval_s of ${reading.device} is ${reading.intervalS}; expected a part of ${config.intervalS} s. Its records are refused; set interval_s of the gateway to a multiple of it.`,
      );
    } else if (reading.kind === 'update') {
      this.updating.take(reading);
    } else if (reading.kind === 'reply') {
      if (reading.id.startsWith(ID_PREFIX)) this.updating.take(reading);
      else this.gaps.answered(reading.id, reading.refusal, this.#monotonicMs());
    }
  }

  /** Writes what arrived, in one transaction. */
  #writeRecords(readings: readonly RecordReading[]): boolean {
    const counted = { taken: 0, doubled: 0, late: 0 };
    const isWritten = this.#write(() => {
      for (const reading of readings) this.#keep(reading, counted);
    });
    if (!isWritten) return false;
    this.counts.taken += counted.taken;
    this.counts.doubled += counted.doubled;
    this.counts.late += counted.late;
    for (const { device, fromS, spanS } of readings) this.devices.noteRecord(device, fromS + spanS);
    return true;
  }

  #keep(reading: RecordReading, counted: { taken: number; doubled: number; late: number }): void {
    const line = this.records.take(reading);
    if (line === null) {
      counted.doubled += 1;
      return;
    }
    counted.taken += 1;
    if (line === undefined || reading.kind !== 'interval') return;
    if (!this.doors.take(line, reading, this.#options.clock.wallMs())) counted.late += 1;
    if (reading.fromS * MS_PER_S < this.occupancy.resetAtMs) this.occupancy.recount();
  }

  #tick(): void {
    const nowMs = this.#options.clock.wallMs();
    this.#tickCount += 1;
    this.#intake.flush();
    this.#joining.tick();
    let records: StoreRecord[] = [];
    const isWritten = this.#write(() => {
      this.outbox.settle();
      records = [...this.#closing.close(nowMs), ...this.#closing.revise(nowMs, this.outbox.count)];
      for (const record of records) this.outbox.put(record.name, this.#waiting(record));
      this.shown.save(this.doors.doors);
      if (this.occupancy.tick(nowMs))
        setMeta(this.#options.database, 'occupancy', JSON.stringify(this.occupancy.state));
      for (const device of this.#newStrangers)
        this.#options.database.run('INSERT OR IGNORE INTO stranger VALUES (?, ?)', [device, nowMs]);
      if (this.#tickCount % RETENTION_TICKS === 0) this.#forget(nowMs);
      if (this.#tickCount % MINUTE_TICKS === 0) this.claimed.forget(nowMs);
    });
    if (isWritten) {
      this.#newStrangers = [];
      this.#note(records);
      this.#telling.totals(this, nowMs);
      this.#telling.occupancy(this, nowMs);
    }
    if (this.#tickCount % GAPS_TICKS === 0) this.gaps.tick(this.records.openNumbers(), this.#monotonicMs());
    if (this.#tickCount % MINUTE_TICKS === 0) this.#minute();
    this.#telling.health(this, nowMs, this.#tickCount % MINUTE_TICKS === 0);
    this.updating.tick();
    this.#telling.tick();
    this.outbox.tick();
  }

  #joined(devices: readonly string[]): void {
    for (const device of devices) {
      this.devices.add(device);
      this.hearing.strangers.delete(device);
    }
    this.#reload();
    this.#telling.joined();
  }

  /** One transaction. False: it failed, is told, and everything is as it was before. */
  #write(work: () => void): boolean {
    const { database, log } = this.#options;
    try {
      database.transaction(work);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      const reason = error.message;
      if (reason !== this.databaseReason) log.error(reason);
      this.databaseReason = reason;
      this.#reload();
      return false;
    }
    this.outbox.settled();
    if (this.databaseReason !== '') log.info('the database can be written again');
    this.databaseReason = '';
    return true;
  }

  #reload(): void {
    this.records.reload();
    this.doors.reload();
    this.shown.reload(this.doors.doors);
    this.outbox.reload();
    this.occupancy.recount();
  }

  #forget(nowMs: number): void {
    const { config } = this.#options;
    const beforeS = Math.floor(nowMs / MS_PER_S) - config.retention.minuteDays * 86_400;
    this.records.forget(beforeS, RETENTION_SPAN_S);
  }

  #note(records: readonly StoreRecord[]): void {
    for (const { name, revision, missing, fromS } of records) {
      if (name !== STORE_NAME) continue;
      if (revision > 0) {
        this.counts.revised += 1;
        continue;
      }
      this.counts.closed += 1;
      if (missing.length === 0) this.counts.closedWhole += 1;
      const told = missing.slice(0, 10).join(', ');
      if (told !== this.#missingTold)
        this.#options.log.warn(
          { missing: missing.length },
          told === ''
            ? `interval ${rfc3339(fromS * MS_PER_S)} is whole again`
            : `interval ${rfc3339(fromS * MS_PER_S)} was closed without ${told}`,
        );
      this.#missingTold = told;
    }
    if (records.length > 0) this.#options.onClosed?.();
  }

  #minute(): void {
    const { log, database, clock } = this.#options;
    const [size] = database.all<{ bytes: number }>(
      'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
    );
    this.databaseBytes = size?.bytes ?? 0;
    log.info(summaryOf(this, clock.wallMs()), 'summary');
  }

  #stranger(device: string): void {
    this.#newStrangers.push(device);
    this.#options.log.warn(
      `Device ${device} speaks and is not in devices; ${this.#options.config.acceptUnknown ? 'it counts as door other.' : 'it is not counted.'} Add it to devices, or look who it is.`,
    );
  }

  #askAgain(device: string, id: string, epochId: string, first: number, last: number): void {
    const { link, log, config } = this.#options;
    if (!link.up) return;
    log.info({ device, epoch_id: epochId, from_seq: first, to_seq: last }, 'records are missing: asked for them');
    const request = { v: 1, id, epoch_id: epochId, from_seq: first, to_seq: last };
    link
      .publish(`${baseTopic(config.site, device)}/cmd/resend`, JSON.stringify(request), { retain: false, qos: 1 })
      .catch(() => {}); // asked for again later
  }

  #waiting(record: StoreRecord) {
    const fromMs = record.fromS * MS_PER_S;
    const isOpen = this.#hours.isOpen(fromMs) || this.#hours.nextChangeMs(fromMs) < record.toS * MS_PER_S;
    return waitingInterval(record, this.life, isOpen);
  }

  #storedOccupancy(): StoreOccupancyState | undefined {
    const text = metaOf(this.#options.database, 'occupancy');
    return text === undefined ? undefined : (JSON.parse(text) as StoreOccupancyState);
  }

  #occupancySources() {
    const { config, clock } = this.#options;
    const names = config.occupancy.doors;
    const { doors } = this;
    const recentS = 2 * config.intervalS + config.deadlineS;
    return {
      get doors(): Door[] {
        return doors.doors.filter(({ name }) => names.length === 0 || names.includes(name));
      },
      countedSince: (fromS: number) => doors.countedSince(fromS),
      freshOf: (door: Door): Fresh =>
        this.shown.freshOf(door, (line) => {
          // A device that was away comes back with a total of hours; it counts as now only when its records have come.
          const ageS = clock.wallMs() / MS_PER_S - (line.base?.toS ?? Number.POSITIVE_INFINITY);
          return ageS <= recentS;
        }),
    };
  }

  #monotonicMs(): number {
    return this.#options.clock.monotonicUs() / US_PER_MS;
  }
}

/** What arrives after the good-bye stays at the broker. */
function never(): Promise<void> {
  return new Promise(() => {});
}
