/**
 * Goal: a damaged model file is refused with ModelError; it never crashes, hangs, or reads outside of itself.
 * Method: a good file cut at every length, and with random bytes and words changed (fast-check; FC_RUNS for longer).
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { createEngine } from '../../../../runtime/eye/infer/engine.ts';
import { readTflite } from '../../../../runtime/eye/infer/tflite.ts';
import { smallDetector } from './golden.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 400);
const { model, format } = smallDetector();

/** True where the bytes were refused in the expected way, false where they were accepted and ran. */
function refused(bytes: Uint8Array): boolean {
  try {
    const engine = createEngine(bytes, format);
    engine.readPixels();
    engine.finish();
    return false;
  } catch (error) {
    if (error instanceof ModelError && error.message.length > 0) return true;
    throw error;
  }
}

test('reads names, shapes, scales and the signature', () => {
  const { tensors, operators, inputs, outputs } = readTflite(model);
  const heat = tensors[outputs.get('heat')!]!;
  assert.equal(heat.shape, [1, 4, 6, 1]);
  assert.equal(heat.quantization.zeroPoints, [31]);
  assert.equal([...inputs.keys()].sort(), ['u', 'v', 'y']);
  assert.is(operators.length, 15);
  assert.is(operators[0]!.options['strideX'], 4);
});

test('a file that is cut anywhere is refused', () => {
  for (let length = 0; length < model.length; length += 7) {
    assert.ok(refused(model.slice(0, length)), `cut at ${length} of ${model.length}`);
  }
});

test('a file in which nothing but noise follows the identifier is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 400 }), (noise) => {
      noise.set([0x54, 0x46, 0x4c, 0x33], 4);
      return refused(noise);
    }),
    { numRuns: RUNS },
  );
});

test('changed bytes are refused or run, and never do anything else', () => {
  const change = fc.tuple(fc.nat(model.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = model.slice();
      for (const [at, value] of changes) bytes[at] = value;
      refused(bytes);
    }),
    { numRuns: RUNS },
  );
});

test('changed offsets and counts are refused or run, and never do anything else', () => {
  const word = fc.oneof(fc.nat(model.length), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc));
  fc.assert(
    fc.property(fc.nat(model.length / 4 - 2), word, (position, value) => {
      const bytes = model.slice();
      new DataView(bytes.buffer).setUint32(4 * position, value, true);
      refused(bytes);
    }),
    { numRuns: RUNS },
  );
});

test('a file may lie anywhere in its buffer', () => {
  const shifted = new Uint8Array(model.length + 5);
  shifted.set(model, 5);
  assert.not(refused(shifted.subarray(5)));
});

test('the message says what was read and what to do', () => {
  try {
    readTflite(new Uint8Array(100));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ModelError);
    const { code, message, hint } = error as ModelError;
    assert.is(code, 'MODEL_DAMAGED');
    assert.match(message, 'the file of 100 bytes does not begin like a .tflite file');
    assert.match(hint, 'sha256');
  }
});

test.run();
