/**
 * Updates as the gateway has them: what devices say of them goes to updates/, and what is offered goes out to the broker. Without
 * a release it only knows which version each device has.
 */
import { baseTopic } from '../contract/topics.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Database } from '../ports/database.ts';
import type { Link } from '../ports/link.ts';
import { US_PER_MS } from '../units.ts';
import type { ClaimBooks } from './claim/books.ts';
import type { GatewayConfig } from './config.ts';
import type { Devices } from './devices.ts';
import type { InfoReading, ReplyReading, UpdateReading } from './incoming.ts';
import type { Members } from './roster.ts';
import { UpdateFailures } from './updates/failures.ts';
import type { Release } from './updates/release-watch.ts';
import { type UpdateFacts, Updates } from './updates/updates.ts';

/** What the rest of the program knows of releases. */
export type ReleaseSource = {
  readonly release: () => Release | undefined;
  /** https://host:port for devices that did not claim here. */
  readonly server: string;
};

export type UpdatingOptions = {
  readonly config: GatewayConfig;
  readonly boot: number;
  readonly source: ReleaseSource | undefined;
  readonly database: Database;
  readonly link: Link;
  readonly clock: Clock;
  readonly log: Log;
  readonly roster: Members;
  readonly devices: Pick<Devices, 'isOnline'>;
  readonly claimed: ClaimBooks;
  readonly isOpen: (atMs: number) => boolean;
  /** One transaction; false: it failed, and is told. */
  readonly write: (work: () => void) => boolean;
};

export class Updating {
  readonly #options: UpdatingOptions;
  readonly #updates: Updates;

  constructor(options: UpdatingOptions) {
    this.#options = options;
    const { config, boot, source, database, roster, devices, clock, log, isOpen } = options;
    const { atOnce, failuresMax, when } = config.updates;
    this.#updates = new Updates({
      release: () => source?.release(),
      failures: new UpdateFailures(database),
      atOnce,
      failuresMax,
      boot,
      devices: () => roster.devices,
      isOnline: (device) => devices.isOnline(device),
      isTime: () => when === 'always' || config.openingHours.length === 0 || !isOpen(clock.wallMs()),
      serverOf: (device) => this.#serverOf(device),
      publish: (device, payload) => this.#publish(device, payload),
      log,
    });
  }

  take(reading: InfoReading | UpdateReading | ReplyReading): void {
    const { write, clock, roster } = this.#options;
    const { device } = reading;
    // Of strangers there may be any number.
    if (!roster.devices.includes(device)) return;
    if (reading.kind === 'info') this.#updates.noteVersion(device, reading.version);
    else if (reading.kind === 'update')
      write(() => this.#updates.noteState(device, reading, this.#monotonicMs(), clock.wallMs()));
    else this.#updates.answered(device, reading.id, reading.refusal);
  }

  tick(): void {
    const { source, link, write, clock } = this.#options;
    // An offer that nobody carries would count as one.
    if (source !== undefined && link.up) write(() => this.#updates.tick(this.#monotonicMs(), clock.wallMs()));
  }

  /** Undefined: nothing is offered. */
  facts(): UpdateFacts | undefined {
    return this.#updates.facts();
  }

  versions(): readonly { readonly device: string; readonly version: string }[] {
    return this.#updates.versions();
  }

  /** By the name that the device was told when it claimed; others by the name in the certificate. */
  #serverOf(device: string): string {
    const { config, source, claimed } = this.#options;
    const known = claimed.device(device)?.host;
    return config.updates.url === '' && known !== undefined ? `https://${known}` : (source?.server ?? '');
  }

  #publish(device: string, payload: string): void {
    const { link, config, log } = this.#options;
    link
      .publish(`${baseTopic(config.site, device)}/cmd/update`, payload, { retain: false, qos: 1 })
      .catch((error: Error) => log.warn({ device }, `The update could not be offered: ${error.message}`));
  }

  #monotonicMs(): number {
    return this.#options.clock.monotonicUs() / US_PER_MS;
  }
}
