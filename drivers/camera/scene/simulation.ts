/**
 * Simulation: steps the people of one entrance, keeps the truth beside every picture, and draws on demand.
 * Usable without the camera: tests and evaluations call step(k) and draw(slot), and read people and crossings.
 * Deterministic: the state at frame k follows from seed, options and k alone; time never enters.
 * Memory: everything is made in the constructor and in `prepare`; step and draw use it again.
 */
import { strict as assert } from 'node:assert';
import type { FrameFormat } from '../../../runtime/ports/camera.ts';
import { PART_COUNT_MAX } from './body.ts';
import { type Crowd, checkCrowd } from './crowd.ts';
import { makeEntrance } from './entrance.ts';
import { makeOccluder, type Occluder } from './occluder.ts';
import { Picture } from './picture.ts';
import { Random } from './random.ts';
import { Solids } from './solids.ts';
import { BAND_NORM, CROWD_BAND_NORM, type CrossingTable, type PeopleTable, type SceneLine, Truth } from './truth.ts';
import { makeView, type View } from './view.ts';
import { Walkers } from './walk.ts';
import { WALKER_COUNT_MAX } from './walker.ts';

export type { Crowd } from './crowd.ts';
export type { SceneLine } from './truth.ts';

export type SceneOptions = {
  /** Integer; another seed is another shop with other people. */
  readonly seed: number;
  /** Mean number of people who arrive, passers-by outside included; 0 leaves the entrance empty. A crowd replaces it. */
  readonly peoplePerMinute: number;
  /** Height of the lens above the floor, 2.2..6 m. */
  readonly heightM: number;
  /** 0 looks straight down, 75 is the flattest. */
  readonly tiltDeg: number;
  /** Horizontal field of view, 30..110 degrees. */
  readonly fovDeg: number;
  /** Half the width of the door, 1.1..2.2 m; absent: 1.1 m. */
  readonly doorHalfM?: number;
  /** Staged arrivals instead of peoplePerMinute; they refer to the default line. */
  readonly crowd?: Crowd;
  /** True: frames come at frameRateHz of the format; false: as fast as they are taken. */
  readonly realtime: boolean;
  /** The camera ends after this many frames; absent: it goes on. */
  readonly frameCountMax?: number;
  readonly lines: readonly SceneLine[];
  /** Half the band around a line in which truth keeps a side, of the picture's height; absent: truth.ts says. */
  readonly bandNorm?: number;
  /** Standard deviation of the luma noise in steps of 255. */
  readonly noise: number;
  /** Strength of the shadows on the floor, 0..1. */
  readonly shadows: number;
};

/** In is down: the camera hangs inside and looks at the door, so who enters comes towards it. */
export const SCENE_LINE_DEFAULT: SceneLine = { fromNorm: [0.05, 0.5], toNorm: [0.95, 0.5], inNorm: [0, 1] };

/** 66 degrees is the lens of the Raspberry Pi Camera Module 3. At 3 m and 45 degrees adults are 75 to 105 px of 192 tall. */
export const SCENE_DEFAULTS: SceneOptions = {
  seed: 1,
  peoplePerMinute: 20,
  heightM: 3,
  tiltDeg: 45,
  fovDeg: 66,
  realtime: true,
  lines: [SCENE_LINE_DEFAULT],
  noise: 2.4,
  shadows: 1,
};

/** 256 x 192 at 15 Hz: what the detector needs. */
export const SCENE_FORMAT_DEFAULT: FrameFormat = {
  widthPx: 256,
  heightPx: 192,
  strideBytes: 256,
  frameBytes: 256 * 192 * 1.5,
  frameRateHz: 15,
};

export class Scene {
  readonly options: SceneOptions;
  readonly format: FrameFormat;
  readonly view: View;
  /** Frame of the present state; -1 before the first step. */
  frameIndex = -1;
  readonly #solids: Solids;
  readonly #occluder: Occluder | null;
  #picture: Picture | null = null;
  #walkers: Walkers;
  #truth: Truth;

  constructor(options: Partial<SceneOptions> = {}, format: FrameFormat = SCENE_FORMAT_DEFAULT) {
    this.options = { ...SCENE_DEFAULTS, ...options };
    this.format = format;
    const { seed, peoplePerMinute, heightM, tiltDeg, fovDeg } = this.options;
    assert.ok(Number.isSafeInteger(seed) && seed >= 0, `seed is ${seed}; expected an integer of 0 or more`);
    assert.ok(peoplePerMinute >= 0 && peoplePerMinute <= 120, `peoplePerMinute is ${peoplePerMinute}; expected 0..120`);
    assert.ok(heightM >= 2.2 && heightM <= 6, `heightM is ${heightM}; expected 2.2..6 m`);
    assert.ok(tiltDeg >= 0 && tiltDeg <= 75, `tiltDeg is ${tiltDeg}; expected 0..75 degrees`);
    assert.ok(fovDeg >= 30 && fovDeg <= 110, `fovDeg is ${fovDeg}; expected 30..110 degrees`);
    const { doorHalfM, crowd } = this.options;
    assert.ok(
      doorHalfM === undefined || (doorHalfM >= 1.1 && doorHalfM <= 2.2),
      `doorHalfM is ${doorHalfM}; expected 1.1..2.2 m`,
    );
    if (crowd !== undefined) checkCrowd(crowd);
    assert.ok(format.widthPx % 2 === 0 && format.heightPx % 2 === 0, 'YUV420 needs an even width and height');
    assert.ok(
      format.strideBytes >= format.widthPx && format.strideBytes % 2 === 0,
      'the stride is even and at least the width',
    );
    this.view = makeView(this.options, format.widthPx, format.heightPx);
    this.#solids = new Solids(this.view, WALKER_COUNT_MAX * PART_COUNT_MAX);
    this.#occluder = crowd?.occluder === true ? makeOccluder(this.view, new Random(seed, 4)) : null;
    this.#walkers = this.#makeWalkers();
    this.#truth = this.#makeTruth();
  }

  /** People in the picture of the present frame. */
  get people(): PeopleTable {
    return this.#truth.people;
  }

  /** Crossings between the last two steps. */
  get crossings(): CrossingTable {
    return this.#truth.crossings;
  }

  /** Crossings into the shop since frame 0, per line. */
  get inCount(): Uint32Array {
    return this.#truth.inCount;
  }

  get outCount(): Uint32Array {
    return this.#truth.outCount;
  }

  /** Pool place + 1 of whom each sample of the last drawing shows, 0 for the entrance; [2 · heightPx, 2 · widthPx]. */
  get owner(): Uint8Array {
    return this.prepare().owner;
  }

  /**
   * Draws the empty entrance, which takes 0.2 to 0.5 s; otherwise the first `draw` does it. Who needs only the truth
   * never waits for it.
   */
  prepare(): Picture {
    if (this.#picture !== null) return this.#picture;
    const { seed, noise, shadows } = this.options;
    const entrance = makeEntrance(this.view, new Random(seed, 1), this.#occluder);
    this.#picture = new Picture(this.view, entrance, new Random(seed, 2), seed, { noise, shadows });
    return this.#picture;
  }

  /** Goes to frame `frameIndex`; backwards means from the start again, with new tables and totals from zero. */
  step(frameIndex: number): void {
    if (frameIndex < this.frameIndex) {
      this.frameIndex = -1;
      this.#walkers = this.#makeWalkers();
      this.#truth = this.#makeTruth();
    }
    this.#truth.crossings.count = 0;
    while (this.frameIndex < frameIndex) {
      this.frameIndex += 1;
      this.#walkers.step(1 / this.format.frameRateHz);
      this.#solids.count = 0;
      const walkers = this.#walkers.all;
      for (let index = 0; index < walkers.length; index += 1) {
        const walker = walkers[index]!;
        if (walker.active) walker.body.build(this.#solids, walker.motion, index + 1);
      }
      this.#truth.update(walkers, this.frameIndex);
    }
  }

  #makeWalkers(): Walkers {
    const { seed, peoplePerMinute, crowd } = this.options;
    return new Walkers(this.view, new Random(seed, 3), peoplePerMinute, crowd, this.#occluder);
  }

  #makeTruth(): Truth {
    const { lines, crowd } = this.options;
    return new Truth(
      this.view,
      lines,
      this.#occluder,
      this.options.bandNorm ?? (crowd === undefined ? BAND_NORM : CROWD_BAND_NORM),
    );
  }

  /** Draws the present frame into a slot of the format's layout. The same frame gives the same bytes. */
  draw(slot: Uint8Array): void {
    this.prepare().draw(slot, this.format.strideBytes, this.#walkers.all, this.#solids, this.frameIndex);
  }

  /** Floor positions (x, y) and radii of everybody, hidden or not, for tests of the walk: [walker, x | y | radius]. */
  floorPlan(target: Float64Array): number {
    let count = 0;
    for (const walker of this.#walkers.all) {
      if (!walker.active) continue;
      target[count * 3] = walker.x;
      target[count * 3 + 1] = walker.y;
      target[count * 3 + 2] = walker.body.radiusM;
      count += 1;
    }
    return count;
  }
}
