// Goal: the pictures of the scene camera that the detector learns from say truly who is in them, and no other place meets them.
// Method: draw a few entrances, compare their rows with the scene's own tables and with the samples of each person.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENE_DEFAULTS, Scene } from '../../../drivers/camera/scene/simulation.ts';
import { framesOf, optionsOf, rowsOf, TEST_SEED_MIN, TRAINING_SEED_MIN } from '../../../scripts/training/entrances.ts';

const RATE_HZ = 15;

function drawn(seed: number, frame: number): { readonly scene: Scene; readonly slot: Uint8Array } {
  const scene = new Scene(optionsOf(seed));
  const slot = new Uint8Array(scene.format.frameBytes);
  scene.step(frame);
  scene.draw(slot);
  return { scene, slot };
}

test('a seed is always the same entrance, and another seed another one', () => {
  assert.equal(optionsOf(TRAINING_SEED_MIN + 3), optionsOf(TRAINING_SEED_MIN + 3));
  assert.not.equal(optionsOf(TRAINING_SEED_MIN + 3), optionsOf(TRAINING_SEED_MIN + 4));
  assert.ok(SCENE_DEFAULTS.seed < TRAINING_SEED_MIN && TRAINING_SEED_MIN < TEST_SEED_MIN);
});

test('options stay within what the scene camera allows, and one entrance in seven is empty', () => {
  let emptyCount = 0;
  for (let seed = TRAINING_SEED_MIN; seed < TRAINING_SEED_MIN + 2000; seed += 1) {
    const { peoplePerMinute = -1, heightM = 0, tiltDeg = -1, fovDeg = 0, noise = -1, shadows = -1 } = optionsOf(seed);
    assert.ok(peoplePerMinute >= 0 && peoplePerMinute <= 120 && heightM >= 2.4 && heightM <= 6);
    assert.ok(tiltDeg >= 0 && tiltDeg <= 60 && fovDeg >= 50 && fovDeg <= 100);
    assert.ok(noise > 0 && noise <= 5 && shadows >= 0 && shadows <= 1);
    if (peoplePerMinute === 0) emptyCount += 1;
  }
  assert.ok(emptyCount > 240 && emptyCount < 360, `${emptyCount} of 2000 are empty`);
});

test('pictures of an entrance are seconds apart', () => {
  const frames = framesOf(TRAINING_SEED_MIN, 10, RATE_HZ);
  assert.is(frames.length, 10);
  assert.ok(frames[0]! >= 3 * RATE_HZ);
  for (let at = 1; at < frames.length; at += 1) assert.ok(frames[at]! - frames[at - 1]! >= 2.4 * RATE_HZ);
});

test('rows have the boxes of the scene in pixels, and nobody is seen more than the wall and the edge allow', () => {
  const { scene } = drawn(busySeed(), 150);
  const rows = rowsOf(scene);
  assert.is(rows.length, scene.people.count);
  assert.ok(rows.length > 0);
  rows.forEach(([x, y, w, h, headX, headY, headPx, visible, headVisible], row) => {
    const { boxesNorm, headsNorm } = scene.people;
    near(x, boxesNorm[row * 4]! * 256);
    near(y + h, boxesNorm[row * 4 + 3]! * 192);
    near(x + w, boxesNorm[row * 4 + 2]! * 256);
    near(headX, ((headsNorm[row * 4]! + headsNorm[row * 4 + 2]!) / 2) * 256);
    near(headY, ((headsNorm[row * 4 + 1]! + headsNorm[row * 4 + 3]!) / 2) * 192);
    assert.ok(headPx > 0 && headPx < h);
    assert.ok(visible <= scene.people.visible[row]! + 1e-9 && headVisible >= 0 && headVisible <= 1);
  });
});

test('a head that nothing covers is seen, one outside the picture or covered by another is not', () => {
  let seenCount = 0;
  let unseenCount = 0;
  for (let frame = 60; frame <= 600; frame += 60) {
    const { scene } = drawn(busySeed(), frame);
    rowsOf(scene).forEach(([, , , , headX, headY, headPx, , headVisible], row) => {
      const isInside = headX > 0 && headX < 256 && headY > 0 && headY < 192;
      const owner = isInside ? scene.owner[Math.floor(headY * 2) * 512 + Math.floor(headX * 2)]! : 0;
      const isMiddleSeen = owner === scene.people.walkerIndex[row]! + 1;
      if (isMiddleSeen && headVisible > 0.9) seenCount += 1;
      const isOutside = headX < -headPx || headX > 256 + headPx || headY < -headPx || headY > 192 + headPx;
      if (isOutside) assert.is(headVisible, 0);
      if (!isMiddleSeen && headVisible < 0.5) unseenCount += 1;
      assert.not.ok(!isMiddleSeen && headVisible > 0.95, `row ${row} of frame ${frame}`);
    });
  }
  assert.ok(seenCount >= 10, `${seenCount} heads are seen`);
  assert.ok(unseenCount >= 3, `${unseenCount} heads are not seen`);
});

function busySeed(): number {
  for (let seed = TRAINING_SEED_MIN; ; seed += 1) {
    const { peoplePerMinute = 0, heightM = 0, tiltDeg = 0 } = optionsOf(seed);
    if (peoplePerMinute > 80 && heightM < 4 && tiltDeg > 25 && tiltDeg < 45) return seed;
  }
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}

test.run();
