/**
 * What devices counted since their newest record, from their running totals: with it the store's totals and occupancy are
 * as fresh as a device's, and not as old as the last interval. Never told twice: when the record comes, its total has grown
 * by as much as the record adds.
 * Memory: one entry a line; nothing of it is on disk, as a device's totals are retained by the broker.
 */
import type { Line } from './books/records.ts';

type Live = {
  readonly epochId: string;
  readonly in: number;
  readonly out: number;
  /** When we first heard of this epoch: where we count from until a record of it comes. */
  readonly firstIn: number;
  readonly firstOut: number;
};

export type Fresh = { readonly in: number; readonly out: number };

export class LiveTotals {
  /** By device and line. */
  readonly #lives = new Map<string, Live>();

  note(device: string, line: string, epochId: string, totalIn: number, totalOut: number): void {
    const key = `${device}/${line}`;
    const before = this.#lives.get(key);
    const isSame = before?.epochId === epochId;
    this.#lives.set(key, {
      epochId,
      in: totalIn,
      out: totalOut,
      firstIn: isSame ? before.firstIn : totalIn,
      firstOut: isSame ? before.firstOut : totalOut,
    });
  }

  /** People since the newest record of the line. */
  since({ device, name, base }: Line): Fresh {
    const live = this.#lives.get(`${device}/${name}`);
    if (live === undefined) return { in: 0, out: 0 };
    const isOfBase = base?.epochId === live.epochId;
    return {
      in: Math.max(0, live.in - (isOfBase ? base.totalIn : live.firstIn)),
      out: Math.max(0, live.out - (isOfBase ? base.totalOut : live.firstOut)),
    };
  }
}
