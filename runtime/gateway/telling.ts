/**
 * What is told of the store as it is now: status, info, totals, occupancy, health. Each only when it has changed.
 * Memory: one text a topic.
 */
import { DEVICES_TOLD_MAX, type StoreTopicNames, storeTopicNames } from '../contract/store.ts';
import { LatestFacts } from '../link/latest.ts';
import type { Link } from '../ports/link.ts';
import type { StoreHours } from '../site/hours.ts';
import { rfc3339 } from '../units.ts';
import type { GatewayConfig } from './config.ts';
import type { Gateway } from './gateway.ts';
import { healthFacts } from './health.ts';
import { healthPayload, infoPayload, type Life, occupancyPayload, statusPayload, totalPayload } from './payloads.ts';
import type { Members } from './roster.ts';

export type TellingOptions = {
  readonly config: GatewayConfig;
  /** May grow; then `joined`. */
  readonly roster: Members;
  readonly link: Link;
  readonly life: Life;
  readonly version: string;
  readonly startedAtMs: number;
  readonly hours: StoreHours;
  /** One sentence. */
  readonly onFailure: (sentence: string) => void;
};

export class Telling {
  readonly topics: StoreTopicNames;
  readonly #options: TellingOptions;
  readonly #facts: LatestFacts;
  #occupancyTold = '';
  #healthTold = '';

  constructor(options: TellingOptions) {
    this.#options = options;
    this.topics = storeTopicNames(options.config.site);
    this.#facts = new LatestFacts(options.link, options.onFailure);
  }

  start(): void {
    this.#facts.set(this.topics.status, this.#status('online'), true);
    this.#facts.set(this.topics.info, this.#info(), true);
  }

  /** The roster has changed: info is told anew. */
  joined(): void {
    this.#facts.set(this.topics.info, this.#info(), true);
  }

  get will() {
    return { topic: this.topics.status, payload: this.#status('offline') };
  }

  connected(): void {
    this.#facts.connected();
  }

  /** Sends what could not be sent before. */
  tick(): void {
    this.#facts.tick();
  }

  /** The last word. */
  stopped(): Promise<void> {
    return this.#facts.last(this.topics.status, this.#status('stopped'));
  }

  /** To be called when the totals are on disk. */
  totals({ shown, doors }: Gateway, nowMs: number): void {
    const { epochId } = this.#options.life;
    for (const { name, totals } of shown.takeChanged(doors.doors))
      this.#facts.set(this.topics.total(name), totalPayload(totals, epochId, nowMs), true);
  }

  occupancy({ devices, occupancy }: Gateway, nowMs: number): void {
    const { life, hours } = this.#options;
    const { offline, silent } = devices.presence(nowMs);
    const missing = [...offline, ...silent].map(({ device }) => device);
    const facts = { ...occupancy.facts(), tz: life.tz, isOpen: hours.isOpen(nowMs), missing };
    const text = JSON.stringify(facts);
    if (text === this.#occupancyTold) return;
    this.#occupancyTold = text;
    this.#facts.set(this.topics.occupancy, occupancyPayload({ ...facts, atMs: nowMs }), true);
  }

  /** isForced: also when no word of it changed. */
  health(gateway: Gateway, nowMs: number, isForced: boolean): void {
    const { words, facts } = healthFacts(gateway, nowMs);
    if (words === this.#healthTold && !isForced) return;
    this.#healthTold = words;
    this.#facts.set(this.topics.health, healthPayload(facts, nowMs), true);
  }

  #status(state: 'online' | 'offline' | 'stopped'): string {
    return statusPayload(state, this.#options.life.boot, this.#options.version);
  }

  #info(): string {
    const { config, roster, version, life, startedAtMs } = this.#options;
    return infoPayload({
      site: config.site,
      version,
      node_version: process.versions.node,
      boot: life.boot,
      epoch_id: life.epochId,
      started_at: rfc3339(startedAtMs),
      tz: config.timeZone,
      interval_s: config.intervalS,
      deadline_s: config.deadlineS,
      device_count: roster.devices.length,
      devices: roster.devices.slice(0, DEVICES_TOLD_MAX),
      doors: roster.doors.map(({ name, of, overlap }) => ({
        name,
        of: of.map(({ device, line }) => ({ device, line })),
        overlap,
      })),
      opening_hours: [...config.openingHours],
    });
  }
}
