/**
 * Who of the expected devices is there: connected, by its status, and reporting, by the end of its newest record.
 * Memory: one entry a device.
 */
import { MS_PER_S } from '../units.ts';

export type Absent = { readonly device: string; readonly sinceMs: number | null };

export type Presence = {
  readonly onlineCount: number;
  /** Not connected, or never heard of. */
  readonly offline: readonly Absent[];
  /** Connected, and no record came for too long. */
  readonly silent: readonly Absent[];
};

type Device = { isOnline: boolean; boot: number; newestToS: number; firstOnlineMs: number };

export class Devices {
  readonly #devices: Map<string, Device>;
  readonly #silentAfterS: number;

  /** silentAfterS: a device of which no record is younger is silent. */
  constructor(expected: readonly string[], silentAfterS: number) {
    this.#devices = new Map(
      expected.map((name) => [name, { isOnline: false, boot: 0, newestToS: 0, firstOnlineMs: 0 }]),
    );
    this.#silentAfterS = silentAfterS;
  }

  /** Expected from now on. */
  add(device: string): void {
    if (!this.#devices.has(device))
      this.#devices.set(device, { isOnline: false, boot: 0, newestToS: 0, firstOnlineMs: 0 });
  }

  isExpected(device: string): boolean {
    return this.#devices.has(device);
  }

  isOnline(device: string): boolean {
    return this.#devices.get(device)?.isOnline ?? false;
  }

  /** True: this is news. An `offline` of an older boot is the last will of a connection that was replaced. */
  noteStatus(name: string, isOnline: boolean, boot: number, nowMs: number): boolean {
    const device = this.#devices.get(name);
    if (device === undefined || (!isOnline && boot < device.boot)) return false;
    const isNews = device.isOnline !== isOnline;
    if (isNews && isOnline) device.firstOnlineMs = nowMs;
    device.isOnline = isOnline;
    device.boot = boot;
    return isNews;
  }

  noteRecord(name: string, toS: number): void {
    const device = this.#devices.get(name);
    if (device !== undefined) device.newestToS = Math.max(device.newestToS, toS);
  }

  /** Each expected device. newestToS: end of its newest record; 0: none. */
  states(nowMs: number): { readonly device: string; readonly isThere: boolean; readonly newestToS: number }[] {
    const { offline, silent } = this.presence(nowMs);
    const absent = new Set([...offline, ...silent].map(({ device }) => device));
    return [...this.#devices].map(([device, { newestToS }]) => ({ device, isThere: !absent.has(device), newestToS }));
  }

  presence(nowMs: number): Presence {
    const offline: Absent[] = [];
    const silent: Absent[] = [];
    for (const [device, { isOnline, newestToS, firstOnlineMs }] of this.#devices) {
      const sinceMs = newestToS === 0 ? null : newestToS * MS_PER_S;
      const heardMs = Math.max(newestToS * MS_PER_S, firstOnlineMs);
      if (!isOnline) offline.push({ device, sinceMs });
      else if (nowMs - heardMs > this.#silentAfterS * MS_PER_S) silent.push({ device, sinceMs });
    }
    return { onlineCount: this.#devices.size - offline.length - silent.length, offline, silent };
  }
}
