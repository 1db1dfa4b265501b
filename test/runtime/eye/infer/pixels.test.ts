/**
 * Goal: a model that wants red, green and blue, or gray, gets the frame as anyone would expect it: bilinear, BT.601.
 * Method: the kernel against the same rule in plain whole numbers (exactly) and in floating point (within rounding), over
 * random sizes, strides and pictures; and what is refused.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { createEngine, loadProgram } from '../../../../runtime/eye/infer/engine.ts';
import type { Graph } from '../../../../runtime/eye/infer/graph.ts';
import type { GraphOperator } from '../../../../runtime/eye/infer/operators/operators.ts';
import { neighbour, pixelSource } from '../../../../runtime/eye/infer/pixels.ts';
import { prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import { TensorType } from '../../../../runtime/eye/infer/schema.ts';
import type { GraphTensor, TensorKind } from '../../../../runtime/eye/infer/tensor.ts';
import type { FrameFormat } from '../../../../runtime/ports/camera.ts';
import { NetBuilder, type NetTensor } from '../../../../scripts/nets/build.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { frameOf } from './golden.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 60);

function tensor(index: number, name: string, shape: readonly number[], kind: TensorKind = 'int8'): GraphTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = kind === 'float32' ? 4 * count : count;
  return { index, name, kind, shape, count, bytes, scale: 1 / 255, zeroPoint: kind === 'int8' ? -128 : 0 };
}

/** A graph that hands its input on; what it computes does not matter here. */
function graphOf(...inputs: GraphTensor[]): Graph {
  const a = inputs[0]!;
  const output = { ...a, index: 99, name: 'out' };
  const operators: GraphOperator[] = [{ kind: 'mean', index: 0, inputs, output } as unknown as GraphOperator];
  return {
    operators,
    inputs: new Map(inputs.map((input) => [input.name, input])),
    outputs: new Map([['out', output]]),
  };
}

/** The tensor as the feed writes it. */
function fed(input: GraphTensor, format: FrameFormat, picture: Uint8Array): Uint8Array {
  const graph = { ...graphOf(input), operators: [] };
  const program = prepareProgram(graph, pixelSource(graph, format), { shape: 'pairs', rounding: 'double' });
  const { memory, kernels } = loadProgram(program);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(picture, program.plan.slot.offsetBytes);
  assert.is(program.pixelCommandCount, 1);
  kernels.run(program.commandsOffset, 0, 1);
  const { offsetBytes } = program.regions.get(input.index)!;
  return bytes.slice(offsetBytes, offsetBytes + input.bytes);
}

type Plane = { readonly at: (y: number, x: number) => number; readonly height: number; readonly width: number };

function planes({ widthPx, heightPx, strideBytes }: FrameFormat, picture: Uint8Array): readonly [Plane, Plane, Plane] {
  const plane = (offset: number, row: number, height: number, width: number): Plane => ({
    at: (y, x) => picture[offset + y * row + x]!,
    height,
    width,
  });
  const luma = strideBytes * heightPx;
  const [row, height, width] = [strideBytes / 2, heightPx / 2, widthPx / 2];
  return [
    plane(0, strideBytes, heightPx, widthPx),
    plane(luma, row, height, width),
    plane(luma + row * height, row, height, width),
  ];
}

/** Whole numbers, as kernels/pixels.ts says. */
function sampleWhole({ at, height, width }: Plane, y: number, x: number, outHeight: number, outWidth: number): number {
  const row = neighbour(y, outHeight, height);
  const column = neighbour(x, outWidth, width);
  const blend = (cx: number): number =>
    at(row.first, cx) * (128 - row.weight) + at(Math.min(row.first + 1, height - 1), cx) * row.weight;
  const right = Math.min(column.first + 1, width - 1);
  return (blend(column.first) * (128 - column.weight) + blend(right) * column.weight + (1 << 13)) >> 14;
}

/** Half-pixel centres in floating point; no rounding at all. */
function sampleReal({ at, height, width }: Plane, y: number, x: number, outHeight: number, outWidth: number): number {
  const place = (index: number, out: number, size: number): number =>
    Math.min(Math.max(((index + 0.5) * size) / out - 0.5, 0), size - 1);
  const [py, px] = [place(y, outHeight, height), place(x, outWidth, width)];
  const [top, left] = [Math.floor(py), Math.floor(px)];
  const [down, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  const [wy, wx] = [py - top, px - left];
  const upper = at(top, left) * (1 - wx) + at(top, right) * wx;
  const lower = at(down, left) * (1 - wx) + at(down, right) * wx;
  return upper * (1 - wy) + lower * wy;
}

const clamp = (value: number): number => Math.min(255, Math.max(0, value));
const q15 = (value: number, factor: number): number => (value * factor + 0x4000) >> 15;

const cases = fc.record({
  halfWidth: fc.integer({ min: 1, max: 40 }),
  halfHeight: fc.integer({ min: 1, max: 20 }),
  halfPadding: fc.integer({ min: 0, max: 9 }),
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 70 }),
  kind: fc.constantFrom<TensorKind>('int8', 'uint8'),
  seed: fc.nat(),
  isSmooth: fc.boolean(),
});

function pictureOf(format: FrameFormat, seed: number, isSmooth: boolean): Uint8Array {
  let state = seed >>> 0;
  return Uint8Array.from({ length: format.frameBytes }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return isSmooth ? (i * 3) & 255 : state >>> 24;
  });
}

for (const channels of [1, 3]) {
  test(`${channels === 1 ? 'gray' : 'red, green and blue'}: equal to the rule in plain numbers, close to floating point`, () => {
    fc.assert(
      fc.property(cases, ({ halfWidth, halfHeight, halfPadding, height, width, kind, seed, isSmooth }) => {
        const format = frameOf(2 * halfWidth, 2 * halfHeight, 2 * (halfWidth + halfPadding));
        const picture = pictureOf(format, seed, isSmooth);
        const [luma, u, v] = planes(format, picture);
        const flip = kind === 'int8' ? 0x80 : 0;
        const actual = fed(tensor(0, 'image', [1, height, width, channels], kind), format, picture);
        for (let y = 0; y < height; y += 1) {
          for (let x = 0; x < width; x += 1) {
            const whole = [luma, u, v].map((plane) => sampleWhole(plane, y, x, height, width)) as [
              number,
              number,
              number,
            ];
            const real = [luma, u, v].map((plane) => sampleReal(plane, y, x, height, width)) as [
              number,
              number,
              number,
            ];
            const [wy, wu, wv] = [whole[0], whole[1] - 128, whole[2] - 128];
            const [ry, ru, rv] = [real[0], real[1] - 128, real[2] - 128];
            const expected =
              channels === 1
                ? [wy]
                : [wy + wv + q15(wv, 13173), wy - q15(wu, 11277) - q15(wv, 23401), wy + wu + q15(wu, 25297)];
            const exact =
              channels === 1 ? [ry] : [ry + 1.402 * rv, ry - 0.344136 * ru - 0.714136 * rv, ry + 1.772 * ru];
            expected.forEach((value, channel) => {
              const got = actual[(y * width + x) * channels + channel]! ^ flip;
              assert.is(got, clamp(value), `row ${y}, column ${x}, channel ${channel}`);
              // Weights of 1/256 off on 255 twice, three roundings, and chroma's factors.
              assert.ok(Math.abs(got - clamp(exact[channel]!)) <= 6, `${got} is far from ${exact[channel]}`);
            });
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
}

test('a frame of the tensor’s own size is not changed by the resize', () => {
  const format = frameOf(48, 32, 56);
  const picture = pictureOf(format, 7, false);
  const gray = fed(tensor(0, 'image', [1, 32, 48, 1], 'uint8'), format, picture);
  for (let y = 0; y < 32; y += 1)
    for (let x = 0; x < 48; x += 1) assert.is(gray[y * 48 + x], picture[y * 56 + x], `row ${y}, column ${x}`);
});

test('a plane that something else than a convolution reads is copied with its top bit flipped', () => {
  const format = frameOf(36, 4, 40);
  const picture = pictureOf(format, 3, false);
  const inputs = [tensor(0, 'y', [1, 4, 36, 1]), tensor(1, 'u', [1, 2, 18, 1]), tensor(2, 'v', [1, 2, 18, 1])];
  const graph = graphOf(...inputs);
  const source = pixelSource(graph, format);
  assert.is(source.feeds.length, 3);
  const program = prepareProgram({ ...graph, operators: [] }, source, { shape: 'pairs', rounding: 'double' });
  const { memory, kernels } = loadProgram(program);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(picture, program.plan.slot.offsetBytes);
  kernels.run(program.commandsOffset, 0, 3);
  const v = program.regions.get(2)!.offsetBytes;
  for (let y = 0; y < 2; y += 1)
    for (let x = 0; x < 18; x += 1) assert.is(bytes[v + y * 18 + x]! ^ 0x80, picture[40 * 4 + 20 * 2 + y * 20 + x]);
});

for (const [what, build] of [
  ['int8', (net: NetBuilder) => net.input([1, 20, 24, 3], { scale: 1 / 127.5, zeroPoint: -1 })],
  ['uint8', (net: NetBuilder) => requantised(net, net.input([1, 20, 24, 3], { type: TensorType.uint8 }))],
  ['float32', (net: NetBuilder) => requantised(net, net.input([1, 20, 24, 3], { type: TensorType.float32 }))],
] as const) {
  test(`a model with one ${what} picture runs in the engine, which erases the converted picture with the slot`, () => {
    const net = new NetBuilder(5);
    const model = net.model(net.convolution(build(net), { channels: 4, kernel: 3, stride: 2, padding: 'same' }));
    const format = frameOf(48, 40, 48);
    const engine = createEngine(writeTflite(model), format);
    const picture = pictureOf(format, 11, true);
    const arena = engine.regions.find(({ name }) => name === 'arena')!;
    const bytes = new Uint8Array(engine.memory.buffer);
    const expected = fed(tensor(0, 'image', [1, 20, 24, 3], 'uint8'), format, picture);
    // Of the second row; such a run does not come about by chance.
    const run = expected.subarray(72, 104);
    const needles = [Buffer.from(run), Buffer.from(run.map((byte) => byte ^ 0x80))];
    const holds = (): boolean => needles.some((needle) => Buffer.from(bytes.buffer).includes(needle));
    engine.slot.set(picture);
    engine.readPixels();
    assert.ok(holds(), 'the converted picture was in the memory, so that looking for it means something');
    engine.erasePixels();
    assert.not(holds(), 'the converted picture is gone');
    assert.ok(engine.slot.every((byte) => byte === 0));
    engine.finish();
    assert.ok(engine.outputs[0]!.data.some((value) => value !== 0));
    engine.eraseTensors();
    assert.ok(bytes.subarray(arena.offsetBytes, arena.offsetBytes + arena.bytes).every((byte) => byte === 0));
  });
}

function requantised(net: NetBuilder, input: NetTensor): NetTensor {
  return net.quantize(input, { scale: 1 / 255, zeroPoint: -128 });
}

test('an output that is the picture, only moved or coloured, is refused', () => {
  const format = frameOf(16, 8, 16);
  const net = new NetBuilder(3);
  const picture = net.input([1, 4, 8, 3], { name: 'rgb' });
  const moved = net.maxPool(net.reshape(net.multiply(picture, net.constant([3])), [1, 8, 4, 3]), {
    kernel: 1,
    stride: 1,
    name: 'moved',
  });
  const kept = net.convolution(picture, { channels: 2, name: 'kept' });
  assert.throws(
    () => createEngine(writeTflite(net.model(kept, moved)), format),
    (error: unknown) =>
      error instanceof ModelError &&
      error.message === 'output moved would hand out the picture: no convolution or matrix made it',
  );
});

test('inputs that are no picture are refused, with what is expected', () => {
  const format = frameOf(32, 32, 32);
  const refused = (...inputs: GraphTensor[]): string => {
    try {
      pixelSource(graphOf(...inputs), format);
      return '';
    } catch (error) {
      assert.instance(error, ModelError);
      return (error as ModelError).message;
    }
  };
  assert.match(
    refused(tensor(0, 'x', [1, 8, 8, 4])),
    'input x is int8 [1, 8, 8, 4]; expected int8 or uint8 [1, height',
  );
  assert.match(refused(tensor(0, 'x', [2, 8, 8, 3])), 'input x is int8 [2, 8, 8, 3]');
  assert.match(refused(tensor(0, 'x', [1, 8, 8, 3], 'float32')), 'input x is float32');
  assert.match(refused(tensor(0, 'a', [1, 8, 8, 3]), tensor(1, 'b', [1, 8, 8, 3])), 'the model has no input y');
});

test.run();
