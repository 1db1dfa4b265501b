/**
 * Crowd: arrivals that stage what people counters fail at, and hold a wanted number of people in the picture.
 * Holding: people come at a rate in proportion to how many are missing from a set point, counted over those in the
 * picture and those on their way to it; the set point is moved slowly until the mean in the picture is the wanted one,
 * because how long people stay depends on what they do and on how full the way is.
 * Everything refers to the default line, which lies where bodies pass the middle of the picture.
 * Memory: none beside the pool of walkers; a party that finds no room at its side comes later.
 */
import { strict as assert } from 'node:assert';
import type { Arrivals } from './arrivals.ts';
import type { Occluder } from './occluder.ts';
import type { Random } from './random.ts';
import { aisleHalfOf, columnOf, depthOf, isBehindWall, rowOf, standYOf, type View, WALL_M } from './view.ts';
import { Aim, addPoint, beginWalker, freePlace, placeAtStart, type Walker } from './walker.ts';

/** Shares are 0..1 of the parties; a party that stands on the line may also turn back (half of them do). */
export type Crowd = {
  /** Mean number of people in the picture, loiterers among them, 1..15. */
  readonly peopleInView: number;
  /** Cross the line and come back over it within the view. */
  readonly turnBackShare: number;
  /** Stop on the line for 2..10 s; half of them go on, half go back to where they came from. */
  readonly standOnLineShare: number;
  /** Two people abreast: two adults, or an adult and a child by the hand. */
  readonly pairShare: number;
  /** People who stay in view for minutes near the line, and never cross it; fewer than peopleInView. */
  readonly loitererCount: number;
  /** Something hides a part of the way. */
  readonly occluder: boolean;
  /** Share of the parties that come from outside; at 0.5 two equal streams meet. */
  readonly inShare: number;
};

/** Arrivals per second and missing person. */
const ARRIVAL_GAIN_HZ = 1.6;
/** Speed of the set point per person too few, and how long it waits for the first to walk into the picture. */
const SET_POINT_GAIN_HZ = 0.1;
const SETTLE_S = 5;
/** Share of those on their way among all who are counted, for a good first set point. */
const SET_POINT_START = 1.35;
const WANTED_MAX = 15;
/** Nearer to the picture's edge than this a body's middle is hardly in view. */
const EDGE_NORM = 0.03;
/** How far beyond the line people turn round, as a share of the picture's height: well outside a counter's hysteresis. */
const TURN_NORM_MIN = 0.13;
const TURN_NORM_MAX = 0.23;
/** How near to the line loiterers come. */
const LOITER_NORM_MIN = 0.1;
/** Share of couples who are an adult and a child. */
const CHILD_SHARE = 0.4;

export function checkCrowd(crowd: Crowd): void {
  const { peopleInView, loitererCount } = crowd;
  assert.ok(peopleInView >= 1 && peopleInView <= WANTED_MAX, `crowd.peopleInView is ${peopleInView}; expected 1..15`);
  for (const name of ['turnBackShare', 'standOnLineShare', 'pairShare', 'inShare'] as const) {
    assert.ok(crowd[name] >= 0 && crowd[name] <= 1, `crowd.${name} is ${crowd[name]}; expected 0..1`);
  }
  const sum = crowd.turnBackShare + crowd.standOnLineShare;
  assert.ok(sum <= 1, `crowd.turnBackShare and crowd.standOnLineShare add up to ${sum}; expected 1 at most`);
  assert.ok(
    Number.isInteger(loitererCount) && loitererCount >= 0 && loitererCount < peopleInView,
    `crowd.loitererCount is ${loitererCount}; expected an integer of 0 or more, and less than crowd.peopleInView`,
  );
}

export class CrowdArrivals implements Arrivals {
  readonly #all: readonly Walker[];
  readonly #view: View;
  readonly #random: Random;
  readonly #crowd: Crowd;
  readonly #occluder: Occluder | null;
  readonly #aisleHalfM: number;
  #timeS = 0;
  #nextId = 1;
  #setPoint: number;
  /** Parties from outside that are still owed, so that short stretches have both directions. */
  #owedOutside = 0;

  constructor(walkers: readonly Walker[], view: View, random: Random, crowd: Crowd, occluder: Occluder | null) {
    this.#all = walkers;
    this.#view = view;
    this.#random = random;
    this.#crowd = crowd;
    this.#occluder = occluder;
    this.#aisleHalfM = aisleHalfOf(view);
    this.#setPoint = crowd.peopleInView * SET_POINT_START;
  }

  step(dt: number): void {
    this.#timeS += dt;
    let inViewCount = 0;
    let comingCount = 0;
    let loitererCount = 0;
    for (let index = 0; index < this.#all.length; index += 1) {
      const walker = this.#all[index]!;
      if (!walker.active) continue;
      const isSeen = isInView(this.#view, walker);
      if (isSeen) {
        walker.wasSeen = true;
        inViewCount += 1;
      } else if (!walker.wasSeen) comingCount += 1;
      if (walker.aim === Aim.loiter) {
        loitererCount += 1;
        if (walker.ageS > walker.nextPlaceS) this.#chooseLoiterPlace(walker);
      }
    }
    const wanted = this.#crowd.peopleInView;
    if (this.#timeS > SETTLE_S) {
      const setPoint = this.#setPoint + SET_POINT_GAIN_HZ * dt * (wanted - inViewCount);
      this.#setPoint = Math.min(wanted * 2.2 + 1, Math.max(wanted * 0.5, setPoint));
    }
    if (loitererCount < this.#crowd.loitererCount) this.#bringLoiterer();
    const missing = this.#setPoint - inViewCount - comingCount;
    if (missing > 0 && this.#random.chance(missing * ARRIVAL_GAIN_HZ * dt)) this.#bringParty();
  }

  #begin(walker: Walker, isChild: boolean): void {
    beginWalker(walker, this.#random, this.#nextId, isChild);
    this.#nextId += 1;
  }

  /** Brings one or two people in; nobody when there is no room at their side now. */
  #bringParty(): void {
    const random = this.#random;
    const { turnBackShare, standOnLineShare, pairShare, inShare } = this.#crowd;
    const first = freePlace(this.#all, -1);
    const second = freePlace(this.#all, first);
    if (first < 0 || second < 0) return;
    const walker = this.#all[first]!;
    const other = this.#all[second]!;
    const isPair = random.chance(pairShare);
    const kind = random.next();
    const stands = kind < standOnLineShare;
    const returns = stands ? random.chance(0.5) : kind < standOnLineShare + turnBackShare;
    const fromOutside = random.chance(inShare + this.#owedOutside * inShare * (1 - inShare));
    this.#begin(walker, false);
    if (isPair) this.#begin(other, random.chance(CHILD_SHARE));
    // Both are to be beyond the line where they turn, and a child's middle is lower down the picture.
    const shortM = isPair ? Math.min(walker.body.heightM, other.body.heightM) : walker.body.heightM;
    const tallM = isPair ? Math.max(walker.body.heightM, other.body.heightM) : walker.body.heightM;
    this.#plan(walker, fromOutside, stands, returns, shortM, tallM);
    placeAtStart(walker);
    if (isPair) this.#lead(first, other);
    if (this.#hasRoom(walker) && (!isPair || this.#hasRoom(other))) {
      const owed = this.#owedOutside + (inShare - (fromOutside ? 1 : 0)) * (isPair ? 2 : 1);
      this.#owedOutside = Math.min(3, Math.max(-3, owed));
      return;
    }
    walker.active = false;
    other.active = isPair ? false : other.active;
  }

  /** Puts `other` beside the walker in place `first`, to go where they go. */
  #lead(first: number, other: Walker): void {
    const random = this.#random;
    const walker = this.#all[first]!;
    const abreast = (random.chance(0.5) ? 1 : -1) * (other.isChild ? 0.52 : random.between(0.6, 0.72));
    other.route.set(walker.route);
    other.pointCount = walker.pointCount;
    other.pausePoint = -1;
    other.aim = walker.aim;
    other.wantedSpeed = walker.wantedSpeed;
    placeAtStart(other);
    other.isLed = true;
    other.partner = first;
    other.partnerId = walker.id;
    other.abreastM = abreast;
    other.x = walker.x - Math.sin(walker.yaw) * abreast;
    other.y = walker.y + Math.cos(walker.yaw) * abreast;
    if (other.isChild) other.heldHand = abreast > 0 ? -1 : 1;
  }

  #hasRoom(walker: Walker): boolean {
    for (let index = 0; index < this.#all.length; index += 1) {
      const other = this.#all[index]!;
      if (other === walker || !other.active || other.partnerId === walker.id || walker.partnerId === other.id) continue;
      const x = other.x - walker.x;
      const y = other.y - walker.y;
      if (x * x + y * y < 0.75 * 0.75) return false;
    }
    return true;
  }

  #plan(walker: Walker, fromOutside: boolean, stands: boolean, returns: boolean, shortM: number, tallM: number): void {
    const random = this.#random;
    const view = this.#view;
    walker.aim = fromOutside ? (returns ? Aim.returnOutside : Aim.in) : returns ? Aim.returnInside : Aim.out;
    walker.pointCount = 0;
    walker.pausePoint = -1;
    walker.pauseS = 0;
    const laneX = this.#chooseLane(fromOutside);
    const beyondDoorY = -WALL_M - 0.25;
    const middle = view.heightPx / 2;
    if (fromOutside) {
      this.#addPavement(walker);
      addPoint(walker, laneX, beyondDoorY);
    } else this.#addInside(walker);
    if (stands) {
      const y = standYOf(view, middle + random.between(-0.004, 0.004) * view.heightPx, walker.body.heightM);
      this.#addPause(walker, laneX, y, random.between(2, 10));
      walker.isFirm = true;
    } else if (returns) {
      const turn = random.between(TURN_NORM_MIN, TURN_NORM_MAX) * view.heightPx;
      const y = fromOutside
        ? standYOf(view, middle + turn, tallM)
        : Math.max(-0.2, standYOf(view, middle - turn, shortM));
      // People go on a little after they have made up their mind.
      this.#addPause(walker, laneX, y + (fromOutside ? 0.15 : -0.15), random.between(0.3, 2));
    } else addPoint(walker, laneX, view.aimYM);
    if (fromOutside !== returns) this.#addInside(walker);
    else {
      addPoint(walker, this.#chooseLane(false), beyondDoorY);
      this.#addPavement(walker);
    }
  }

  #addPause(walker: Walker, x: number, y: number, seconds: number): void {
    addPoint(walker, x, y);
    walker.pausePoint = walker.pointCount - 1;
    walker.pauseS = seconds;
  }

  /** Where to pass the line: rather to the right, but so that the streams mix; not where the occluder stands. */
  #chooseLane(isIncoming: boolean): number {
    const widest = this.#view.doorHalfM - 0.4;
    const right = this.#random.between(-0.55, 1) * widest;
    return this.#besideOccluder(isIncoming ? right : -right, widest);
  }

  #besideOccluder(x: number, widest: number): number {
    const occluder = this.#occluder;
    if (occluder === null || occluder.radiusM === 0) return x;
    const room = occluder.radiusM + 0.4;
    if (Math.abs(x - occluder.xM) >= room) return x;
    // On the side towards the middle, where there is always room.
    const moved = occluder.xM > 0 ? occluder.xM - room : occluder.xM + room;
    return Math.min(widest, Math.max(-widest, moved));
  }

  /** A place below the picture's lower edge. */
  #addInside(walker: Walker): void {
    const random = this.#random;
    const x = random.between(-1, 1) * (this.#aisleHalfM - 0.35);
    addPoint(walker, x, this.#view.insideEndYM + random.between(0, 0.7));
  }

  /** A place outside that the wall hides from head to foot: beside the door, or before it where its top hides enough. */
  #addPavement(walker: Walker): void {
    const random = this.#random;
    const view = this.#view;
    const side = random.chance(0.5) ? 1 : -1;
    const y = -random.between(1, 3.2);
    let x = random.between(0, view.doorHalfM);
    while (
      !(isBehindWall(view, x - 0.4, y, 0) && isBehindWall(view, x - 0.4, y, 1) && isBehindWall(view, x - 0.4, y, 1.9))
    ) {
      x += 0.2;
    }
    addPoint(walker, side * x, y);
  }

  #bringLoiterer(): void {
    const random = this.#random;
    const view = this.#view;
    const place = freePlace(this.#all, -1);
    if (place < 0) return;
    const walker = this.#all[place]!;
    this.#begin(walker, false);
    walker.aim = Aim.loiter;
    const height = walker.body.heightM;
    const near = LOITER_NORM_MIN * view.heightPx;
    const outsideEndY = standYOf(view, view.heightPx / 2 - near, height);
    walker.pointCount = 0;
    walker.pausePoint = -1;
    walker.pauseS = 0;
    // Outside the line only where there is a floor to stand on between it and the door.
    if (outsideEndY > 0.55 && random.chance(0.3)) {
      walker.yMaxM = outsideEndY;
      this.#addPavement(walker);
      addPoint(walker, this.#chooseLane(true), -WALL_M - 0.25);
    } else {
      walker.yMinM = standYOf(view, view.heightPx / 2 + near, height);
      this.#addInside(walker);
      addPoint(walker, random.between(-1, 1), view.insideEndYM - 0.6);
    }
    this.#chooseFloor(walker, walker.pointCount);
    placeAtStart(walker);
    walker.wantedSpeed = random.between(0.7, 1);
    // Time to walk in before the next place is chosen.
    walker.nextPlaceS = 12;
    if (!this.#hasRoom(walker)) walker.active = false;
  }

  /** Another place near by, at a stroll. */
  #chooseLoiterPlace(walker: Walker): void {
    walker.route[0] = walker.x;
    walker.route[1] = walker.y;
    walker.point = 1;
    walker.wantedSpeed = this.#random.between(0.3, 0.6);
    this.#chooseFloor(walker, 1);
    walker.nextPlaceS = walker.ageS + this.#random.between(4, 14);
  }

  /** Sets way point `point`, the last one, to a place of the loiterer's own floor, where they stay. */
  #chooseFloor(walker: Walker, point: number): void {
    const random = this.#random;
    const view = this.#view;
    const isOutside = walker.yMaxM < view.insideEndYM;
    const lowY = isOutside ? 0.1 : walker.yMinM;
    const highY = isOutside
      ? walker.yMaxM
      : Math.max(lowY + 0.3, standYOf(view, view.heightPx * 0.85, walker.body.heightM));
    // At the sides rather than in everybody's way.
    const wide = Math.min(this.#aisleHalfM, isOutside ? view.doorHalfM : 9) - 0.4;
    const x = (random.chance(0.5) ? 1 : -1) * random.between(0.35, 1) * wide;
    walker.pointCount = point;
    addPoint(walker, x, random.between(lowY, highY));
    walker.pausePoint = point;
    walker.pauseS = Number.POSITIVE_INFINITY;
  }
}

/** The middle of the body is in the picture and not behind the wall. */
function isInView(view: View, walker: Walker): boolean {
  const z = walker.body.heightM / 2;
  if (depthOf(view, walker.y, z) < 0.3) return false;
  const column = columnOf(view, walker.x, walker.y, z);
  const row = rowOf(view, walker.y, z);
  const edgePx = EDGE_NORM * view.heightPx;
  if (column < edgePx || column > view.widthPx - edgePx || row < edgePx || row > view.heightPx - edgePx) return false;
  return !isBehindWall(view, walker.x, walker.y, z);
}
