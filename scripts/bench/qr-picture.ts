/**
 * Pictures of a setup code as a 640 × 480 camera would see it, made up here: a sheet of paper in front of a grey wall, turned
 * and tilted before a pinhole camera, then what a lens, a moving hand and a sensor make of it. No picture of anything real.
 * Order, as light goes: geometry (area of a pixel by 3 × 3 samples) → blur (Gaussian) → motion (a line) → light and noise.
 * Memory: two planes of 640 × 480 numbers and the picture, taken once; single precision is finer than any sensor.
 */
import { Random } from '../../drivers/camera/scene/random.ts';
import type { QrMatrix } from '../../provisioning/qr/matrix.ts';

export const WIDTH_PX = 640;
export const HEIGHT_PX = 480;
/** Raspberry Pi Camera Module 3: 66° across the picture. The other modules are narrower, which distorts less. */
const FOCAL_PX = WIDTH_PX / 2 / Math.tan((33 * Math.PI) / 180);
/** Grey levels of paper and ink in good light, and of what is around the sheet. */
const PAPER = 215;
const INK = 45;
const WALL = 150;
const SAMPLES = 3;

/** One way in which a picture is worse than it could be; what is not said is good. */
export type Conditions = {
  /** Side of the code itself (without its quiet zone) where the sheet faces the camera, px. */
  readonly sidePx: number;
  /** Turned in the picture's plane, degrees. */
  readonly rotationDeg?: number;
  /** Turned away from the camera, degrees, about an axis in the sheet that each picture chooses. */
  readonly tiltDeg?: number;
  /** Standard deviation of the blur, px. */
  readonly blurSigmaPx?: number;
  /** How far the sheet moves while a picture is exposed, px; each picture has its own direction. */
  readonly motionPx?: number;
  /** Standard deviation of noise that does not depend on the light, grey levels. */
  readonly noiseSigma?: number;
  /** Paper minus ink, grey levels, about the middle: haze, a dim screen, a reflection. */
  readonly contrast?: number;
  /** Electrons that white paper sets free in one pixel: shot noise is its square root, and gain makes up for the rest. */
  readonly electrons?: number;
  /** Brightness falls by this share across the picture. */
  readonly gradient?: number;
};

/** Standard deviation of reading a pixel of a small sensor at high gain, electrons. */
const READ_NOISE_ELECTRONS = 3;

export class PictureMaker {
  readonly #light = new Float32Array(WIDTH_PX * HEIGHT_PX);
  readonly #other = new Float32Array(WIDTH_PX * HEIGHT_PX);
  readonly picture = new Uint8Array(WIDTH_PX * HEIGHT_PX);

  /** Draws into `picture`, grey, [HEIGHT_PX, WIDTH_PX] uint8, which the next call draws over. */
  draw(matrix: QrMatrix, quietModules: number, conditions: Conditions, random: Random): Uint8Array {
    const { blurSigmaPx = 0, motionPx = 0 } = conditions;
    this.#expose(matrix, quietModules, conditions, random);
    if (blurSigmaPx > 0) this.#blur(blurSigmaPx);
    if (motionPx > 0) this.#move(motionPx, random.between(0, Math.PI));
    this.#sense(conditions, random);
    return this.picture;
  }

  /**
   * The sheet's centre lies on the optical axis, moved by a few pixels, at the distance at which a module is as large as it
   * shall be. A pixel's ray meets the sheet's plane at (u, v), which are modules from its centre.
   */
  #expose(matrix: QrMatrix, quietModules: number, conditions: Conditions, random: Random): void {
    const { sidePx, rotationDeg = 0, tiltDeg = 0 } = conditions;
    const modulePx = sidePx / (matrix.length - 2 * quietModules);
    const distance = FOCAL_PX / modulePx;
    const [turn, tilt, axis] = [
      degrees(rotationDeg + random.between(-3, 3)),
      degrees(tiltDeg),
      random.between(0, Math.PI * 2),
    ];
    const [right, down] = sheetAxes(turn, tilt, axis);
    const normal = cross(right, down);
    const [offsetX, offsetY] = [random.between(-6, 6), random.between(-6, 6)];
    const half = matrix.length / 2;
    // Beyond this circle is nothing but wall, however the sheet is turned and tilted.
    const reachPx = half * Math.SQRT2 * modulePx * (1 + Math.sin(tilt)) + 1;
    for (let y = 0; y < HEIGHT_PX; y += 1)
      for (let x = 0; x < WIDTH_PX; x += 1) {
        const [fromLeft, fromTop] = [x - WIDTH_PX / 2 - offsetX, y - HEIGHT_PX / 2 - offsetY];
        let sum = WALL * SAMPLES * SAMPLES;
        if (Math.hypot(fromLeft, fromTop) < reachPx) {
          sum = 0;
          for (let sample = 0; sample < SAMPLES * SAMPLES; sample += 1) {
            const rayX = (fromLeft + ((sample % SAMPLES) + 0.5) / SAMPLES) / FOCAL_PX;
            const rayY = (fromTop + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) / FOCAL_PX;
            const depth = (distance * normal[2]) / (normal[0] * rayX + normal[1] * rayY + normal[2]);
            const dz = depth - distance;
            const column = Math.floor(rayX * depth * right[0] + rayY * depth * right[1] + dz * right[2] + half);
            const row = Math.floor(rayX * depth * down[0] + rayY * depth * down[1] + dz * down[2] + half);
            const isDark = depth > 0 ? matrix[row]?.[column] : undefined;
            sum += isDark === undefined ? WALL : isDark ? INK : PAPER;
          }
        }
        this.#light[y * WIDTH_PX + x] = sum / (SAMPLES * SAMPLES);
      }
  }

  #blur(sigmaPx: number): void {
    const reach = Math.ceil(sigmaPx * 3);
    const weights = Array.from({ length: 2 * reach + 1 }, (_, index) =>
      Math.exp(-((index - reach) ** 2) / (2 * sigmaPx ** 2)),
    );
    const sum = weights.reduce((all, weight) => all + weight, 0);
    const kernel = Float32Array.from(weights, (weight) => weight / sum);
    convolve(this.#light, this.#other, kernel, 1, WIDTH_PX);
    convolve(this.#other, this.#light, kernel, WIDTH_PX, HEIGHT_PX);
  }

  /** Mean along a line of that length, in steps of half a pixel, the nearest pixel each. */
  #move(lengthPx: number, angle: number): void {
    const count = Math.ceil(lengthPx * 2) + 1;
    const steps = Array.from({ length: count }, (_, index) => {
      const along = (index / (count - 1) - 0.5) * lengthPx;
      return [Math.round(along * Math.cos(angle)), Math.round(along * Math.sin(angle))] as const;
    });
    for (let y = 0; y < HEIGHT_PX; y += 1)
      for (let x = 0; x < WIDTH_PX; x += 1) {
        let sum = 0;
        for (const [dx, dy] of steps)
          sum += this.#light[clamp(y + dy, HEIGHT_PX) * WIDTH_PX + clamp(x + dx, WIDTH_PX)]!;
        this.#other[y * WIDTH_PX + x] = sum / count;
      }
    this.#light.set(this.#other);
  }

  #sense({ noiseSigma = 2, contrast = PAPER - INK, electrons, gradient = 0 }: Conditions, random: Random): void {
    const middle = (PAPER + INK) / 2;
    const scale = contrast / (PAPER - INK);
    for (let at = 0; at < this.picture.length; at += 1) {
      let grey = middle + (this.#light[at]! - middle) * scale;
      grey *= 1 - (gradient * (at % WIDTH_PX)) / WIDTH_PX;
      if (electrons !== undefined) {
        // A Poisson number is near enough to a normal one from some ten electrons on.
        const freed = (electrons * grey) / PAPER;
        const read = freed + normal(random) * Math.sqrt(freed + READ_NOISE_ELECTRONS ** 2);
        grey = (read * PAPER) / electrons;
      }
      grey += normal(random) * noiseSigma;
      this.picture[at] = Math.max(0, Math.min(255, Math.round(grey)));
    }
  }
}

type Vector = readonly [number, number, number];

/** Directions of the sheet's rows and columns, of length 1: turned by `turn`, then tilted about an axis in the sheet. */
function sheetAxes(turn: number, tilt: number, axis: number): [right: Vector, down: Vector] {
  const about: Vector = [Math.cos(axis), Math.sin(axis), 0];
  const right: Vector = [Math.cos(turn), Math.sin(turn), 0];
  const down: Vector = [-Math.sin(turn), Math.cos(turn), 0];
  return [rotate(right, about, tilt), rotate(down, about, tilt)];
}

/** Rodrigues' formula; `about` has length 1. */
function rotate(vector: Vector, about: Vector, angle: number): Vector {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = (vector[0] * about[0] + vector[1] * about[1] + vector[2] * about[2]) * (1 - cos);
  const aside = cross(about, vector);
  return [0, 1, 2].map((i) => vector[i]! * cos + aside[i]! * sin + about[i]! * along) as unknown as Vector;
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** One direction of a separable filter; the edge goes on beyond the picture. */
function convolve(from: Float32Array, to: Float32Array, kernel: Float32Array, stride: number, length: number): void {
  const reach = (kernel.length - 1) / 2;
  for (let at = 0; at < from.length; at += 1) {
    const place = Math.floor(at / stride) % length;
    let sum = 0;
    for (let index = 0; index < kernel.length; index += 1)
      sum += kernel[index]! * from[at + (clamp(place + index - reach, length) - place) * stride]!;
    to[at] = sum;
  }
}

/**
 * Numbers with a normal distribution and standard deviation 1 (Box and Muller, 1958), drawn once and met at random places: a
 * picture needs up to 600,000, and drawing them anew would take longer than all the rest.
 */
const NORMAL_COUNT = 65_536;
const NORMALS = normalNumbers();

function normalNumbers(): Float32Array {
  const random = new Random(1, 1);
  return Float32Array.from(
    { length: NORMAL_COUNT },
    () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()),
  );
}

function normal(random: Random): number {
  return NORMALS[random.below(NORMAL_COUNT)]!;
}

function clamp(value: number, length: number): number {
  return Math.max(0, Math.min(length - 1, value));
}

function degrees(angle: number): number {
  return (angle * Math.PI) / 180;
}
