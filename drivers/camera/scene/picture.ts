/**
 * Picture: empty entrance + shadows + people + grain, written straight into the slot as planar YUV420.
 * Shadows are soft ellipses on the floor: a small dark one under each foot, a wide faint one under the body, and on sunny
 * days one along the sun's ray. Grain is drawn from a fixed table, entered at another place in every row and frame.
 * Memory: fixed planes; nothing is allocated per frame. The planes hold a drawing of nobody; the slot is treated as if
 * it held somebody.
 */
import type { Body } from './body.ts';
import type { Entrance } from './entrance.ts';
import type { Random } from './random.ts';
import { LIGHT_COUNT, Light, makeCloth, Raster } from './raster.ts';
import type { Solids } from './solids.ts';
import { columnOf, rowOf, type View } from './view.ts';
import { WALKER_COUNT_MAX, type Walker } from './walker.ts';

/** Entries of the grain table, a power of two, and its spread. */
const GRAIN_COUNT = 1 << 14;
/** Standard deviation of the table; the noise option scales it. */
const GRAIN_SPREAD = 32;

/** Light scattered in a cheap lens lifts the black a little. */
const VEIL = 7;
const VEIL_SHARE = 0.975;

export type PictureOptions = {
  /** Standard deviation of the luma noise in steps of 255. */
  readonly noise: number;
  /** 0 none .. 1 natural. */
  readonly shadows: number;
};

export class Picture {
  readonly #view: View;
  readonly #entrance: Entrance;
  readonly #options: PictureOptions;
  readonly #raster: Raster;
  readonly #grain = new Int8Array(GRAIN_COUNT);
  readonly #seed: number;
  /** [heightPx, widthPx] share of light that the shadows leave. */
  readonly #shadow: Float32Array;
  readonly #lights = new Float64Array(WALKER_COUNT_MAX * LIGHT_COUNT);
  /** centre x, y, half axes long, across, direction x, y, strength of the shadow being drawn. */
  readonly #blob = new Float64Array(7);

  constructor(view: View, entrance: Entrance, random: Random, seed: number, options: PictureOptions) {
    this.#view = view;
    this.#entrance = entrance;
    this.#options = options;
    this.#seed = seed;
    this.#raster = new Raster(
      view,
      makeCloth(() => random.next()),
    );
    this.#shadow = new Float32Array(view.widthPx * view.heightPx);
    for (let entry = 0; entry < GRAIN_COUNT; entry += 1) {
      this.#grain[entry] = Math.round(Math.max(-127, Math.min(127, random.bell(0, GRAIN_SPREAD))));
    }
  }

  /** 0 where the entrance is seen, else pool place + 1; [2 · heightPx, 2 · widthPx], of the last drawing. */
  get owner(): Uint8Array {
    return this.#raster.owner;
  }

  draw(slot: Uint8Array, strideBytes: number, walkers: readonly Walker[], solids: Solids, frameIndex: number): void {
    this.#shadow.fill(1);
    for (let index = 0; index < walkers.length; index += 1) {
      const walker = walkers[index]!;
      if (!walker.active) continue;
      this.#light(walker, index);
      if (this.#options.shadows > 0) this.#dropShadows(walker);
    }
    this.#raster.begin(this.#entrance.depth);
    for (let solid = 0; solid < solids.count; solid += 1) this.#raster.draw(solids.table, solid, this.#lights);
    this.#compose(slot, strideBytes, frameIndex);
  }

  /** How the light falls where the walker is: from the sky outside, from the opening and the lamps inside. */
  #light(walker: Walker, index: number): void {
    const light = this.#entrance.daylight;
    const lights = this.#lights;
    const at = index * LIGHT_COUNT;
    // 0 in the street, 1 in the shop.
    const inside = Math.min(1, Math.max(0, (walker.y + 0.55) / 0.8));
    const x = -walker.x * 0.6;
    const y = -0.35 - Math.max(0, walker.y);
    const z = 0.35;
    const far = Math.sqrt(x * x + y * y + z * z);
    const opening = (light.opening * 1.35) / (0.9 + (walker.y > 0 ? walker.y * walker.y * 0.7 : 0));
    lights[at + Light.ambient] = light.ambient * 0.85 * inside + light.street * 0.34 * (1 - inside);
    lights[at + Light.above] = light.lamps * 0.95 * inside + light.street * 0.5 * (1 - inside);
    lights[at + Light.door] = opening * inside + light.street * 0.2 * (1 - inside);
    lights[at + Light.doorX] = x / far;
    lights[at + Light.doorY] = y / far;
    lights[at + Light.doorZ] = z / far;
    if (light.sun > 0 && walker.y > -0.3) {
      // In the sun as far as the opening lets it in at half height.
      const reach = 1 - (0.9 + light.sunZ * walker.y) / 2.2;
      const sun = light.sun * Math.min(1, Math.max(0, reach * 2 + 0.5)) * inside;
      lights[at + Light.door]! += sun * 0.7;
    }
  }

  #dropShadows(walker: Walker): void {
    const blob = this.#blob;
    const body: Body = walker.body;
    const strength = this.#options.shadows;
    const light = this.#entrance.daylight;
    const h = body.heightM;
    for (let side = 0; side < 2; side += 1) {
      const foot = body.footIndex(side);
      const lifted = Math.min(1, body.joints[foot + 2]! / 0.2);
      blob[0] = body.joints[foot]! - Math.cos(walker.yaw) * 0.05;
      blob[1] = body.joints[foot + 1]! - Math.sin(walker.yaw) * 0.05;
      blob[2] = 0.24;
      blob[3] = 0.13;
      blob[4] = Math.cos(walker.yaw);
      blob[5] = Math.sin(walker.yaw);
      blob[6] = 0.6 * (1 - 0.7 * lifted) * strength;
      this.#dropBlob();
    }
    blob[0] = walker.x;
    blob[1] = walker.y;
    blob[2] = 0.3 * h;
    blob[3] = 0.26 * h;
    blob[4] = 0;
    blob[5] = 1;
    blob[6] = 0.34 * strength;
    this.#dropBlob();
    if (walker.y > -0.2) {
      // Away from the opening, or along the sun.
      const sunny = light.sun > 0 && walker.y < 2;
      const dx = sunny ? -light.sunX : walker.x * 0.35;
      const norm = Math.sqrt(dx * dx + 1);
      const long = sunny ? (h / light.sunZ) * 0.55 : 0.42 * h;
      blob[4] = dx / norm;
      blob[5] = 1 / norm;
      blob[0] = walker.x + blob[4]! * long * 0.85;
      blob[1] = walker.y + blob[5]! * long * 0.85;
      blob[2] = long * 1.15;
      blob[3] = 0.15 * h;
      blob[6] = (sunny ? 0.26 : 0.16) * strength;
      this.#dropBlob();
    }
  }

  #dropBlob(): void {
    const view = this.#view;
    const blob = this.#blob;
    const x = blob[0]!;
    const y = blob[1]!;
    const reach = Math.max(blob[2]!, blob[3]!);
    // The floor must be well before the camera, or its rows are not finite.
    if ((view.cameraYM - y - reach) * view.sinTilt + view.cameraZM * view.cosTilt < 0.3) return;
    const top = Math.max(0, Math.floor(rowOf(view, y - reach, 0)));
    const bottom = Math.min(view.heightPx - 1, Math.ceil(rowOf(view, y + reach, 0)));
    const left = Math.max(
      0,
      Math.floor(Math.min(columnOf(view, x + reach, y + reach, 0), columnOf(view, x + reach, y - reach, 0))),
    );
    const right = Math.min(
      view.widthPx - 1,
      Math.ceil(Math.max(columnOf(view, x - reach, y + reach, 0), columnOf(view, x - reach, y - reach, 0))),
    );
    const long = 1 / (blob[2]! * blob[2]!);
    const across = 1 / (blob[3]! * blob[3]!);
    const alongX = blob[4]!;
    const alongY = blob[5]!;
    const strength = blob[6]!;
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        const pixel = row * view.widthPx + column;
        const dx = this.#entrance.floorX[pixel]! - x;
        const dy = this.#entrance.floorY[pixel]! - y;
        const a = dx * alongX + dy * alongY;
        const b = dx * alongY - dy * alongX;
        const square = a * a * long + b * b * across;
        if (square < 1) this.#shadow[pixel]! *= 1 - strength * (1 - square) * (1 - square);
      }
    }
  }

  /** Two by two pixels at a time, because they share one U and one V. */
  #compose(slot: Uint8Array, strideBytes: number, frameIndex: number): void {
    const width = this.#view.widthPx;
    const height = this.#view.heightPx;
    const samplesWide = width * 2;
    const { owner, luma, blue, red } = this.#raster;
    const entrance = this.#entrance;
    const grain = this.#grain;
    const shadow = this.#shadow;
    const noise = this.#options.noise / GRAIN_SPREAD;
    const chromaStride = strideBytes >> 1;
    const uStart = strideBytes * height;
    const vStart = uStart + chromaStride * (height >> 1);
    for (let blockRow = 0; blockRow < height >> 1; blockRow += 1) {
      let grainAt = grainStart(this.#seed, frameIndex, blockRow);
      for (let blockColumn = 0; blockColumn < width >> 1; blockColumn += 1) {
        const chroma = blockRow * (width >> 1) + blockColumn;
        let blockCover = 0;
        let blockBlue = 0;
        let blockRed = 0;
        let blockShadow = 0;
        for (let corner = 0; corner < 4; corner += 1) {
          const row = blockRow * 2 + (corner >> 1);
          const column = blockColumn * 2 + (corner & 1);
          const pixel = row * width + column;
          const sample = row * 2 * samplesWide + column * 2;
          const vignette = entrance.vignette[pixel]!;
          let cover = 0;
          let person = 0;
          if (owner[sample]! !== 0) {
            cover += 1;
            person += luma[sample]!;
            blockBlue += blue[sample]! * vignette;
            blockRed += red[sample]! * vignette;
          }
          if (owner[sample + 1]! !== 0) {
            cover += 1;
            person += luma[sample + 1]!;
            blockBlue += blue[sample + 1]! * vignette;
            blockRed += red[sample + 1]! * vignette;
          }
          const below = sample + samplesWide;
          if (owner[below]! !== 0) {
            cover += 1;
            person += luma[below]!;
            blockBlue += blue[below]! * vignette;
            blockRed += red[below]! * vignette;
          }
          if (owner[below + 1]! !== 0) {
            cover += 1;
            person += luma[below + 1]!;
            blockBlue += blue[below + 1]! * vignette;
            blockRed += red[below + 1]! * vignette;
          }
          blockCover += cover;
          blockShadow += shadow[pixel]!;
          const light = entrance.luma[pixel]! * shadow[pixel]! * (1 - cover / 4) + (person / 4) * vignette;
          const y = light * VEIL_SHARE + VEIL;
          // Shot noise: a little more in the light.
          const value = y + grain[(grainAt + corner) & (GRAIN_COUNT - 1)]! * noise * (0.75 + y * 0.002) + 0.5;
          slot[row * strideBytes + column] = Math.max(0, Math.min(255, value));
        }
        const rest = (1 - blockCover / 16) * blockShadow * 0.25;
        const speck = grain[(grainAt + 4) & (GRAIN_COUNT - 1)]! * noise * 0.4;
        const u = 128.5 + entrance.blue[chroma]! * rest + blockBlue / 16 + speck;
        const v =
          128.5 +
          entrance.red[chroma]! * rest +
          blockRed / 16 -
          grain[(grainAt + 5) & (GRAIN_COUNT - 1)]! * noise * 0.4;
        slot[uStart + blockRow * chromaStride + blockColumn] = Math.max(0, Math.min(255, u));
        slot[vStart + blockRow * chromaStride + blockColumn] = Math.max(0, Math.min(255, v));
        grainAt += 6;
      }
    }
  }
}

/** Where a row enters the grain table; the same for the same seed, frame and row, whatever was drawn before. */
function grainStart(seed: number, frameIndex: number, row: number): number {
  let h = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(frameIndex + 1, 0x85ebca6b) ^ Math.imul(row + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 12)) & (GRAIN_COUNT - 1);
}
