/**
 * Truth: boxes of everybody in the picture and crossings of the lines, exact because the scene made them.
 * A crossing means what the product's own count means: a person who can be seen, whose body box's middle (of the box as far
 * as the picture shows it) passes from one side of the segment to the other. Sides change only beyond a band of
 * 2 % of the picture's height around the line (5 % in a crowd), so that the sway of a step is not a crossing; the place
 * where the middle last met the line decides whether it passed the segment or went round its end. Who is hidden by an
 * occluder at that moment crosses all the same: they are seen before and after.
 */
import { within01 } from '../../../runtime/units.ts';
import { isBehindOccluder, type Occluder } from './occluder.ts';
import type { View } from './view.ts';
import { isBehindWall } from './view.ts';
import { isHolding } from './walk.ts';
import { WALKER_COUNT_MAX, type Walker } from './walker.ts';

/** A counting line in normalised picture coordinates; `inNorm` points to the side on which one is `in`. */
export type SceneLine = {
  readonly fromNorm: readonly [number, number];
  readonly toNorm: readonly [number, number];
  readonly inNorm: readonly [number, number];
};

/** Half the band around a line in which a side is kept, as a share of the picture's height. */
export const BAND_NORM = 0.02;
/** The same where people are staged to stand on the line: turning round there swings a box by 4 %, and is no crossing. */
export const CROWD_BAND_NORM = 0.05;
/** Crossings kept of one step; more than this in one step cannot happen with 32 walkers and few lines. */
const CROSSING_COUNT_MAX = 64;

/**
 * Everybody whose box touches the picture, in fixed tables; rows 0 .. count - 1 are valid until the next step. Who stands
 * behind the wall is in it too, with `visible` near 0: an evaluation leaves them out.
 */
export class PeopleTable {
  count = 0;
  /** Number of the person since the start: the same person has the same id in every frame. */
  readonly ids = new Int32Array(WALKER_COUNT_MAX);
  /** [row, left | top | right | bottom], normalised, of the whole body with a carried bag; may reach beyond 0..1. */
  readonly boxesNorm = new Float64Array(WALKER_COUNT_MAX * 4);
  /** The same for head and hair. */
  readonly headsNorm = new Float64Array(WALKER_COUNT_MAX * 4);
  /**
   * Share of the body that neither the wall, the occluder nor the picture's edge hides, 0..1; other people are not
   * considered.
   */
  readonly visible = new Float64Array(WALKER_COUNT_MAX);
  readonly isChild = new Uint8Array(WALKER_COUNT_MAX);
  /** What the person is up to, see Aim in walker. */
  readonly aim = new Uint8Array(WALKER_COUNT_MAX);
  /** 1 while the person stands on the line and sways (crowd only). */
  readonly isOnLine = new Uint8Array(WALKER_COUNT_MAX);
  /** Place of the person in the pool of walkers, for those who draw. */
  readonly walkerIndex = new Int32Array(WALKER_COUNT_MAX);
}

/** Crossings since the last call of step. */
export class CrossingTable {
  count = 0;
  readonly lineIndex = new Int32Array(CROSSING_COUNT_MAX);
  /** 0 = in, 1 = out. */
  readonly direction = new Uint8Array(CROSSING_COUNT_MAX);
  readonly personId = new Int32Array(CROSSING_COUNT_MAX);
  readonly frameIndex = new Float64Array(CROSSING_COUNT_MAX);
}

/** Metres per second; the sway of somebody who stands is half of it at most. */
const STANDING_SPEED = 0.2;

export class Truth {
  readonly people = new PeopleTable();
  readonly crossings = new CrossingTable();
  /** Totals since frame 0, per line. */
  readonly inCount: Uint32Array;
  readonly outCount: Uint32Array;
  readonly #view: View;
  readonly #occluder: Occluder | null;
  readonly #bandNorm: number;
  readonly #lineCount: number;
  /** Per line: from x, from y, unit normal to the in side x, y, unit along x, y, length; x in units of the height. */
  readonly #lines: Float64Array;
  /** Per walker and line: side (-1 out, 1 in, 0 not known), distance and place along the line in the last frame, and
   *  place along the line (0..1) where it was last met. */
  readonly #side: Int8Array;
  readonly #distance: Float64Array;
  readonly #along: Float64Array;
  readonly #metAt: Float64Array;
  readonly #idOfSide = new Int32Array(WALKER_COUNT_MAX);

  constructor(view: View, lines: readonly SceneLine[], occluder: Occluder | null = null, bandNorm = BAND_NORM) {
    this.#view = view;
    this.#bandNorm = bandNorm;
    this.#occluder = occluder;
    this.#lineCount = lines.length;
    this.#lines = new Float64Array(lines.length * 7);
    this.inCount = new Uint32Array(lines.length);
    this.outCount = new Uint32Array(lines.length);
    this.#side = new Int8Array(WALKER_COUNT_MAX * lines.length);
    this.#distance = new Float64Array(WALKER_COUNT_MAX * lines.length);
    this.#along = new Float64Array(WALKER_COUNT_MAX * lines.length);
    this.#metAt = new Float64Array(WALKER_COUNT_MAX * lines.length);
    const aspect = view.widthPx / view.heightPx;
    lines.forEach((line, index) => {
      const alongX = (line.toNorm[0] - line.fromNorm[0]) * aspect;
      const alongY = line.toNorm[1] - line.fromNorm[1];
      const length = Math.hypot(alongX, alongY);
      const turned = -alongY * line.inNorm[0] * aspect + alongX * line.inNorm[1] < 0 ? -1 : 1;
      this.#lines.set(
        [
          line.fromNorm[0] * aspect,
          line.fromNorm[1],
          (turned * -alongY) / length,
          (turned * alongX) / length,
          alongX / length,
          alongY / length,
          length,
        ],
        index * 7,
      );
    });
  }

  /** Takes the boxes of the posed walkers; call once per frame, in order. */
  update(walkers: readonly Walker[], frameIndex: number): void {
    const view = this.#view;
    const people = this.people;
    people.count = 0;
    for (let index = 0; index < walkers.length; index += 1) {
      const walker = walkers[index]!;
      if (!walker.active) continue;
      if (this.#idOfSide[index] !== walker.id) {
        this.#idOfSide[index] = walker.id;
        this.#side.fill(0, index * this.#lineCount, (index + 1) * this.#lineCount);
      }
      const row = people.count;
      const visible = visibleShare(view, walker);
      people.ids[row] = walker.id;
      people.isChild[row] = walker.isChild ? 1 : 0;
      people.walkerIndex[row] = index;
      people.visible[row] = this.#occluder === null ? visible : visible * besideOccluder(this.#occluder, view, walker);
      people.aim[row] = walker.aim;
      people.isOnLine[row] = isHolding(walker) && Math.hypot(walker.speedX, walker.speedY) < STANDING_SPEED ? 1 : 0;
      for (let edge = 0; edge < 4; edge += 1) {
        const size = (edge & 1) === 0 ? view.widthPx : view.heightPx;
        people.boxesNorm[row * 4 + edge] = walker.body.box[edge]! / size;
        people.headsNorm[row * 4 + edge] = walker.body.headBox[edge]! / size;
      }
      for (let line = 0; line < this.#lineCount; line += 1) this.#follow(index, row, line, visible, frameIndex);
      const box = walker.body.box;
      if (box[0]! < view.widthPx && box[2]! > 0 && box[1]! < view.heightPx && box[3]! > 0) people.count += 1;
    }
  }

  #follow(walker: number, row: number, line: number, visible: number, frameIndex: number): void {
    const boxes = this.people.boxesNorm;
    const aspect = this.#view.widthPx / this.#view.heightPx;
    const lines = this.#lines;
    const at = line * 7;
    // What lies beyond the picture's edge nobody sees, and no detector was ever taught.
    const x = ((within01(boxes[row * 4]!) + within01(boxes[row * 4 + 2]!)) / 2) * aspect - lines[at]!;
    const y = (within01(boxes[row * 4 + 1]!) + within01(boxes[row * 4 + 3]!)) / 2 - lines[at + 1]!;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    const distance = x * lines[at + 2]! + y * lines[at + 3]!;
    const along = (x * lines[at + 4]! + y * lines[at + 5]!) / lines[at + 6]!;
    const state = walker * this.#lineCount + line;
    const before = this.#distance[state]!;
    const side = this.#side[state]!;
    if (side !== 0 && before < 0 !== distance < 0) {
      const share = before / (before - distance);
      this.#metAt[state] = this.#along[state]! + (along - this.#along[state]!) * share;
    }
    this.#distance[state] = distance;
    this.#along[state] = along;
    const now = distance > this.#bandNorm ? 1 : distance < -this.#bandNorm ? -1 : 0;
    if (now === 0 || now === side) return;
    this.#side[state] = now;
    const metAt = this.#metAt[state]!;
    if (side === 0 || visible < 0.4 || metAt < 0 || metAt > 1) return;
    const direction = now > 0 ? 0 : 1;
    if (direction === 0) this.inCount[line]! += 1;
    else this.outCount[line]! += 1;
    const crossings = this.crossings;
    if (crossings.count === CROSSING_COUNT_MAX) return;
    crossings.lineIndex[crossings.count] = line;
    crossings.direction[crossings.count] = direction;
    crossings.personId[crossings.count] = this.#idOfSide[walker]!;
    crossings.frameIndex[crossings.count] = frameIndex;
    crossings.count += 1;
  }
}

/** Share of the joints before which no part of the occluder is. */
function besideOccluder(occluder: Occluder, view: View, walker: Walker): number {
  const { joints } = walker.body;
  let seen = 0;
  for (let at = 0; at < joints.length; at += 3) {
    if (!isBehindOccluder(occluder, view, joints[at]!, joints[at + 1]!, joints[at + 2]!)) seen += 3;
  }
  return seen / joints.length;
}

/** Share of the joints that the wall does not hide, times the share of the box that lies in the picture. */
function visibleShare(view: View, walker: Walker): number {
  const { box, joints } = walker.body;
  let seen = 0;
  for (let at = 0; at < joints.length; at += 3) {
    if (!isBehindWall(view, joints[at]!, joints[at + 1]!, joints[at + 2]!)) seen += 3;
  }
  const width = Math.min(box[2]!, view.widthPx) - Math.max(box[0]!, 0);
  const height = Math.min(box[3]!, view.heightPx) - Math.max(box[1]!, 0);
  if (!(width > 0) || !(height > 0)) return 0;
  const inPicture = (width * height) / ((box[2]! - box[0]!) * (box[3]! - box[1]!));
  return (seen / joints.length) * inPicture;
}
