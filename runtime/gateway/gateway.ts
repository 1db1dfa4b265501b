/**
 * The gateway of a store: records of its devices in, doors and store out. All that it does follows from messages, a second
 * that passed, the link that goes up or down, and `stop`.
 *
 *   link → hearing → records (each once, on disk) → doors (intervals, totals) → outbox (on disk) → link
 *
 * A message is acknowledged to the broker when it is on disk, and nothing is told that is not: whatever dies and whenever,
 * records are neither lost nor counted twice. When the database cannot be written, what arrives stays at the broker.
 */
import { randomUUID } from 'node:crypto';
import { minuteOfDay, parseHours } from '../config/hours.ts';
import type { StoreTopicNames } from '../contract/store.ts';
import { storeTopicNames } from '../contract/store.ts';
import { baseTopic } from '../contract/topics.ts';
import { ConfigError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Database } from '../ports/database.ts';
import type { Link } from '../ports/link.ts';
import { MS_PER_S, US_PER_MS } from '../units.ts';
import { StoreHours } from '../voice/hours/hours.ts';
import { type Door, Doors, type StoreRecord } from './books/doors.ts';
import { Records } from './books/records.ts';
import { metaOf, openTables, setMeta } from './books/tables.ts';
import { type GatewayConfig, STORE_NAME } from './config.ts';
import { Devices } from './devices.ts';
import { Facts } from './facts.ts';
import { Gaps } from './gaps.ts';
import { healthFacts } from './health.ts';
import { Hearing } from './hearing.ts';
import { deviceFilters, type Reading, type RecordReading } from './incoming.ts';
import { type Fresh, LiveTotals } from './live.ts';
import { StoreOccupancy, type StoreOccupancyState } from './occupancy.ts';
import { Outbox } from './outbox.ts';
import {
  healthPayload,
  infoPayload,
  type Life,
  occupancyPayload,
  rfc3339,
  statusPayload,
  totalPayload,
  waitingInterval,
} from './payloads.ts';
import { ShownTotals } from './shown.ts';

/** Records are written together: after so long, or as soon as so many wait. Brokers send 20 ahead or more. */
const BATCH_MS = 250;
const BATCH_COUNT = 16;
/** What comes late to an interval comes in several records: one revision for all of them. */
const REVISION_WAIT_MS = 5000;
const REVISIONS_PER_TICK = 50;
const CLOSINGS_PER_TICK = 200;
/** While so many wait for the broker, nothing is revised. */
const OUTBOX_BUSY = 2000;
/** After a longer absence, intervals of which nobody reported anything are passed over. */
const CATCH_UP_S = 7 * 86_400;
/** The clock was ahead if the next interval lies further in the future. */
const AHEAD_S_MAX = 600;
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
  readonly #options: GatewayOptions;
  readonly #topics: StoreTopicNames;
  readonly #hours: StoreHours;
  readonly #facts: Facts;
  readonly #live = new LiveTotals();
  readonly #startedAtMs: number;
  #upSinceMs = Number.POSITIVE_INFINITY;
  #tickCount = 0;
  #newStrangers: string[] = [];
  #missingTold = '';
  #healthKey = '';
  #flushTimer: NodeJS.Timeout | undefined;
  #isFlushSoon = false;
  #stopTicking: (() => void) | undefined;
  #ending: Promise<void> | undefined;

  /** Throws DatabaseError when the database cannot be begun with. */
  constructor(options: GatewayOptions) {
    const { config, clock, link, database, log } = options;
    this.#options = options;
    this.#topics = storeTopicNames(config.site);
    this.#startedAtMs = clock.wallMs();
    this.#hours = new StoreHours({
      hours: parseHours(config.openingHours),
      timeZone: config.timeZone,
      resetMinute: minuteOfDay(config.occupancy.resetAt) ?? 0,
    });
    openTables(database);
    this.life = database.transaction(() => this.#beginLife());
    this.records = new Records(database);
    this.doors = database.transaction(
      () =>
        new Doors({
          database,
          records: this.records,
          config,
          dayOf: (atMs) => this.#hours.dayOf(atMs),
          firstFromS: Math.floor(this.#startedAtMs / MS_PER_S),
        }),
    );
    this.devices = new Devices(config.devices, 2 * config.intervalS + config.deadlineS);
    for (const { device, base } of this.records.lines) if (base) this.devices.noteRecord(device, base.toS);
    this.shown = new ShownTotals(database, (line) => this.#live.since(line));
    this.shown.reload(this.doors.doors);
    this.occupancy = new StoreOccupancy(this.#hours, this.#occupancySources(), this.#storedOccupancy());
    const fail = (sentence: string) => log.warn(sentence);
    this.#facts = new Facts(link, fail);
    this.outbox = new Outbox({
      database,
      link,
      topicOf: (door) => this.#topics.interval(door),
      lateS: config.deadlineS + config.intervalS,
      wallMs: () => clock.wallMs(),
      onFailure: fail,
    });
    this.gaps = new Gaps(`gateway-${this.life.boot}`, {
      isOnline: (device) => this.devices.isOnline(device),
      ask: (device, id, epochId, first, last) => this.#askAgain(device, id, epochId, first, last),
    });
    const strangers = database.all<{ device: string }>('SELECT device FROM stranger').map(({ device }) => device);
    this.hearing = new Hearing(strangers, {
      site: config.site,
      intervalS: config.intervalS,
      acceptUnknown: config.acceptUnknown,
      isExpected: (device) => this.devices.isExpected(device),
      wallMs: () => clock.wallMs(),
      onRecordWaits: () => this.#flushLater(),
      onReading: (reading) => this.#take(reading),
      onStranger: (device) => this.#stranger(device),
      onFault: fail,
    });
  }

  start(): void {
    const { config, clock, link, log, version } = this.#options;
    const { boot, epochId } = this.life;
    log.info(
      {
        boot,
        epoch_id: epochId,
        devices: config.devices.length,
        doors: config.doors.length,
        outbox: this.outbox.count,
      },
      'gateway started',
    );
    this.#facts.set(this.#topics.status, statusPayload('online', boot, version));
    this.#facts.set(this.#topics.info, this.#info());
    this.#stopTicking = clock.every(MS_PER_S, () => this.#tick());
    link.start(
      {
        will: { topic: this.#topics.status, payload: statusPayload('offline', boot, version) },
        topics: deviceFilters(config.site),
        sessionExpiryS: SESSION_S,
      },
      {
        onUp: () => {
          this.#upSinceMs = this.#monotonicMs();
          log.info({ outbox: this.outbox.count }, `link up: ${config.mqtt.url}`);
          this.#facts.connected();
          this.outbox.connected();
        },
        onDown: (reason) => {
          this.#upSinceMs = Number.POSITIVE_INFINITY;
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

  /** Writes what arrived, says `stopped` if there is a broker to say it to, and ends within 1.5 s. May be called again. */
  stop(): Promise<void> {
    this.#ending ??= this.#sayGoodbye();
    return this.#ending;
  }

  async #sayGoodbye(): Promise<void> {
    const { link, log, version, database, onStopping } = this.#options;
    this.#stopTicking?.();
    onStopping?.();
    this.#flush();
    this.outbox.stop();
    await atMost(
      LAST_WORD_MS,
      this.#facts.last(this.#topics.status, statusPayload('stopped', this.life.boot, version)),
    );
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
    } else if (reading.kind === 'info' && config.intervalS % reading.intervalS !== 0) {
      log.warn(
        `interval_s of ${reading.device} is ${reading.intervalS}; expected a part of ${config.intervalS} s. Its records are refused; set interval_s of the gateway to a multiple of it.`,
      );
    } else if (reading.kind === 'reply') {
      this.gaps.answered(reading.id, reading.refusal, this.#monotonicMs());
    }
  }

  #flushLater(): void {
    if (this.hearing.waiting.length >= BATCH_COUNT && !this.#isFlushSoon) {
      this.#isFlushSoon = true;
      // What is in the socket already comes along.
      setImmediate(() => {
        this.#isFlushSoon = false;
        this.#flush();
      });
    }
    this.#flushTimer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** Writes the records that wait, and acknowledges them. */
  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const { waiting } = this.hearing;
    if (waiting.length === 0) return;
    const counted = { taken: 0, doubled: 0, late: 0 };
    const isWritten = this.#write(() => {
      for (const { reading } of waiting) this.#keep(reading, counted);
    });
    if (!isWritten) return; // The next second tries again; until then the broker has them.
    this.hearing.waiting = [];
    this.counts.taken += counted.taken;
    this.counts.doubled += counted.doubled;
    this.counts.late += counted.late;
    for (const { reading, resolve } of waiting) {
      this.devices.noteRecord(reading.device, reading.fromS + reading.spanS);
      resolve();
    }
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
    this.#flush();
    let records: StoreRecord[] = [];
    const isWritten = this.#write(() => {
      this.outbox.settle();
      records = [...this.#close(nowMs), ...this.#revise(nowMs)];
      for (const record of records) this.outbox.put(record.name, this.#waiting(record));
      this.shown.save(this.doors.doors);
      if (this.occupancy.tick(nowMs))
        setMeta(this.#options.database, 'occupancy', JSON.stringify(this.occupancy.state));
      for (const device of this.#newStrangers)
        this.#options.database.run('INSERT OR IGNORE INTO stranger VALUES (?, ?)', [device, nowMs]);
      if (this.#tickCount % RETENTION_TICKS === 0) this.#forget(nowMs);
    });
    if (isWritten) {
      this.#newStrangers = [];
      this.#note(records);
      this.#tellTotals(nowMs);
    }
    if (this.#tickCount % GAPS_TICKS === 0) this.gaps.tick(this.records.openNumbers(), this.#monotonicMs());
    if (this.#tickCount % MINUTE_TICKS === 0) this.#minute();
    this.#tellHealth(nowMs);
    this.#facts.tick();
    this.outbox.tick();
  }

  /** One transaction. False: it failed, is told, and everything is as it was before. */
  #write(work: () => void): boolean {
    const { database, log } = this.#options;
    try {
      database.transaction(work);
    } catch (error) {
      const reason = (error as Error).message;
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

  #close(nowMs: number): StoreRecord[] {
    const nowS = Math.floor(nowMs / MS_PER_S);
    const { doors } = this;
    if (doors.nextFromS > nowS + AHEAD_S_MAX) {
      this.#options.log.warn(
        `The next interval would begin at ${rfc3339(doors.nextFromS * MS_PER_S)}: the clock was ahead. Goes on from now.`,
      );
      doors.goBackTo(nowS);
    }
    if (doors.nextFromS < nowS - CATCH_UP_S) doors.skipTo(nowS - CATCH_UP_S);
    const records: StoreRecord[] = [];
    for (let count = 0; count < CLOSINGS_PER_TICK && this.#isDue(nowMs); count += 1) records.push(...doors.closeNext());
    return records;
  }

  /** When all expected devices have reported, or the deadline has passed since it ended, and since they could reach us. */
  #isDue(nowMs: number): boolean {
    const { intervalS, deadlineS } = this.#options.config;
    const { nextFromS } = this.doors;
    const endedMs = nowMs - (nextFromS + intervalS) * MS_PER_S;
    if (endedMs < 0) return false;
    const reachableMs = this.#monotonicMs() - this.#upSinceMs;
    const isLate = Math.min(endedMs, reachableMs) >= deadlineS * MS_PER_S;
    return isLate || this.doors.missing(nextFromS).length === 0;
  }

  #revise(nowMs: number): StoreRecord[] {
    if (this.outbox.count > OUTBOX_BUSY) return [];
    const due: number[] = [];
    for (const [fromS, touchedMs] of this.doors.late) {
      if (due.length === REVISIONS_PER_TICK) break;
      if (Math.abs(nowMs - touchedMs) >= REVISION_WAIT_MS) due.push(fromS);
    }
    return due.flatMap((fromS) => this.doors.revise(fromS));
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

  #tellTotals(nowMs: number): void {
    for (const { name, totals } of this.shown.takeChanged(this.doors.doors))
      this.#facts.set(this.#topics.total(name), totalPayload(totals, this.life.epochId, nowMs));
    const presence = this.devices.presence(nowMs);
    const facts = {
      ...this.occupancy.facts(),
      tz: this.life.tz,
      isOpen: this.#hours.isOpen(nowMs),
      missing: [...presence.offline, ...presence.silent].map(({ device }) => device),
    };
    this.#tellOnChange(this.#topics.occupancy, facts, () => occupancyPayload({ ...facts, atMs: nowMs }));
  }

  readonly #toldKeys = new Map<string, string>();
  #tellOnChange(topic: string, key: object, payload: () => string): void {
    const text = JSON.stringify(key);
    if (this.#toldKeys.get(topic) === text) return;
    this.#toldKeys.set(topic, text);
    this.#facts.set(topic, payload());
  }

  #tellHealth(nowMs: number): void {
    const { words, facts } = healthFacts(this, nowMs);
    if (words === this.#healthKey && this.#tickCount % MINUTE_TICKS !== 0) return;
    this.#healthKey = words;
    this.#facts.set(this.#topics.health, healthPayload(facts, nowMs));
  }

  #minute(): void {
    const { log, database } = this.#options;
    const [size] = database.all<{ bytes: number }>(
      'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
    );
    this.databaseBytes = size?.bytes ?? 0;
    const { totals } = this.shown.store(this.doors.doors);
    const presence = this.devices.presence(this.#options.clock.wallMs());
    log.info(
      {
        in: totals.in,
        out: totals.out,
        people: this.occupancy.facts().people,
        online: presence.onlineCount,
        offline: presence.offline.length,
        silent: presence.silent.length,
        ...this.counts,
        refused: this.hearing.refusedCount,
        late_intervals: this.doors.late.size,
        outbox: this.outbox.count,
        database_bytes: this.databaseBytes,
      },
      'summary',
    );
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

  #beginLife(): Life {
    const { database, config } = this.#options;
    const intervalS = Number(metaOf(database, 'interval_s') ?? config.intervalS);
    if (intervalS !== config.intervalS)
      throw new ConfigError(
        [
          `interval_s is ${config.intervalS}; the database in ${config.stateDir} was begun with ${intervalS} s, and intervals of two lengths would overlap. Set it to ${intervalS}, or state_dir to another folder.`,
        ],
        { op: 'open database' },
      );
    setMeta(database, 'interval_s', String(intervalS));
    const epochId = metaOf(database, 'epoch_id') ?? randomUUID();
    const boot = Number(metaOf(database, 'boot') ?? 0) + 1;
    setMeta(database, 'epoch_id', epochId);
    setMeta(database, 'boot', String(boot));
    return { epochId, boot, tz: config.timeZone };
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

  #info(): string {
    const { config, version } = this.#options;
    return infoPayload({
      site: config.site,
      version,
      node_version: process.versions.node,
      boot: this.life.boot,
      epoch_id: this.life.epochId,
      started_at: rfc3339(this.#startedAtMs),
      tz: config.timeZone,
      interval_s: config.intervalS,
      deadline_s: config.deadlineS,
      device_count: config.devices.length,
      devices: config.devices.slice(0, 100),
      doors: config.doors.map(({ name, of, overlap }) => ({
        name,
        of: of.map(({ device, line }) => ({ device, line })),
        overlap,
      })),
      opening_hours: [...config.openingHours],
    });
  }

  #monotonicMs(): number {
    return this.#options.clock.monotonicUs() / US_PER_MS;
  }
}

/** What arrives after the good-bye stays at the broker. */
function never(): Promise<void> {
  return new Promise(() => {});
}

async function atMost(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
