// Goal: the suite of simulated entrances gives the same result every time, on any number of threads, and its truth is whole.
// Method: short cases with the real pipeline and with exact boxes, on one thread and on several; the real suite's shape.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENE_SUITE, type SceneCase } from '../../../../drivers/camera/scene/suite.ts';
import {
  hashScenes,
  type PlayedCase,
  sceneJson,
  sceneText,
} from '../../../../runtime/commands/evaluate/scene-report.ts';
import { playAll } from '../../../../runtime/commands/evaluate/scenes.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { within } from '../../../fakes/within.ts';

const config = parseConfig({});

/** The suite's first quick cases, cut short. */
function shortCases(seconds: number): SceneCase[] {
  return SCENE_SUITE.filter(({ quick }) => quick === true)
    .slice(0, 3)
    .map((scene) => ({ ...scene, seconds }));
}

async function play(cases: readonly SceneCase[], perfect: boolean, jobs: number): Promise<PlayedCase[]> {
  const lines = await within(
    120_000,
    'the scenes',
    playAll(cases, { config, perfect }, jobs, () => {}),
  );
  return cases.map((scene, i) => ({ scene, lines: lines[i]! }));
}

test('the short run through the product gives the same hash twice', async () => {
  const cases = shortCases(8).slice(0, 2);
  const first = await play(cases, false, 1);
  const second = await play(cases, false, 2);
  assert.is(hashScenes(first), hashScenes(second));
  assert.ok(
    first.some(({ lines }) => lines[0]!.counted.length > 0),
    'somebody was counted',
  );
  assert.equal(
    sceneJson(first, { perfect: false, modelSha256: 'a' }),
    sceneJson(second, { perfect: false, modelSha256: 'a' }),
  );
});

test('with exact boxes and noise nearly every crossing is counted, on any number of threads', async () => {
  const cases = shortCases(40);
  const played = await play(cases, true, 3);
  assert.is(hashScenes(played), hashScenes(await play(cases, true, 1)));
  const json = sceneJson(played, { perfect: true, modelSha256: null }) as {
    directions: Record<'in' | 'out', { true: number; matched: number }>;
  };
  const { in: inwards, out } = json.directions;
  assert.ok(inwards.true + out.true >= 15, 'there is something to count');
  assert.ok(inwards.matched + out.matched >= 0.9 * (inwards.true + out.true));
});

test('events lie within the scene and know how many are in view', async () => {
  for (const { scene, lines } of await play(shortCases(20), true, 2)) {
    for (const { truth, counted } of lines) {
      for (const { atS } of truth) assert.ok(atS >= 0 && atS < scene.seconds);
      for (const { atS } of counted) assert.ok(atS < scene.seconds + 1);
      for (const { peopleInView } of truth) assert.ok(peopleInView >= 1);
    }
  }
});

test('the text names every scene, level and situation, and says how turn-backs were netted', async () => {
  const played = await play(shortCases(5), true, 2);
  const text = sceneText(played, true);
  for (const { scene } of played) assert.match(text, new RegExp(`^${scene.name} `, 'm'));
  for (const { scene } of played) assert.ok(text.includes(`\n${scene.situations} `), scene.situations);
  assert.match(text, /turn-backs netted right|no turn-backs/);
});

test('a case that cannot be played is told with its name', async () => {
  const bad = [{ ...shortCases(1)[0]!, options: { tiltDeg: 89 } }];
  try {
    await play(bad, true, 1);
    assert.unreachable('played');
  } catch (error) {
    assert.match((error as Error).message, `scene ${bad[0]!.name}: tiltDeg is 89`);
  }
});

test('the suite’s names are its own and every level is in it', () => {
  assert.is(new Set(SCENE_SUITE.map(({ name }) => name)).size, SCENE_SUITE.length);
  assert.equal(
    [...new Set(SCENE_SUITE.map(({ peopleInView }) => peopleInView))].sort((a, b) => a - b),
    [1, 3, 6, 10, 15],
  );
});

test.run();
