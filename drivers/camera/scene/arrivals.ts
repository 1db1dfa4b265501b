/**
 * Arrivals: parties come to an ordinary entrance as a Poisson process. Most walk from the pavement through the door into
 * the shop or the other way; some turn back before the line, some stop for a moment, some only pass by outside. What
 * people counters fail at is staged by crowd instead.
 * Memory: none; a party that finds no place in the pool waits outside.
 */
import type { Random } from './random.ts';
import { type View, WALL_M } from './view.ts';
import { Aim, addPoint, beginWalker, freePlace, placeAtStart, type Walker } from './walker.ts';

/** Who brings people in. */
export type Arrivals = {
  /** Goes on by `dt` seconds. */
  step(dt: number): void;
};

export class PoissonArrivals implements Arrivals {
  readonly #all: readonly Walker[];
  readonly #view: View;
  readonly #random: Random;
  readonly #partiesPerSecond: number;
  #timeS = 0;
  #nextPartyS = 0;
  #nextId = 1;
  #waitingParties = 0;
  /** What the next party is up to; drawn once, or those who find no room at their side would come less often. */
  #nextAim: number;

  constructor(walkers: readonly Walker[], view: View, random: Random, peoplePerMinute: number) {
    this.#all = walkers;
    this.#view = view;
    this.#random = random;
    // 24 % of the parties are two people.
    this.#partiesPerSecond = peoplePerMinute / 60 / 1.24;
    this.#nextAim = this.#drawAim();
    this.#nextPartyS = peoplePerMinute > 0 ? random.waitS(this.#partiesPerSecond) : Number.POSITIVE_INFINITY;
    // Somebody is at the door when the camera opens, so that a newcomer sees a count within seconds.
    if (peoplePerMinute > 0) this.#placeFirst();
  }

  step(dt: number): void {
    this.#timeS += dt;
    while (this.#timeS >= this.#nextPartyS) {
      this.#nextPartyS += this.#random.waitS(this.#partiesPerSecond);
      this.#waitingParties = Math.min(this.#waitingParties + 1, 8);
    }
    if (this.#waitingParties > 0 && this.#arrive()) this.#waitingParties -= 1;
  }

  /** Brings a party in; false when there is no room for it now. */
  #arrive(): boolean {
    const random = this.#random;
    const first = freePlace(this.#all, -1);
    const second = freePlace(this.#all, first);
    if (first < 0 || second < 0) return false;
    const walker = this.#all[first]!;
    const aim = this.#nextAim;
    const side = random.chance(0.5) ? 1 : -1;
    this.#plan(walker, aim, side);
    this.#begin(walker, false);
    if (!this.#hasRoom(walker)) {
      walker.active = false;
      return false;
    }
    this.#nextAim = this.#drawAim();
    const party = random.next();
    if (party < 0.24) {
      const isChild = party < 0.08;
      const other = this.#all[second]!;
      const abreast = (random.chance(0.5) ? 1 : -1) * (isChild ? 0.5 : random.between(0.6, 0.72));
      other.route.set(walker.route);
      other.pointCount = walker.pointCount;
      other.pausePoint = walker.pausePoint;
      other.pauseS = walker.pauseS;
      other.aim = aim;
      this.#begin(other, isChild);
      other.wantedSpeed = walker.wantedSpeed;
      other.partner = first;
      other.partnerId = walker.id;
      other.abreastM = abreast;
      other.x = walker.x - Math.sin(walker.yaw) * abreast;
      other.y = walker.y + Math.cos(walker.yaw) * abreast;
      if (isChild && random.chance(0.7)) other.heldHand = abreast > 0 ? -1 : 1;
    }
    return true;
  }

  #drawAim(): number {
    const kind = this.#random.next();
    const fromOutside = this.#random.chance(0.5);
    if (kind < 0.1) return Aim.passBy;
    if (kind < 0.17) return fromOutside ? Aim.turnBackOutside : Aim.turnBackInside;
    return fromOutside ? Aim.in : Aim.out;
  }

  #hasRoom(walker: Walker): boolean {
    for (const other of this.#all) {
      if (other === walker || !other.active) continue;
      // Room for two abreast.
      if (Math.hypot(other.x - walker.x, other.y - walker.y) < 1.3) return false;
    }
    return true;
  }

  /** Where somebody on the pavement is hidden by the wall, at distance `y` before it. */
  #hiddenX(y: number): number {
    return this.#view.doorHalfM * (1 - y / this.#view.cameraYM) + 0.9;
  }

  #plan(walker: Walker, aim: number, side: number): void {
    const random = this.#random;
    const endY = this.#view.insideEndYM;
    const aimY = this.#view.aimYM;
    const pavementY = -random.between(1, 2.2);
    const outsideX = side * this.#hiddenX(pavementY - 0.4);
    const insideX = random.between(-1, 1);
    // Keep right, as seen by the walker.
    const keep = random.between(0.1, 0.62);
    walker.aim = aim;
    walker.pointCount = 0;
    walker.pausePoint = -1;
    walker.pauseS = 0;
    if (aim === Aim.in || aim === Aim.turnBackOutside) {
      // Walking towards +y, the right hand is at +x.
      addPoint(walker, outsideX, pavementY);
      addPoint(walker, keep, -WALL_M - 0.25);
      if (aim === Aim.in) {
        addPoint(walker, keep * 0.9, aimY);
        if (random.chance(0.14)) {
          addPoint(walker, insideX * 0.7, aimY + random.between(0.7, 1.4));
          walker.pausePoint = walker.pointCount - 1;
          walker.pauseS = random.between(0.8, 3);
        }
        addPoint(walker, insideX, endY);
      } else {
        addPoint(walker, keep * 0.7, Math.min(0.05, aimY - 0.75));
        walker.pausePoint = walker.pointCount - 1;
        walker.pauseS = random.between(0.4, 1.5);
        addPoint(walker, -keep * 0.6, -WALL_M - 0.3);
        const awayY = -random.between(1, 2.2);
        addPoint(walker, (random.chance(0.5) ? 1 : -1) * this.#hiddenX(awayY - 0.4), awayY);
      }
    } else if (aim === Aim.out || aim === Aim.turnBackInside) {
      addPoint(walker, insideX, endY + 0.1);
      if (aim === Aim.out) {
        if (random.chance(0.12)) {
          addPoint(walker, -keep, aimY + random.between(0.7, 1.4));
          walker.pausePoint = walker.pointCount - 1;
          walker.pauseS = random.between(0.8, 2.5);
        }
        addPoint(walker, -keep * 0.9, aimY);
        addPoint(walker, -keep, -WALL_M - 0.25);
        addPoint(walker, outsideX, pavementY);
      } else {
        addPoint(walker, -keep, aimY + random.between(0.65, 0.9));
        walker.pausePoint = walker.pointCount - 1;
        walker.pauseS = random.between(0.4, 1.5);
        addPoint(walker, random.between(-1, 1), endY + 0.1);
      }
    } else {
      const awayY = pavementY - 0.1;
      addPoint(walker, outsideX, awayY);
      addPoint(walker, -outsideX, awayY);
    }
  }

  #begin(walker: Walker, isChild: boolean): void {
    beginWalker(walker, this.#random, this.#nextId, isChild);
    this.#nextId += 1;
    placeAtStart(walker);
  }

  #placeFirst(): void {
    const walker = this.#all[0]!;
    this.#plan(walker, Aim.in, this.#random.chance(0.5) ? 1 : -1);
    this.#begin(walker, false);
    walker.x = walker.route[2]! * 0.8;
    walker.y = -1.5;
    walker.yaw = Math.PI / 2;
    walker.speedX = 0;
    walker.speedY = walker.wantedSpeed;
  }
}
