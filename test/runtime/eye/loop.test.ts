// Goal: a picture dies the moment it was read, before anything else happens; every frame read is erased and counted.
// Method: an engine without a network that notes order and memory; then the real engine with the real model on drawn frames.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scene } from '../../../drivers/camera/scene/scene.ts';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import { Counting, NO_EVENTS } from '../../../runtime/eye/count/counting.ts';
import { HeatMapDecoder } from '../../../runtime/eye/frame/decode.ts';
import { FrameLoop } from '../../../runtime/eye/loop.ts';
import { loadModel } from '../../../runtime/eye/model.ts';
import { createPipeline } from '../../../runtime/eye/pipeline.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../../runtime/eye/track/tracker.ts';
import { FAKE_CELL_PX, FakeEngine } from '../../fakes/engine.ts';

const FRAME_US = 1e6 / 15;

function fakeLoop(residencyUsMax?: number) {
  const engine = new FakeEngine();
  const clock = new ManualClock();
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.5, scoreLow: 0.3 });
  const counting = new Counting(parseConfig({}), engine.format.widthPx, engine.format.heightPx, NO_EVENTS);
  const loop = new FrameLoop(
    engine,
    new HeatMapDecoder(engine, { cellPx: FAKE_CELL_PX, scoreLow: 0.3, nearMax: 0.3, overlapMax: 0.4 }),
    tracker,
    counting,
    clock,
    residencyUsMax,
  );
  return { engine, clock, tracker, counting, loop };
}

const isZero = (values: ArrayLike<number>) => Array.from(values).every((value) => value === 0);

test('pixels are read, then erased, and only then the rest is computed', () => {
  const { engine, loop } = fakeLoop();
  const slotWasZero: boolean[] = [];
  engine.onCall = () => slotWasZero.push(isZero(engine.slot));
  loop.beginFrame();
  loop.slot.fill(77);
  loop.completeFrame(0);
  assert.equal(engine.calls, ['readPixels', 'erasePixels', 'finish', 'eraseTensors']);
  // At the beginning of each of them.
  assert.equal(slotWasZero, [false, false, true, true]);
});

test('after a whole frame slot and maps are zero, after a partial one the slot', () => {
  const { engine, loop } = fakeLoop();
  engine.show({ row: 5, column: 5, heatQ: 20 });
  loop.beginFrame();
  loop.slot.fill(1);
  loop.completeFrame(0);
  assert.ok(isZero(loop.slot));
  assert.ok(engine.outputs.every((output) => isZero(output.data)));
  assert.is(loop.detections.count, 1);
  loop.beginFrame();
  loop.slot.fill(1, 0, 1000);
  loop.abandonFrame();
  assert.ok(isZero(loop.slot));
});

test('frames read, erased and dropped are counted apart', () => {
  const { loop } = fakeLoop();
  for (let frame = 0; frame < 5; frame++) {
    loop.beginFrame();
    if (frame === 2) loop.abandonFrame();
    else loop.completeFrame(frame * FRAME_US);
  }
  assert.equal([loop.framesRead, loop.framesErased, loop.framesDropped], [4, 4, 1]);
});

test('a dropped frame counts in the residency of pixels, from its first byte to its erasure, and in no other', () => {
  const { clock, loop } = fakeLoop();
  loop.beginFrame();
  loop.completeFrame(0);
  loop.beginFrame();
  clock.advance(45); // the rest never comes
  loop.abandonFrame();
  const { pixels, derived } = loop.residency;
  assert.equal([pixels.minute.count, pixels.sinceBoot.count, derived.minute.count], [2, 2, 1]);
  assert.equal([pixels.takeLongestUs(), derived.takeLongestUs()], [45_000, 0]);
});

test('a frame that the camera left in the slot is dropped and counted when everything is forgotten', () => {
  const { clock, loop } = fakeLoop();
  loop.beginFrame();
  loop.slot.fill(9);
  clock.advance(70);
  assert.is(loop.presentUs(), 70_000);
  loop.forget();
  assert.ok(isZero(loop.slot));
  assert.equal([loop.framesDropped, loop.residency.pixels.sinceBoot.usMax, loop.presentUs()], [1, 70_000, 0]);
  loop.forget();
  assert.is(loop.framesDropped, 1, 'once');
});

test('frames are over the limit by what was derived from them, dropped ones by their pixels, each once', () => {
  const { engine, clock, loop } = fakeLoop(10_000);
  const frame = (readMs: number, finishMs: number): void => {
    engine.onCall = (name) => clock.advance(name === 'readPixels' ? readMs : name === 'finish' ? finishMs : 0);
    loop.beginFrame();
    loop.completeFrame(0);
  };
  frame(4, 6);
  assert.is(loop.residency.overlongCount, 0, 'exactly the limit is not over it');
  frame(4, 7);
  frame(12, 1);
  assert.is(loop.residency.overlongCount, 2);
  assert.is(loop.residency.takeOverlongUs(), 13_000);
  engine.onCall = () => {};
  loop.beginFrame();
  clock.advance(11);
  loop.abandonFrame();
  assert.equal([loop.residency.overlongCount, loop.residency.takeOverlongUs()], [3, 11_000]);
});

test('a partial frame is never looked at', () => {
  const { engine, loop, tracker } = fakeLoop();
  engine.show({ row: 5, column: 5, heatQ: 20 });
  loop.beginFrame();
  loop.abandonFrame();
  assert.equal(engine.calls, ['erasePixels']);
  assert.is(tracker.alive[0], 0);
});

test('residency runs from the first byte to the erased slot, and to the erased tensors', () => {
  const { engine, clock, loop } = fakeLoop();
  const stepMs: Record<string, number> = { readPixels: 2, finish: 5 };
  engine.onCall = (name) => clock.advance(stepMs[name] ?? 0);
  loop.beginFrame();
  clock.advance(1); // the rest of the frame arrives
  loop.completeFrame(0);
  assert.is(loop.residency.pixels.minute.usMax, 3000);
  assert.is(loop.residency.derived.minute.usMax, 8000);
});

test('somebody who walks down the picture is counted once, at the time of the picture', () => {
  const { engine, loop, counting } = fakeLoop();
  for (let frame = 0; frame < 24; frame++) {
    engine.show({ row: frame, column: 16, heatQ: 20, dx: 0.5, log2Width: 2, log2Height: 3 });
    loop.beginFrame();
    loop.completeFrame(frame * FRAME_US);
  }
  assert.equal([counting.lines.inCount[0], counting.lines.outCount[0]], [1, 0]);
});

test('forgetting erases slot, tensors, boxes and tracks', () => {
  const { engine, loop, tracker } = fakeLoop();
  engine.show({ row: 5, column: 5, heatQ: 20, log2Width: 2, log2Height: 3 });
  for (let frame = 0; frame < 5; frame++) {
    loop.beginFrame();
    loop.completeFrame(frame * FRAME_US);
  }
  assert.is(tracker.confirmedCount, 1);
  loop.beginFrame();
  loop.slot.fill(9);
  engine.finish();
  loop.forget();
  assert.ok(isZero(loop.slot));
  assert.ok(engine.outputs.every((output) => isZero(output.data)));
  assert.is(loop.detections.count, 0);
  assert.equal([tracker.confirmedCount, tracker.alive[0]], [0, 0]);
});

test('with the real engine every byte that a picture changed is back after each frame, and people were seen in it', () => {
  const config = parseConfig({});
  const pipeline = createPipeline(config, loadModel(''), config, new ManualClock(), NO_EVENTS);
  const { loop } = pipeline;
  const { memory } = pipeline.engine;
  const all = Buffer.from(memory.buffer);
  const before = Buffer.from(all);
  const scene = new Scene({ peoplePerMinute: 60 });
  let peopleCount = 0;
  for (let frame = 0; frame < 20; frame++) {
    scene.step(60 + frame * 15);
    loop.beginFrame();
    scene.draw(loop.slot);
    assert.not(isZero(loop.slot));
    loop.completeFrame(frame * FRAME_US);
    assert.ok(all.equals(before), `frame ${frame} left something behind`);
    peopleCount += loop.detections.count;
  }
  assert.is(loop.framesErased, 20);
  assert.ok(peopleCount > 0, 'the scene is full of people');
});

test('with the real engine half a frame is erased without a trace', () => {
  const config = parseConfig({});
  const { loop, engine } = createPipeline(config, loadModel(''), config, new ManualClock(), NO_EVENTS);
  const all = Buffer.from(engine.memory.buffer);
  const before = Buffer.from(all);
  loop.beginFrame();
  loop.slot.fill(200, 0, 10_000);
  loop.abandonFrame();
  assert.ok(all.equals(before));
});

test.run();
