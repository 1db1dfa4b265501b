/**
 * Line counter: notices when a confirmed track has crossed a directed line, once per passage of its band.
 * Hysteresis: around each line lies a band of ± hysteresis (a share of the picture's height). A track has a side only
 * outside the band; a crossing is a change of side. Somebody who stands on the line sways inside the band and counts nothing.
 * A crossing counts only if the way from the last point on the old side to the first on the new one meets the segment,
 * not merely its infinite extension.
 * Memory: tracks × lines of side and last point, taken at boot; nothing is allocated per frame.
 */

import type { LineConfig } from '../../config/schema.ts';
import { type Direction, Direction as DirectionValue } from '../../corridor/record.ts';
import { TRACKS_MAX, type Tracker } from '../track/tracker.ts';

/** Told inside `step`; nothing may be thrown from it. */
export type CrossingListener = (lineIndex: number, direction: Direction, atUs: number) => void;

type Line = {
  readonly fromXPx: number;
  readonly fromYPx: number;
  /** Unit vector along the line. */
  readonly alongX: number;
  readonly alongY: number;
  readonly lengthPx: number;
  /** Unit normal that points to the side people come in to. */
  readonly normalX: number;
  readonly normalY: number;
  readonly bandPx: number;
};

/** Unit vectors of the four ways, in picture coordinates (y grows downwards). */
export const WAYS = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] } as const;

/** Side outside the band: 1 = inside the shop, -1 = outside, 0 = not known yet. */
const SIDE_UNKNOWN = 0;

/** Normalised line → pixels of the frame; the one place where this happens. */
function toLine(config: LineConfig, widthPx: number, heightPx: number): Line {
  const fromXPx = config.from[0] * widthPx;
  const fromYPx = config.from[1] * heightPx;
  const dx = config.to[0] * widthPx - fromXPx;
  const dy = config.to[1] * heightPx - fromYPx;
  const lengthPx = Math.hypot(dx, dy);
  const alongX = dx / lengthPx;
  const alongY = dy / lengthPx;
  const [wayX, wayY] = WAYS[config.in];
  // Of the two normals the one nearer to the way in; the configuration's check excludes "neither".
  const sign = -alongY * wayX + alongX * wayY >= 0 ? 1 : -1;
  return {
    fromXPx,
    fromYPx,
    alongX,
    alongY,
    lengthPx,
    normalX: -alongY * sign,
    normalY: alongX * sign,
    bandPx: config.hysteresis * heightPx,
  };
}

export class LineCounter {
  /** Totals since boot, [line]. */
  readonly inCount: Uint32Array;
  readonly outCount: Uint32Array;
  readonly #lines: readonly Line[];
  readonly #onCrossing: CrossingListener;
  readonly #side: Int8Array;
  readonly #lastXPx: Float64Array;
  readonly #lastYPx: Float64Array;
  readonly #generation = new Uint32Array(TRACKS_MAX);

  constructor(lines: readonly LineConfig[], widthPx: number, heightPx: number, onCrossing: CrossingListener) {
    this.#lines = lines.map((line) => toLine(line, widthPx, heightPx));
    this.#onCrossing = onCrossing;
    this.inCount = new Uint32Array(lines.length);
    this.outCount = new Uint32Array(lines.length);
    this.#side = new Int8Array(lines.length * TRACKS_MAX);
    this.#lastXPx = new Float64Array(lines.length * TRACKS_MAX);
    this.#lastYPx = new Float64Array(lines.length * TRACKS_MAX);
  }

  /** Looks at every track after the tracker's step. atUs: time of the picture. */
  step(tracker: Tracker, atUs: number): void {
    for (let row = 0; row < TRACKS_MAX; row++) {
      // A track that is carried on unseen is a guess; it crosses when it is seen on the other side, or never.
      if (tracker.alive[row] === 0 || tracker.lastSeenUs[row] !== atUs) continue;
      if (this.#generation[row] !== tracker.generation[row]) {
        this.#generation[row] = tracker.generation[row]!;
        for (let lineIndex = 0; lineIndex < this.#lines.length; lineIndex++) {
          this.#side[lineIndex * TRACKS_MAX + row] = SIDE_UNKNOWN;
        }
      }
      for (let lineIndex = 0; lineIndex < this.#lines.length; lineIndex++) {
        if (!this.#hasCrossed(lineIndex, row, tracker)) continue;
        const isIn = this.#side[lineIndex * TRACKS_MAX + row] === 1;
        if (isIn) this.inCount[lineIndex]! += 1;
        else this.outCount[lineIndex]! += 1;
        this.#onCrossing(lineIndex, isIn ? DirectionValue.in : DirectionValue.out, atUs);
      }
    }
  }

  /**
   * Takes the track's place into account: notes side and point; true if it came over from the other side through the segment.
   * Whole numbers in and a boolean out: a double that goes into a function which V8 does not inline costs 16 bytes.
   */
  #hasCrossed(lineIndex: number, row: number, tracker: Tracker): boolean {
    const line = this.#lines[lineIndex]!;
    const cell = lineIndex * TRACKS_MAX + row;
    const xPx = tracker.xPx[row]!;
    const yPx = tracker.yPx[row]!;
    const height = (xPx - line.fromXPx) * line.normalX + (yPx - line.fromYPx) * line.normalY;
    if (Math.abs(height) <= line.bandPx) return false;
    const side = height > 0 ? 1 : -1;
    const before = this.#side[cell]!;
    const isChange = before !== side && before !== SIDE_UNKNOWN;
    // A track too young to count keeps its old side: if it is confirmed in the next frames, it is counted then.
    if (isChange && !tracker.isConfirmed(row)) return false;
    const lastX = this.#lastXPx[cell]!;
    const lastY = this.#lastYPx[cell]!;
    this.#side[cell] = side;
    this.#lastXPx[cell] = xPx;
    this.#lastYPx[cell] = yPx;
    if (!isChange) return false;
    // Where the straight way between the two points passes the line: within its ends?
    const heightBefore = (lastX - line.fromXPx) * line.normalX + (lastY - line.fromYPx) * line.normalY;
    const share = heightBefore / (heightBefore - height);
    const passX = lastX + share * (xPx - lastX);
    const passY = lastY + share * (yPx - lastY);
    const along = (passX - line.fromXPx) * line.alongX + (passY - line.fromYPx) * line.alongY;
    return along >= 0 && along <= line.lengthPx;
  }
}
