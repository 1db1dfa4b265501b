/**
 * Who is in the store, over all doors: the estimate of a counter (site/occupancy.ts), fed by what the doors counted since the
 * last closing time. Records count by their own time, so that a device that comes back in the morning with its evening does
 * not fill the store; what it counted since its newest record counts as now, unless that record is old.
 * Memory: its state is a few numbers in the database.
 */

import type { StoreHours } from '../site/hours.ts';
import { emptyOccupancy, Occupancy, type OccupancyFacts, type OccupancyState } from '../site/occupancy.ts';
import { MS_PER_S } from '../units.ts';
import type { Door } from './books/doors.ts';
import { type Counts, NO_COUNTS } from './counts.ts';
import type { Fresh } from './live.ts';

/** What must survive a restart: the estimate, and how much of the doors' counts went into it since the reset. */
export type StoreOccupancyState = { readonly estimate: OccupancyState; fed: Fresh };

export type OccupancySources = {
  readonly doors: readonly Door[];
  /** What each door counted since then, by its id; asked for after a reset and at the start. */
  readonly countedSince: (fromS: number) => ReadonlyMap<number, Counts>;
  /** Since the newest records of a door, if these are recent. */
  readonly freshOf: (door: Door) => Fresh;
};

export class StoreOccupancy {
  readonly state: StoreOccupancyState;
  readonly #estimate: Occupancy;
  readonly #hours: StoreHours;
  readonly #sources: OccupancySources;
  /** Of each door, by its id: what had arrived before the reset, so that the rest of `arrived` came after it. */
  #before: Map<number, Fresh> | undefined;

  constructor(hours: StoreHours, sources: OccupancySources, state: StoreOccupancyState | undefined) {
    this.state = state ?? { estimate: emptyOccupancy(), fed: { in: 0, out: 0 } };
    this.#estimate = new Occupancy(this.state.estimate);
    this.#hours = hours;
    this.#sources = sources;
  }

  /** Once a second. True: something changed that is to be kept. */
  tick(nowMs: number): boolean {
    const closingMs = this.#hours.lastClosingMs(nowMs);
    const isReset = this.#estimate.advance(closingMs, nowMs);
    if (isReset) {
      this.state.fed = { in: 0, out: 0 };
      this.#before = undefined;
    }
    const counted = this.#counted();
    const { fed } = this.state;
    const added = { in: Math.max(0, counted.in - fed.in), out: Math.max(0, counted.out - fed.out) };
    if (added.in === 0 && added.out === 0) return isReset;
    this.state.fed = { in: fed.in + added.in, out: fed.out + added.out };
    this.#estimate.add(added.in, added.out, nowMs, this.#hours.isOpen(nowMs));
    return true;
  }

  /** The doors' books were read anew, or got something of a time before the reset: what was before is reckoned again. */
  recount(): void {
    this.#before = undefined;
  }

  get resetAtMs(): number {
    return this.state.estimate.resetAtMs;
  }

  facts(): OccupancyFacts {
    return this.#estimate.facts();
  }

  #counted(): Fresh {
    this.#before ??= this.#arrivedBefore();
    let [countIn, countOut] = [0, 0];
    for (const door of this.#sources.doors) {
      const before = this.#before.get(door.id) ?? { in: 0, out: 0 };
      const fresh = this.#sources.freshOf(door);
      countIn += door.arrived.in - before.in + fresh.in;
      countOut += door.arrived.out - before.out + fresh.out;
    }
    return { in: countIn, out: countOut };
  }

  #arrivedBefore(): Map<number, Fresh> {
    const { resetAtMs } = this.state.estimate;
    const since = this.#sources.countedSince(Math.floor(resetAtMs / MS_PER_S));
    return new Map(
      this.#sources.doors.map((door) => {
        const counts = since.get(door.id) ?? NO_COUNTS;
        return [door.id, { in: door.arrived.in - counts.in, out: door.arrived.out - counts.out }];
      }),
    );
  }
}
