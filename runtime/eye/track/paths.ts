/**
 * Paths: one person from where they came into view to where they left it, also when their track broke on the way.
 * A track ends when somebody is hidden for longer than it is carried on, and a new one begins when they are seen again.
 * Counting needs no more than tracks; what hangs on a whole visit (net counts, time in a zone, passers-by) needs these.
 *
 * A confirmed new track goes on with the path of one that was last seen before it appeared (lost, or still carried on
 * unseen: somebody who turns on their heel), if it is where that one could have walked meanwhile. Not near the picture's
 * edge: there people leave and others come, and two of them must not become one who turned back. For the same reason a
 * track that was taken over by somebody else, who came as the first left, is two paths.
 * How careful that must be (net counts of the scene suite with exact boxes, 3,383 true; every wrong join takes two away):
 * bridging 3 s whatever the direction 2,995; 1.5 s, and nobody who comes from where another went 3,205; with tracks that
 * were taken over split 3,321. Making two tracks that seem to bounce off each other change places changed nothing.
 * It is geometry alone: where, when, how large. Nothing here survives the view.
 *
 * Memory: PATHS_MAX rows, taken at boot; nothing is allocated per frame. Time: tracks + new tracks × lost paths.
 */
import { US_PER_S } from '../../units.ts';
import { TRACKS_MAX, type Tracker } from './tracker.ts';

/** All tracks, and as many again that were lost within the last seconds. */
export const PATHS_MAX = 2 * TRACKS_MAX;
export const NO_PATH = -1;

/** Longest gap that is bridged, from the last sight on. Longer ones join strangers more often than the same person. */
const GAP_US_MAX = 1.5 * US_PER_S;
/** How far somebody may be from where they were lost, in spans (half metres), and how much more for each second. */
const REACH_SPANS = 0.5;
const REACH_SPANS_PER_S = 0.75;
const REACH_SPANS_MAX = 2.5;
/** Who walked away behind something is not the one who comes from there after longer than this. */
const TURN_S_MAX = 0.3;
const WALKING_SPANS_PER_S = 0.3;
/** A track that was not seen for so long and then goes the other way has been taken over by somebody who came as the first left. */
const UNSEEN_US_MIN = 0.25 * US_PER_S;
/** So long it is watched for which way it goes. */
const WATCH_US = 0.5 * US_PER_S;
/** Nearer than this to the picture's edge people come and go. */
const EDGE_SPANS = 1;
/** Who moved this far from where they appeared is a person. */
const MOVED_SPANS = 1;
/** Who stays within this of one place stands: people sway by a few centimetres and boxes by as much again. */
const STILL_SPANS = 0.5;

const PathState = { free: 0, young: 1, live: 2, lost: 3, ended: 4 } as const;

export class Paths {
  /** Path of each track's row, or NO_PATH. Valid after `step` for rows that are alive. */
  readonly pathOfRow = new Int16Array(TRACKS_MAX).fill(NO_PATH);
  /** Counts the lives of a path's place: a consumer that keeps state by path compares it to notice a new person. */
  readonly generation = new Uint32Array(PATHS_MAX);
  /** Furthest that the person was from where they appeared, px. */
  readonly furthestPx = new Float64Array(PATHS_MAX);
  /** 1 once that was half a metre: no poster, mannequin or shadow gets there. */
  readonly hasMoved = new Uint8Array(PATHS_MAX);
  /** Since when they stay within a quarter of a metre of one place, µs. */
  readonly stillSinceUs = new Float64Array(PATHS_MAX);
  readonly lastSeenUs = new Float64Array(PATHS_MAX);
  /** Paths of confirmed tracks that ended in this step: the first `endedCount` places. */
  readonly ended = new Int16Array(PATHS_MAX);
  endedCount = 0;
  /** Broken tracks that were joined, since boot. */
  joinedCount = 0;

  readonly #widthPx: number;
  readonly #heightPx: number;
  readonly #state = new Uint8Array(PATHS_MAX);
  readonly #rowOfPath = new Int16Array(PATHS_MAX);
  readonly #generationOfRow = new Uint32Array(TRACKS_MAX);
  readonly #beganAtUs = new Float64Array(PATHS_MAX);
  readonly #beganXPx = new Float64Array(PATHS_MAX);
  readonly #beganYPx = new Float64Array(PATHS_MAX);
  readonly #lastXPx = new Float64Array(PATHS_MAX);
  readonly #lastYPx = new Float64Array(PATHS_MAX);
  /** As last seen, px/s. */
  readonly #velocityX = new Float64Array(PATHS_MAX);
  readonly #velocityY = new Float64Array(PATHS_MAX);
  readonly #spanPx = new Float64Array(PATHS_MAX);
  /** Since when a track is watched that was not seen for a while, µs, where it was seen again, and its velocity before; NaN: it is not. */
  readonly #watchedSinceUs = new Float64Array(PATHS_MAX);
  readonly #againXPx = new Float64Array(PATHS_MAX);
  readonly #againYPx = new Float64Array(PATHS_MAX);
  readonly #cameX = new Float64Array(PATHS_MAX);
  readonly #cameY = new Float64Array(PATHS_MAX);
  readonly #stillXPx = new Float64Array(PATHS_MAX);
  readonly #stillYPx = new Float64Array(PATHS_MAX);
  /** Time of the frame in work, µs: a double handed to a function that is not inlined costs 16 bytes. */
  readonly #atUs = new Float64Array(1);

  constructor(widthPx: number, heightPx: number) {
    this.#widthPx = widthPx;
    this.#heightPx = heightPx;
  }

  /** A path that is in view now and whose track is confirmed. */
  isLive(path: number): boolean {
    return this.#state[path] === PathState.live;
  }

  /** After the tracker's step of the same frame. atUs: time of the picture. */
  step(tracker: Tracker, atUs: number): void {
    this.#atUs[0] = atUs;
    this.#release();
    for (let path = 0; path < PATHS_MAX; path++) this.#loseIfGone(tracker, path);
    for (let row = 0; row < TRACKS_MAX; row++) {
      if (tracker.alive[row] === 0 || tracker.lastSeenUs[row] !== atUs) continue;
      if (this.#generationOfRow[row] !== tracker.generation[row]) this.#begin(tracker, row);
      if (this.pathOfRow[row] === NO_PATH) continue;
      this.#watch(tracker, row);
      this.#follow(tracker, row);
      if (tracker.isConfirmed(row)) this.#confirm(tracker, row);
    }
    for (let path = 0; path < PATHS_MAX; path++) {
      if (this.#state[path] === PathState.lost && atUs - this.lastSeenUs[path]! > GAP_US_MAX) this.#end(path);
    }
  }

  /** Ends every path (camera restarted, paused): nobody is where they were. Read `ended` before the next step. */
  endAll(): void {
    this.#release();
    for (let path = 0; path < PATHS_MAX; path++) {
      const state = this.#state[path]!;
      if (state === PathState.live || state === PathState.lost) this.#end(path);
      else this.#state[path] = PathState.free;
    }
    this.pathOfRow.fill(NO_PATH);
  }

  /** The places of those that ended in the step before are free again. */
  #release(): void {
    for (let i = 0; i < this.endedCount; i++) this.#state[this.ended[i]!] = PathState.free;
    this.endedCount = 0;
  }

  #end(path: number): void {
    this.#state[path] = PathState.ended;
    this.ended[this.endedCount] = path;
    this.endedCount += 1;
  }

  /** A path whose track is no more is lost; one that never was confirmed is nobody's. */
  #loseIfGone(tracker: Tracker, path: number): void {
    const state = this.#state[path]!;
    if (state !== PathState.young && state !== PathState.live) return;
    const row = this.#rowOfPath[path]!;
    if (tracker.alive[row] === 1 && tracker.generation[row] === this.#generationOfRow[row]) return;
    if (this.pathOfRow[row] === path) this.pathOfRow[row] = NO_PATH;
    this.#state[path] = state === PathState.live ? PathState.lost : PathState.free;
  }

  #begin(tracker: Tracker, row: number): void {
    const path = this.#takePlace();
    if (path === NO_PATH) return;
    this.#generationOfRow[row] = tracker.generation[row]!;
    this.pathOfRow[row] = path;
    this.generation[path]! += 1;
    this.#state[path] = PathState.young;
    this.#rowOfPath[path] = row;
    this.#beganAtUs[path] = this.#atUs[0]!;
    this.#beganXPx[path] = tracker.xPx[row]!;
    this.#beganYPx[path] = tracker.yPx[row]!;
    this.furthestPx[path] = 0;
    this.hasMoved[path] = 0;
    this.#watchedSinceUs[path] = Number.NaN;
    this.#stillXPx[path] = tracker.xPx[row]!;
    this.#stillYPx[path] = tracker.yPx[row]!;
    this.stillSinceUs[path] = this.#atUs[0]!;
  }

  /** A free place; there is one unless paths are lost faster than they end: then the longest lost one is given up unseen. */
  #takePlace(): number {
    let oldest = NO_PATH;
    for (let path = 0; path < PATHS_MAX; path++) {
      if (this.#state[path] === PathState.free) return path;
      if (this.#state[path] !== PathState.lost) continue;
      if (oldest === NO_PATH || this.lastSeenUs[path]! < this.lastSeenUs[oldest]!) oldest = path;
    }
    // Ended in this very step, its place is free in the next one: until then the new track has no path.
    if (oldest !== NO_PATH) this.#end(oldest);
    return NO_PATH;
  }

  /** A young path becomes a person: the one who was lost there, or a new one. */
  #confirm(tracker: Tracker, row: number): void {
    const young = this.pathOfRow[row]!;
    if (this.#state[young] !== PathState.young) return;
    const before = this.#findBefore(young);
    if (before === NO_PATH) {
      this.#state[young] = PathState.live;
      return;
    }
    this.joinedCount += 1;
    if (this.#state[before] === PathState.live) this.#detach(before);
    this.#state[young] = PathState.free;
    this.#state[before] = PathState.live;
    this.#rowOfPath[before] = row;
    this.pathOfRow[row] = before;
    this.#follow(tracker, row);
  }

  /** The unseen track of a path that goes on with another one: if it is ever seen again, it is somebody else. */
  #detach(path: number): void {
    const row = this.#rowOfPath[path]!;
    this.pathOfRow[row] = NO_PATH;
    this.#generationOfRow[row] = 0;
  }

  /** The nearest path that whoever appeared with path `young` may be the continuation of. */
  #findBefore(young: number): number {
    if (this.#isAtEdge(young)) return NO_PATH;
    let nearest = NO_PATH;
    let least = Number.POSITIVE_INFINITY;
    for (let path = 0; path < PATHS_MAX; path++) {
      if (this.#state[path] !== PathState.lost && this.#state[path] !== PathState.live) continue;
      // Who was seen while the new one was already there is somebody else.
      if (this.lastSeenUs[path]! >= this.#beganAtUs[young]!) continue;
      const dx = this.#beganXPx[young]! - this.#lastXPx[path]!;
      const dy = this.#beganYPx[young]! - this.#lastYPx[path]!;
      const square = dx * dx + dy * dy;
      if (square >= least) continue;
      const unseenS = (this.#beganAtUs[young]! - this.lastSeenUs[path]!) / US_PER_S;
      const reachPx = Math.min(REACH_SPANS_MAX, REACH_SPANS + REACH_SPANS_PER_S * unseenS) * this.#spanPx[path]!;
      if (square > reachPx * reachPx || this.#isAtEdge(path)) continue;
      if (unseenS > TURN_S_MAX && this.#areOpposed(path, young)) continue;
      nearest = path;
      least = square;
    }
    return nearest;
  }

  /** One walked away and the other comes. */
  #areOpposed(path: number, young: number): boolean {
    const x = this.#velocityX[path]!;
    const y = this.#velocityY[path]!;
    if (x * x + y * y < (WALKING_SPANS_PER_S * this.#spanPx[path]!) ** 2) return false;
    return x * this.#velocityX[young]! + y * this.#velocityY[young]! < 0;
  }

  /** Last seen where people come and go. */
  #isAtEdge(path: number): boolean {
    const marginPx = EDGE_SPANS * this.#spanPx[path]!;
    const x = this.#lastXPx[path]!;
    const y = this.#lastYPx[path]!;
    return x < marginPx || y < marginPx || x > this.#widthPx - marginPx || y > this.#heightPx - marginPx;
  }

  /** Finds out whether a track that was not seen for a while is still the same person. */
  #watch(tracker: Tracker, row: number): void {
    const path = this.pathOfRow[row]!;
    const atUs = this.#atUs[0]!;
    if (this.#state[path] !== PathState.live) return;
    if (atUs - this.lastSeenUs[path]! > UNSEEN_US_MIN) {
      this.#watchedSinceUs[path] = atUs;
      this.#againXPx[path] = tracker.xPx[row]!;
      this.#againYPx[path] = tracker.yPx[row]!;
      this.#cameX[path] = this.#velocityX[path]!;
      this.#cameY[path] = this.#velocityY[path]!;
    } else if (atUs - this.#watchedSinceUs[path]! >= WATCH_US) {
      this.#watchedSinceUs[path] = Number.NaN;
      if (!this.#hasTurned(tracker, row, path)) return;
      this.#detach(path);
      this.#end(path);
      this.#begin(tracker, row);
    }
  }

  #hasTurned(tracker: Tracker, row: number, path: number): boolean {
    const cameX = this.#cameX[path]!;
    const cameY = this.#cameY[path]!;
    if (cameX * cameX + cameY * cameY < (WALKING_SPANS_PER_S * this.#spanPx[path]!) ** 2) return false;
    const wentX = tracker.xPx[row]! - this.#againXPx[path]!;
    const wentY = tracker.yPx[row]! - this.#againYPx[path]!;
    return cameX * wentX + cameY * wentY < 0;
  }

  #follow(tracker: Tracker, row: number): void {
    const path = this.pathOfRow[row]!;
    const x = tracker.xPx[row]!;
    const y = tracker.yPx[row]!;
    const span = Math.min(tracker.widthPx[row]!, tracker.heightPx[row]!);
    this.#lastXPx[path] = x;
    this.#lastYPx[path] = y;
    this.#velocityX[path] = tracker.velocityX[row]!;
    this.#velocityY[path] = tracker.velocityY[row]!;
    this.#spanPx[path] = span;
    this.lastSeenUs[path] = this.#atUs[0]!;
    const fromX = x - this.#beganXPx[path]!;
    const fromY = y - this.#beganYPx[path]!;
    this.furthestPx[path] = Math.max(this.furthestPx[path]!, Math.sqrt(fromX * fromX + fromY * fromY));
    if (this.furthestPx[path]! > MOVED_SPANS * span) this.hasMoved[path] = 1;
    const stillX = x - this.#stillXPx[path]!;
    const stillY = y - this.#stillYPx[path]!;
    if (stillX * stillX + stillY * stillY <= (STILL_SPANS * span) ** 2) return;
    this.#stillXPx[path] = x;
    this.#stillYPx[path] = y;
    this.stillSinceUs[path] = this.#atUs[0]!;
  }
}
