/**
 * Goal: people in the scene move as people do: at their own pace, through the door, never through each other.
 * Method: floor plans of crowded scenes, frame by frame; no pictures.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../../drivers/camera/scene/random.ts';
import { makeView } from '../../../../drivers/camera/scene/view.ts';
import { Walkers } from '../../../../drivers/camera/scene/walk.ts';
import { Aim } from '../../../../drivers/camera/scene/walker.ts';

const test = suite('scene walk');
const STEP_S = 1 / 15;
const view = makeView({ heightM: 3, tiltDeg: 45, fovDeg: 66 }, 256, 192);

test('nobody walks through anybody, even in a crowd', () => {
  for (const seed of [1, 2, 3, 4]) {
    const walkers = new Walkers(view, new Random(seed, 3), 90);
    for (let frame = 0; frame < 1200; frame += 1) {
      walkers.step(STEP_S);
      const present = walkers.all.filter((walker) => walker.active);
      present.forEach((a, index) => {
        for (const b of present.slice(index + 1)) {
          const gap = Math.hypot(a.x - b.x, a.y - b.y) - a.body.radiusM - b.body.radiusM;
          assert.ok(gap > -0.03, `seed ${seed}, frame ${frame}: ${a.id} and ${b.id} overlap by ${-gap} m`);
        }
      });
    }
  }
});

test('nobody walks through the wall beside the door', () => {
  const walkers = new Walkers(view, new Random(5, 3), 60);
  for (let frame = 0; frame < 2000; frame += 1) {
    walkers.step(STEP_S);
    for (const walker of walkers.all) {
      if (walker.active && walker.y > -0.25 && walker.y < 0) assert.ok(Math.abs(walker.x) < 1, `x is ${walker.x}`);
    }
  }
});

test('everybody leaves within a minute, and nobody jumps', () => {
  const walkers = new Walkers(view, new Random(6, 3), 40);
  const last = new Map<number, readonly [number, number]>();
  for (let frame = 0; frame < 4000; frame += 1) {
    walkers.step(STEP_S);
    for (const walker of walkers.all) {
      if (!walker.active) continue;
      assert.ok(walker.ageS < 60, `walker ${walker.id} with aim ${walker.aim} is here for ${walker.ageS} s`);
      const [x, y] = last.get(walker.id) ?? [walker.x, walker.y];
      const moved = Math.hypot(walker.x - x, walker.y - y);
      assert.ok(moved < 0.35, `walker ${walker.id} moved ${moved} m in one frame`);
      last.set(walker.id, [walker.x, walker.y]);
    }
  }
});

test('as many come as were asked for, in both directions, children and couples among them', () => {
  const walkers = new Walkers(view, new Random(7, 3), 24);
  const aims = new Map<number, number>();
  const children = new Set<number>();
  const pairs = new Set<number>();
  const minutes = 20;
  for (let frame = 0; frame < minutes * 60 * 15; frame += 1) {
    walkers.step(STEP_S);
    for (const walker of walkers.all) {
      if (!walker.active) continue;
      aims.set(walker.id, walker.aim);
      if (walker.isChild) children.add(walker.id);
      else if (walker.partner >= 0) pairs.add(walker.id);
    }
  }
  const count = (aim: number): number => [...aims.values()].filter((seen) => seen === aim).length;
  // 480 are expected; parties of one and two spread a little wider than Poisson's 22.
  assert.ok(Math.abs(aims.size - 24 * minutes) < 80, `${aims.size} people in ${minutes} minutes`);
  assert.ok(Math.abs(count(Aim.in) - count(Aim.out)) < 70, `${count(Aim.in)} in, ${count(Aim.out)} out`);
  assert.ok(count(Aim.passBy) > 15 && count(Aim.turnBackOutside) > 3 && count(Aim.turnBackInside) > 3);
  assert.ok(children.size > 8 && pairs.size > 15, `${children.size} children, ${pairs.size} couples`);
});

test('a foot that carries the body stays where it is', () => {
  const walkers = new Walkers(view, new Random(11, 3), 0.001);
  const walker = walkers.all[0]!;
  let slid = 0;
  let walked = 0;
  let before: readonly number[] | null = null;
  for (let frame = 0; frame < 60; frame += 1) {
    walkers.step(STEP_S);
    const { joints } = walker.body;
    const feet = [0, 1].map((side) => walker.body.footIndex(side));
    const lower = joints[feet[0]! + 2]! < joints[feet[1]! + 2]! ? feet[0]! : feet[1]!;
    const now = [lower, joints[lower]!, joints[lower + 1]!];
    if (before !== null && before[0] === lower) {
      slid += Math.hypot(now[1]! - before[1]!, now[2]! - before[2]!);
      walked += Math.hypot(walker.speedX, walker.speedY) * STEP_S;
    }
    before = now;
  }
  assert.ok(slid < walked * 0.5, `the standing foot slid ${slid.toFixed(2)} m of ${walked.toFixed(2)} m walked`);
});

test.run();
