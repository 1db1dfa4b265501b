/**
 * Walker: one place in the pool of people, and everything that is known of who has it now.
 * Memory: made at start and used again; whoever comes next overwrites all of it.
 */
import { Body } from './body.ts';
import type { Random } from './random.ts';

/** Places in the pool, and so rows of every table of people. */
export const WALKER_COUNT_MAX = 32;

const POINT_COUNT_MAX = 5;

/** What a walker is up to; for tests and for whoever wants to know. */
export const Aim = {
  in: 0,
  out: 1,
  turnBackOutside: 2,
  turnBackInside: 3,
  passBy: 4,
  /** Comes in over the line and goes out again within the view. */
  returnOutside: 5,
  /** Goes out over the line and comes in again within the view. */
  returnInside: 6,
  loiter: 7,
} as const;

export class Walker {
  readonly body = new Body();
  active = false;
  /** Counts people since the start; never reused. */
  id = 0;
  aim: number = Aim.in;
  isChild = false;
  x = 0;
  y = 0;
  speedX = 0;
  speedY = 0;
  yaw = 0;
  wantedSpeed = 1.2;
  phase = 0;
  stride = 0;
  look = 0;
  ageS = 0;
  /** x and y of the way points. */
  readonly route = new Float64Array(POINT_COUNT_MAX * 2);
  pointCount = 0;
  point = 0;
  /** Way point at which to stand still, or -1, and for how long. */
  pausePoint = -1;
  pauseS = 0;
  /** Whom to keep abreast of, by place in the pool, and at which distance to their left (negative: right). */
  partner = -1;
  partnerId = -1;
  abreastM = 0;
  /** 1: the left hand is held, -1: the right hand. */
  heldHand = 0;
  /** Means to stand exactly at the way point of the pause, swaying, and is not easily pushed away. */
  isFirm = false;
  /** Follows the partner point by point, on whichever side they are when the partner turns. */
  isLed = false;
  /** Has been in the picture. */
  wasSeen = false;
  /** The floor that this walker never leaves. */
  yMinM = Number.NEGATIVE_INFINITY;
  yMaxM = Number.POSITIVE_INFINITY;
  /** Age at which a loiterer chooses another place to stand. */
  nextPlaceS = 0;
  /** x, y, yaw, phase, stride, look, heldHand for Body.pose. */
  readonly motion = new Float64Array(7);
}

/** Dresses a walker and gives them all that does not depend on the way they will go. */
export function beginWalker(walker: Walker, random: Random, id: number, isChild: boolean): void {
  walker.active = true;
  walker.id = id;
  walker.isChild = isChild;
  walker.body.dress(random, isChild);
  walker.wantedSpeed = Math.min(1.6, Math.max(0.8, random.bell(1.18, 0.18)));
  walker.partner = -1;
  walker.partnerId = -1;
  walker.heldHand = 0;
  walker.isFirm = false;
  walker.isLed = false;
  walker.wasSeen = false;
  walker.yMinM = Number.NEGATIVE_INFINITY;
  walker.yMaxM = Number.POSITIVE_INFINITY;
  walker.nextPlaceS = 0;
  walker.ageS = 0;
  walker.look = 0;
  walker.phase = random.next();
  walker.stride = 1;
}

/** Puts a planned walker at the first point, on the way to the second. */
export function placeAtStart(walker: Walker): void {
  walker.x = walker.route[0]!;
  walker.y = walker.route[1]!;
  walker.point = 1;
  walker.yaw = Math.atan2(walker.route[3]! - walker.y, walker.route[2]! - walker.x);
  walker.speedX = Math.cos(walker.yaw) * walker.wantedSpeed;
  walker.speedY = Math.sin(walker.yaw) * walker.wantedSpeed;
}

/** Place in the pool that nobody has, or -1. */
export function freePlace(walkers: readonly Walker[], except: number): number {
  for (let index = 0; index < walkers.length; index += 1) {
    if (index !== except && !walkers[index]!.active) return index;
  }
  return -1;
}

export function addPoint(walker: Walker, x: number, y: number): void {
  walker.route[walker.pointCount * 2] = x;
  walker.route[walker.pointCount * 2 + 1] = y;
  walker.pointCount += 1;
}
