/**
 * Goal: the detector that comes with Lethe is the one its papers speak of, within its budget, and finds people.
 * Method: file, manifest, figures and card held against each other; then the real engine and decoder look at simulated
 * entrances with exact truth. Those are drawings: the figures of pictures are in models/person/MODEL_CARD.md.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENE_FORMAT_DEFAULT, Scene } from '../../drivers/camera/scene/simulation.ts';
import { ManualClock } from '../../drivers/clock/manual.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { HeatMapDecoder } from '../../runtime/eye/frame/decode.ts';
import { createEngine } from '../../runtime/eye/infer/engine.ts';
import { loadModel } from '../../runtime/eye/model.ts';
import { createPipeline } from '../../runtime/eye/pipeline.ts';
import { DetectionTable } from '../../runtime/eye/track/detections.ts';
import { US_PER_S } from '../../runtime/units.ts';
import { sourceRoot } from '../fakes/root.ts';

const test = suite('person');
const folder = join(sourceRoot(), 'models/person');
const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const model = loadModel('');
const { manifest, bytes } = model;
const { decode } = manifest;

test('it stays within 15 million multiply-adds and 250 kB', () => {
  assert.ok(json('manifest.json').macs <= 15_000_000);
  assert.ok(bytes.length <= 250_000);
});

test('the figures beside it were measured on this file at its own threshold', () => {
  const figures = json('figures.json');
  assert.is(figures.sha256, createHash('sha256').update(bytes).digest('hex'));
  assert.is(figures.threshold, decode.score_min);
});

test('the card shows the figures', () => {
  const card = readFileSync(join(folder, 'MODEL_CARD.md'), 'utf8');
  const { sets } = json('figures.json');
  for (const name of ['test-overhead', 'test-tilted', 'cafe_high_view', 'cctv_person_gray', 'office_wall_cam']) {
    assert.match(card, `| ${sets[name].ap_int8.toFixed(3)} |`);
    assert.match(card, `**${sets[name].all.f1.toFixed(2)}**`);
  }
});

type Golden = {
  readonly model_sha256: string;
  readonly score_low: number;
  readonly cases: readonly {
    readonly name: string;
    readonly frame: string;
    readonly maps_sha256: Readonly<Record<string, string>>;
    readonly people: readonly (readonly number[])[];
  }[];
};

test('in rendered pictures it gives the maps of TFLite with XNNPACK and finds whom the training found', () => {
  const golden = JSON.parse(readFileSync(join(sourceRoot(), 'test/golden/person.json'), 'utf8')) as Golden;
  assert.is(golden.model_sha256, manifest.sha256, 'made with another model: run models/training/golden.py');
  const engine = createEngine(bytes, SCENE_FORMAT_DEFAULT);
  const { cell_px: cellPx, near_max: nearMax, overlap_max: overlapMax, score_low: scoreLow } = decode;
  assert.is(golden.score_low, scoreLow);
  const decoder = new HeatMapDecoder(engine, { cellPx, scoreLow, nearMax, overlapMax });
  const detections = new DetectionTable();
  for (const { name, frame, maps_sha256: maps, people } of golden.cases) {
    engine.slot.set(inflateSync(Buffer.from(frame, 'base64')));
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    for (const output of engine.outputs) {
      assert.is(createHash('sha256').update(output.data).digest('hex'), maps[output.name], `${name}: ${output.name}`);
    }
    decoder.decode(detections);
    engine.eraseTensors();
    assert.ok(people.length > 0);
    assert.is(detections.count, people.length, name);
    for (const [i, [score, headX, headY, left, top, width, height]] of people.entries()) {
      const { score: scores, xPx, yPx, widthPx, heightPx } = detections;
      // What is followed lies half way from the head to the body's middle.
      const x = (headX! + left! + width! / 2) / 2;
      const y = (headY! + top! + height! / 2) / 2;
      const apart = [scores[i]! - score!, xPx[i]! - x, yPx[i]! - y, widthPx[i]! - width!, heightPx[i]! - height!];
      assert.ok(Math.max(...apart.map(Math.abs)) < 0.01, `${name}, person ${i}: ${apart}`);
    }
  }
});

/** Looks at every tenth of 600 frames; counts the people whose body is seen and whose head is well inside the picture. */
function look(options: ConstructorParameters<typeof Scene>[0]): { people: number; found: number } {
  const scene = new Scene(options);
  scene.prepare();
  const { format, people: truth } = scene;
  const engine = createEngine(bytes, format);
  const { cell_px: cellPx, near_max: nearMax, overlap_max: overlapMax, score_min: scoreLow } = decode;
  const decoder = new HeatMapDecoder(engine, { cellPx, scoreLow, nearMax, overlapMax });
  const detections = new DetectionTable();
  const tally = { people: 0, found: 0 };
  for (let frame = 0; frame < 600; frame += 1) {
    scene.step(frame);
    if (frame % 10 !== 0) continue;
    scene.draw(engine.slot);
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    decoder.decode(detections);
    engine.eraseTensors();
    for (let row = 0; row < truth.count; row += 1) {
      const head = truth.headsNorm.subarray(4 * row, 4 * row + 4);
      if (head.some((edge) => edge < 0.02 || edge > 0.98) || truth.visible[row]! < 0.7) continue;
      tally.people += 1;
      // The point that is followed lies between the head and the body's middle: in the upper part of the box.
      const [left, top, right, bottom] = truth.boxesNorm.subarray(4 * row, 4 * row + 4);
      for (let i = 0; i < detections.count; i += 1) {
        const x = detections.xPx[i]! / format.widthPx;
        const y = detections.yPx[i]! / format.heightPx;
        if (x < left! || x > right! || y < top! || y > (top! + 2 * bottom!) / 3) continue;
        tally.found += 1;
        break;
      }
    }
  }
  return tally;
}

test('it finds the people of a simulated entrance, from above and from a wall', () => {
  for (const view of [
    { seed: 3, heightM: 2.8, tiltDeg: 10, fovDeg: 90 },
    { seed: 4, heightM: 3, tiltDeg: 45 },
  ]) {
    const { people, found } = look({ ...view, peoplePerMinute: 60 });
    assert.ok(people > 40, `${people} people`);
    assert.ok(found >= 0.6 * people, `${view.tiltDeg} degrees: ${found} of ${people} found`);
  }
});

test('nobody is counted in an empty simulated entrance, whatever stands in it', () => {
  for (const seed of [5, 6, 7]) {
    const scene = new Scene({ seed, peoplePerMinute: 0 });
    scene.prepare();
    const config = parseConfig({});
    let crossings = 0;
    const { loop } = createPipeline(config, model, config, new ManualClock(), {
      ...NO_EVENTS,
      onCrossing: () => {
        crossings += 1;
      },
    });
    for (let frame = 0; frame < 450; frame += 1) {
      scene.step(frame);
      loop.beginFrame();
      scene.draw(loop.slot);
      loop.completeFrame((frame * US_PER_S) / scene.format.frameRateHz);
    }
    assert.is(crossings, 0, `seed ${seed}`);
  }
});

test.run();
