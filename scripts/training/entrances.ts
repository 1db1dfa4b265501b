/**
 * Which entrances of the scene camera the detector learns from, and what is true in one of their pictures.
 * Why: the scene suite counts people in this drawing. A detector that has never seen it is measured on the gap between two
 * drawings as well as on counting.
 * Options follow from the seed alone, so that a picture is (seed, frame). Seeds below TRAINING_SEED_MIN are never learnt
 * from: the demo, the tests and the scene suite live there.
 */
import { Random } from '../../drivers/camera/scene/random.ts';
import type { Scene, SceneOptions } from '../../drivers/camera/scene/simulation.ts';

export const TRAINING_SEED_MIN = 100_000;
/** Held out, for measuring. */
export const TEST_SEED_MIN = 200_000;

/** Streams 1 to 3 of a seed belong to the scene itself. */
const OPTIONS_STREAM = 9;
const EMPTY_SHARE = 0.15;
/** A head's box is filled by a head to this share at least, a body's box by a body; less is covered by somebody or something. */
const HEAD_FILL = 0.7;
const BODY_FILL = 0.25;
/** The owner map has this many samples a pixel in each direction. */
const SAMPLES_PER_PX = 2;

/** left, top, width, height of the body; middle and diameter of the head, all in pixels; what is seen of both, 0..1. */
export type PersonRow = readonly [
  x: number,
  y: number,
  w: number,
  h: number,
  headX: number,
  headY: number,
  headPx: number,
  visible: number,
  headVisible: number,
];

/** How the camera of a seed hangs, who comes, and how good its picture is. */
export function optionsOf(seed: number): Partial<SceneOptions> {
  const random = new Random(seed, OPTIONS_STREAM);
  const isEmpty = random.chance(EMPTY_SHARE);
  // Half of the entrances are busy: there heads touch, and a full picture teaches more of them than an empty one.
  const peoplePerMinute = random.chance(0.4) ? random.between(5, 40) : random.between(40, 120);
  return {
    seed,
    peoplePerMinute: isEmpty ? 0 : peoplePerMinute,
    heightM: random.chance(0.5) ? random.between(2.4, 3.6) : random.between(2.4, 6),
    tiltDeg: random.between(0, 60),
    fovDeg: random.between(50, 100),
    noise: random.between(0.5, 5),
    shadows: random.chance(0.7) ? 1 : random.next(),
  };
}

/** Frames of an entrance that are taken: seconds apart, so that hardly anybody is drawn twice in the same place. */
export function framesOf(seed: number, count: number, frameRateHz: number): number[] {
  const random = new Random(seed, OPTIONS_STREAM + 1);
  let atS = random.between(3, 9);
  return Array.from({ length: count }, () => {
    const frame = Math.round(atS * frameRateHz);
    atS += random.between(2.5, 5);
    return frame;
  });
}

/** Everybody in the frame that was drawn last; who stands behind the wall is among them, with `visible` near 0. */
export function rowsOf(scene: Scene): PersonRow[] {
  const { people, format, owner } = scene;
  const rows: PersonRow[] = [];
  for (let row = 0; row < people.count; row += 1) {
    const [x, y, w, h] = boxPx(people.boxesNorm, row, format.widthPx, format.heightPx);
    const [headX, headY, headW, headH] = boxPx(people.headsNorm, row, format.widthPx, format.heightPx);
    // Who is partly behind the camera has no box.
    if (![x, y, w, h, headX, headY, headW, headH].every(Number.isFinite)) continue;
    const place = people.walkerIndex[row]! + 1;
    const width = format.widthPx * SAMPLES_PER_PX;
    const body = ownShare(owner, width, place, x, y, w, h, true) / BODY_FILL;
    const head = ownShare(owner, width, place, headX, headY, headW, headH, false) / HEAD_FILL;
    const visible = people.visible[row]! * Math.min(1, body);
    rows.push([x, y, w, h, headX + headW / 2, headY + headH / 2, (headW + headH) / 2, visible, Math.min(1, head)]);
  }
  return rows;
}

/** left, top, width and height in pixels. */
function boxPx(
  boxesNorm: Float64Array,
  row: number,
  widthPx: number,
  heightPx: number,
): [number, number, number, number] {
  const left = boxesNorm[row * 4]! * widthPx;
  const top = boxesNorm[row * 4 + 1]! * heightPx;
  return [left, top, boxesNorm[row * 4 + 2]! * widthPx - left, boxesNorm[row * 4 + 3]! * heightPx - top];
}

/** Share of a box (pixels) whose samples show this person; within: only of the part that lies in the picture. */
function ownShare(
  owner: Uint8Array,
  samplesWide: number,
  place: number,
  x: number,
  y: number,
  w: number,
  h: number,
  within: boolean,
): number {
  const samplesHigh = owner.length / samplesWide;
  const left = Math.round(x * SAMPLES_PER_PX);
  const top = Math.round(y * SAMPLES_PER_PX);
  const right = Math.round((x + w) * SAMPLES_PER_PX);
  const bottom = Math.round((y + h) * SAMPLES_PER_PX);
  const shownWide = Math.min(right, samplesWide) - Math.max(left, 0);
  const shownHigh = Math.min(bottom, samplesHigh) - Math.max(top, 0);
  if (shownWide <= 0 || shownHigh <= 0) return 0;
  let own = 0;
  for (let line = Math.max(top, 0); line < Math.min(bottom, samplesHigh); line += 1) {
    for (let column = Math.max(left, 0); column < Math.min(right, samplesWide); column += 1) {
      if (owner[line * samplesWide + column] === place) own += 1;
    }
  }
  return own / (within ? shownWide * shownHigh : (right - left) * (bottom - top));
}
