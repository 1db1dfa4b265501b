/**
 * Goal: value-wise operators, broadcasting, FULLY_CONNECTED, tables and float32 edges compute what their formulas say, in
 * every rounding; and what they cannot compute is refused in words.
 * Method: fast-check over random shapes, scales and values against the formulas in plain numbers; networks made by hand for
 * refusals. Golden vectors, TFLite's and XNNPACK's, are compared in golden.test.ts.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProgram } from '../../../../runtime/eye/infer/engine.ts';
import { checkGraph } from '../../../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../../../runtime/eye/infer/pixels.ts';
import { prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import {
  addMultipliers,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  ROUNDINGS,
  type Rounding,
  xnnpackProduct,
  xnnpackSum,
} from '../../../../runtime/eye/infer/quantize.ts';
import { Activation, TensorType } from '../../../../runtime/eye/infer/schema.ts';
import { readTflite, type TfliteModel } from '../../../../runtime/eye/infer/tflite.ts';
import type { Tensors } from '../../../../scripts/golden/interpreter.ts';
import { NetBuilder, type NetTensor } from '../../../../scripts/nets/build.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 150);

/** The only output, of a model whose inputs are given by name. */
function run(model: TfliteModel, inputs: Tensors, rounding: Rounding): Uint8Array {
  const graph = checkGraph(readTflite(writeTflite(model)));
  const program = prepareProgram(graph, NO_PIXELS, { shape: 'pairs', rounding });
  const { memory, kernels } = loadProgram(program);
  const all = new Uint8Array(memory.buffer);
  const { arena } = program.plan;
  all.fill(0x55, arena.offsetBytes, arena.offsetBytes + arena.bytes);
  const region = (index: number) => program.regions.get(index)!;
  for (const [name, data] of inputs) all.set(data, region(graph.inputs.get(name)!.index).offsetBytes);
  const output = region([...graph.outputs.values()][0]!.index);
  const after = output.offsetBytes + Math.ceil(output.bytes / 16) * 16;
  const behind = all.slice(after, arena.offsetBytes + arena.bytes);
  kernels.run(program.commandsOffset, 0, program.commandCount);
  assert.equal(all.slice(after, arena.offsetBytes + arena.bytes), behind, 'nothing behind the output is written');
  return all.slice(output.offsetBytes, output.offsetBytes + output.bytes);
}

const int8Of = (data: Uint8Array): Int8Array => new Int8Array(data.buffer, data.byteOffset, data.length);

const zeroPoint = fc.oneof(fc.constantFrom(-128, 0, 127), fc.integer({ min: -128, max: 127 }));
const scale = fc.oneof(
  fc.integer({ min: -10, max: 0 }).map((power) => 2 ** power),
  fc.double({ min: -10, max: 0, noNaN: true }).map((power) => Math.fround(2 ** power)),
);
const quantised = fc.record({ scale, zeroPoint });

/** Two shapes that fit each other, and what they make. */
const shapes = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 5 }), broadcast: fc.constantFrom('none', 'none', 'a', 'b') }), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((outer) =>
    fc.constantFrom(1, 3, 7, 8, 9, 16, 21).map((last) => {
      const all = [...outer.slice(0, 3), { size: last, broadcast: outer.at(-1)!.broadcast }];
      const of = (which: string) => all.map(({ size, broadcast }) => (broadcast === which ? 1 : size));
      return { a: of('a'), b: of('b'), out: all.map(({ size }) => size) };
    }),
  );

/** Values by position in the output, each input's own value where it repeats. */
function spread(values: Int8Array, shape: readonly number[], out: readonly number[]): number[] {
  const count = out.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, position) => {
    let index = 0;
    let step = 1;
    let rest = position;
    for (let dimension = out.length - 1; dimension >= 0; dimension -= 1) {
      const at = rest % out[dimension]!;
      rest = Math.floor(rest / out[dimension]!);
      if (shape[dimension]! > 1) index += step * at;
      step *= shape[dimension]!;
    }
    return values[index]!;
  });
}

const pairs = fc.record({
  shapes,
  a: quantised,
  b: quantised,
  outZeroPoint: zeroPoint,
  gain: fc.double({ min: -3, max: 4, noNaN: true }).map((power) => 2 ** power),
  seed: fc.nat(),
});

const clamp = (value: number): number => Math.min(Math.max(value, -128), 127);

function roundHalfToEven(value: number): number {
  const near = Math.round(value);
  return near - value === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

test('ADD of any two shapes equals its formula in every rounding', () => {
  let xnnpackCount = 0;
  fc.assert(
    fc.property(pairs, fc.constantFrom(...ROUNDINGS), (given, rounding) => {
      const out = {
        scale: Math.fround(Math.max(given.a.scale, given.b.scale) * given.gain),
        zeroPoint: given.outZeroPoint,
      };
      const net = new NetBuilder(given.seed);
      const [a, b] = [
        net.input(given.shapes.a, { name: 'a', ...given.a }),
        net.input(given.shapes.b, { name: 'b', ...given.b }),
      ];
      const model = net.model(net.add(a, b, { name: 'out', ...out }));
      const inputs = new Map(
        [a, b].map(({ name, shape }) => [name, net.random.bytes(shape.reduce((n, s) => n * s, 1))]),
      );
      const [valuesA, valuesB] = [
        spread(int8Of(inputs.get('a')!), given.shapes.a, given.shapes.out),
        spread(int8Of(inputs.get('b')!), given.shapes.b, given.shapes.out),
      ];
      const sum = rounding === 'fp32' ? xnnpackSum(given.a, given.b, out) : undefined;
      if (sum) xnnpackCount += 1;
      const factors = addMultipliers(given.a.scale, given.b.scale, out.scale);
      const lifted = (q: number, zero: number, factor: typeof factors.a): number =>
        multiplyByQuantizedMultiplier((q - zero) * 2 ** 20, factor, rounding);
      const expected = valuesA.map((qA, i) => {
        const qB = valuesB[i]!;
        if (sum) return clamp(((sum.bias + sum.a * qA + sum.b * qB) >> sum.shift) + out.zeroPoint);
        const total = lifted(qA, given.a.zeroPoint, factors.a) + lifted(qB, given.b.zeroPoint, factors.b);
        return clamp(multiplyByQuantizedMultiplier(total, factors.out, rounding) + out.zeroPoint);
      });
      assert.equal(
        [...int8Of(run(model, inputs, rounding))],
        expected.map((q) => q + 0),
      );
    }),
    { numRuns: RUNS },
  );
  assert.ok(xnnpackCount > RUNS / 10, `only ${xnnpackCount} of ${RUNS} went XNNPACK's way`);
});

test('MUL of any two shapes equals its formula in every rounding', () => {
  let xnnpackCount = 0;
  fc.assert(
    fc.property(pairs, fc.constantFrom(...ROUNDINGS), (given, rounding) => {
      const out = {
        scale: Math.fround(given.a.scale * given.b.scale * 60 * given.gain),
        zeroPoint: given.outZeroPoint,
      };
      const net = new NetBuilder(given.seed);
      const [a, b] = [
        net.input(given.shapes.a, { name: 'a', ...given.a }),
        net.input(given.shapes.b, { name: 'b', ...given.b }),
      ];
      const model = net.model(net.multiply(a, b, { name: 'out', ...out }));
      const inputs = new Map(
        [a, b].map(({ name, shape }) => [name, net.random.bytes(shape.reduce((n, s) => n * s, 1))]),
      );
      const [valuesA, valuesB] = [
        spread(int8Of(inputs.get('a')!), given.shapes.a, given.shapes.out),
        spread(int8Of(inputs.get('b')!), given.shapes.b, given.shapes.out),
      ];
      const real = rounding === 'fp32' ? xnnpackProduct(given.a, given.b, out) : undefined;
      if (real !== undefined) xnnpackCount += 1;
      const factor = quantizeMultiplier(Math.fround(Math.fround(given.a.scale * given.b.scale) / out.scale));
      const expected = valuesA.map((qA, i) => {
        const product = (qA - given.a.zeroPoint) * (valuesB[i]! - given.b.zeroPoint);
        const scaled =
          real === undefined
            ? multiplyByQuantizedMultiplier(product, factor, rounding)
            : roundHalfToEven(Math.fround(product * real));
        return clamp(scaled + out.zeroPoint);
      });
      assert.equal(
        [...int8Of(run(model, inputs, rounding))],
        expected.map((q) => q + 0),
      );
    }),
    { numRuns: RUNS },
  );
  assert.ok(xnnpackCount > RUNS / 10, `only ${xnnpackCount} of ${RUNS} went XNNPACK's way`);
});

test('FULLY_CONNECTED scales its sums with a double and rounds once, half away from zero', () => {
  const layers = fc.record({
    rows: fc.integer({ min: 1, max: 4 }),
    depth: fc.integer({ min: 1, max: 40 }),
    channels: fc.integer({ min: 1, max: 11 }),
    input: quantised,
    out: quantised,
    perTensor: fc.boolean(),
    powersOfTwo: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(layers, fc.constantFrom<Rounding>('double', 'single'), (given, rounding) => {
      const { rows, depth, channels, input, out, perTensor, powersOfTwo } = given;
      const net = new NetBuilder(given.seed);
      const source = net.input([rows, depth], { name: 'x', ...input });
      const model = net.model(net.fullyConnected(source, { name: 'out', channels, perTensor, powersOfTwo, ...out }));
      const values = net.random.bytes(rows * depth);
      const [weights, bias] = model.operators[0]!.inputs.slice(1).map((index) => model.tensors[index]!);
      const { scales } = weights!.quantization;
      const biases = new Int32Array(bias!.data!.slice().buffer);
      const expected = Array.from({ length: rows * channels }, (_, position) => {
        const [row, channel] = [Math.floor(position / channels), position % channels];
        let sum = biases[channel]!;
        for (let i = 0; i < depth; i += 1) {
          sum += (int8Of(values)[row * depth + i]! - input.zeroPoint) * int8Of(weights!.data!)[channel * depth + i]!;
        }
        const real = (sum * (input.scale * Math.fround(scales[channel] ?? scales[0]!))) / out.scale;
        // Products of powers of two are exact in any order; others are no ties.
        return clamp(Math.sign(real) * Math.round(Math.abs(real)) + out.zeroPoint) + 0;
      });
      assert.equal([...int8Of(run(model, new Map([['x', values]]), rounding))], expected);
    }),
    { numRuns: RUNS },
  );
});

test('QUANTIZE of float32 rounds halves away from zero and saturates', () => {
  const net = new NetBuilder(1);
  const source = net.input([16], { name: 'x', type: TensorType.float32 });
  const model = net.model(net.quantize(source, { name: 'out', scale: 0.5, zeroPoint: 10 }));
  const halfBelow = Math.fround(0.49999997 / 2);
  // biome-ignore format: one value and its result above each other
  const values = [0, 0.25, -0.25, 0.75, -0.75, halfBelow, -halfBelow, 58, 58.5, 59, -69, -70, 1e9, -1e9, Infinity, Number.NaN];
  const expected = [10, 11, 9, 12, 8, 10, 10, 126, 127, 127, -128, -128, 127, -128, 127, 10];
  const data = new Uint8Array(Float32Array.from(values).buffer);
  assert.equal([...int8Of(run(model, new Map([['x', data]]), 'double'))], expected);
});

function expectRefused(build: (net: NetBuilder) => NetTensor, why: RegExp): void {
  const net = new NetBuilder(1);
  assert.throws(
    () => checkGraph(net.model(build(net))),
    (error: Error) => why.test(error.message),
  );
}

test('what cannot be computed exactly is refused with its reason', () => {
  const input = (net: NetBuilder, shape: readonly number[], options = {}) =>
    net.input(shape, { name: 'x', scale: 0.1, ...options });
  expectRefused(
    (net) => net.add(input(net, [1, 8], { type: TensorType.uint8 }), net.constant([8])),
    /^operator 0 ADD \(x, constant -> add\) has tensor x of type uint8; expected int8$/,
  );
  expectRefused(
    (net) => net.add(input(net, [1, 8], { type: 7 }), net.constant([8])),
    /^input x has tensor x of type 7; expected int8 \(9\), uint8 \(3\) or float32 \(0\)$/,
  );
  expectRefused(
    (net) => net.add(input(net, [1, 8]), net.constant([8]), { scale: 1e-9 }),
    /output scale of .*, too small/,
  );
  expectRefused((net) => net.multiply(input(net, [1, 8]), net.constant([8]), { scale: 1e-12 }), /by more than 32768$/);
  expectRefused((net) => net.relu(input(net, [1, 8]), { scale: 1e-12 }), /scales its values by more than 4194304$/);
  expectRefused(
    (net) => net.leakyRelu(input(net, [1, 8]), { alpha: -1 }),
    /slope \(alpha\) of -1; expected 0 or more$/,
  );
  expectRefused((net) => net.hardSwish(input(net, [1, 8]), { scale: 1e-5 }), /too far apart or too extreme$/);
  expectRefused((net) => net.hardSwish(input(net, [1, 8]), { scale: 99 }), /too far apart or too extreme$/);
  expectRefused((net) => net.softmax(input(net, [1, 8], { scale: 1e-9 })), /their product is too small$/);
  expectRefused((net) => net.softmax(input(net, [1, 5000])), /rows of 5000 values; expected at most 4095$/);
  expectRefused((net) => net.softmax(input(net, [1, 1, 1, 1, 8])), /rank 5; expected 1 to 4$/);
});

test('shapes that do not fit each other are refused', () => {
  const net = new NetBuilder(1);
  const a = net.input([1, 4, 8], { name: 'a', scale: 0.1 });
  const model = net.model(net.multiply(a, net.input([1, 4, 8], { name: 'b', scale: 0.1 }), { name: 'out' }));
  const withShape = (name: string, shape: readonly number[]): TfliteModel => ({
    ...model,
    tensors: model.tensors.map((tensor) => (tensor.name === name ? { ...tensor, shape } : tensor)),
  });
  const refused = (bad: TfliteModel, why: RegExp) =>
    assert.throws(
      () => checkGraph(bad),
      (error: Error) => why.test(error.message),
    );
  refused(withShape('b', [1, 3, 8]), /inputs of shape \[1,4,8\] and \[1,3,8\]; expected sizes that are equal or 1$/);
  refused(withShape('out', [1, 4, 7]), /out of shape \[1,4,7\]; expected \[1,4,8\]$/);
  const fused = { ...model, operators: model.operators.map((one) => ({ ...one, options: { activation: 4 } })) };
  refused(fused, /fused activation 4; expected none, RELU/);
  assert.is(Object.keys(Activation).length, 4);
  const five = new NetBuilder(1);
  const [odd, even] = [
    [2, 1, 2, 1, 2],
    [1, 2, 1, 2, 1],
  ].map((shape, i) => five.input(shape, { name: `x${i}`, scale: 0.1 }));
  refused(five.model(five.add(odd!, even!)), /which take more than four loops$/);
});

test('a matrix or an output that no kernel is exact for is refused', () => {
  const net = new NetBuilder(1);
  const full = net.fullyConnected(net.input([2, 8], { name: 'x', scale: 0.1 }), { channels: 4, name: 'out' });
  const model = net.model(full);
  const refused = (bad: TfliteModel, why: RegExp) =>
    assert.throws(
      () => checkGraph(bad),
      (error: Error) => why.test(error.message),
    );
  const [, weights] = model.operators[0]!.inputs;
  const withWeights = (change: Partial<TfliteModel['tensors'][number]>): TfliteModel => ({
    ...model,
    tensors: model.tensors.map((tensor) => (tensor.index === weights ? { ...tensor, ...change } : tensor)),
  });
  refused(withWeights({ type: TensorType.float32 }), /has weights of type 0; expected int8 \(9\)$/);
  refused(withWeights({ shape: [4, 8, 1] }), /has weights of shape \[4,8,1\]; expected \[output, input\]$/);
  refused(withWeights({ shape: [8, 4] }), /out of shape \[2,4\]; expected \[4,8\]$/);
  const shuffled = { activation: 0, weightsFormat: 1, keepNumDims: 0 };
  refused(
    { ...model, operators: model.operators.map((one) => ({ ...one, options: shuffled })) },
    /in format 1; expected 0/,
  );

  const other = new NetBuilder(1);
  const logistic = other.model(other.logistic(other.input([8], { name: 'x' }), { name: 'out' }));
  const tensors = logistic.tensors.map((tensor) =>
    tensor.name === 'out' ? { ...tensor, quantization: { scales: [0.01], zeroPoints: [-128], dimension: 0 } } : tensor,
  );
  refused({ ...logistic, tensors }, /output scale of 0.01, zero point -128; expected 1\/256 and -128$/);
});

test.run();
