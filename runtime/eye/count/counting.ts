/**
 * Counting: from tracks to everything that is counted, once per frame, in this order: paths (who is the same person),
 * lines and entrances, zones. Start here; each of the three says in its own file what its numbers mean.
 */
import { counterNames } from '../../config/counters.ts';
import type { Config } from '../../config/schema.ts';
import { Paths } from '../track/paths.ts';
import type { Tracker } from '../track/tracker.ts';
import { LineCounter, type LineEvents } from './lines.ts';
import { type VisitListener, ZoneCounter } from './zones.ts';

/** What there is to count: the part of the configuration that lies in the picture. */
export type CountLayout = Pick<Config, 'lines' | 'entrances' | 'zones'>;

export type CountEvents = LineEvents & { readonly onVisit: VisitListener };

/** For whoever does not listen. */
export const NO_EVENTS: CountEvents = { onCrossing: () => {}, onNet: () => {}, onVisit: () => {} };

export class Counting {
  readonly paths: Paths;
  readonly lines: LineCounter;
  readonly zones: ZoneCounter;

  constructor(layout: CountLayout, widthPx: number, heightPx: number, events: CountEvents) {
    this.paths = new Paths(widthPx, heightPx);
    this.lines = new LineCounter(layout.lines, layout.entrances, widthPx, heightPx, events);
    this.zones = new ZoneCounter(layout.zones, counterNames(layout), widthPx, heightPx, events.onVisit);
  }

  /** After the tracker's step. atUs: time of the picture. */
  step(tracker: Tracker, atUs: number): void {
    this.paths.step(tracker, atUs);
    this.lines.step(tracker, this.paths, atUs);
    this.zones.step(tracker, this.paths, this.lines, atUs);
  }

  /** Nobody is where they were (camera restarted, paused, end): visits end, and what is net so far is counted. */
  forget(atUs: number): void {
    this.paths.endAll();
    this.lines.settle(this.paths, atUs);
    this.zones.settle(this.paths, this.lines, atUs);
    this.zones.occupancy.fill(0);
    this.zones.queue.fill(0);
  }
}
