/**
 * Zone counter: how many people are in an area of the picture, who stands, who came and how long they stayed.
 * A person enters a zone when their point has been inside it, and off its edge, for SETTLE_US, and leaves likewise: who
 * walks or stands on the edge is not five visits. Times are those of the first such moment, so dwell is not late.
 * Only who has moved half a metre since they appeared counts (Paths.hasMoved): posters and mannequins never enter.
 *
 *   occupancy   people inside now (of those in view)
 *   queue       of these, who have stood still for STANDING_US
 *   visits      entries since boot; bounces: visits shorter than bounce_s
 *   passersBy   people who were in the zone and left the view without having crossed the counter that `passes` names;
 *               drop-in rate = entries / (entries + passers-by), formed by the voice
 *
 * A visit ends when the person leaves the zone or the view; its dwell goes to `onVisit`, without anything that says whose.
 * Memory: zones × paths of state and times, taken at boot; nothing is allocated per frame. Time: people × corners.
 */
import type { ZoneConfig } from '../../config/schema.ts';
import { US_PER_MS, US_PER_S } from '../../units.ts';
import { NO_PATH, PATHS_MAX, type Paths } from '../track/paths.ts';
import { TRACKS_MAX, type Tracker } from '../track/tracker.ts';
import type { LineCounter } from './lines.ts';

/** A visit has ended; dwellMs: whole milliseconds. Told inside `step`; nothing may be thrown from it. */
export type VisitListener = (zoneIndex: number, dwellMs: number, atUs: number) => void;

/** Long enough for the jitter of a box on the zone's edge, short enough for who walks through a small one. */
const SETTLE_US = 0.5 * US_PER_S;
/** People in a queue shuffle on every few seconds; walkers never stay within a quarter of a metre for this long. */
const STANDING_US = 3 * US_PER_S;

/** Half the band around the edge in which a person keeps their place, of the picture's height; as a line's hysteresis. */
const EDGE_BAND = 0.02;

/** onEdge: nearer to the edge than the band. */
const Place = { outside: 0, inside: 1, onEdge: 2 } as const;
type Place = (typeof Place)[keyof typeof Place];

type Zone = {
  /** Corners in pixels, x then y. */
  readonly cornersPx: Float64Array;
  readonly bounceUs: number;
  /** Counter that passers-by have not crossed; -1: nobody is called a passer-by. */
  readonly passesIndex: number;
};

export class ZoneCounter {
  /** Now, [zone]. */
  readonly occupancy: Uint16Array;
  readonly queue: Uint16Array;
  /** Since boot, [zone]. */
  readonly visitCount: Uint32Array;
  /** Visits that are over. */
  readonly endedCount: Uint32Array;
  readonly bounceCount: Uint32Array;
  readonly passerByCount: Uint32Array;
  readonly zoneCount: number;
  readonly #bandPx: number;
  readonly #zones: readonly Zone[];
  readonly #onVisit: VisitListener;
  /** [zone, path] */
  readonly #place: Uint8Array;
  /** Since when the point has been on the other side than `place` says, µs; NaN: it is not. */
  readonly #otherSinceUs: Float64Array;
  readonly #enteredAtUs: Float64Array;
  /** 1: the visit was counted; 1: they were inside at any time. */
  readonly #isCounted: Uint8Array;
  readonly #wasInside: Uint8Array;
  readonly #generation = new Uint32Array(PATHS_MAX);

  /** counterNames: of lines, then entrances, as LineCounter counts them. */
  constructor(
    zones: readonly ZoneConfig[],
    counterNames: readonly string[],
    widthPx: number,
    heightPx: number,
    onVisit: VisitListener,
  ) {
    this.#zones = zones.map((zone) => ({
      cornersPx: Float64Array.from(zone.polygon.flatMap(([x, y]) => [x * widthPx, y * heightPx])),
      bounceUs: zone.bounceS * US_PER_S,
      passesIndex: counterNames.indexOf(zone.passes),
    }));
    this.#bandPx = EDGE_BAND * heightPx;
    this.#onVisit = onVisit;
    this.zoneCount = zones.length;
    this.occupancy = new Uint16Array(zones.length);
    this.queue = new Uint16Array(zones.length);
    this.visitCount = new Uint32Array(zones.length);
    this.endedCount = new Uint32Array(zones.length);
    this.bounceCount = new Uint32Array(zones.length);
    this.passerByCount = new Uint32Array(zones.length);
    this.#place = new Uint8Array(zones.length * PATHS_MAX);
    this.#otherSinceUs = new Float64Array(zones.length * PATHS_MAX);
    this.#enteredAtUs = new Float64Array(zones.length * PATHS_MAX);
    this.#isCounted = new Uint8Array(zones.length * PATHS_MAX);
    this.#wasInside = new Uint8Array(zones.length * PATHS_MAX);
  }

  /** After the steps of tracker, paths and lines. atUs: time of the picture. */
  step(tracker: Tracker, paths: Paths, lines: LineCounter, atUs: number): void {
    for (let row = 0; row < TRACKS_MAX; row++) {
      if (tracker.alive[row] === 0 || tracker.lastSeenUs[row] !== atUs) continue;
      const path = paths.pathOfRow[row]!;
      if (path === NO_PATH) continue;
      if (this.#generation[path] !== paths.generation[path]) this.#forgetPath(paths, path);
      for (let zoneIndex = 0; zoneIndex < this.zoneCount; zoneIndex++) {
        this.#follow(zoneIndex, path, this.#placeOf(zoneIndex, row, tracker), paths);
      }
    }
    this.settle(paths, lines, atUs);
    this.#countPresent(paths, atUs);
  }

  /** Ends the visits of the paths that ended. `step` does it; alone for when all of them end at once. */
  settle(paths: Paths, lines: LineCounter, atUs: number): void {
    for (let i = 0; i < paths.endedCount; i++) {
      const path = paths.ended[i]!;
      if (this.#generation[path] !== paths.generation[path]) continue;
      for (let zoneIndex = 0; zoneIndex < this.zoneCount; zoneIndex++) {
        const cell = zoneIndex * PATHS_MAX + path;
        if (this.#place[cell] === Place.inside) this.#leave(zoneIndex, path, paths.lastSeenUs[path]!, atUs);
        const { passesIndex } = this.#zones[zoneIndex]!;
        if (this.#wasInside[cell] === 1 && passesIndex >= 0 && !lines.hasCounted(passesIndex, path)) {
          this.passerByCount[zoneIndex]! += 1;
        }
        this.#wasInside[cell] = 0;
      }
    }
  }

  #forgetPath(paths: Paths, path: number): void {
    this.#generation[path] = paths.generation[path]!;
    for (let zoneIndex = 0; zoneIndex < this.zoneCount; zoneIndex++) {
      const cell = zoneIndex * PATHS_MAX + path;
      this.#place[cell] = Place.outside;
      this.#otherSinceUs[cell] = Number.NaN;
      this.#isCounted[cell] = 0;
      this.#wasInside[cell] = 0;
    }
  }

  /** Takes it into account where the person is in this frame. */
  #follow(zoneIndex: number, path: number, place: Place, paths: Paths): void {
    const cell = zoneIndex * PATHS_MAX + path;
    const atUs = paths.lastSeenUs[path]!;
    if (place === Place.onEdge || place === this.#place[cell]) {
      this.#otherSinceUs[cell] = Number.NaN;
    } else if (Number.isNaN(this.#otherSinceUs[cell]!)) {
      this.#otherSinceUs[cell] = atUs;
    } else if (atUs - this.#otherSinceUs[cell]! >= SETTLE_US) {
      const sinceUs = this.#otherSinceUs[cell]!;
      this.#otherSinceUs[cell] = Number.NaN;
      if (place === Place.inside) {
        this.#place[cell] = Place.inside;
        this.#enteredAtUs[cell] = sinceUs;
      } else {
        this.#leave(zoneIndex, path, sinceUs, atUs);
      }
    }
    if (this.#place[cell] === Place.outside || paths.hasMoved[path] === 0 || !paths.isLive(path)) return;
    this.#wasInside[cell] = 1;
    if (this.#isCounted[cell] === 1) return;
    this.#isCounted[cell] = 1;
    this.visitCount[zoneIndex]! += 1;
  }

  #leave(zoneIndex: number, path: number, leftAtUs: number, atUs: number): void {
    const cell = zoneIndex * PATHS_MAX + path;
    this.#place[cell] = Place.outside;
    if (this.#isCounted[cell] === 0) return;
    this.#isCounted[cell] = 0;
    this.endedCount[zoneIndex]! += 1;
    const dwellUs = leftAtUs - this.#enteredAtUs[cell]!;
    if (dwellUs < this.#zones[zoneIndex]!.bounceUs) this.bounceCount[zoneIndex]! += 1;
    this.#onVisit(zoneIndex, Math.round(dwellUs / US_PER_MS), atUs);
  }

  #countPresent(paths: Paths, atUs: number): void {
    for (let zoneIndex = 0; zoneIndex < this.zoneCount; zoneIndex++) {
      let occupancy = 0;
      let queue = 0;
      for (let path = 0; path < PATHS_MAX; path++) {
        if (this.#isCounted[zoneIndex * PATHS_MAX + path] === 0 || !paths.isLive(path)) continue;
        occupancy += 1;
        if (atUs - paths.stillSinceUs[path]! >= STANDING_US) queue += 1;
      }
      this.occupancy[zoneIndex] = occupancy;
      this.queue[zoneIndex] = queue;
    }
  }

  /** Even-odd rule over the polygon's edges (the crossing number of a ray to the right), and the distance to the nearest. */
  #placeOf(zoneIndex: number, row: number, tracker: Tracker): Place {
    const { cornersPx } = this.#zones[zoneIndex]!;
    const xPx = tracker.xPx[row]!;
    const yPx = tracker.yPx[row]!;
    let isInside = false;
    for (let i = 0, before = cornersPx.length - 2; i < cornersPx.length; before = i, i += 2) {
      const fromX = cornersPx[before]!;
      const fromY = cornersPx[before + 1]!;
      const alongX = cornersPx[i]! - fromX;
      const alongY = cornersPx[i + 1]! - fromY;
      // The nearest point of the edge, as a share of the way along it.
      const share = ((xPx - fromX) * alongX + (yPx - fromY) * alongY) / (alongX * alongX + alongY * alongY);
      const nearest = Math.max(0, Math.min(1, share));
      const dx = fromX + nearest * alongX - xPx;
      const dy = fromY + nearest * alongY - yPx;
      if (dx * dx + dy * dy < this.#bandPx * this.#bandPx) return Place.onEdge;
      if (fromY > yPx === fromY + alongY > yPx) continue;
      if (xPx < fromX + ((yPx - fromY) / alongY) * alongX) isInside = !isInside;
    }
    return isInside ? Place.inside : Place.outside;
  }
}
