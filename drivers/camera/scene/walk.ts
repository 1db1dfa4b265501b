/**
 * Walk: who is there, and where they go.
 * Parties arrive as a Poisson process. Most walk from the pavement through the door into the shop or the other way; some
 * turn back before the line, some stop for a moment, some only pass by outside. Couples keep abreast, a child walks by
 * the hand of an adult.
 * Steering: a pull towards the next way point, a push away from others that grows as they come near with a sidestep to
 * the right (Helbing & Molnár, Social force model for pedestrian dynamics, 1995, simplified), and at the end of each
 * step a hard rule: nobody is inside the space of anybody else.
 * Memory: WALKER_COUNT_MAX walkers made at start and used again; a party that finds no room waits outside.
 */
import { Body } from './body.ts';
import type { Random } from './random.ts';
import { DOOR_HALF_M, type View, WALL_M } from './view.ts';

export const WALKER_COUNT_MAX = 16;

/** Longest step of the simulation; a frame is divided into equal steps of at most this. */
const STEP_S_MAX = 1 / 30;
const POINT_COUNT_MAX = 5;
/** Time in which a walker reaches the speed they want. */
const RELAX_S = 0.4;
/** Half the width of the corridor inside, between the furniture. */
const AISLE_HALF_M = 1.35;

/** What a walker is up to; for tests and for whoever wants to know. */
export const Aim = { in: 0, out: 1, turnBackOutside: 2, turnBackInside: 3, passBy: 4 } as const;

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
  /** x, y, yaw, phase, stride, look, heldHand for Body.pose. */
  readonly motion = new Float64Array(7);
}

export class Walkers {
  readonly all: readonly Walker[] = Array.from({ length: WALKER_COUNT_MAX }, () => new Walker());
  readonly #view: View;
  readonly #random: Random;
  readonly #partiesPerSecond: number;
  #timeS = 0;
  #nextPartyS = 0;
  #nextId = 1;
  #waitingParties = 0;
  /** What the next party is up to; drawn once, or those who find no room at their side would come less often. */
  #nextAim: number;

  constructor(view: View, random: Random, peoplePerMinute: number) {
    this.#view = view;
    this.#random = random;
    // 24 % of the parties are two people.
    this.#partiesPerSecond = peoplePerMinute / 60 / 1.24;
    this.#nextAim = this.#drawAim();
    this.#nextPartyS = peoplePerMinute > 0 ? random.waitS(this.#partiesPerSecond) : Number.POSITIVE_INFINITY;
    // Somebody is at the door when the camera opens, so that a newcomer sees a count within seconds.
    if (peoplePerMinute > 0) this.#placeFirst();
  }

  step(seconds: number): void {
    const stepCount = Math.ceil(seconds / STEP_S_MAX - 1e-9);
    for (let step = 0; step < stepCount; step += 1) this.#step(seconds / stepCount);
    for (const walker of this.all) {
      if (!walker.active) continue;
      const motion = walker.motion;
      motion[0] = walker.x;
      motion[1] = walker.y;
      motion[2] = walker.yaw;
      motion[3] = walker.phase;
      motion[4] = walker.stride;
      motion[5] = walker.look;
      motion[6] = walker.heldHand;
      walker.body.pose(motion);
    }
  }

  #step(dt: number): void {
    this.#timeS += dt;
    while (this.#timeS >= this.#nextPartyS) {
      this.#nextPartyS += this.#random.waitS(this.#partiesPerSecond);
      this.#waitingParties = Math.min(this.#waitingParties + 1, 8);
    }
    if (this.#waitingParties > 0 && this.#arrive()) this.#waitingParties -= 1;
    for (let index = 0; index < WALKER_COUNT_MAX; index += 1) {
      if (this.all[index]!.active) this.#steer(index, dt);
    }
    for (let index = 0; index < WALKER_COUNT_MAX; index += 1) {
      const walker = this.all[index]!;
      if (!walker.active) continue;
      walker.x += walker.speedX * dt;
      walker.y += walker.speedY * dt;
    }
    this.#keepApart();
    for (let index = 0; index < WALKER_COUNT_MAX; index += 1) {
      if (this.all[index]!.active) this.#advance(index, dt);
    }
  }

  /** Changes the speed: way point or partner, others, walls. */
  #steer(index: number, dt: number): void {
    const walker = this.all[index]!;
    let wantX = 0;
    let wantY = 0;
    const partner = this.#partnerOf(walker);
    if (partner !== null) {
      const targetX = partner.x - Math.sin(partner.yaw) * walker.abreastM;
      const targetY = partner.y + Math.cos(partner.yaw) * walker.abreastM;
      wantX = partner.speedX + (targetX - walker.x) * 1.6;
      wantY = partner.speedY + (targetY - walker.y) * 1.6;
    } else if (walker.point !== walker.pausePoint || walker.pauseS <= 0 || !this.#isAtPoint(walker)) {
      const x = walker.route[walker.point * 2]! - walker.x;
      const y = walker.route[walker.point * 2 + 1]! - walker.y;
      const far = Math.sqrt(x * x + y * y) + 1e-6;
      wantX = (x / far) * walker.wantedSpeed;
      wantY = (y / far) * walker.wantedSpeed;
    }
    const wanted = Math.sqrt(wantX * wantX + wantY * wantY);
    const limit = walker.wantedSpeed * 1.35;
    if (wanted > limit) {
      wantX *= limit / wanted;
      wantY *= limit / wanted;
    }
    let pushX = (wantX - walker.speedX) / RELAX_S;
    let pushY = (wantY - walker.speedY) / RELAX_S;
    for (let other = 0; other < WALKER_COUNT_MAX; other += 1) {
      const they = this.all[other]!;
      if (other === index || !they.active || they === partner || this.#partnerOf(they) === walker) continue;
      const x = walker.x - they.x;
      const y = walker.y - they.y;
      const far = Math.sqrt(x * x + y * y) + 1e-6;
      if (far > 2.2) continue;
      const gap = far - walker.body.radiusM - they.body.radiusM;
      // People mind whom they see: full weight ahead, little behind.
      const ahead = wanted > 0.1 ? -(wantX * x + wantY * y) / (wanted * far) : 0;
      const weight = 3.2 * Math.exp(-gap / 0.32) * (0.35 + 0.65 * Math.max(0, ahead));
      const side = 0.75 * Math.max(0, ahead) * weight;
      pushX += (x / far) * weight;
      pushY += (y / far) * weight;
      if (wanted > 0.1) {
        pushX += (wantY / wanted) * side;
        pushY -= (wantX / wanted) * side;
      }
    }
    walker.speedX += pushX * dt;
    walker.speedY += pushY * dt;
    const speed = Math.sqrt(walker.speedX * walker.speedX + walker.speedY * walker.speedY);
    if (speed > limit) {
      walker.speedX *= limit / speed;
      walker.speedY *= limit / speed;
    }
  }

  /** The hard rule, and walls. Pairs are pushed apart by halves, a few rounds because one push may cause another. */
  #keepApart(): void {
    for (let round = 0; round < 6; round += 1) {
      for (let first = 0; first < WALKER_COUNT_MAX; first += 1) {
        const a = this.all[first]!;
        if (!a.active) continue;
        for (let second = first + 1; second < WALKER_COUNT_MAX; second += 1) {
          const b = this.all[second]!;
          if (!b.active) continue;
          const near = a.body.radiusM + b.body.radiusM;
          const x = b.x - a.x;
          const y = b.y - a.y;
          const square = x * x + y * y;
          if (square >= near * near) continue;
          const far = Math.sqrt(square) + 1e-9;
          const push = ((near - far) / 2 + 5e-4) / far;
          a.x -= x * push;
          a.y -= y * push;
          b.x += x * push;
          b.y += y * push;
        }
      }
      for (let index = 0; index < WALKER_COUNT_MAX; index += 1) {
        const walker = this.all[index]!;
        if (!walker.active) continue;
        if (walker.y < -WALL_M - 0.3) continue;
        // The opening, and behind it a funnel to the width of the aisle.
        const half = DOOR_HALF_M - walker.body.radiusM;
        const beside = Math.abs(walker.x) - Math.min(AISLE_HALF_M, half + Math.max(0, walker.y) * 0.8);
        if (beside <= 0) continue;
        // Outside and beside the door: back before the wall, unless the opening is nearer.
        if (walker.y < -WALL_M && beside > walker.y + WALL_M + 0.3) walker.y = -WALL_M - 0.3;
        else walker.x -= Math.sign(walker.x) * beside;
      }
    }
  }

  /** Way points, heading, gait. */
  #advance(index: number, dt: number): void {
    const walker = this.all[index]!;
    walker.ageS += dt;
    if (this.#isAtPoint(walker)) {
      if (walker.point === walker.pausePoint && walker.pauseS > 0) walker.pauseS -= dt;
      else if (walker.point + 1 < walker.pointCount) walker.point += 1;
      else {
        walker.active = false;
        return;
      }
    }
    const speed = Math.sqrt(walker.speedX * walker.speedX + walker.speedY * walker.speedY);
    if (speed > 0.15) {
      let turn = Math.atan2(walker.speedY, walker.speedX) - walker.yaw;
      turn -= Math.round(turn / (2 * Math.PI)) * 2 * Math.PI;
      const fastest = 4.5 * dt;
      walker.yaw += Math.min(fastest, Math.max(-fastest, turn * Math.min(1, 6 * dt)));
    }
    const h = walker.body.heightM;
    // Longer steps when faster; a stride (two steps) is about 0.82 of the height at 1.3 m/s.
    const strideM = 0.82 * h * Math.sqrt(Math.max(0.25, speed / 1.3));
    walker.phase = (walker.phase + (speed / strideM) * dt) % 1;
    const stride = speed < 0.08 ? 0 : Math.min(1.15, Math.sqrt(speed / 1.3));
    walker.stride += (stride - walker.stride) * Math.min(1, dt * 7);
    const wander = Math.sin(walker.ageS * 0.9 + walker.id * 2.4) * 0.35;
    walker.look += (wander * (speed < 0.3 ? 1.8 : 0.7) - walker.look) * Math.min(1, dt * 3);
  }

  #isAtPoint(walker: Walker): boolean {
    const x = walker.route[walker.point * 2]! - walker.x;
    const y = walker.route[walker.point * 2 + 1]! - walker.y;
    if (x * x + y * y < 0.1) return true;
    // Pushed aside by others: passing the point's height is enough, except where somebody means to stand.
    if (walker.point === 0 || walker.point === walker.pausePoint) return false;
    const fromX = walker.route[walker.point * 2]! - walker.route[walker.point * 2 - 2]!;
    const fromY = walker.route[walker.point * 2 + 1]! - walker.route[walker.point * 2 - 1]!;
    return x * fromX + y * fromY < 0;
  }

  #partnerOf(walker: Walker): Walker | null {
    if (walker.partner < 0) return null;
    const partner = this.all[walker.partner]!;
    return partner.active && partner.id === walker.partnerId ? partner : null;
  }

  /** Brings a party in; false when there is no room for it now. */
  #arrive(): boolean {
    const random = this.#random;
    const first = this.#freePlace(-1);
    const second = this.#freePlace(first);
    if (first < 0 || second < 0) return false;
    const walker = this.all[first]!;
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
      const other = this.all[second]!;
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

  #freePlace(except: number): number {
    for (let index = 0; index < WALKER_COUNT_MAX; index += 1) {
      if (index !== except && !this.all[index]!.active) return index;
    }
    return -1;
  }

  #hasRoom(walker: Walker): boolean {
    for (const other of this.all) {
      if (other === walker || !other.active) continue;
      // Room for two abreast.
      if (Math.hypot(other.x - walker.x, other.y - walker.y) < 1.3) return false;
    }
    return true;
  }

  /** Where somebody on the pavement is hidden by the wall, at distance `y` before it. */
  #hiddenX(y: number): number {
    return DOOR_HALF_M * (1 - y / this.#view.cameraYM) + 0.9;
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

  /** Puts a planned walker at the first point, dressed and moving. */
  #begin(walker: Walker, isChild: boolean): void {
    const random = this.#random;
    walker.active = true;
    walker.id = this.#nextId;
    this.#nextId += 1;
    walker.isChild = isChild;
    walker.body.dress(random, isChild);
    walker.wantedSpeed = Math.min(1.6, Math.max(0.8, random.bell(1.18, 0.18)));
    walker.partner = -1;
    walker.partnerId = -1;
    walker.heldHand = 0;
    walker.ageS = 0;
    walker.look = 0;
    walker.phase = random.next();
    walker.stride = 1;
    walker.x = walker.route[0]!;
    walker.y = walker.route[1]!;
    walker.point = 1;
    walker.yaw = Math.atan2(walker.route[3]! - walker.y, walker.route[2]! - walker.x);
    walker.speedX = Math.cos(walker.yaw) * walker.wantedSpeed;
    walker.speedY = Math.sin(walker.yaw) * walker.wantedSpeed;
  }

  #placeFirst(): void {
    const walker = this.all[0]!;
    this.#plan(walker, Aim.in, this.#random.chance(0.5) ? 1 : -1);
    this.#begin(walker, false);
    walker.x = walker.route[2]! * 0.8;
    walker.y = -1.5;
    walker.yaw = Math.PI / 2;
    walker.speedX = 0;
    walker.speedY = walker.wantedSpeed;
  }
}

function addPoint(walker: Walker, x: number, y: number): void {
  walker.route[walker.pointCount * 2] = x;
  walker.route[walker.pointCount * 2 + 1] = y;
  walker.pointCount += 1;
}
