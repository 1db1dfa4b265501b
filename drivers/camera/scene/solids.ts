/**
 * Solids: the table of shaded shapes that bodies are made of, ready for the rasteriser.
 * One shape does for everything: a round cone (the hull of two balls) that may be flattened in its two cross directions,
 * so a head, a forearm, a chest and a shoe differ in numbers only. A flattened round cone is a plain one in its own
 * coordinates; the rows of matrix M lead there, and sight lines are carried over row by row.
 * Bounds are exact: a plane through the camera touches the ellipsoid c + E·ball where (n·c)² = |Eᵀn|², which for the
 * picture's columns and rows is a quadratic in the slope (dual conics: Hartley & Zisserman, Multiple View Geometry, 8.3).
 */
import type { View } from './view.ts';

/** Columns of a row of the table. Vectors take three. */
export const Field = {
  /** Sight line in own coordinates: forward + slopeX·right + slopeY·down. */
  forward: 0,
  right: 3,
  down: 6,
  /** Camera in own coordinates. */
  origin: 9,
  radiusA: 12,
  radiusB: 13,
  length: 14,
  /** Slant of the cone: outward normal is (a·radial, b·axis), a² + b² = 1. */
  aSquared: 15,
  b: 16,
  matrix: 17,
  /** left, top, right, bottom in pixels, unclipped. */
  bounds: 26,
  y: 30,
  u: 31,
  v: 32,
  owner: 33,
  weave: 34,
  /** Share of light that reaches the shape's two ends (the inner leg gets less than the shoulder). */
  openA: 35,
  openB: 36,
} as const;
export const FIELD_COUNT = 37;

/** Columns of a part: what a body is made of before it is posed. Written once when a person is dressed. */
export const Part = {
  jointA: 0,
  jointB: 1,
  radiusA: 2,
  radiusB: 3,
  /** Scale of the direction across both the axis and the person's side: a chest is flat from front to back. */
  flat: 4,
  /** Scale of the axis itself, for single balls: a head is an egg. */
  tall: 5,
  y: 6,
  u: 7,
  v: 8,
  weave: 9,
  openA: 10,
  openB: 11,
} as const;
export const PART_COLUMNS = 12;

/** Surface detail of a shape. */
export const Weave = { plain: 0, cloth: 1, stripes: 2, hair: 3 } as const;

/** Nearer than this the projection blows up; such shapes are left out. */
const NEAR_M = 0.12;

export class Solids {
  readonly table: Float64Array;
  count = 0;
  /** Box of all shapes added since beginBox: left, top, right, bottom in pixels. */
  readonly box = new Float64Array(4);
  readonly #view: View;
  readonly #capacity: number;
  /** Cross direction in which the next shape keeps its full radius; the person's own left by default. */
  readonly side = new Float64Array(3);
  /** Scratch: camera-space vectors of the three half axes. */
  readonly #axes = new Float64Array(9);
  readonly #own = new Float64Array(9);

  constructor(view: View, capacity: number) {
    this.#view = view;
    this.#capacity = capacity;
    this.table = new Float64Array(capacity * FIELD_COUNT);
  }

  beginBox(): void {
    this.box[0] = Number.POSITIVE_INFINITY;
    this.box[1] = Number.POSITIVE_INFINITY;
    this.box[2] = Number.NEGATIVE_INFINITY;
    this.box[3] = Number.NEGATIVE_INFINITY;
  }

  /**
   * Adds one part (a row of `parts`, see Part) between two joints (world, metres, three numbers each).
   * Numbers come in tables because doubles passed as arguments are boxed, and this runs 25 times per person and frame.
   */
  add(parts: Float64Array, part: number, joints: Float64Array, owner: number): void {
    if (this.count === this.#capacity) return;
    const view = this.#view;
    const jointA = parts[part + Part.jointA]! * 3;
    const jointB = parts[part + Part.jointB]! * 3;
    const radiusA = parts[part + Part.radiusA]!;
    const radiusB = parts[part + Part.radiusB]!;
    const flat = parts[part + Part.flat]!;
    const tall = parts[part + Part.tall]!;
    const ax = joints[jointA]!;
    const ay = joints[jointA + 1]!;
    const az = joints[jointA + 2]!;
    let wx = joints[jointB]! - ax;
    let wy = joints[jointB + 1]! - ay;
    let wz = joints[jointB + 2]! - az;
    let lengthM = Math.sqrt(wx * wx + wy * wy + wz * wz);
    if (lengthM < 1e-4) {
      lengthM = 0;
      wx = 0;
      wy = 0;
      wz = 1;
    } else {
      wx /= lengthM;
      wy /= lengthM;
      wz /= lengthM;
    }
    // u: `side` made perpendicular to the axis; v = w × u.
    const along = this.side[0]! * wx + this.side[1]! * wy + this.side[2]! * wz;
    let ux = this.side[0]! - along * wx;
    let uy = this.side[1]! - along * wy;
    let uz = this.side[2]! - along * wz;
    let norm = Math.sqrt(ux * ux + uy * uy + uz * uz);
    if (norm < 1e-3) {
      // The axis is `side` itself (a shoulder bar): any cross direction will do, up is a good one.
      ux = -wz * wx;
      uy = -wz * wy;
      uz = 1 - wz * wz;
      norm = Math.sqrt(ux * ux + uy * uy + uz * uz);
    }
    ux /= norm;
    uy /= norm;
    uz /= norm;
    const own = this.#own;
    own[0] = ux;
    own[1] = uy;
    own[2] = uz;
    own[3] = (wy * uz - wz * uy) / flat;
    own[4] = (wz * ux - wx * uz) / flat;
    own[5] = (wx * uy - wy * ux) / flat;
    own[6] = wx / tall;
    own[7] = wy / tall;
    own[8] = wz / tall;

    const table = this.table;
    const at = this.count * FIELD_COUNT;
    const sin = view.sinTilt;
    const cos = view.cosTilt;
    for (let row = 0; row < 3; row += 1) {
      const mx = own[row * 3]!;
      const my = own[row * 3 + 1]!;
      const mz = own[row * 3 + 2]!;
      table[at + Field.matrix + row * 3] = mx;
      table[at + Field.matrix + row * 3 + 1] = my;
      table[at + Field.matrix + row * 3 + 2] = mz;
      table[at + Field.right + row] = -mx;
      table[at + Field.down + row] = my * cos - mz * sin;
      table[at + Field.forward + row] = -my * sin - mz * cos;
      table[at + Field.origin + row] = -mx * ax + my * (view.cameraYM - ay) + mz * (view.cameraZM - az);
      // The half axis of this row per unit of radius, in camera coordinates: row / |row|², as own[] holds 1 / scale.
      const scale = row === 0 ? 1 : row === 1 ? flat * flat : tall * tall;
      this.#axes[row] = -mx * scale;
      this.#axes[3 + row] = (my * cos - mz * sin) * scale;
      this.#axes[6 + row] = (-my * sin - mz * cos) * scale;
    }
    const lengthOwn = lengthM / tall;
    const b = lengthOwn > 0 ? (radiusA - radiusB) / lengthOwn : 0;
    // One ball inside the other: the hull is the larger ball. Callers do not do this on purpose; be safe.
    if (Math.abs(b) >= 1) return;
    table[at + Field.radiusA] = radiusA;
    table[at + Field.radiusB] = radiusB;
    table[at + Field.length] = lengthOwn;
    table[at + Field.b] = b;
    table[at + Field.aSquared] = 1 - b * b;
    table[at + Field.y] = parts[part + Part.y]!;
    table[at + Field.u] = parts[part + Part.u]!;
    table[at + Field.v] = parts[part + Part.v]!;
    table[at + Field.owner] = owner;
    table[at + Field.weave] = parts[part + Part.weave]!;
    table[at + Field.openA] = parts[part + Part.openA]!;
    table[at + Field.openB] = parts[part + Part.openB]!;
    table[at + Field.bounds] = Number.POSITIVE_INFINITY;
    table[at + Field.bounds + 1] = Number.POSITIVE_INFINITY;
    table[at + Field.bounds + 2] = Number.NEGATIVE_INFINITY;
    table[at + Field.bounds + 3] = Number.NEGATIVE_INFINITY;
    if (!this.#bound(at, joints, jointA, Field.radiusA)) return;
    if (lengthM > 0 && !this.#bound(at, joints, jointB, Field.radiusB)) return;
    const box = this.box;
    if (table[at + Field.bounds]! < box[0]!) box[0] = table[at + Field.bounds]!;
    if (table[at + Field.bounds + 1]! < box[1]!) box[1] = table[at + Field.bounds + 1]!;
    if (table[at + Field.bounds + 2]! > box[2]!) box[2] = table[at + Field.bounds + 2]!;
    if (table[at + Field.bounds + 3]! > box[3]!) box[3] = table[at + Field.bounds + 3]!;
    this.count += 1;
  }

  /** Widens the bounds by one end's ellipsoid; false when it is too near the camera or behind it. */
  #bound(at: number, joints: Float64Array, joint: number, radiusField: number): boolean {
    const view = this.#view;
    const axes = this.#axes;
    const table = this.table;
    const x = joints[joint]!;
    const y = joints[joint + 1]!;
    const z = joints[joint + 2]!;
    const radius = table[at + radiusField]!;
    const right = -x;
    const down = (y - view.cameraYM) * view.cosTilt - (z - view.cameraZM) * view.sinTilt;
    const depth = (view.cameraYM - y) * view.sinTilt + (view.cameraZM - z) * view.cosTilt;
    const r2 = radius * radius;
    const xz = r2 * (axes[0]! * axes[6]! + axes[1]! * axes[7]! + axes[2]! * axes[8]!);
    const xx = r2 * (axes[0]! * axes[0]! + axes[1]! * axes[1]! + axes[2]! * axes[2]!);
    const yz = r2 * (axes[3]! * axes[6]! + axes[4]! * axes[7]! + axes[5]! * axes[8]!);
    const yy = r2 * (axes[3]! * axes[3]! + axes[4]! * axes[4]! + axes[5]! * axes[5]!);
    const zz = r2 * (axes[6]! * axes[6]! + axes[7]! * axes[7]! + axes[8]! * axes[8]!);
    if (depth - Math.sqrt(zz) < NEAR_M) return false;
    const a = depth * depth - zz;
    const bx = right * depth - xz;
    const by = down * depth - yz;
    const spreadX = Math.sqrt(Math.max(0, bx * bx - a * (right * right - xx)));
    const spreadY = Math.sqrt(Math.max(0, by * by - a * (down * down - yy)));
    const focal = view.focalPx;
    const left = view.widthPx / 2 + (focal * (bx - spreadX)) / a;
    const top = view.heightPx / 2 + (focal * (by - spreadY)) / a;
    const rightEdge = view.widthPx / 2 + (focal * (bx + spreadX)) / a;
    const bottom = view.heightPx / 2 + (focal * (by + spreadY)) / a;
    if (left < table[at + Field.bounds]!) table[at + Field.bounds] = left;
    if (top < table[at + Field.bounds + 1]!) table[at + Field.bounds + 1] = top;
    if (rightEdge > table[at + Field.bounds + 2]!) table[at + Field.bounds + 2] = rightEdge;
    if (bottom > table[at + Field.bounds + 3]!) table[at + Field.bounds + 3] = bottom;
    return true;
  }
}
