/**
 * Tracker: joins the detections of successive frames into tracks, by geometry alone. Nothing of anybody's looks is kept.
 *
 * Motion: one Kalman filter an axis, state position and velocity, white acceleration (Bar-Shalom, Li, Kirubarajan,
 * "Estimation with Applications to Tracking and Navigation", 2001, eq. 6.2.2-12). Accelerations and errors are in
 * body heights, not pixels, so that one setting serves every camera height.
 * Assignment in two passes (idea: ByteTrack, Zhang et al. 2022): strong detections first, then weak ones for the
 * tracks still without, because a person half hidden is a weak detection, not a missing one. Weak ones never begin a track.
 * Within a pass pairs are taken greedily by rising distance; a door seldom holds more than ten people, and there the
 * optimum of the Hungarian method and greed differ only where both guess.
 *
 * Memory: TRACKS_MAX rows, a TRACKS_MAX × DETECTIONS_MAX distance matrix; nothing is allocated per frame.
 */
import { US_PER_S } from '../../units.ts';
import { DETECTIONS_MAX, type DetectionTable } from './detections.ts';

export const TRACKS_MAX = 64;

export type TrackerOptions = {
  /** Score (0..1) from which a detection may begin a track. */
  readonly scoreMin: number;
  /** Score from which a detection may continue one. */
  readonly scoreLow: number;
  /** Frames a track must have been seen in before it may count: one false detection is no person. */
  readonly confirmHits: number;
  /** How long a track that is not seen is carried on at its last velocity. */
  readonly coastMs: number;
};

export const TRACKER_DEFAULTS = { confirmHits: 3, coastMs: 800 } as const;

/** A walker starts and stops within about a second at 1.4 m/s, a body is 1.7 m: 1 height/s² as one standard deviation. */
const ACCELERATION_HEIGHTS = 1.0;
/** Box centres jitter by about 4 % of the body's height from frame to frame (measured on clips with standing people). */
const MEASUREMENT_HEIGHTS = 0.04;
/** A new track's speed is unknown: up to one body height a second either way. */
const VELOCITY_HEIGHTS = 1.0;
/** Furthest a detection may be from the prediction, in body sizes (mean of width and height of track and detection). */
const GATE_SIZES = 0.9;
/** A body does not double between two frames; a box twice as large belongs to somebody else, or is two people. */
const SIZE_RATIO_MAX = 2.2;
/** Share of a new size that enters the kept one. */
const SIZE_GAIN = 0.25;

const UNMATCHED = -1;

/** Places in #time. */
const AT_US = 0;
const ELAPSED_S = 1;

export class Tracker {
  /** Rows below this may be alive; look at `alive[row]`. */
  readonly capacity = TRACKS_MAX;
  readonly alive = new Uint8Array(TRACKS_MAX);
  /** Frames in which the track was seen, saturating at 65,535. */
  readonly hits = new Uint16Array(TRACKS_MAX);
  /** Counts the lives of a row: a consumer that keeps state by row compares it to notice a new tenant. */
  readonly generation = new Uint32Array(TRACKS_MAX);
  readonly xPx = new Float64Array(TRACKS_MAX);
  readonly yPx = new Float64Array(TRACKS_MAX);
  /** Pixels per second. */
  readonly velocityX = new Float64Array(TRACKS_MAX);
  readonly velocityY = new Float64Array(TRACKS_MAX);
  readonly widthPx = new Float64Array(TRACKS_MAX);
  readonly heightPx = new Float64Array(TRACKS_MAX);
  readonly lastSeenUs = new Float64Array(TRACKS_MAX);
  /** Tracks alive and confirmed after the last step. */
  confirmedCount = 0;

  readonly #options: TrackerOptions;
  // Covariances of the two filters: position, position-velocity, velocity. They differ only by history, so x and y are kept apart.
  readonly #pxx = new Float64Array(TRACKS_MAX);
  readonly #pxv = new Float64Array(TRACKS_MAX);
  readonly #pvv = new Float64Array(TRACKS_MAX);
  readonly #distance = new Float32Array(TRACKS_MAX * DETECTIONS_MAX);
  readonly #matchOfTrack = new Int16Array(TRACKS_MAX);
  readonly #isTaken = new Uint8Array(DETECTIONS_MAX);
  /**
   * Of the frame in work: its time, µs, and the seconds since the one before. In a typed array and not in parameters:
   * a double that goes into a function which V8 does not inline costs 16 bytes.
   */
  readonly #time = new Float64Array(2).fill(Number.NaN);

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  isConfirmed(row: number): boolean {
    return this.alive[row] === 1 && this.hits[row]! >= this.#options.confirmHits;
  }

  /** Forgets all tracks (camera restarted, paused). */
  reset(): void {
    this.alive.fill(0);
    this.confirmedCount = 0;
    this.#time.fill(Number.NaN);
  }

  /** One frame. atUs: time of the picture, microseconds, not falling. */
  step(detections: DetectionTable, atUs: number): void {
    const elapsedS = (atUs - this.#time[AT_US]!) / US_PER_S;
    this.#time[ELAPSED_S] = Number.isNaN(elapsedS) ? 0 : Math.max(0, elapsedS); // the first frame has none
    this.#time[AT_US] = atUs;
    this.#predict();
    this.#matchOfTrack.fill(UNMATCHED);
    this.#isTaken.fill(0);
    this.#measureDistances(detections);
    this.#assign(detections, true);
    this.#assign(detections, false);
    this.#update(detections);
    this.#bury();
    this.#begin(detections);
    this.confirmedCount = 0;
    for (let row = 0; row < TRACKS_MAX; row++) if (this.isConfirmed(row)) this.confirmedCount += 1;
  }

  #predict(): void {
    const elapsedS = this.#time[ELAPSED_S]!;
    for (let row = 0; row < TRACKS_MAX; row++) {
      if (this.alive[row] === 0) continue;
      this.xPx[row]! += this.velocityX[row]! * elapsedS;
      this.yPx[row]! += this.velocityY[row]! * elapsedS;
      const q = (ACCELERATION_HEIGHTS * this.heightPx[row]!) ** 2;
      const pxv = this.#pxv[row]!;
      const pvv = this.#pvv[row]!;
      this.#pxx[row]! += elapsedS * (2 * pxv + elapsedS * pvv) + (q * elapsedS ** 4) / 4;
      this.#pxv[row] = pxv + elapsedS * pvv + (q * elapsedS ** 3) / 2;
      this.#pvv[row] = pvv + q * elapsedS ** 2;
    }
  }

  #measureDistances(detections: DetectionTable): void {
    for (let row = 0; row < TRACKS_MAX; row++) {
      if (this.alive[row] === 0) continue;
      const size = this.widthPx[row]! + this.heightPx[row]!;
      for (let i = 0; i < detections.count; i++) {
        const otherSize = detections.widthPx[i]! + detections.heightPx[i]!;
        const ratio = size > otherSize ? size / otherSize : otherSize / size;
        const dx = detections.xPx[i]! - this.xPx[row]!;
        const dy = detections.yPx[i]! - this.yPx[row]!;
        // Mean of width and height of the two boxes is (size + otherSize) / 4.
        const distance = Math.sqrt(dx * dx + dy * dy) / ((size + otherSize) / 4);
        const isPossible = distance <= GATE_SIZES && ratio <= SIZE_RATIO_MAX;
        // A size that differs counts like distance, so that of two people side by side each keeps their own box.
        this.#distance[row * DETECTIONS_MAX + i] = isPossible ? distance + 0.3 * (ratio - 1) : Number.POSITIVE_INFINITY;
      }
    }
  }

  /** Greedy assignment among the strong detections, or among the weak ones. */
  #assign(detections: DetectionTable, areStrong: boolean): void {
    const { scoreMin, scoreLow } = this.#options;
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let bestRow = -1;
      let bestDetection = -1;
      for (let row = 0; row < TRACKS_MAX; row++) {
        if (this.alive[row] === 0 || this.#matchOfTrack[row] !== UNMATCHED) continue;
        // A track seen once or twice must not steal from one that is established.
        const handicap = this.hits[row]! >= this.#options.confirmHits ? 0 : 0.2;
        for (let i = 0; i < detections.count; i++) {
          if (this.#isTaken[i] === 1) continue;
          const score = detections.score[i]!;
          if (score < scoreLow || score >= scoreMin !== areStrong) continue;
          const distance = this.#distance[row * DETECTIONS_MAX + i]! + handicap;
          if (distance < best) {
            best = distance;
            bestRow = row;
            bestDetection = i;
          }
        }
      }
      if (bestRow === -1) return;
      this.#matchOfTrack[bestRow] = bestDetection;
      this.#isTaken[bestDetection] = 1;
    }
  }

  #update(detections: DetectionTable): void {
    const atUs = this.#time[AT_US]!;
    for (let row = 0; row < TRACKS_MAX; row++) {
      const i = this.#matchOfTrack[row]!;
      if (this.alive[row] === 0 || i === UNMATCHED) continue;
      const noise = (MEASUREMENT_HEIGHTS * this.heightPx[row]!) ** 2 + 1; // + 1 px²: the grid of the network itself
      const pxx = this.#pxx[row]!;
      const pxv = this.#pxv[row]!;
      const gainPosition = pxx / (pxx + noise);
      const gainVelocity = pxv / (pxx + noise);
      const errorX = detections.xPx[i]! - this.xPx[row]!;
      const errorY = detections.yPx[i]! - this.yPx[row]!;
      this.xPx[row]! += gainPosition * errorX;
      this.yPx[row]! += gainPosition * errorY;
      this.velocityX[row]! += gainVelocity * errorX;
      this.velocityY[row]! += gainVelocity * errorY;
      this.#pxx[row] = (1 - gainPosition) * pxx;
      this.#pxv[row] = (1 - gainPosition) * pxv;
      this.#pvv[row]! -= gainVelocity * pxv;
      this.widthPx[row]! += SIZE_GAIN * (detections.widthPx[i]! - this.widthPx[row]!);
      this.heightPx[row]! += SIZE_GAIN * (detections.heightPx[i]! - this.heightPx[row]!);
      this.lastSeenUs[row] = atUs;
      if (this.hits[row]! < 0xffff) this.hits[row]! += 1;
    }
  }

  #bury(): void {
    const atUs = this.#time[AT_US]!;
    for (let row = 0; row < TRACKS_MAX; row++) {
      if (this.alive[row] === 0 || this.#matchOfTrack[row] !== UNMATCHED) continue;
      // A track that was never confirmed gets half the time: it is more often noise than a person.
      const coastMs = this.isConfirmed(row) ? this.#options.coastMs : this.#options.coastMs / 2;
      if ((atUs - this.lastSeenUs[row]!) / 1000 > coastMs) this.alive[row] = 0;
    }
  }

  #begin(detections: DetectionTable): void {
    const atUs = this.#time[AT_US]!;
    let row = 0;
    for (let i = 0; i < detections.count; i++) {
      if (this.#isTaken[i] === 1 || detections.score[i]! < this.#options.scoreMin) continue;
      while (row < TRACKS_MAX && this.alive[row] === 1) row += 1;
      if (row === TRACKS_MAX) return;
      const heightPx = detections.heightPx[i]!;
      this.alive[row] = 1;
      this.hits[row] = 1;
      this.generation[row]! += 1;
      this.xPx[row] = detections.xPx[i]!;
      this.yPx[row] = detections.yPx[i]!;
      this.velocityX[row] = 0;
      this.velocityY[row] = 0;
      this.widthPx[row] = detections.widthPx[i]!;
      this.heightPx[row] = heightPx;
      this.lastSeenUs[row] = atUs;
      this.#pxx[row] = (MEASUREMENT_HEIGHTS * heightPx) ** 2 + 1;
      this.#pxv[row] = 0;
      this.#pvv[row] = (VELOCITY_HEIGHTS * heightPx) ** 2;
    }
  }
}
