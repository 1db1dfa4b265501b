// Goal: staged crowds do what they are asked for: how many, what they do at the line, what hides them, and nothing impossible.
// Method: seeded entrances stepped without drawing; truth and floor plans frame by frame; two drawings for the occluder.
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PART_COUNT_MAX } from '../../../../drivers/camera/scene/body.ts';
import type { Crowd } from '../../../../drivers/camera/scene/crowd.ts';
import { makeOccluder } from '../../../../drivers/camera/scene/occluder.ts';
import { Random } from '../../../../drivers/camera/scene/random.ts';
import { SCENE_LINE_DEFAULT, Scene, type SceneOptions } from '../../../../drivers/camera/scene/simulation.ts';
import { Solids } from '../../../../drivers/camera/scene/solids.ts';
import { Truth } from '../../../../drivers/camera/scene/truth.ts';
import { makeView } from '../../../../drivers/camera/scene/view.ts';
import { Walkers } from '../../../../drivers/camera/scene/walk.ts';
import { Aim, WALKER_COUNT_MAX } from '../../../../drivers/camera/scene/walker.ts';

const FRAME_RATE_HZ = 15;
/** Time in which the first people have walked into the picture. */
const FILL_FRAMES = 10 * FRAME_RATE_HZ;
const PLAIN: Crowd = {
  peopleInView: 6,
  turnBackShare: 0,
  standOnLineShare: 0,
  pairShare: 0,
  loitererCount: 0,
  occluder: false,
  inShare: 0.5,
};
const BIG = { heightM: 4.6, fovDeg: 86, doorHalfM: 2 };
const SMALL = { heightM: 4, fovDeg: 72, doorHalfM: 1.4 };

function scene(seed: number, tiltDeg: number, crowd: Partial<Crowd>, view: Partial<SceneOptions> = SMALL): Scene {
  return new Scene({ ...view, seed, tiltDeg, crowd: { ...PLAIN, ...crowd } });
}

type Watch = {
  meanInView: number;
  /** Per person: crossings as a word of `i` and `o`. */
  readonly words: Map<number, string>;
  readonly aims: Map<number, number>;
  readonly lastFrames: Map<number, number>;
  readonly firstFrames: Map<number, number>;
  readonly children: Set<number>;
  /** Per person who stood on the line: crossings from then on, and frames of standing. */
  readonly crossedAfter: Map<number, number>;
  readonly stoodFrames: Map<number, number>;
  gapMinM: number;
};

function watch(stage: Scene, seconds: number): Watch {
  const seen: Watch = {
    meanInView: 0,
    words: new Map(),
    aims: new Map(),
    lastFrames: new Map(),
    firstFrames: new Map(),
    children: new Set(),
    crossedAfter: new Map(),
    stoodFrames: new Map(),
    gapMinM: 9,
  };
  const plan = new Float64Array(WALKER_COUNT_MAX * 3);
  const frameCount = seconds * FRAME_RATE_HZ;
  for (let frame = 0; frame < frameCount; frame += 1) {
    stage.step(frame);
    const { people, crossings } = stage;
    for (let row = 0; row < people.count; row += 1) {
      const id = people.ids[row]!;
      if (frame >= FILL_FRAMES && people.visible[row]! >= 0.4) seen.meanInView += 1 / (frameCount - FILL_FRAMES);
      seen.aims.set(id, people.aim[row]!);
      if (!seen.firstFrames.has(id)) seen.firstFrames.set(id, frame);
      seen.lastFrames.set(id, frame);
      if (people.isChild[row] === 1) seen.children.add(id);
      if (people.isOnLine[row] === 1) {
        seen.stoodFrames.set(id, (seen.stoodFrames.get(id) ?? 0) + 1);
        if (!seen.crossedAfter.has(id)) seen.crossedAfter.set(id, 0);
      }
    }
    for (let index = 0; index < crossings.count; index += 1) {
      const id = crossings.personId[index]!;
      seen.words.set(id, (seen.words.get(id) ?? '') + (crossings.direction[index] === 0 ? 'i' : 'o'));
      if (seen.crossedAfter.has(id)) seen.crossedAfter.set(id, seen.crossedAfter.get(id)! + 1);
    }
    seen.gapMinM = Math.min(seen.gapMinM, smallestGap(plan, stage.floorPlan(plan)));
  }
  return seen;
}

function smallestGap(plan: Float64Array, count: number): number {
  let gap = 9;
  for (let a = 0; a < count * 3; a += 3) {
    for (let b = a + 3; b < count * 3; b += 3) {
      const far = Math.hypot(plan[a]! - plan[b]!, plan[a + 1]! - plan[b + 1]!);
      gap = Math.min(gap, far - plan[a + 2]! - plan[b + 2]!);
    }
  }
  return gap;
}

for (const [peopleInView, view] of [
  [1, {}],
  [3, {}],
  [6, SMALL],
  [15, BIG],
] as const) {
  for (const tiltDeg of [0, 25, 45]) {
    test(`${peopleInView} people are kept in view at ${tiltDeg} degrees, and nobody is inside anybody`, () => {
      const seen = watch(scene(31, tiltDeg, { peopleInView }, view), 120);
      const off = Math.abs(seen.meanInView - peopleInView);
      assert.ok(off < peopleInView * 0.25, `${seen.meanInView.toFixed(2)} people are in view`);
      assert.ok(seen.gapMinM > -0.03, `two people overlap by ${-seen.gapMinM} m`);
      const words = [...seen.words.values()].join('');
      const inCount = words.split('i').length - 1;
      assert.ok(inCount > 10 && words.length - inCount > 10, `${inCount} in, ${words.length - inCount} out`);
    });
  }
}

for (const tiltDeg of [0, 25, 45]) {
  test(`a turn-back at ${tiltDeg} degrees is two opposite crossings of one person`, () => {
    const seconds = 120;
    const seen = watch(scene(32, tiltDeg, { turnBackShare: 0.5 }), seconds);
    let outside = 0;
    let inside = 0;
    for (const [id, aim] of seen.aims) {
      // Who is still here at the end may not be back yet.
      if (seen.lastFrames.get(id)! > seconds * FRAME_RATE_HZ - 15) continue;
      if (aim === Aim.returnOutside) {
        outside += 1;
        assert.is(seen.words.get(id), 'io');
      } else if (aim === Aim.returnInside) {
        inside += 1;
        assert.is(seen.words.get(id), 'oi');
      }
    }
    assert.ok(outside >= 5 && inside >= 5, `${outside} from outside, ${inside} from inside`);
  });

  test(`who stands on the line at ${tiltDeg} degrees does so for seconds, and crosses at most once afterwards`, () => {
    const seen = watch(scene(33, tiltDeg, { peopleInView: 3, standOnLineShare: 0.6 }), 200);
    assert.ok(seen.crossedAfter.size >= 12, `${seen.crossedAfter.size} stood on the line`);
    for (const [id, count] of seen.crossedAfter) assert.ok(count <= 1, `person ${id} crossed ${count} times`);
    const stoodS = [...seen.stoodFrames.values()].map((frames) => frames / FRAME_RATE_HZ);
    const meanS = stoodS.reduce((sum, value) => sum + value, 0) / stoodS.length;
    assert.ok(meanS > 3 && meanS < 9, `they stand for ${meanS} s`);
    assert.ok(Math.max(...stoodS) < 13, `one stood for ${Math.max(...stoodS)} s`);
  });

  test(`loiterers at ${tiltDeg} degrees stay for a minute and more, and never cross`, () => {
    const seen = watch(scene(34, tiltDeg, { loitererCount: 2 }), 90);
    const loiterers = [...seen.aims].filter(([, aim]) => aim === Aim.loiter).map(([id]) => id);
    assert.is(loiterers.length, 2);
    for (const id of loiterers) {
      assert.is(seen.words.get(id), undefined);
      assert.ok(seen.lastFrames.get(id)! - seen.firstFrames.get(id)! > 60 * FRAME_RATE_HZ);
    }
    assert.ok(seen.words.size > 20, `${seen.words.size} others crossed`);
  });
}

test('pairs are two people side by side, some of them with a child', () => {
  const stage = scene(35, 25, { pairShare: 1, peopleInView: 6 });
  const seen = watch(stage, 90);
  assert.ok(seen.children.size >= 5, `${seen.children.size} children`);
  // Numbers are given in order of arrival, two at a time, so a pair is an odd number and the next.
  let together = 0;
  let crossed = 0;
  for (const [id, word] of seen.words) {
    if (id % 2 === 0) continue;
    crossed += 1;
    if (seen.words.get(id + 1) === word) together += 1;
  }
  assert.ok(crossed > 12 && together > crossed * 0.8, `${together} of ${crossed} crossed with their partner`);
});

test('a stream that only comes in has nobody who goes out', () => {
  const seen = watch(scene(36, 45, { inShare: 1 }), 60);
  assert.ok(seen.words.size > 15);
  assert.ok([...seen.words.values()].every((word) => word === 'i'));
});

for (const tiltDeg of [0, 25, 45]) {
  test(`an occluder at ${tiltDeg} degrees is drawn, hides people, and takes no crossing away`, () => {
    const occluded = scene(37, tiltDeg, { occluder: true });
    const open = scene(37, tiltDeg, { occluder: false });
    const slot = new Uint8Array(occluded.format.frameBytes);
    const openSlot = new Uint8Array(open.format.frameBytes);
    occluded.draw(slot);
    open.draw(openSlot);
    let changed = 0;
    for (let pixel = 0; pixel < 256 * 192; pixel += 1) if (Math.abs(slot[pixel]! - openSlot[pixel]!) > 20) changed += 1;
    assert.ok(changed > 150 && changed < 256 * 192 * 0.25, `${changed} pixels show it`);

    // The same people, followed with and without it.
    const view = makeView({ ...SMALL, tiltDeg }, 256, 192);
    const occluder = makeOccluder(view, new Random(37, 4));
    const walkers = new Walkers(view, new Random(37, 3), 0, { ...PLAIN, occluder: true }, occluder);
    const hiding = new Truth(view, [SCENE_LINE_DEFAULT], occluder);
    const clear = new Truth(view, [SCENE_LINE_DEFAULT]);
    const solids = new Solids(view, WALKER_COUNT_MAX * PART_COUNT_MAX);
    let hiddenFrames = 0;
    let frames = 0;
    for (let frame = 0; frame < 90 * FRAME_RATE_HZ; frame += 1) {
      walkers.step(1 / FRAME_RATE_HZ);
      solids.count = 0;
      walkers.all.forEach((walker, index) => {
        if (walker.active) walker.body.build(solids, walker.motion, index + 1);
      });
      hiding.update(walkers.all, frame);
      clear.update(walkers.all, frame);
      for (let row = 0; row < clear.people.count; row += 1) {
        const [before, after] = [clear.people.visible[row]!, hiding.people.visible[row]!];
        assert.ok(after <= before);
        if (before < 0.4) continue;
        frames += 1;
        if (after < before * 0.8) hiddenFrames += 1;
      }
    }
    const hiddenShare = hiddenFrames / frames;
    assert.ok(hiddenShare > 0.01 && hiddenShare < 0.4, `${hiddenFrames} of ${frames} times somebody was hidden`);
    const [hidingIn, clearIn] = [hiding.inCount[0]!, clear.inCount[0]!];
    assert.is(hidingIn, clearIn);
    assert.ok(clearIn > 15, `${clearIn} in`);
  });
}

test('the same seed gives the same crowd and the same bytes, whatever was looked at before', () => {
  const crowd: Partial<Crowd> = {
    peopleInView: 8,
    standOnLineShare: 0.3,
    pairShare: 0.3,
    loitererCount: 1,
    occluder: true,
  };
  const bytes = (stage: Scene, frame: number): string => {
    const slot = new Uint8Array(stage.format.frameBytes);
    stage.step(frame);
    stage.draw(slot);
    return createHash('sha256').update(slot).digest('hex');
  };
  const first = scene(38, 25, crowd);
  const early = bytes(first, 60);
  const late = bytes(first, 240);
  const again = scene(38, 25, crowd);
  assert.is(bytes(again, 240), late, 'jumped ahead');
  assert.is(bytes(again, 60), early, 'went back');
  assert.is.not(bytes(scene(39, 25, crowd), 240), late, 'another seed');
});

test('crowds that cannot be are refused with the value', () => {
  assert.throws(() => scene(1, 45, { peopleInView: 16 }), /peopleInView is 16; expected 1..15/);
  assert.throws(() => scene(1, 45, { pairShare: 1.5 }), /pairShare is 1.5; expected 0..1/);
  assert.throws(() => scene(1, 45, { turnBackShare: 0.7, standOnLineShare: 0.5 }), /add up to 1.2; expected 1 at most/);
  assert.throws(() => scene(1, 45, { peopleInView: 2, loitererCount: 2 }), /loitererCount is 2; expected an integer/);
  assert.throws(() => scene(1, 45, {}, { doorHalfM: 3 }), /doorHalfM is 3; expected 1.1..2.2 m/);
});

test.run();
