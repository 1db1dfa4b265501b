// Goal: the suite is what a claim about accuracy needs: every density, angle and situation, and enough crossings.
// Method: the table is read, and all of it is played without drawing, which takes seconds.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scene } from '../../../../drivers/camera/scene/simulation.ts';
import { SCENE_SUITE } from '../../../../drivers/camera/scene/suite.ts';

const FRAME_RATE_HZ = 15;

test('every density is seen at every angle in every situation, each case in a shop of its own', () => {
  assert.is(new Set(SCENE_SUITE.map(({ name }) => name)).size, SCENE_SUITE.length);
  assert.is(new Set(SCENE_SUITE.map(({ options }) => options.seed)).size, SCENE_SUITE.length);
  for (const peopleInView of [1, 3, 6, 10, 15]) {
    for (const tiltDeg of [0, 25, 45]) {
      const cases = SCENE_SUITE.filter((one) => one.peopleInView === peopleInView && one.options.tiltDeg === tiltDeg);
      // Whoever is alone in view cannot loiter.
      assert.is(new Set(cases.map(({ situations }) => situations)).size, peopleInView === 1 ? 5 : 6);
    }
  }
});

test('the quick subset is less than three minutes of the scene, and no two of its cases are of one density', () => {
  const quick = SCENE_SUITE.filter((one) => one.quick);
  assert.ok(quick.reduce((sum, { seconds }) => sum + seconds, 0) <= 180);
  assert.is(new Set(quick.map(({ peopleInView }) => peopleInView)).size, quick.length);
  assert.is(new Set(quick.map(({ options }) => options.tiltDeg)).size, 3);
});

test('all of it has 1200 crossings in each direction and 200 at each density, with as many in view as it says', () => {
  const totals = new Map<number, { ins: number; outs: number }>();
  for (const { name, peopleInView, options, seconds } of SCENE_SUITE) {
    const scene = new Scene(options);
    let visibleSum = 0;
    const from = 8 * FRAME_RATE_HZ;
    for (let frame = 0; frame < seconds * FRAME_RATE_HZ; frame += 1) {
      scene.step(frame);
      if (frame < from) continue;
      for (let row = 0; row < scene.people.count; row += 1) if (scene.people.visible[row]! >= 0.4) visibleSum += 1;
    }
    const mean = visibleSum / (seconds * FRAME_RATE_HZ - from);
    // Pairs where one is wanted are two or nobody, which takes longer than the case to come out even.
    assert.ok(Math.abs(mean - peopleInView) < peopleInView * 0.3, `${name}: ${mean.toFixed(2)} people are in view`);
    const total = totals.get(peopleInView) ?? { ins: 0, outs: 0 };
    totals.set(peopleInView, { ins: total.ins + scene.inCount[0]!, outs: total.outs + scene.outCount[0]! });
  }
  let ins = 0;
  let outs = 0;
  for (const [peopleInView, total] of totals) {
    assert.ok(total.ins >= 200 && total.outs >= 200, `${peopleInView}: ${total.ins} in, ${total.outs} out`);
    ins += total.ins;
    outs += total.outs;
  }
  assert.ok(ins >= 1200 && outs >= 1200, `${ins} in, ${outs} out`);
});

test.run();
