/**
 * Goal: the scene camera keeps the camera port's contract, as slow as life and as fast as it is taken.
 * Method: a sink that writes down every call and clears the slot, as the eye does.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createSceneCamera, SCENE_FORMAT_DEFAULT, Scene } from '../../../../drivers/camera/scene/scene.ts';
import type { CameraEvents, FrameSink } from '../../../../runtime/ports/camera.ts';
import { eventually, within } from '../../../fakes/within.ts';

const test = suite('scene camera');

class Notes implements FrameSink {
  readonly slot = new Uint8Array(SCENE_FORMAT_DEFAULT.frameBytes);
  readonly calls: string[] = [];
  readonly timesUs: number[] = [];
  readonly crossings: string[] = [];
  /** Sum of the slot's bytes at each completeFrame. */
  readonly sums: number[] = [];
  dirtyAtBegin = 0;
  onComplete: () => void = () => {};
  readonly ended: Promise<void>;
  readonly events: CameraEvents;

  constructor() {
    let end: () => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.events = {
      onEnd: () => {
        this.calls.push('end');
        end();
      },
      onError: () => this.calls.push('error'),
      onTruth: (line, direction, capturedAtUs) => this.crossings.push(`${line} ${direction} ${capturedAtUs}`),
    };
  }

  beginFrame(): void {
    this.calls.push('begin');
    if (this.slot.some((byte) => byte !== 0)) this.dirtyAtBegin += 1;
  }

  completeFrame(capturedAtUs: number): void {
    this.calls.push('complete');
    this.timesUs.push(capturedAtUs);
    this.sums.push(this.slot.reduce((sum, byte) => sum + byte, 0));
    this.slot.fill(0);
    this.onComplete();
  }

  abandonFrame(): void {
    this.calls.push('abandon');
    this.slot.fill(0);
  }
}

test('each frame begins on a clear slot, is completed, and the end is told once', async () => {
  const camera = createSceneCamera({ seed: 3, realtime: false, frameCountMax: 20 });
  const notes = new Notes();
  assert.is(camera.name, 'scene');
  assert.is(camera.simulated, true);
  await camera.start(notes, notes.events);
  await within(20_000, 'end of 20 frames', notes.ended);
  assert.equal(notes.calls, [...Array.from({ length: 20 }, () => ['begin', 'complete']).flat(), 'end']);
  assert.is(notes.dirtyAtBegin, 0);
  assert.ok(
    notes.sums.every((sum) => sum > 1e6),
    'every slot held a picture',
  );
  assert.ok(
    notes.slot.every((byte) => byte === 0),
    'nothing was written after the last frame',
  );
  assert.is(notes.timesUs[15], 1e6, 'frame 15 of 15 per second is one second old');
});

test('true crossings are reported in step with the simulation', async () => {
  const options = { seed: 4, peoplePerMinute: 60, realtime: false, frameCountMax: 240 };
  const camera = createSceneCamera(options);
  const notes = new Notes();
  await camera.start(notes, notes.events);
  await within(60_000, 'end of 240 frames', notes.ended);
  const scene = new Scene(options);
  const expected: string[] = [];
  for (let frame = 0; frame < 240; frame += 1) {
    scene.step(frame);
    for (let index = 0; index < scene.crossings.count; index += 1) {
      expected.push(`0 ${scene.crossings.direction[index]} ${(frame * 1e6) / 15}`);
    }
  }
  assert.ok(expected.length > 2);
  assert.equal(notes.crossings, expected);
});

test('real time keeps the pace and uses the monotonic clock', async () => {
  const camera = createSceneCamera({ seed: 3 }, { ...SCENE_FORMAT_DEFAULT, frameRateHz: 25 });
  const notes = new Notes();
  const startedMs = performance.now();
  await camera.start(notes, notes.events);
  await eventually(15_000, '10 frames', () => notes.timesUs.length >= 10);
  await camera.stop();
  assert.ok(notes.timesUs[0]! >= startedMs * 1000);
  assert.ok(notes.timesUs[9]! - startedMs * 1000 >= 355_000, 'nine intervals of 40 ms, less a timer that fires early');
});

test('after stop nothing is called and the slot is not touched; start goes on', async () => {
  const camera = createSceneCamera({ seed: 3, realtime: false });
  const notes = new Notes();
  await camera.start(notes, notes.events);
  await eventually(15_000, 'three frames', () => notes.timesUs.length >= 3);
  await camera.stop();
  await camera.stop();
  const calls = notes.calls.length;
  const lastUs = notes.timesUs.at(-1)!;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.is(notes.calls.length, calls);
  assert.ok(notes.slot.every((byte) => byte === 0));

  const again = new Notes();
  await camera.start(again, again.events);
  await eventually(15_000, 'three more frames', () => again.timesUs.length >= 3);
  await camera.stop();
  assert.is(notes.calls.length, calls, 'the old sink is forgotten');
  assert.ok(Math.abs(again.timesUs[0]! - lastUs - 1e6 / 15) < 1, 'the scene goes on with the next frame');
});

test('a consumer may stop the camera from within a frame', async () => {
  const camera = createSceneCamera({ seed: 3, realtime: false });
  const notes = new Notes();
  notes.onComplete = () => {
    if (notes.timesUs.length === 2) void camera.stop();
  };
  await camera.start(notes, notes.events);
  await eventually(15_000, 'two frames', () => notes.timesUs.length >= 2);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.is(notes.timesUs.length, 2);
});

test.run();
