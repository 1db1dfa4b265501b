/**
 * Body: how a person looks (dressed once, on arrival) and how they stand in this frame (posed from the walk's phase).
 * Proportions are shares of the body height: Drillis & Contini 1966, as printed in Winter, Biomechanics and Motor Control
 * of Human Movement, figure 4.1. The walk cycle follows the hip and knee curves of the same book, chapter 2, by a few
 * bumps: heel strike at 0, a small knee bend when the weight comes on, toe-off at 0.6, the large bend of the swing at 0.73.
 * The hips ride as high as the lower foot allows, so one foot is always on the floor and the body bobs by itself.
 * Memory: joints and parts are fixed tables made with the person; dressing and posing write into them.
 */
import { type Colour, hex, setColour } from './colour.ts';
import type { Random } from './random.ts';
import { PART_COLUMNS, Part, type Solids, Weave } from './solids.ts';

/** Rows of `joints`. Left and right follow each other. */
const Joint = {
  headBase: 0,
  head: 1,
  hair: 2,
  neck: 3,
  chest: 4,
  waist: 5,
  pelvis: 6,
  shoulder: 7,
  elbow: 9,
  wrist: 11,
  finger: 13,
  hip: 15,
  knee: 17,
  ankle: 19,
  toe: 21,
  bag: 23,
  bagTop: 24,
  hem: 25,
  nose: 26,
  tail: 27,
  brim: 28,
  eye: 29,
} as const;
export const JOINT_COUNT = 31;
export const PART_COUNT_MAX = 40;

const SKINS = ['f1cfb8', 'e8bd9d', 'd9a882', 'c08a62', '9a6844', '74492c', '4f3222', 'f4d6c4'];
const HAIRS = ['17120f', '2a1d15', '46301f', '6f4b2b', 'a57c45', 'c9a86a', '8d8a86', 'c4c1bb', '7a3b1f'];
const TOPS = [
  '1d2026',
  '2b3442',
  '24364f',
  '49505a',
  '7d838a',
  'b9bcbd',
  'e4e2da',
  '8f2a2c',
  'b8423a',
  '3f5a3c',
  '6d7a4c',
  'c89b3c',
  '4c6f94',
  '7fa3bd',
  '6a4a6f',
  'c98a93',
  '9b7a5a',
  'd8c6a4',
  '20554f',
  'a85a2a',
  '121317',
  'f0efe9',
];
const TROUSERS = [
  '20242c',
  '2c3a52',
  '3d5270',
  '56708f',
  '17181b',
  '6b6258',
  '9a8c74',
  '4b4f45',
  'c2b79d',
  '3a2f2a',
  '7c8794',
];
const SHOES = ['141414', '2b211b', 'e9e7e2', '5a3b25', '8c8f93', '7a1f24'];
const BAGS = ['3a2419', '101113', '7a4b2a', '2b4a63', 'a33b36', 'c9b58c', '4d5b43'];

const EYES = hex('2a211d');

export class Body {
  heightM = 1.75;
  /** Radius of the space that nobody else may enter. */
  radiusM = 0.27;
  readonly joints = new Float64Array(JOINT_COUNT * 3);
  readonly #parts = new Float64Array(PART_COUNT_MAX * PART_COLUMNS);
  #partCount = 0;
  #headPartCount = 0;
  /** 1 = adult; children have larger heads and shorter legs. */
  #headScale = 1;
  #build = 1;
  #stoop = 0;
  #lean = 0;
  #bagHand = -1;
  #backpack = false;
  readonly #colour: Colour = { y: 0, u: 0, v: 0 };

  /** Box of the head in pixels, unclipped, of the last pose: left, top, right, bottom. */
  readonly headBox = new Float64Array(4);
  /** Box of the whole body, the bag in hand or on the back included. */
  readonly box = new Float64Array(4);

  /** Chooses size and clothes. */
  dress(random: Random, isChild: boolean): void {
    const heightM = isChild ? random.between(1.02, 1.4) : Math.min(1.92, Math.max(1.55, random.bell(1.72, 0.09)));
    this.heightM = heightM;
    this.radiusM = isChild ? 0.2 : 0.27;
    this.#headScale = isChild ? 1.32 - (heightM - 1) * 0.45 : 1.04;
    this.#build = isChild ? random.between(0.9, 1.05) : random.between(0.92, 1.24);
    this.#stoop = !isChild && random.chance(0.12) ? random.between(0.08, 0.2) : random.between(0, 0.05);
    this.#partCount = 0;
    const h = heightM;
    const b = h * this.#build;
    const woman = random.chance(0.5);
    const skin = pick(random, SKINS);
    const hair = pick(random, HAIRS);
    const top = pick(random, TOPS);
    const trousers = pick(random, TROUSERS);
    const shoes = pick(random, SHOES);
    const bag = pick(random, BAGS);
    const shade = random.between(0.85, 1.12);
    const coat = random.chance(0.28);
    const skirt = woman && !coat && random.chance(0.3);
    const shortSleeves = !coat && random.chance(0.35);
    const openJacket = !coat && random.chance(0.22);
    const bald = !woman && !isChild && random.chance(0.14);
    const hat = !bald && random.chance(0.12);
    const longHair = !bald && (woman ? random.chance(0.65) : random.chance(0.06));
    const topWeave = random.chance(0.14) ? Weave.stripes : Weave.cloth;
    const head = h * this.#headScale;

    // Head first: its parts also make the head box.
    this.#part(Joint.head, Joint.head, 0.047 * head, 0, 1.18, 1.4, skin, 1, Weave.plain, 1, 0.9);
    this.#part(Joint.headBase, Joint.head, 0.034 * head, 0.04 * head, 1.1, 1, skin, 0.97, Weave.plain, 0.85, 1);
    this.#part(Joint.nose, Joint.nose, 0.009 * head, 0, 1, 1.4, skin, 1.04, Weave.plain, 1, 1);
    for (let side = 0; side < 2; side += 1) {
      this.#part(Joint.eye + side, Joint.eye + side, 0.0085 * head, 0, 1, 0.7, EYES, 1, Weave.plain, 1, 1);
    }
    if (!bald) this.#part(Joint.hair, Joint.hair, 0.052 * head, 0, 1.12, 1.22, hair, 1, Weave.hair, 1, 1);
    if (longHair)
      this.#part(Joint.hair, Joint.tail, 0.046 * head, 0.032 * head, 0.75, 1, hair, 0.95, Weave.hair, 0.95, 0.85);
    if (hat) {
      const colour = pick(random, TOPS);
      this.#part(Joint.brim, Joint.brim, 0.0565 * head, 0, 1.14, 0.95, colour, 0.9, Weave.cloth, 1, 1);
    }
    this.#headPartCount = this.#partCount;

    this.#part(Joint.neck, Joint.headBase, 0.033 * h, 0.03 * h, 1, 1, skin, 0.94, Weave.plain, 0.8, 0.7);
    // Torso: waist to chest, hips to waist, the shoulders' bar and slopes.
    this.#part(Joint.waist, Joint.chest, 0.079 * b, 0.093 * b, 0.66, 1, top, shade, topWeave, 0.85, 1);
    this.#part(
      Joint.pelvis,
      Joint.waist,
      (woman ? 0.094 : 0.087) * b,
      0.077 * b,
      0.72,
      1,
      openJacket || coat ? top : trousers,
      shade,
      Weave.cloth,
      0.8,
      0.85,
    );
    this.#part(Joint.shoulder, Joint.shoulder + 1, 0.038 * b, 0.038 * b, 1, 1, top, shade, topWeave, 1, 1);
    this.#part(Joint.shoulder, Joint.neck, 0.038 * b, 0.03 * b, 1, 1, top, shade, topWeave, 1, 0.95);
    this.#part(Joint.shoulder + 1, Joint.neck, 0.038 * b, 0.03 * b, 1, 1, top, shade, topWeave, 1, 0.95);
    if (coat) this.#part(Joint.waist, Joint.hem, 0.082 * b, 0.112 * b, 0.72, 1, top, shade, Weave.cloth, 0.9, 0.75);
    if (skirt)
      this.#part(Joint.pelvis, Joint.hem, 0.092 * b, 0.118 * b, 0.78, 1, trousers, 1.05, Weave.cloth, 0.85, 0.7);
    const legs = skirt ? (random.chance(0.5) ? skin : pick(random, TROUSERS)) : trousers;
    // A striding thigh would show through a skirt or coat: it wears their colour.
    const thighs = coat ? top : trousers;
    const thighGain = coat ? shade : 1;
    for (let side = 0; side < 2; side += 1) {
      const sleeve = shortSleeves ? skin : top;
      this.#part(Joint.shoulder + side, Joint.elbow + side, 0.036 * b, 0.027 * b, 1, 1, top, shade, topWeave, 1, 0.85);
      this.#part(
        Joint.elbow + side,
        Joint.wrist + side,
        0.026 * b,
        0.018 * b,
        1,
        1,
        sleeve,
        shade,
        shortSleeves ? Weave.plain : topWeave,
        0.9,
        0.9,
      );
      this.#part(
        Joint.wrist + side,
        Joint.finger + side,
        0.018 * h,
        0.014 * h,
        0.8,
        1,
        skin,
        0.97,
        Weave.plain,
        0.9,
        0.9,
      );
      this.#part(
        Joint.hip + side,
        Joint.knee + side,
        0.056 * b,
        0.036 * b,
        1,
        1,
        thighs,
        thighGain,
        Weave.cloth,
        0.75,
        0.78,
      );
      this.#part(
        Joint.knee + side,
        Joint.ankle + side,
        0.036 * b,
        (skirt ? 0.02 : 0.027) * b,
        1,
        1,
        legs,
        1,
        Weave.cloth,
        0.78,
        0.65,
      );
      this.#part(
        Joint.ankle + side,
        Joint.toe + side,
        0.026 * h,
        0.021 * h,
        0.85,
        1,
        shoes,
        1,
        Weave.plain,
        0.65,
        0.75,
      );
    }
    this.#backpack = !coat && random.chance(0.13);
    this.#bagHand = !this.#backpack && random.chance(isChild ? 0.05 : 0.3) ? random.below(2) : -1;
    if (this.#backpack) this.#part(Joint.bag, Joint.bagTop, 0.082 * h, 0.07 * h, 0.62, 1, bag, 1, Weave.cloth, 0.85, 1);
    if (this.#bagHand >= 0)
      this.#part(Joint.bag, Joint.bagTop, 0.075 * h, 0.05 * h, 0.42, 1, bag, 1, Weave.plain, 0.8, 0.95);
  }

  /**
   * Puts the joints where they are at `motion`: x, y, yaw, phase (0..1 of the walk cycle), stride (0 standing .. 1.2),
   * look (turn of the head), hand (1 when the left hand, -1 when the right hand is held by somebody taller), in this order.
   * Joints are first ahead, left and up of the hips, then taken to the world together. In four short methods so that
   * `place` is compiled into them and its numbers are not boxed.
   */
  pose(motion: Float64Array): void {
    this.#lean = 0.03 + 0.05 * motion[4]! + this.#stoop;
    this.#poseLegs(motion);
    this.#poseSpine();
    this.#poseHead(motion);
    this.#poseArms(motion);
    const joints = this.joints;
    const forwardX = Math.cos(motion[2]!);
    const forwardY = Math.sin(motion[2]!);
    // The lower sole stands on the floor.
    let lowest = 0;
    for (let side = 0; side < 2; side += 1) {
      lowest = Math.min(lowest, joints[(Joint.ankle + side) * 3 + 2]! - 0.026 * this.heightM);
      lowest = Math.min(lowest, joints[(Joint.toe + side) * 3 + 2]! - 0.021 * this.heightM);
    }
    for (let at = 0; at < JOINT_COUNT * 3; at += 3) {
      const ahead = joints[at]!;
      const left = joints[at + 1]!;
      joints[at] = motion[0]! + forwardX * ahead - forwardY * left;
      joints[at + 1] = motion[1]! + forwardY * ahead + forwardX * left;
      joints[at + 2]! -= lowest;
    }
  }

  #poseLegs(motion: Float64Array): void {
    const h = this.heightM;
    const stride = motion[4]!;
    for (let side = 0; side < 2; side += 1) {
      const sign = side === 0 ? 1 : -1;
      const cycle = (motion[3]! + side * 0.5) % 1;
      const swing = Math.cos(cycle * 2 * Math.PI);
      const weight = (cycle - 0.12) / 0.08;
      const lift = (cycle - 0.73) / 0.115;
      const push = (cycle - 0.6) / 0.12;
      const thigh = stride * (0.06 + 0.4 * swing);
      const knee = 0.06 + stride * (0.2 * Math.exp(-weight * weight) + 0.98 * Math.exp(-lift * lift));
      const foot = 0.1 + stride * (0.25 * Math.max(0, swing) - 0.75 * Math.exp(-push * push));
      const out = sign * 0.049 * h * this.#build;
      const kneeAhead = 0.245 * h * Math.sin(thigh);
      const kneeUp = -0.245 * h * Math.cos(thigh);
      const ankleAhead = kneeAhead + 0.246 * h * Math.sin(thigh - knee);
      const ankleUp = kneeUp - 0.246 * h * Math.cos(thigh - knee);
      const toeAhead = ankleAhead + 0.105 * h * Math.cos(foot);
      const toeUp = ankleUp - 0.012 * h + 0.105 * h * Math.sin(foot - 0.1);
      place(this.joints, Joint.hip + side, 0, out, 0);
      place(this.joints, Joint.knee + side, kneeAhead, out * 0.85, kneeUp);
      place(this.joints, Joint.ankle + side, ankleAhead, out * 0.7, ankleUp);
      place(this.joints, Joint.toe + side, toeAhead, out * 0.7 + sign * 0.014 * h, toeUp);
    }
  }

  /** The lean grows upwards. */
  #poseSpine(): void {
    const h = this.heightM;
    const lean = this.#lean * h;
    place(this.joints, Joint.hem, 0.01 * h, 0, -0.2 * h);
    place(this.joints, Joint.pelvis, 0, 0, 0.012 * h);
    place(this.joints, Joint.waist, lean * 0.09, 0, 0.095 * h);
    place(this.joints, Joint.chest, lean * 0.21, 0, 0.205 * h);
    place(this.joints, Joint.neck, lean * 0.3, 0, 0.318 * h);
    // Where a backpack is; a bag in the hand is placed with the arm.
    place(this.joints, Joint.bag, lean * 0.2 - 0.105 * h, 0, 0.12 * h);
    place(this.joints, Joint.bagTop, lean * 0.2 - 0.105 * h, 0, 0.24 * h);
  }

  #poseHead(motion: Float64Array): void {
    const joints = this.joints;
    const h = this.heightM;
    const head = h * this.#headScale;
    const ahead = (this.#lean * 0.42 + 0.012) * h;
    const up = 0.372 * h + 0.037 * head - this.#stoop * 0.08 * h;
    const faceAhead = Math.cos(motion[5]!) * head;
    const faceLeft = Math.sin(motion[5]!) * head;
    place(joints, Joint.headBase, ahead + faceAhead * 0.012, faceLeft * 0.012, up - 0.042 * head);
    place(joints, Joint.head, ahead, 0, up);
    place(joints, Joint.hair, ahead - faceAhead * 0.019, -faceLeft * 0.019, up + 0.015 * head);
    place(joints, Joint.tail, ahead - faceAhead * 0.04, -faceLeft * 0.04, up - 0.085 * head);
    place(joints, Joint.nose, ahead + faceAhead * 0.057, faceLeft * 0.057, up - 0.008 * head);
    place(joints, Joint.brim, ahead - faceAhead * 0.012, -faceLeft * 0.012, up + 0.03 * head);
    for (let side = 0; side < 2; side += 1) {
      const apart = side === 0 ? 0.019 : -0.019;
      const eyeAhead = ahead + faceAhead * 0.0455 - faceLeft * apart;
      const eyeLeft = faceLeft * 0.0455 + faceAhead * apart;
      place(joints, Joint.eye + side, eyeAhead, eyeLeft, up + 0.006 * head);
    }
  }

  /** Arms swing against the legs; the shoulders turn with them a little. */
  #poseArms(motion: Float64Array): void {
    const joints = this.joints;
    const h = this.heightM;
    const stride = motion[4]!;
    const twist = -0.05 * stride * Math.cos(motion[3]! * 2 * Math.PI) * h;
    for (let side = 0; side < 2; side += 1) {
      const sign = side === 0 ? 1 : -1;
      const opposite = Math.cos((motion[3]! + (1 - side) * 0.5) * 2 * Math.PI);
      const carries = this.#bagHand === side;
      const held = motion[6] === sign;
      const swing = held ? 0.35 : (carries ? 0.25 : 1) * stride * (0.5 * opposite + 0.04);
      const elbow = held ? -0.9 : carries ? 0.08 : 0.16 + stride * (0.22 + 0.25 * Math.max(0, opposite));
      const splay = held ? 0.5 : 0.09;
      const foreAhead = 0.146 * h * Math.sin(swing + elbow);
      const foreUp = held ? 0.13 * h : -0.146 * h * Math.cos(swing + elbow);
      const shoulderAhead = this.#lean * 0.28 * h + sign * twist * 0.5;
      const shoulderLeft = sign * 0.103 * h * this.#build;
      const elbowAhead = shoulderAhead + 0.178 * h * Math.sin(swing);
      const elbowLeft = shoulderLeft + sign * 0.178 * h * Math.sin(splay);
      const elbowUp = 0.272 * h - (held ? 0.1 * h : 0.178 * h * Math.cos(swing) * Math.cos(splay));
      const wristAhead = elbowAhead + foreAhead;
      const wristUp = elbowUp + foreUp;
      place(joints, Joint.shoulder + side, shoulderAhead, shoulderLeft, 0.272 * h);
      place(joints, Joint.elbow + side, elbowAhead, elbowLeft, elbowUp);
      place(joints, Joint.wrist + side, wristAhead, elbowLeft, wristUp);
      place(joints, Joint.finger + side, wristAhead + foreAhead * 0.42, elbowLeft, wristUp + foreUp * 0.42);
      if (carries) {
        place(joints, Joint.bag, wristAhead, elbowLeft, wristUp - 0.17 * h);
        place(joints, Joint.bagTop, wristAhead, elbowLeft, wristUp - 0.1 * h);
      }
    }
  }

  /** Adds the posed parts to the table and takes the boxes of head and body. */
  build(solids: Solids, motion: Float64Array, owner: number): void {
    const yaw = motion[2]!;
    const look = yaw + motion[5]!;
    solids.side[0] = -Math.sin(look);
    solids.side[1] = Math.cos(look);
    solids.side[2] = 0;
    solids.beginBox();
    for (let part = 0; part < this.#headPartCount; part += 1)
      solids.add(this.#parts, part * PART_COLUMNS, this.joints, owner);
    this.headBox.set(solids.box);
    solids.side[0] = -Math.sin(yaw);
    solids.side[1] = Math.cos(yaw);
    for (let part = this.#headPartCount; part < this.#partCount; part += 1) {
      solids.add(this.#parts, part * PART_COLUMNS, this.joints, owner);
    }
    this.box.set(solids.box);
  }

  /** World position of the sole of one foot, for its shadow: index of x in `joints`. */
  footIndex(side: number): number {
    return (Joint.toe + side) * 3;
  }

  #part(
    jointA: number,
    jointB: number,
    radiusA: number,
    radiusB: number,
    flat: number,
    tall: number,
    colour: Colour,
    gain: number,
    weave: number,
    openA: number,
    openB: number,
  ): void {
    const at = this.#partCount * PART_COLUMNS;
    setColour(this.#colour, colour, gain);
    this.#parts[at + Part.jointA] = jointA;
    this.#parts[at + Part.jointB] = jointB;
    this.#parts[at + Part.radiusA] = radiusA;
    this.#parts[at + Part.radiusB] = radiusB;
    this.#parts[at + Part.flat] = flat;
    this.#parts[at + Part.tall] = tall;
    this.#parts[at + Part.y] = this.#colour.y;
    this.#parts[at + Part.u] = this.#colour.u;
    this.#parts[at + Part.v] = this.#colour.v;
    this.#parts[at + Part.weave] = weave;
    this.#parts[at + Part.openA] = openA;
    this.#parts[at + Part.openB] = openB;
    this.#partCount += 1;
  }
}

function place(joints: Float64Array, joint: number, ahead: number, left: number, up: number): void {
  joints[joint * 3] = ahead;
  joints[joint * 3 + 1] = left;
  joints[joint * 3 + 2] = up;
}

function pick(random: Random, colours: readonly string[]): Colour {
  return hex(colours[random.below(colours.length)]!);
}
