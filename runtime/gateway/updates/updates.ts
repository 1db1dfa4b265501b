/**
 * Who is offered the newer version, and when: devices that say an older one, a few at a time, so that not all doors are blind at
 * once. The next one waits until the one before says that it counts with the new version (confirmed), or went back. A device that
 * went back is not offered that version again, and a version that failed on several devices to nobody: a bad release costs one or
 * two doors some minutes, and not the store its day.
 * The device decides: it checks signature and version itself, whatever is offered here.
 * Memory: one entry a device.
 */
import { compareVersions } from '../../../provisioning/bundle/manifest.ts';
import type { Log } from '../../log.ts';
import type { Failure, FailureKind, UpdateFailures } from './failures.ts';
import type { Release } from './release-watch.ts';

/** A device is asked at most so often. */
export const ASKED_AGAIN_MS = 3_600_000;
/** Between two offers: what the first one begins is heard of before the second is made. */
export const GAP_MS = 20_000;
/** Fetching over a slow radio, installing and the trial take half an hour at worst; who is silent for longer is lost. */
export const LOST_MS = 5_400_000;
/** Who has not even begun by then was not reached, or knows no updates: it is as if it had not been asked. */
export const NO_ANSWER_MS = 600_000;
/** Begins every id of ours. */
export const ID_PREFIX = 'update-';

/** What a device says on its topic `update`. */
export type UpdateWords = {
  readonly state: string;
  readonly version: string;
  readonly offered: string | null;
  readonly reason: string;
};

export type UpdatesOptions = {
  /** What is to be offered now; undefined: nothing. */
  readonly release: () => Release | undefined;
  readonly failures: UpdateFailures;
  readonly atOnce: number;
  readonly failuresMax: number;
  /** Of this start: no two offers have the same id. */
  readonly boot: number;
  readonly devices: () => readonly string[];
  readonly isOnline: (device: string) => boolean;
  /** Whether this is a time for updates. */
  readonly isTime: () => boolean;
  /** https://host:port as this device reaches it. */
  readonly serverOf: (device: string) => string;
  readonly publish: (device: string, payload: string) => void;
  readonly log: Log;
};

export type UpdateFacts = {
  /** Version that is offered. */
  readonly version: string;
  /** Devices that have it or a newer one, and that do not. */
  readonly current: number;
  readonly older: readonly string[];
  /** Busy with it now. */
  readonly busy: readonly string[];
  readonly failures: readonly Failure[];
  /** Offered to nobody any more. */
  readonly isHalted: boolean;
};

type Flight = { readonly version: string; sinceMs: number; state: string };
type Device = { version: string; askedMs: number; flight: Flight | undefined };

/** States in which a device is busy with a version. */
const BUSY = ['downloading', 'ready', 'trial'];

export class Updates {
  readonly #options: UpdatesOptions;
  readonly #devices = new Map<string, Device>();
  /** Of the newest offer; at first of the begin, as who is busy with an earlier one has to be heard of. */
  #askedMs: number | undefined;
  #number = 0;
  #haltTold = '';

  constructor(options: UpdatesOptions) {
    this.#options = options;
  }

  /** Version that a device says it is of. */
  noteVersion(name: string, version: string): void {
    const device = this.#device(name);
    device.version = version;
    const { flight } = device;
    if (flight !== undefined && compareVersions(version, flight.version) >= 0) flight.state = 'trial';
  }

  /** Inside a transaction. nowMs: monotonic; wallMs: for the books. */
  noteState(name: string, words: UpdateWords, nowMs: number, wallMs: number): void {
    const { offered, state, version, reason } = words;
    const device = this.#device(name);
    device.version = version;
    const { flight } = device;
    if (flight !== undefined && !BUSY.includes(state) && compareVersions(version, flight.version) >= 0)
      this.#confirmed(name, flight.version);
    if (offered === null) return;
    if (BUSY.includes(state)) this.#progress(device, offered, state, nowMs);
    else if (state === 'rolled_back' || state === 'refused') this.#failed(name, offered, state, reason, wallMs);
    else if (state === 'confirmed') this.#confirmed(name, offered);
  }

  /** An answer to an offer. refusal: empty when it was taken; a device that is busy refuses as well, so it is asked again. */
  answered(name: string, id: string, refusal: string): void {
    const device = this.#device(name);
    if (!id.startsWith(ID_PREFIX) || refusal === '' || device.flight?.state !== 'asked') return;
    this.#options.log.warn({ device: name, version: device.flight.version, reason: refusal }, 'update not taken');
    device.flight = undefined;
  }

  /** Inside a transaction. Makes at most one offer. */
  tick(nowMs: number, wallMs: number): void {
    const { release: current, failures, atOnce, isTime, isOnline, devices } = this.#options;
    this.#giveUpLost(nowMs, wallMs);
    const release = current();
    this.#askedMs ??= nowMs;
    if (release === undefined || nowMs - this.#askedMs < GAP_MS || !isTime()) return;
    const { version, from_min: fromMin } = release.manifest;
    if (this.#isHalted(version)) return;
    const busyCount = [...this.#devices.values()].filter(({ flight }) => flight !== undefined).length;
    if (busyCount >= atOnce) return;
    const barred = failures.barred(version, wallMs);
    const next = devices().find((name) => {
      const device = this.#devices.get(name);
      return (
        device !== undefined &&
        device.flight === undefined &&
        device.version !== '' &&
        !barred.has(name) &&
        isOnline(name) &&
        nowMs - device.askedMs >= ASKED_AGAIN_MS &&
        compareVersions(version, device.version) > 0 &&
        compareVersions(device.version, fromMin) >= 0
      );
    });
    if (next !== undefined) this.#offer(next, release, nowMs);
  }

  /** Undefined: nothing is offered. */
  facts(): UpdateFacts | undefined {
    const release = this.#options.release();
    if (release === undefined) return undefined;
    const { version } = release.manifest;
    const known = this.#options.devices().map((name) => ({ name, device: this.#devices.get(name) }));
    const isCurrent = (device: Device | undefined) =>
      device !== undefined && device.version !== '' && compareVersions(device.version, version) >= 0;
    return {
      version,
      current: known.filter(({ device }) => isCurrent(device)).length,
      older: known.filter(({ device }) => !isCurrent(device)).map(({ name }) => name),
      busy: known.filter(({ device }) => device?.flight !== undefined).map(({ name }) => name),
      failures: this.#options.failures.of(version),
      isHalted: this.#isHalted(version),
    };
  }

  /** Devices whose version is known. */
  versions(): { readonly device: string; readonly version: string }[] {
    const { devices } = this.#options;
    return devices().flatMap((device) => {
      const version = this.#devices.get(device)?.version ?? '';
      return version === '' ? [] : [{ device, version }];
    });
  }

  #offer(name: string, { manifest, signature }: Release, nowMs: number): void {
    const { publish, serverOf, boot, log } = this.#options;
    const device = this.#device(name);
    this.#number += 1;
    const id = `${ID_PREFIX}${boot}-${this.#number}`;
    const url = `${serverOf(name)}/v1/bundle/${manifest.sha256}`;
    publish(name, JSON.stringify({ v: 1, id, manifest, signature, url }));
    device.askedMs = nowMs;
    device.flight = { version: manifest.version, sinceMs: nowMs, state: 'asked' };
    this.#askedMs = nowMs;
    log.info({ device: name, from: device.version, to: manifest.version }, 'update offered');
  }

  #progress(device: Device, version: string, state: string, nowMs: number): void {
    const { flight } = device;
    if (flight?.version === version && flight.state === state) {
      // Bytes still come in; a trial that never ends is none.
      if (state === 'downloading') flight.sinceMs = nowMs;
      return;
    }
    device.flight = { version, state, sinceMs: nowMs };
  }

  #failed(name: string, version: string, kind: FailureKind, reason: string, wallMs: number): void {
    const device = this.#device(name);
    const isNews = device.flight?.version === version;
    if (isNews) device.flight = undefined;
    this.#options.failures.note(name, version, kind, reason, wallMs);
    if (!isNews) return;
    const words = { rolled_back: 'went back from', refused: 'refused', lost: 'was not heard of again with' }[kind];
    this.#options.log.warn({ device: name, version, reason }, `Device ${name} ${words} version ${version}.`);
  }

  #confirmed(name: string, version: string): void {
    const device = this.#device(name);
    this.#options.failures.clear(name, version);
    if (device.flight?.version !== version) return;
    device.flight = undefined;
    this.#options.log.info({ device: name, version }, 'update confirmed');
  }

  #giveUpLost(nowMs: number, wallMs: number): void {
    for (const [name, device] of this.#devices) {
      const { flight } = device;
      if (flight === undefined) continue;
      const silentMs = nowMs - flight.sinceMs;
      if (flight.state === 'asked' && silentMs > NO_ANSWER_MS) device.flight = undefined;
      else if (silentMs > LOST_MS) this.#failed(name, flight.version, 'lost', flight.state, wallMs);
    }
  }

  #isHalted(version: string): boolean {
    const { failures, failuresMax, log } = this.#options;
    const count = failures.of(version).filter(({ kind }) => kind !== 'refused').length;
    if (count < failuresMax) return false;
    if (this.#haltTold !== version)
      log.error(`Version ${version} failed on ${count} devices and is offered to no more. Release a mended one.`);
    this.#haltTold = version;
    return true;
  }

  #device(name: string): Device {
    let device = this.#devices.get(name);
    if (device === undefined) {
      device = { version: '', askedMs: Number.NEGATIVE_INFINITY, flight: undefined };
      this.#devices.set(name, device);
    }
    return device;
  }
}
