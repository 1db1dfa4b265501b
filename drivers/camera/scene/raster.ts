/**
 * Raster: draws solids into four samples per pixel with a depth buffer that starts as the depth of the empty entrance,
 * so that door frame, wall and shelves hide people by themselves.
 * Why per-pixel intersection: a body of 25 smooth shapes needs no mesh, has exact outlines at every size, and its
 * shading normal comes for free. Sight lines are affine in the picture's columns, so moving on costs three additions.
 * Memory: fixed planes of [2·heightPx, 2·widthPx]: depth f32, luma u8, chroma offsets 2 × i8, owner u8.
 */
import { FIELD_COUNT, Field, Weave } from './solids.ts';
import type { View } from './view.ts';

/** Columns of the lights table, one row per owner. */
export const Light = { ambient: 0, above: 1, door: 2, doorX: 3, doorY: 4, doorZ: 5, gain: 6 } as const;
export const LIGHT_COUNT = 7;

/** Side of the square cloth texture, a power of two. */
const CLOTH = 64;

export class Raster {
  readonly widthSamples: number;
  readonly heightSamples: number;
  readonly depth: Float32Array;
  readonly luma: Uint8Array;
  readonly blue: Int8Array;
  readonly red: Int8Array;
  /** 0 where the entrance is seen, else person index + 1. */
  readonly owner: Uint8Array;
  readonly #view: View;
  readonly #cloth: Float32Array;

  constructor(view: View, cloth: Float32Array) {
    this.#view = view;
    this.#cloth = cloth;
    this.widthSamples = view.widthPx * 2;
    this.heightSamples = view.heightPx * 2;
    const count = this.widthSamples * this.heightSamples;
    this.depth = new Float32Array(count);
    this.luma = new Uint8Array(count);
    this.blue = new Int8Array(count);
    this.red = new Int8Array(count);
    this.owner = new Uint8Array(count);
  }

  begin(emptyDepth: Float32Array): void {
    this.depth.set(emptyDepth);
    this.owner.fill(0);
  }

  /** Draws solid `index` of `table`, lit by the row of `lights` that belongs to its owner. */
  draw(table: Float64Array, index: number, lights: Float64Array): void {
    const at = index * FIELD_COUNT;
    const width = this.widthSamples;
    const left = Math.max(0, Math.floor(table[at + Field.bounds]! * 2));
    const top = Math.max(0, Math.floor(table[at + Field.bounds + 1]! * 2));
    const right = Math.min(width - 1, Math.ceil(table[at + Field.bounds + 2]! * 2));
    const bottom = Math.min(this.heightSamples - 1, Math.ceil(table[at + Field.bounds + 3]! * 2));
    if (left > right || top > bottom) return;

    const depth = this.depth;
    const cloth = this.#cloth;
    const rightX = table[at + Field.right]!;
    const rightY = table[at + Field.right + 1]!;
    const rightZ = table[at + Field.right + 2]!;
    const ox = table[at + Field.origin]!;
    const oy = table[at + Field.origin + 1]!;
    const oz = table[at + Field.origin + 2]!;
    const radiusA = table[at + Field.radiusA]!;
    const radiusB = table[at + Field.radiusB]!;
    const length = table[at + Field.length]!;
    const a2 = table[at + Field.aSquared]!;
    const b = table[at + Field.b]!;
    const m0 = table[at + Field.matrix]!;
    const m1 = table[at + Field.matrix + 1]!;
    const m2 = table[at + Field.matrix + 2]!;
    const m3 = table[at + Field.matrix + 3]!;
    const m4 = table[at + Field.matrix + 4]!;
    const m5 = table[at + Field.matrix + 5]!;
    const m6 = table[at + Field.matrix + 6]!;
    const m7 = table[at + Field.matrix + 7]!;
    const m8 = table[at + Field.matrix + 8]!;
    const colourY = table[at + Field.y]!;
    const colourU = table[at + Field.u]!;
    const colourV = table[at + Field.v]!;
    const owner = table[at + Field.owner]!;
    const weave = table[at + Field.weave]!;
    const openA = table[at + Field.openA]!;
    const openSlope = (table[at + Field.openB]! - openA) / Math.max(length, 2 * radiusA);
    const light = (owner - 1) * LIGHT_COUNT;
    const ambient = lights[light + Light.ambient]!;
    const above = lights[light + Light.above]!;
    const door = lights[light + Light.door]!;
    const doorX = lights[light + Light.doorX]!;
    const doorY = lights[light + Light.doorY]!;
    const doorZ = lights[light + Light.doorZ]!;

    const isBall = length === 0;
    const slantAtCamera = radiusA - b * oz;
    const coneC = a2 * (ox * ox + oy * oy) - slantAtCamera * slantAtCamera;
    const zLow = b * radiusA;
    const zHigh = zLow + a2 * length;
    const ballC = ox * ox + oy * oy + oz * oz - radiusA * radiusA;
    const ozB = oz - length;
    const ballBC = ox * ox + oy * oy + ozB * ozB - radiusB * radiusB;

    const step = 0.5 / this.#view.focalPx;
    const stepX = rightX * step;
    const stepY = rightY * step;
    const stepZ = rightZ * step;
    const startX = (left + 0.5 - width / 2) * step;

    for (let row = top; row <= bottom; row += 1) {
      const slopeY = (row + 0.5 - this.heightSamples / 2) * step;
      let dx = table[at + Field.forward]! + startX * rightX + slopeY * table[at + Field.down]!;
      let dy = table[at + Field.forward + 1]! + startX * rightY + slopeY * table[at + Field.down + 1]!;
      let dz = table[at + Field.forward + 2]! + startX * rightZ + slopeY * table[at + Field.down + 2]!;
      const rowStart = row * width;
      for (let column = left; column <= right; column += 1, dx += stepX, dy += stepY, dz += stepZ) {
        let t = -1;
        let nx = 0;
        let ny = 0;
        let nz = 0;
        let end = 0;
        const across = dx * dx + dy * dy;
        const acrossB = ox * dx + oy * dy;
        if (!isBall) {
          const coneA = a2 * across - b * b * dz * dz;
          const coneB = a2 * acrossB + b * dz * slantAtCamera;
          const inside = coneB * coneB - coneA * coneC;
          if (inside < 0 && coneA > 0) continue;
          // Inside the endless cone all the way (coneA < 0): the cap at the end one looks from comes first.
          end = dz > 0 ? 1 : 2;
          if (inside >= 0 && Math.abs(coneA) > 1e-9) {
            t = (-coneB - Math.sqrt(inside)) / coneA;
            const z = oz + t * dz;
            // Entered through the side, or beyond one end of it; beyond the tip lies the cone's mirror image.
            if (t > 0 && radiusA - b * z > 0) {
              end = z < zLow ? 1 : z > zHigh ? 2 : 0;
              nx = a2 * (ox + t * dx);
              ny = a2 * (oy + t * dy);
              nz = b * (radiusA - b * z);
            }
          }
        } else end = 1;
        if (end !== 0) {
          const ballA = across + dz * dz;
          const zFrom = end === 1 ? oz : ozB;
          const ballB = acrossB + zFrom * dz;
          const inside = ballB * ballB - ballA * (end === 1 ? ballC : ballBC);
          if (inside < 0) continue;
          t = (-ballB - Math.sqrt(inside)) / ballA;
          nx = ox + t * dx;
          ny = oy + t * dy;
          nz = zFrom + t * dz;
        }
        const sample = rowStart + column;
        if (t <= 0 || t >= depth[sample]!) continue;
        depth[sample] = t;
        // A normal of a squeezed shape: own coordinates to world by the transposed matrix.
        let wx = m0 * nx + m3 * ny + m6 * nz;
        let wy = m1 * nx + m4 * ny + m7 * nz;
        let wz = m2 * nx + m5 * ny + m8 * nz;
        const norm = 1 / Math.sqrt(wx * wx + wy * wy + wz * wz);
        wx *= norm;
        wy *= norm;
        wz *= norm;
        const zOwn = oz + t * dz;
        const facing = wx * doorX + wy * doorY + wz * doorZ;
        let lit = ambient + above * (0.45 + 0.55 * wz) + (facing > -0.2 ? door * (facing + 0.2) : 0);
        lit *= openA + openSlope * Math.min(Math.max(zOwn, 0), Math.max(length, radiusA));
        if (weave !== Weave.plain) {
          const xOwn = ox + t * dx;
          if (weave === Weave.stripes) {
            lit *= ((zOwn * 22) & 1) === 0 ? 1.12 : 0.66;
          }
          const fold = cloth[((zOwn * 70) & (CLOTH - 1)) * CLOTH + ((xOwn * 150) & (CLOTH - 1))]!;
          lit *= weave === Weave.hair ? 1 + 0.5 * fold : 1 + 0.34 * fold;
        }
        // Square root: near enough the gamma of a camera, and cheap.
        const shade = lit > 0 ? Math.sqrt(lit) : 0;
        const y = colourY * shade;
        this.luma[sample] = Math.min(255, y);
        // What is over-exposed loses its colour, as in a sensor.
        const chroma = y > 225 ? shade * Math.max(0, 1 - (y - 225) / 60) : shade;
        const u = colourU * chroma;
        const v = colourV * chroma;
        this.blue[sample] = Math.max(-127, Math.min(127, u));
        this.red[sample] = Math.max(-127, Math.min(127, v));
        this.owner[sample] = owner;
      }
    }
  }
}

/** A soft random texture around 0, [64, 64]: folds of cloth and strands of hair. */
export function makeCloth(next: () => number): Float32Array {
  const rough = Float32Array.from({ length: CLOTH * CLOTH }, () => next() - 0.5);
  const cloth = new Float32Array(CLOTH * CLOTH);
  for (let y = 0; y < CLOTH; y += 1) {
    for (let x = 0; x < CLOTH; x += 1) {
      let sum = 0;
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -1; dx <= 1; dx += 1) sum += rough[((y + dy) & (CLOTH - 1)) * CLOTH + ((x + dx) & (CLOTH - 1))]!;
      }
      cloth[y * CLOTH + x] = sum / 4;
    }
  }
  return cloth;
}
