/**
 * Bulletin: the latest of each fact that the voice tells: status, info, health, privacy, totals and who is where. It
 * decides when a fact is news; what it looks like is payloads.ts' matter, when it goes out delivery's. Intervals and
 * receipts are no latest facts: each of them counts, so they wait in the ledger.
 */
import { basename } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { TopicNames } from '../contract/topics.ts';
import type { CorridorRecord } from '../corridor/record.ts';
import type { Will } from '../ports/link.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import type { Commands } from './commands/commands.ts';
import type { Delivery } from './delivery.ts';
import type { EyeWatch } from './eyewatch.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { PrivacyWatch } from './privacy-watch.ts';
import type { Notary } from './receipts/notary.ts';
import type { Setup } from './setup.ts';
import {
  type ClockFacts,
  healthPayload,
  infoPayload,
  privacyPayload,
  type StatusFacts,
  schemaPayload,
  setupPayload,
  simulationPayload,
  statusPayload,
  storePayload,
  totalPayload,
  updatePayload,
  zoneNowPayload,
} from './topics/payloads.ts';
import type { UpdateFacts } from './update/updates.ts';

/** Health goes out on every change of a word, and after so many seconds without one. */
const HEALTH_PERIOD_S = 60;

/** Where the facts are; the bulletin changes none of them but the marks of what is stale. */
export type BulletinSources = {
  readonly config: Config;
  /** Version of Lethe. */
  readonly version: string;
  readonly topics: TopicNames;
  readonly ledger: Ledger;
  readonly books: Bookkeeper;
  readonly notary: Notary;
  readonly watch: EyeWatch;
  readonly privacy: PrivacyWatch;
  readonly setup: Setup;
  readonly commands: Commands;
  readonly startedAtMs: number;
  readonly wallMs: () => number;
  readonly clockFacts: () => ClockFacts;
  readonly isLinkUp: () => boolean;
  /** Records read from the eye since the voice started. */
  readonly recordCount: () => number;
  /** Puts on disk what is not there yet. False: totals must not be told, for a crash would make a meter fall. */
  readonly save: () => boolean;
  /** Publishes once, if there is a broker (qos 0). */
  readonly tell: (topic: string, payload: string) => void;
};

export class Bulletin {
  readonly #sources: BulletinSources;
  readonly #delivery: Delivery;
  #healthKey = '';
  #healthAgeS = 0;

  constructor(sources: BulletinSources, delivery: Delivery) {
    this.#sources = sources;
    this.#delivery = delivery;
  }

  /** What the broker says of us when the connection is gone. */
  get will(): Will {
    return { topic: this.#sources.topics.status, payload: this.#status('offline') };
  }

  /** Everything that is known at a start. */
  begin(): void {
    const { topics } = this.#sources;
    this.#delivery.set(topics.status, this.#status('online'), true);
    this.tellInfo();
    this.#delivery.set(topics.schema, this.#schema(), true);
    this.tellHealth();
  }

  /** What stays the same until the next start, but for the epoch when the ledger's disk fails for long. */
  tellInfo(): void {
    this.#delivery.set(this.#sources.topics.info, this.#info(), true);
  }

  /** A second has passed; call before `tellHealth`. */
  tick(): void {
    this.#healthAgeS += 1;
  }

  /** `stopped`, as the last message of all. */
  farewell(): Promise<void> {
    return this.#delivery.last(this.#sources.topics.status, this.#status('stopped'));
  }

  /** Health once more, as the last message of all. */
  lastHealth(): Promise<void> {
    return this.#delivery.last(this.#sources.topics.health, this.#health());
  }

  /** Totals and people that changed since they were told, while there is a broker to tell. */
  tellCounts(): void {
    const { books, topics, wallMs, isLinkUp, save } = this.#sources;
    const { isCounterStale, isZoneStale, counters, zones } = books;
    if (!isLinkUp()) return;
    const maySayTotals = !isCounterStale.includes(true) || save();
    for (const [index, name] of counters.entries()) {
      if (!isCounterStale[index] || !maySayTotals) continue;
      isCounterStale[index] = false;
      this.#delivery.set(topics.total(name), this.#total(name), true);
    }
    for (const [index, name] of zones.entries()) {
      if (!isZoneStale[index]) continue;
      isZoneStale[index] = false;
      const payload = zoneNowPayload({ atMs: wallMs(), ...books.presence(index) });
      this.#delivery.set(topics.occupancy(name), payload, true);
    }
    if (!books.isStoreStale) return;
    books.isStoreStale = false;
    this.#delivery.set(topics.occupancyStore, this.#store(), true);
  }

  /** Health, if one of its words changed or a minute is over. */
  tellHealth(): void {
    const { ledger, notary, privacy, setup, commands, watch, topics, clockFacts } = this.#sources;
    const key = [
      watch.state,
      watch.reason,
      ledger.condition.state,
      ledger.state.droppedCount > 0,
      notary.condition.state,
      privacy.overLimit?.count,
      setup.untilMs,
      commands.facts.accepted,
      clockFacts().trust,
    ].join('|');
    if (key === this.#healthKey && this.#healthAgeS < HEALTH_PERIOD_S) return;
    this.#healthKey = key;
    this.#healthAgeS = 0;
    this.#delivery.set(topics.health, this.#health(), true);
  }

  /** What is known of frames and residencies; nothing before the eye has told any. */
  tellPrivacy(): void {
    const { privacy, topics, wallMs } = this.#sources;
    const facts = privacy.facts(wallMs());
    if (facts !== undefined) this.#delivery.set(topics.privacy, privacyPayload(facts), false);
  }

  /** What becomes of a newer release. */
  tellUpdate(facts: UpdateFacts): void {
    const { topics, wallMs } = this.#sources;
    this.#delivery.set(topics.update, updatePayload(facts, wallMs()), true);
  }

  /** What a simulated camera knows of the truth. */
  tellTruth({ index, timeMs, a, b }: CorridorRecord): void {
    const { books, topics } = this.#sources;
    const payload = simulationPayload({ atMs: timeMs, trueIn: a, trueOut: b });
    this.#delivery.set(topics.simulation(books.counters[index]!), payload, false);
  }

  /** Positions of this moment: told now or never, and not while the one before is still on its way. */
  tellDots(dots: readonly number[], untilMs: number): void {
    const { topics, wallMs, tell } = this.#sources;
    tell(topics.setup, setupPayload({ atMs: wallMs(), untilMs, dots }));
  }

  #status(state: StatusFacts['state']): string {
    const { ledger, version } = this.#sources;
    return statusPayload({ state, boot: ledger.state.boot, version });
  }

  #total(name: string): string {
    const { ledger, wallMs } = this.#sources;
    const { in: countIn, out } = ledger.totals('lines', name);
    const { in: netIn, out: netOut } = ledger.totals('net', name);
    const { epochId } = ledger.state;
    return totalPayload({ in: countIn, out, netIn, netOut, epochId, atMs: wallMs() });
  }

  #store(): string {
    const { books, config, wallMs } = this.#sources;
    return storePayload({ ...books.storeFacts(), atMs: wallMs(), tz: config.timeZone, isOpen: books.isOpen });
  }

  #health(): string {
    const { ledger, notary, privacy, setup, commands, watch, config, wallMs, recordCount, clockFacts } = this.#sources;
    return healthPayload({
      atMs: wallMs(),
      eyeState: watch.state,
      eyeReason: watch.reason,
      camera: config.camera.driver,
      ledger: ledger.condition,
      receipts: notary.condition,
      pending: ledger.pendingCount,
      dropped: ledger.state.droppedCount,
      keptFromMs: ledger.keptFromMs,
      records: recordCount(),
      cutOff: watch.cutOffReason !== '',
      residencyMsMax: privacy.limitMs,
      overLimit: privacy.overLimit,
      setupUntilMs: setup.untilMs,
      commands: commands.facts,
      clock: clockFacts(),
    });
  }

  #schema(): string {
    const { config, version, books } = this.#sources;
    const { site, device, zones } = config;
    return schemaPayload({ version, site, device, lines: books.counters, zones: zones.map(({ name }) => name) });
  }

  #info(): string {
    const { config, version, ledger, startedAtMs } = this.#sources;
    const { boot, epochId } = ledger.state;
    return infoPayload({
      site: config.site,
      device: config.device,
      version,
      nodeVersion: process.versions.node,
      boot,
      epochId,
      startedAtMs,
      tz: config.timeZone,
      intervalS: config.intervalS,
      frameRateHz: config.camera.frameRateHz,
      camera: config.camera.driver,
      model: config.model.manifest === '' ? 'default' : basename(config.model.manifest),
      lines: config.lines,
      entrances: config.entrances,
      zones: config.zones,
      openingHours: config.openingHours,
    });
  }
}
