/**
 * Goal: the engine keeps the contract of its port: sizes are checked, pixels and tensors die when told, the memory
 * never grows, and everything in it has a name.
 * Method: the small detector of the golden vectors.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { createEngine } from '../../../../runtime/eye/infer/engine.ts';
import type { FrameFormat } from '../../../../runtime/ports/camera.ts';
import { tooLargeNet } from '../../../../scripts/nets/frames.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { fillFrame, frameOf, smallDetector, smallDetectorOutputs, smallDetectorPixels } from './golden.ts';

const { model, format } = smallDetector();

function refusal(bytes: Uint8Array, frame: FrameFormat): ModelError {
  try {
    createEngine(bytes, frame);
  } catch (error) {
    assert.instance(error, ModelError);
    return error as ModelError;
  }
  return assert.unreachable('accepted') as never;
}

/** True where all bytes of a region are zero. */
function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

test('a frame of another size is refused, every input by name', () => {
  const error = refusal(model, frameOf(64, 32, 64));
  assert.is(error.code, 'MODEL_MISMATCH');
  assert.equal(error.message.split('\n'), [
    'input y is int8 [1, 32, 48, 1]; expected int8 [1, 32, 64, 1] for a frame of 64 x 32 px',
    'input u is int8 [1, 16, 24, 1]; expected int8 [1, 16, 32, 1] for a frame of 64 x 32 px',
    'input v is int8 [1, 16, 24, 1]; expected int8 [1, 16, 32, 1] for a frame of 64 x 32 px',
  ]);
});

test('a model that needs more memory than a small board has is refused before any is taken', () => {
  const error = refusal(writeTflite(tooLargeNet(32, 48)), frameOf(48, 32, 48));
  assert.is(error.code, 'MODEL_TOO_LARGE');
  assert.match(error.message, /^the model needs \d+ bytes of memory; at most 67108864 are taken$/);
});

test('slot and outputs are views into the one memory, which cannot grow', () => {
  const engine = createEngine(model, format);
  const { buffer } = engine.memory;
  assert.is(engine.slot.buffer, buffer);
  assert.is(engine.slot.length, format.frameBytes);
  for (const output of engine.outputs) assert.is(output.data.buffer, buffer);
  const { memory } = engine as unknown as { memory: { grow: (pages: number) => number } };
  assert.throws(() => memory.grow(1), /grow/i);
  assert.is(engine.memory.buffer, buffer);
});

test('outputs carry name, shape, scale and zero point', () => {
  const outputs = createEngine(model, format).outputs.map(({ name, shape, zeroPoint }) => ({ name, shape, zeroPoint }));
  outputs.sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.equal(outputs, [
    { name: 'box', shape: [1, 4, 6, 6], zeroPoint: -86 },
    { name: 'heat', shape: [1, 4, 6, 1], zeroPoint: 31 },
  ]);
});

test('pixels are gone before the rest of the network runs, and the result does not need them', () => {
  const engine = createEngine(model, format, { rounding: 'double' });
  fillFrame(engine.slot, format, smallDetectorPixels);
  engine.readPixels();
  assert.not(isZero(engine.slot));
  engine.erasePixels();
  assert.ok(isZero(engine.slot));
  engine.finish();
  assert.ok(isZero(engine.slot));
  const heat = engine.outputs.find((output) => output.name === 'heat')!;
  assert.equal(new Uint8Array(heat.data), new Uint8Array(smallDetectorOutputs().get('heat')!));
});

test('after eraseTensors every byte of the memory is as it was before the frame', () => {
  const engine = createEngine(model, format);
  const all = new Uint8Array(engine.memory.buffer);
  const before = all.slice();
  fillFrame(engine.slot, format, smallDetectorPixels);
  engine.readPixels();
  engine.erasePixels();
  engine.finish();
  assert.not(Buffer.from(all).equals(before), 'the arena holds the tensors');
  engine.eraseTensors();
  assert.ok(Buffer.from(all).equals(before), 'every byte is as it was');
});

test('a partial frame is erased as well', () => {
  const engine = createEngine(model, format);
  engine.slot.fill(200, 0, 100);
  engine.erasePixels();
  assert.ok(isZero(engine.slot));
});

test('regions name every byte that is not zero', () => {
  const engine = createEngine(model, format);
  fillFrame(engine.slot, format, smallDetectorPixels);
  engine.readPixels();
  engine.finish();
  const all = new Uint8Array(engine.memory.buffer).slice();
  for (const { offsetBytes, bytes } of engine.regions) all.fill(0, offsetBytes, offsetBytes + bytes);
  assert.ok(isZero(all));
});

test('the boot log names plan and kernels', () => {
  const lines = createEngine(model, format).describe();
  assert.match(
    lines[0]!,
    /^engine wasm: 0\.\d\d million multiply-adds, 0\.\d\d MiB, 14 commands, 3 of them read pixels$/,
  );
  assert.ok(lines.some((line) => line.endsWith('frame slot')));
  assert.ok(lines.includes('   3 in place   stem [1, 8, 12, 32]'));
});

test.run();
