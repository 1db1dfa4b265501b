/**
 * Walk: how people move, whoever they are and wherever they go (arrivals and crowd say that).
 * Couples keep abreast, a child walks by the hand of an adult.
 * Steering: a pull towards the next way point, a push away from others that grows as they come near with a sidestep to
 * the right (Helbing & Molnár, Social force model for pedestrian dynamics, 1995, simplified), and at the end of each
 * step a hard rule: nobody is inside the space of anybody else.
 * Memory: the pool of walkers, made at start and used again.
 */
import { type Arrivals, PoissonArrivals } from './arrivals.ts';
import { type Crowd, CrowdArrivals } from './crowd.ts';
import type { Occluder } from './occluder.ts';
import type { Random } from './random.ts';
import { aisleHalfOf, depthOf, type View, WALL_M } from './view.ts';
import { Aim, WALKER_COUNT_MAX, Walker } from './walker.ts';

/** People at once where no crowd is asked for. */
const ORDINARY_COUNT_MAX = 16;
/** Longest step of the simulation; a frame is divided into equal steps of at most this. */
const STEP_S_MAX = 1 / 30;
/** Time in which a walker reaches the speed they want. */
const RELAX_S = 0.4;
/** Within this of their place people who stand firmly hold it. */
const FIRM_M = 0.7;
/** How they come to rest there without going too far: stiffness 1.6 / 0.16 = 10 per s², damping 0.99. */
const FIRM_GAIN_HZ = 1.6;
const FIRM_RELAX_S = 0.16;
/** How much they mind others who come near, and how much of a push they take (1: half of it, as everybody). */
const FIRM_MIND = 0.05;
const FIRM_GIVE = 0.1;

export class Walkers {
  readonly all: readonly Walker[];
  readonly #view: View;
  readonly #aisleHalfM: number;
  readonly #arrivals: Arrivals;
  readonly #isCrowd: boolean;
  readonly #occluder: Occluder | null;

  constructor(view: View, random: Random, peoplePerMinute: number, crowd?: Crowd, occluder: Occluder | null = null) {
    this.all = Array.from({ length: crowd === undefined ? ORDINARY_COUNT_MAX : WALKER_COUNT_MAX }, () => new Walker());
    this.#view = view;
    this.#aisleHalfM = aisleHalfOf(view);
    this.#occluder = occluder;
    this.#isCrowd = crowd !== undefined;
    this.#arrivals =
      crowd === undefined
        ? new PoissonArrivals(this.all, view, random, peoplePerMinute)
        : new CrowdArrivals(this.all, view, random, crowd, occluder);
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
    this.#arrivals.step(dt);
    for (let index = 0; index < this.all.length; index += 1) {
      if (this.all[index]!.active) this.#steer(index, dt);
    }
    for (let index = 0; index < this.all.length; index += 1) {
      const walker = this.all[index]!;
      if (!walker.active) continue;
      walker.x += walker.speedX * dt;
      walker.y += walker.speedY * dt;
    }
    this.#keepApart();
    for (let index = 0; index < this.all.length; index += 1) {
      if (this.all[index]!.active) this.#advance(index, dt);
    }
  }

  /** Changes the speed: way point or partner, others, walls. */
  #steer(index: number, dt: number): void {
    const walker = this.all[index]!;
    let wantX = 0;
    let wantY = 0;
    const partner = this.#partnerOf(walker);
    const holds = isHolding(walker);
    if (holds) {
      // Swaying, as nobody stands still.
      const swayX = 0.035 * Math.sin(walker.ageS * 1.7 + walker.id);
      const swayY = 0.02 * Math.sin(walker.ageS * 1.1 + walker.id * 2);
      wantX = (walker.route[walker.point * 2]! + swayX - walker.x) * FIRM_GAIN_HZ;
      wantY = (this.#toLineM(walker) + swayY) * FIRM_GAIN_HZ;
    } else if (partner !== null) {
      if (walker.isLed) this.#keepSide(walker, partner);
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
    const relaxS = holds ? FIRM_RELAX_S : RELAX_S;
    let pushX = (wantX - walker.speedX) / relaxS;
    let pushY = (wantY - walker.speedY) / relaxS;
    for (let other = 0; other < this.all.length; other += 1) {
      const they = this.all[other]!;
      if (other === index || !they.active || they === partner || this.#partnerOf(they) === walker) continue;
      const x = walker.x - they.x;
      const y = walker.y - they.y;
      const far = Math.sqrt(x * x + y * y) + 1e-6;
      if (far > 2.2) continue;
      const gap = far - walker.body.radiusM - they.body.radiusM;
      // People mind whom they see: full weight ahead, little behind.
      const ahead = wanted > 0.1 ? -(wantX * x + wantY * y) / (wanted * far) : 0;
      const mind = holds ? FIRM_MIND : 1;
      const weight = 3.2 * mind * Math.exp(-gap / 0.32) * (0.35 + 0.65 * Math.max(0, ahead));
      let side = 0.75 * Math.max(0, ahead) * weight;
      // Who stands firmly is passed on the nearer side, or people would push against them.
      if (isHolding(they)) side *= wantY * x - wantX * y > 0 ? 2 : -2;
      pushX += (x / far) * weight;
      pushY += (y / far) * weight;
      if (wanted > 0.1) {
        pushX += (wantY / wanted) * side;
        pushY -= (wantX / wanted) * side;
      }
    }
    const occluder = this.#occluder;
    if (occluder !== null && occluder.radiusM > 0) {
      const x = walker.x - occluder.xM;
      const y = walker.y - occluder.yM;
      const far = Math.sqrt(x * x + y * y) + 1e-6;
      const weight = 2.5 * Math.exp(-(far - walker.body.radiusM - occluder.radiusM) / 0.2);
      // Round it on the side that is nearer to the way.
      const along = wanted > 0.1 ? (wantX * y - wantY * x) / (wanted * far) : 0;
      const side = along > 0 ? 0.8 * weight : -0.8 * weight;
      pushX += (x / far) * weight;
      pushY += (y / far) * weight;
      if (wanted > 0.1) {
        pushX -= (wantY / wanted) * side;
        pushY += (wantX / wanted) * side;
      }
    }
    walker.speedX += pushX * dt;
    walker.speedY += pushY * dt;
    if (this.#isCrowd && wanted > 0.1 && !holds) {
      // In a crowd people wait for others to pass; they do not walk backwards, over the line that they have just crossed.
      const forward = (walker.speedX * wantX + walker.speedY * wantY) / (wanted * wanted);
      if (forward < 0) {
        walker.speedX -= forward * wantX;
        walker.speedY -= forward * wantY;
      }
    }
    const speed = Math.sqrt(walker.speedX * walker.speedX + walker.speedY * walker.speedY);
    if (speed > limit) {
      walker.speedX *= limit / speed;
      walker.speedY *= limit / speed;
    }
  }

  /** The hard rule, and walls. Pairs are pushed apart by halves, a few rounds because one push may cause another. */
  #keepApart(): void {
    for (let round = 0; round < 6; round += 1) {
      for (let first = 0; first < this.all.length; first += 1) {
        const a = this.all[first]!;
        if (!a.active) continue;
        for (let second = first + 1; second < this.all.length; second += 1) {
          const b = this.all[second]!;
          if (!b.active) continue;
          const near = a.body.radiusM + b.body.radiusM;
          const x = b.x - a.x;
          const y = b.y - a.y;
          const square = x * x + y * y;
          if (square >= near * near) continue;
          const far = Math.sqrt(square) + 1e-9;
          const push = ((near - far) / 2 + 5e-4) / far;
          // Halves, but who stands firmly gives way little.
          const firmA = isFirmlyThere(a);
          const give = firmA === isFirmlyThere(b) ? 1 : firmA ? FIRM_GIVE : 2 - FIRM_GIVE;
          a.x -= x * push * give;
          a.y -= y * push * give;
          b.x += x * push * (2 - give);
          b.y += y * push * (2 - give);
        }
      }
      for (let index = 0; index < this.all.length; index += 1) {
        const walker = this.all[index]!;
        if (!walker.active) continue;
        walker.y = Math.min(walker.yMaxM, Math.max(walker.yMinM, walker.y));
        if (walker.y < -WALL_M - 0.3) continue;
        if (this.#occluder !== null) keepOut(walker, this.#occluder);
        // The opening, and behind it a funnel to the width of the aisle.
        const half = this.#view.doorHalfM - walker.body.radiusM;
        const beside = Math.abs(walker.x) - Math.min(this.#aisleHalfM, half + Math.max(0, walker.y) * 0.8);
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
    const leader = walker.isLed ? this.#partnerOf(walker) : null;
    if (leader !== null) walker.point = leader.point;
    else if (this.#isAtPoint(walker)) {
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

  /**
   * How far a firm walker is before their place on the line. The plan knows only how tall they are; once they have been
   * seen, the middle of their last box says where the line is for them, whatever they carry and however they stand.
   */
  #toLineM(walker: Walker): number {
    const view = this.#view;
    const planned = walker.route[walker.point * 2 + 1]! - walker.y;
    const { box } = walker.body;
    if (!(box[3]! > box[1]!) || Math.abs(planned) > FIRM_M / 2) return planned;
    const rowsPerM = (view.focalPx * view.cosTilt) / depthOf(view, walker.y, walker.body.heightM / 2);
    return (view.heightPx / 2 - (box[1]! + box[3]!) / 2) / rowsPerM;
  }

  /** A led walker stays on the side where they are when the partner turns round. */
  #keepSide(walker: Walker, partner: Walker): void {
    const left = (walker.y - partner.y) * Math.cos(partner.yaw) - (walker.x - partner.x) * Math.sin(partner.yaw);
    if (Math.abs(left) < 0.15 || left > 0 === walker.abreastM > 0) return;
    walker.abreastM = -walker.abreastM;
    walker.heldHand = -walker.heldHand;
  }

  #isAtPoint(walker: Walker): boolean {
    const x = walker.route[walker.point * 2]! - walker.x;
    const y = walker.route[walker.point * 2 + 1]! - walker.y;
    if (x * x + y * y < 0.1) return true;
    // Pushed aside by others: passing the point's height is enough, except where somebody means to stand.
    if (walker.point === 0 || (walker.point === walker.pausePoint && !turnsAnywhere(walker))) return false;
    const fromX = walker.route[walker.point * 2]! - walker.route[walker.point * 2 - 2]!;
    const fromY = walker.route[walker.point * 2 + 1]! - walker.route[walker.point * 2 - 1]!;
    return x * fromX + y * fromY < 0;
  }

  #partnerOf(walker: Walker): Walker | null {
    if (walker.partner < 0) return null;
    const partner = this.all[walker.partner]!;
    return partner.active && partner.id === walker.partnerId ? partner : null;
  }
}

/** True while somebody firmly goes for, and stands at, the place they stopped for. */
export function isHolding(walker: Walker): boolean {
  return walker.point === walker.pausePoint && walker.pauseS > 0 && isFirmlyThere(walker);
}

/** The same, and until they have left the place: nobody shoves them over the line while they turn round. */
function isFirmlyThere(walker: Walker): boolean {
  if (!walker.isFirm || walker.point < walker.pausePoint) return false;
  const x = walker.route[walker.pausePoint * 2]! - walker.x;
  const y = walker.route[walker.pausePoint * 2 + 1]! - walker.y;
  return x * x + y * y < FIRM_M * FIRM_M;
}

/** Who only turns back does it at the height of the place, wherever others have pushed them, and so stays in view. */
function turnsAnywhere(walker: Walker): boolean {
  return !walker.isFirm && (walker.aim === Aim.returnOutside || walker.aim === Aim.returnInside);
}

/** Nobody is inside what stands on the floor. */
function keepOut(walker: Walker, occluder: Occluder): void {
  if (occluder.radiusM === 0) return;
  const x = walker.x - occluder.xM;
  const y = walker.y - occluder.yM;
  const near = walker.body.radiusM + occluder.radiusM;
  const square = x * x + y * y;
  if (square >= near * near) return;
  const push = near / (Math.sqrt(square) + 1e-9) - 1;
  walker.x += x * push;
  walker.y += y * push;
}
