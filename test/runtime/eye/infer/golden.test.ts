/**
 * Goal: every operator, and whole networks, give the very bytes of TFLite's reference kernels with the rounding `double`, and
 * of XNNPACK with `fp32`, in every kernel shape.
 * Method: golden vectors from the TFLite interpreter (`npm run golden`); networks and inputs are made anew by seed, their
 * hashes compared with those that TFLite ran, and outputs compared exactly, byte by byte.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEngine } from '../../../../runtime/eye/infer/engine.ts';
import { CHECKS } from '../../../../runtime/eye/infer/operators/operators.ts';
import { readTflite } from '../../../../runtime/eye/infer/tflite.ts';
import type { GoldenCase } from '../../../../scripts/golden/case.ts';
import { GOLDEN_CASES } from '../../../../scripts/golden/cases.ts';
import { prepareRun } from '../../../../scripts/golden/engine.ts';
import { bytes, type Tensors } from '../../../../scripts/golden/interpreter.ts';
import { PERSON_FRAMES, personInputs, personPlane } from '../../../../scripts/golden/person.ts';
import { resultsOf, type StoredCase, sha256, sha256Of } from '../../../../scripts/golden/stored.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { sourceRoot } from '../../../fakes/root.ts';
import { fillFrame, frameOf, goldenFile, SHAPES } from './golden.ts';

/** Convolutions are most of the work and most of the code. */
const CASES_LEAST: Readonly<Record<string, number>> = { CONV_2D: 30, DEPTHWISE_CONV_2D: 30 };

function expectSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.is(actual.length, expected.length, `${what}: length`);
  const wrong = expected.findIndex((value, i) => value !== actual[i]);
  if (wrong >= 0) {
    const signed = (value: number): number => (value << 24) >> 24;
    assert.unreachable(
      `${what}: byte ${wrong} of ${expected.length} is ${signed(actual[wrong]!)}; expected ${signed(expected[wrong]!)}`,
    );
  }
}

function expectStored(stored: StoredCase | undefined, file: Uint8Array, inputs: Tensors, remedy: string): StoredCase {
  if (stored === undefined) return assert.unreachable(`no golden vectors are stored; run ${remedy}`) as never;
  assert.is(sha256(file), stored.model_sha256, `the golden vectors are of another model; run ${remedy}`);
  assert.is(sha256Of(inputs), stored.inputs_sha256, `the golden vectors are of other inputs; run ${remedy}`);
  return stored;
}

/** XNNPACK leaves this one to a kernel of TFLite that we have not identified. */
const NOT_XNNPACK = new Set(['uint8 to int8, coarser']);
let xnnpackCount = 0;

function runCase(golden: GoldenCase, found: StoredCase | undefined): void {
  const { name, group, model, inputs, copies } = golden;
  const file = writeTflite(model);
  const stored = expectStored(found, file, inputs, `npm run golden -- --only ${group}`);
  const expected = bytes(stored.outputs);
  for (const shape of SHAPES) {
    const { outputs, kernels } = prepareRun(readTflite(file), { shape, rounding: 'double' })(inputs);
    assert.equal([...outputs.keys()].sort(), [...expected.keys()].sort());
    for (const [output, data] of expected) expectSame(outputs.get(output)!, data, `${name}, ${shape}, ${output}`);
    if (copies !== undefined)
      assert.is(kernels.filter((kernel) => kernel === 'copy').length, copies, `copies, ${shape}`);
  }
  if (golden.referenceOnly || NOT_XNNPACK.has(name)) return;
  // Stored only where it differs from the reference.
  if (stored.xnnpack !== undefined) xnnpackCount += 1;
  for (const shape of SHAPES) {
    const { outputs } = prepareRun(readTflite(file), { shape, rounding: 'fp32' })(inputs);
    for (const [output, data] of bytes(stored.xnnpack ?? stored.outputs))
      expectSame(outputs.get(output)!, data, `${name}, fp32, ${shape}, ${output}`);
  }
}

/** Runs the whole engine on a frame, its rows as long as the picture or longer. */
function runFrame({ model, inputs, frame }: GoldenCase, stored: StoredCase | undefined, paddingBytes: number): void {
  const { widthPx, heightPx } = frame!;
  const expected = bytes(stored!.outputs);
  const format = frameOf(widthPx, heightPx, widthPx + paddingBytes);
  for (const shape of SHAPES) {
    const engine = createEngine(writeTflite(model), format, { shape, rounding: 'double' });
    // Twice, because a frame must leave nothing behind.
    for (let round = 0; round < 2; round += 1) {
      fillFrame(engine.slot, format, (plane) => inputs.get(plane)!.map((q) => q ^ 0x80));
      engine.readPixels();
      engine.erasePixels();
      engine.finish();
      assert.is(engine.outputs.length, expected.size);
      for (const { name, data } of engine.outputs) {
        const actual = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        expectSame(actual, expected.get(name)!, `${shape}, round ${round}, ${name}`);
      }
      engine.eraseTensors();
    }
  }
}

const groups = [...new Set(GOLDEN_CASES.map(({ group }) => group))];
for (const group of groups) {
  const file = goldenFile(`operators/${group}.json`);
  const stored = new Map(file.cases.map((one) => [one.name, one]));
  const cases = GOLDEN_CASES.filter((one) => one.group === group);
  for (const golden of cases) {
    test(`${group}, ${golden.name}: equals TFLite`, () => runCase(golden, stored.get(golden.name)));
    if (golden.frame === undefined) continue;
    for (const paddingBytes of [0, 10]) {
      test(`${golden.name}, rows ${paddingBytes} bytes longer than the picture: equals TFLite, twice`, () =>
        runFrame(golden, stored.get(golden.name), paddingBytes));
    }
  }
  test(`${group}: what is stored is what its header says, of cases that there are`, () => {
    assert.is(sha256(...file.cases.flatMap(resultsOf)), file.header.sha256);
    assert.equal(
      file.cases.map(({ name }) => name),
      cases.map(({ name }) => name),
    );
  });
}

test('the cases tell XNNPACK from the reference', () => {
  assert.ok(xnnpackCount > 60, `only ${xnnpackCount} cases differ`);
});

test('every operator that the engine runs has cases', () => {
  const counts = new Map(Object.keys(CHECKS).map((name) => [name, 0]));
  for (const { group } of GOLDEN_CASES) counts.set(group, (counts.get(group) ?? 0) + 1);
  process.stdout.write(`\ncases: ${[...counts].map(([name, count]) => `${name} ${count}`).join(', ')}\n`);
  const few = [...counts].filter(([name, count]) => count < (CASES_LEAST[name] ?? 2));
  assert.equal(few, [], 'operators with too few cases');
});

for (const frame of PERSON_FRAMES) {
  test(`the person model on a frame of ${frame.name} equals TFLite`, () => {
    const file = readFileSync(join(sourceRoot(), 'models/person/person.tflite'));
    const golden = goldenFile('person.json').cases.find(({ name }) => name === frame.name);
    const inputs = personInputs(readTflite(file), frame);
    const expected = bytes(expectStored(golden, file, inputs, 'npm run golden -- --only person').outputs);
    const format = frameOf(256, 192, 256);
    for (const shape of SHAPES) {
      const engine = createEngine(file, format, { shape, rounding: 'double' });
      fillFrame(engine.slot, format, (plane, count) => personPlane(frame, plane, count));
      engine.readPixels();
      engine.erasePixels();
      engine.finish();
      for (const { name, data } of engine.outputs) {
        expectSame(
          new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
          expected.get(name)!,
          `${shape}, ${name}`,
        );
      }
    }
  });
}

test.run();
