/**
 * Goal: every operator, and whole networks, give the very bytes of TFLite's reference kernels.
 * Method: golden vectors from the TFLite interpreter (scripts/golden/infer.py), compared exactly, value by value.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEngine, loadProgram } from '../../../../runtime/eye/infer/engine.ts';
import { checkGraph } from '../../../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../../../runtime/eye/infer/pixels.ts';
import { prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import { readTflite } from '../../../../runtime/eye/infer/tflite.ts';
import { fillFrame, frameOf, type GoldenCase, goldenCases, goldenFile, int8, uint8 } from './golden.ts';

function expectSame(actual: Int8Array, expected: Int8Array, what: string): void {
  assert.is(actual.length, expected.length, `${what}: length`);
  const wrong = expected.findIndex((value, i) => value !== actual[i]);
  if (wrong >= 0) {
    assert.unreachable(`${what}: value ${wrong} is ${actual[wrong]}; expected ${expected[wrong]}`);
  }
}

/** Runs one operator, or a few, with its inputs in the arena. */
function runOperators({ name, kernels, model, inputs, outputs }: GoldenCase): void {
  const graph = checkGraph(readTflite(uint8(model)));
  const program = prepareProgram(graph, NO_PIXELS, { shape: 'pairs', rounding: 'double' });
  const chosen = program.kernels.flat();
  assert.equal(chosen.join(', '), kernels?.join(', '), `${name}: kernels`);
  const machine = loadProgram(program);
  const bytes = new Int8Array(machine.memory.buffer);
  // What a kernel reads beyond its inputs must not matter.
  bytes.fill(0x55, program.plan.arena.offsetBytes, program.plan.scratch.offsetBytes + program.plan.scratch.bytes);
  for (const [input, data] of Object.entries(inputs)) {
    bytes.set(int8(data), program.regions.get(graph.inputs.get(input)!.index)!.offsetBytes);
  }
  machine.kernels.run(program.commandsOffset, 0, program.commandCount);
  for (const [output, data] of Object.entries(outputs)) {
    const region = program.regions.get(graph.outputs.get(output)!.index)!;
    expectSame(bytes.subarray(region.offsetBytes, region.offsetBytes + region.bytes), int8(data), name);
  }
}

for (const golden of goldenCases()) {
  const { frame } = golden;
  if (frame === undefined) {
    test(`${golden.name}: equals TFLite`, () => runOperators(golden));
    continue;
  }
  for (const paddingBytes of [0, 10]) {
    test(`${golden.name}, rows ${paddingBytes} bytes longer than the picture: equals TFLite, twice`, () => {
      const format = frameOf(frame.width_px, frame.height_px, frame.width_px + paddingBytes);
      const engine = createEngine(uint8(golden.model), format);
      for (let round = 0; round < 2; round += 1) {
        fillFrame(engine.slot, format, (plane) => uint8(golden.inputs[plane]!));
        engine.readPixels();
        engine.erasePixels();
        engine.finish();
        assert.is(engine.outputs.length, Object.keys(golden.outputs).length);
        for (const output of engine.outputs)
          expectSame(output.data as Int8Array, int8(golden.outputs[output.name]!), output.name);
        engine.eraseTensors();
      }
    });
  }
}

test('golden files hold what their headers say', () => {
  const { header, cases } = goldenFile('operators.json') as {
    readonly header: { readonly sha256: string };
    readonly cases: readonly GoldenCase[];
  };
  const results = cases.flatMap(({ outputs }) => Object.values(outputs)).join('');
  assert.is(createHash('sha256').update(results).digest('hex'), header.sha256);
});

const modelPath = new URL('../../../../../models/person/person.tflite', import.meta.url);
test('the person model equals TFLite on noise and on a ramp', () => {
  const model = readFileSync(modelPath);
  const golden = goldenFile('person.json') as {
    readonly model_sha256: string;
    readonly frames: readonly { seed: number; smooth: boolean; outputs: Record<string, string> }[];
  };
  assert.is(
    golden.model_sha256,
    createHash('sha256').update(model).digest('hex'),
    'test/golden/infer/person.json is of another model; run python scripts/golden/infer.py --model models/person/person.tflite',
  );
  const format = frameOf(256, 192, 256);
  const engine = createEngine(model, format);
  for (const { seed, smooth, outputs } of golden.frames) {
    fillFrame(engine.slot, format, (plane, bytes) => noise(10 * seed + 'yuv'.indexOf(plane), bytes, smooth));
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    for (const output of engine.outputs) expectSame(output.data as Int8Array, int8(outputs[output.name]!), output.name);
  }
});

/** The same bytes as `noise` in scripts/golden/infer.py. */
function noise(seed: number, count: number, smooth: boolean): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const byte = state >>> 24;
    return smooth ? (Math.floor(i / 97) + (byte >> 4)) & 255 : byte;
  });
}

test.run();
