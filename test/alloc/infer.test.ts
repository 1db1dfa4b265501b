/**
 * Goal: the engine allocates nothing per frame, and its memory is the same object after many frames.
 * Method: heap growth over a short and a long run, twelve times each after gc(); the difference of the minima per frame
 * is the slope (a minimum removes page-sized steps of the heap). Runs with --expose-gc and a large young generation.
 */
import { strict as nodeAssert } from 'node:assert';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEngine, type PreparedEngine } from '../../runtime/eye/infer/engine.ts';
import { smallDetector } from '../runtime/eye/infer/golden.ts';

/** Newer Node compiles in the background for longer; what that allocates is not the frame. */
const WARM_UP_FRAMES = 60_000;
const SHORT_FRAMES = 2_000;
const LONG_FRAMES = 22_000;
const REPETITIONS = 12;
const SLOPE_BYTES_MAX = 0.1;

const collect = (globalThis as { gc?: () => void }).gc;

function run(engine: PreparedEngine, frameCount: number): void {
  for (let frame = 0; frame < frameCount; frame += 1) {
    engine.slot.fill(frame & 255);
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    engine.eraseTensors();
  }
}

function growthBytes(engine: PreparedEngine, frameCount: number): number {
  collect?.();
  const before = process.memoryUsage().heapUsed;
  run(engine, frameCount);
  return process.memoryUsage().heapUsed - before;
}

test('a frame allocates nothing', () => {
  nodeAssert.ok(collect, 'start this file with --expose-gc --min-semi-space-size=64 --max-semi-space-size=64');
  const { model, format } = smallDetector();
  const engine = createEngine(model, format);
  const { buffer } = engine.memory;
  run(engine, WARM_UP_FRAMES);
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  collect();
  const before = process.memoryUsage();
  for (let i = 0; i < REPETITIONS; i += 1) {
    short = Math.min(short, growthBytes(engine, SHORT_FRAMES));
    long = Math.min(long, growthBytes(engine, LONG_FRAMES));
  }
  const slopeBytes = (long - short) / (LONG_FRAMES - SHORT_FRAMES);
  assert.ok(slopeBytes < SLOPE_BYTES_MAX, `${slopeBytes} bytes per frame; expected below ${SLOPE_BYTES_MAX}`);
  collect();
  const after = process.memoryUsage();
  // Only growth matters: what the start left behind may be freed meanwhile.
  assert.ok(after.arrayBuffers - before.arrayBuffers < 65_536, 'arrayBuffers');
  assert.ok(after.external - before.external < 65_536, 'external');
  assert.is(engine.memory.buffer, buffer);
});

test.run();
