/**
 * Goal: the compiled kernels need nothing but the memory, carry no data, round as the formulas say, and the fast ones
 * equal the scalar one and write nothing but their output.
 * Method: the modules' own tables; requantisation against formulas in whole numbers; fast-check over random layers, all
 * kernels on the same bytes between canaries.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMAND_BYTES, COMMAND_WORDS } from '../../../../runtime/eye/infer/layout/command.ts';
import { placeWindow } from '../../../../runtime/eye/infer/operators/checking.ts';
import type { Convolution } from '../../../../runtime/eye/infer/operators/convolution.ts';
import { lowerConvolution } from '../../../../runtime/eye/infer/operators/convolution-kernels.ts';
import {
  isRelaxed,
  type KernelShape,
  Packer,
  type PixelPlane,
} from '../../../../runtime/eye/infer/operators/lowering.ts';
import { alignUp, PAGE_BYTES } from '../../../../runtime/eye/infer/plan.ts';
import { quantizeMultiplier, ROUNDINGS, type Rounding } from '../../../../runtime/eye/infer/quantize.ts';
import { loadProbe, shapeOf } from '../../../../runtime/eye/infer/relaxed.ts';
import type { GraphTensor } from '../../../../runtime/eye/infer/tensor.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 150);
/** What lies between the tensors; no kernel may change it. */
const CANARY = 0x55;
const WASM_BYTES_MAX = 65_536;

/** The relaxed kernels of this machine. */
const relaxed = shapeOf(loadProbe());
const SHAPES: readonly KernelShape[] = ['scalar', 'pairs', 'dot', ...(relaxed ? [relaxed] : [])];
const FAST_SHAPES = SHAPES.slice(1);

type Module = Rounding | 'relaxed';
const MODULES: readonly Module[] = relaxed ? [...ROUNDINGS, 'relaxed'] : ROUNDINGS;
const wasm = Object.fromEntries(
  MODULES.map((name) => [
    name,
    readFileSync(new URL(`../../../../runtime/eye/infer/kernels/${name}.wasm`, import.meta.url)),
  ]),
) as Record<Module, Buffer>;

/** Ids of the sections of a module (WebAssembly core specification, 5.5.2): id, size in LEB128, content. */
function sectionIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at]!);
    let size = 0;
    let shift = 0;
    for (at += 1; ; at += 1, shift += 7) {
      size += (bytes[at]! & 127) * 2 ** shift;
      if (bytes[at]! < 128) break;
    }
    at += 1 + size;
  }
  return ids;
}

for (const name of MODULES) {
  test(`${name}: the module imports one memory, exports two functions and is small`, () => {
    const module = new WebAssembly.Module(wasm[name]);
    assert.equal(WebAssembly.Module.imports(module), [{ module: 'env', name: 'memory', kind: 'memory' }]);
    const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
    assert.equal(functions.map(({ name: exported }) => exported).sort(), ['erase', 'run']);
    assert.ok(wasm[name].length < WASM_BYTES_MAX, `${wasm[name].length} bytes`);
  });

  test(`${name}: the module has no data section: it puts nothing into the memory by itself`, () => {
    const ids = sectionIds(wasm[name]);
    assert.ok(ids.includes(10), 'a code section was found, so the walk is right');
    assert.not(ids.includes(11));
  });
}

const memory = new WebAssembly.Memory({ initial: 40, maximum: 40 });
const kernels = Object.fromEntries(
  MODULES.map((name) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm[name]), { env: { memory } });
    return [name, instance.exports['run'] as (commands: number, first: number, last: number) => void];
  }),
) as Record<Module, (commands: number, first: number, last: number) => void>;

type Layer = {
  readonly convolution: Convolution;
  /** int8, or pixels */
  readonly values: Uint8Array;
  /** Present where the layer reads pixels. */
  readonly plane?: PixelPlane;
  /** Bytes from output pixel to output pixel, and of the first one's first channel. */
  readonly pixelBytes: number;
  readonly channelOffset: number;
};

/** Runs one layer between canaries; gives its output, densely, and the kernel's name. */
function runLayer(layer: Layer, shape: KernelShape, rounding: Rounding): { kernel: string; output: Int8Array } {
  const { convolution, values, plane, pixelBytes, channelOffset } = layer;
  const packer = new Packer();
  const lowered = lowerConvolution(convolution, {
    shape,
    rounding,
    pack: (data) => packer.add(data),
    plane: () => plane,
    isInPlace: () => false,
  });
  const gap = 64;
  const pixelCount = convolution.outputHeight * convolution.outputWidth;
  const source = gap;
  const target = alignUp(source + values.length) + gap;
  const scratch = alignUp(target + pixelCount * pixelBytes) + gap;
  const scratchBytes = Math.max(...lowered.map((command) => command.scratchBytes!));
  const commands = alignUp(scratch + scratchBytes) + gap;
  const constants = commands + lowered.length * COMMAND_BYTES;
  const end = constants + packer.bytes + gap;
  assert.ok(end <= 40 * PAGE_BYTES, `${end} bytes`);
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(CANARY, 0, end);
  bytes.set(values, source);
  packer.copyTo(bytes.subarray(constants));
  lowered.forEach((command, i) => {
    const words = new Int32Array(memory.buffer, commands + i * COMMAND_BYTES, COMMAND_WORDS).fill(0);
    command.write(words, {
      tensor: (tensor) => (tensor === convolution.output ? target + channelOffset : source),
      pixelBytes: () => pixelBytes,
      constant: (offset) => constants + offset,
      scratch,
    });
  });
  const before = bytes.slice(0, end);
  kernels[isRelaxed(shape, rounding) ? 'relaxed' : rounding](commands, 0, lowered.length);
  const output = new Int8Array(pixelCount * convolution.outputChannels);
  for (let pixel = 0; pixel < pixelCount; pixel += 1) {
    const at = target + channelOffset + pixel * pixelBytes;
    output.set(new Int8Array(memory.buffer, at, convolution.outputChannels), pixel * convolution.outputChannels);
    before.set(bytes.subarray(at, at + convolution.outputChannels), at);
  }
  before.set(bytes.subarray(scratch, scratch + scratchBytes), scratch);
  const kernel = lowered.map((command) => command.kernel).join(' + ');
  const wrong = before.findIndex((byte, i) => byte !== bytes[i]);
  if (wrong >= 0) {
    const places = `source ${source}, target ${target}, scratch ${scratch} + ${scratchBytes}, commands ${commands}`;
    assert.unreachable(`${shape} ${kernel} wrote to ${wrong}: ${places}, end ${end}`);
  }
  return { kernel, output };
}

function tensor(index: number, shape: readonly [number, number, number, number], zeroPoint: number): GraphTensor {
  const count = shape[1] * shape[2] * shape[3];
  return { index, name: `t${index}`, kind: 'int8', shape, count, bytes: count, scale: 0.01, zeroPoint };
}

/** The formulas at the head of kernels/requantise.ts, in whole numbers of any size. */
function requantised(sum: number, scale: number, rounding: Rounding): number {
  if (rounding === 'fp32') {
    const real = Math.fround(Math.fround(sum) * Math.fround(scale));
    const floor = Math.floor(real);
    if (real - floor === 0.5) return floor % 2 === 0 ? floor : floor + 1;
    return Math.floor(real + 0.5);
  }
  const { multiplier, shift } = quantizeMultiplier(scale);
  const [product, exponent] = [BigInt(sum) * BigInt(multiplier), BigInt(-shift)];
  if (rounding === 'single') return Number((product + (1n << (30n + exponent))) >> (31n + exponent));
  const high = (product + (1n << 30n)) >> 31n;
  const half = exponent === 0n ? 0n : 1n << (exponent - 1n);
  return Number((high + half - (exponent > 0n && high < 0n ? 1n : 0n)) >> exponent);
}

/** 1x1 of one pixel whose weights are zero, so that the sums are the biases. */
function sumsLayer(sums: readonly number[], scales: readonly number[]): Layer {
  const channels = sums.length;
  const convolution: Convolution = {
    kind: 'convolution',
    index: 0,
    inputs: [tensor(0, [1, 1, 1, 4], 3)],
    output: tensor(1, [1, 1, 1, channels], -7),
    depthwise: false,
    depthMultiplier: 1,
    ...{ inputHeight: 1, inputWidth: 1, inputChannels: 4 },
    ...{ outputHeight: 1, outputWidth: 1, outputChannels: channels },
    weights: new Int8Array(4 * channels),
    ...{ kernelY: 1, kernelX: 1, strideY: 1, strideX: 1, dilationY: 1, dilationX: 1, padTop: 0, padLeft: 0 },
    bias: Int32Array.from(sums),
    factors: scales.map(quantizeMultiplier),
    scales,
    range: { minQ: -128, maxQ: 127 },
  };
  return { convolution, values: new Uint8Array(4), pixelBytes: channels, channelOffset: 0 };
}

const sumsAndScales = fc.array(
  fc
    .record({
      // In outputs: far outside of int8 is as likely as inside.
      output: fc.oneof(
        fc.double({ min: -300, max: 300, noNaN: true }),
        fc.double({ min: -8000, max: 8000, noNaN: true }),
      ),
      // Powers of two, and one and a half of them, put sums on exact ties.
      fraction: fc.oneof(fc.constantFrom(0.5, 0.75), fc.double({ min: 0.5, max: 0.9999, noNaN: true })),
      exponent: fc.integer({ min: 1, max: 16 }),
    })
    .map(({ output, fraction, exponent }) => ({ sum: Math.round(output * 2 ** exponent), fraction, exponent })),
  { minLength: 1, maxLength: 24 },
);

for (const rounding of ROUNDINGS) {
  test(`${rounding}: every kernel requantises as the formula says`, () => {
    const run = (cases: readonly { sum: number; fraction: number; exponent: number }[]): void => {
      const scales = cases.map(({ fraction, exponent }) => Math.fround(fraction * 2 ** -exponent));
      const sums = cases.map(({ sum }) => sum);
      const expected = sums.map((sum, i) => {
        const q = requantised(sum, scales[i]!, rounding) - 7;
        return Math.max(-128, Math.min(127, q));
      });
      for (const shape of SHAPES) {
        const { output, kernel } = runLayer(sumsLayer(sums, scales), shape, rounding);
        assert.is(kernel, shape === 'scalar' ? 'any' : 'pointwise');
        assert.equal([...output], expected, shape);
      }
    };
    fc.assert(fc.property(sumsAndScales, run), { numRuns: RUNS });
    // Every tie of a half, both signs.
    const ties = Array.from({ length: 400 }, (_, i) => ({ sum: i - 200, fraction: 0.5, exponent: 1 + (i % 4) }));
    run(ties);
  });
}

test('a factor so small that all sums round to zero has a fast kernel; one of a half and more does not, but in fp32', () => {
  const kernelOf = (scale: number, rounding: Rounding): string =>
    runLayer(sumsLayer([1000, -1000], [0.01, scale]), 'dot', rounding).kernel;
  for (const rounding of ROUNDINGS) assert.is(kernelOf(2 ** -40, rounding), 'pointwise', rounding);
  assert.is(kernelOf(0.75, 'double'), 'any');
  assert.is(kernelOf(0.75, 'single'), 'any');
  assert.is(kernelOf(0.75, 'fp32'), 'pointwise');
  assert.is(kernelOf(2 ** 12, 'fp32'), 'any');
});

/** A random layer; arithmetic at its ends is as likely as anything else. */
const layers = fc
  .record({
    type: fc.constantFrom(
      'pointwise',
      'convolution',
      'convolution',
      'depthwise',
      'depthwise',
      'pixels',
      'patches',
      'patches',
    ),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 12 }),
    inputChannels: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(4, 8, 16, 24)),
    outputChannels: fc.integer({ min: 1, max: 20 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    // Windows that are common get their share.
    square: fc.constantFrom(0, 0, 2, 3, 3, 4, 5),
    stride: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    dilation: fc.constantFrom<readonly [number, number]>([1, 1], [1, 1], [1, 1], [2, 2], [1, 3]),
    padding: fc.integer({ min: 0, max: 1 }),
    depthMultiplier: fc.constantFrom(1, 1, 1, 2, 3),
    zeroPointIn: fc.integer({ min: -128, max: 127 }),
    zeroPointOut: fc.integer({ min: -128, max: 127 }),
    shift: fc.integer({ min: -16, max: -1 }),
    shiftMax: fc.constantFrom(-1, -1, 1),
    // Of one channel, which no fast kernel takes: too large, or too small for 16 bits of shift and yet not zero.
    outlier: fc.record({ channel: fc.nat(40), exponent: fc.constantFrom(14, 2, -17, -19) }),
    fractions: fc.array(fc.double({ min: 0.5, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    }),
    biasMax: fc.constantFrom(0, 100, 100_000, 1_000_000),
    weightMax: fc.constantFrom(1, 20, 127, 128),
    wider: fc.constantFrom(0, 0, 1, 8),
    channelOffset: fc.integer({ min: 0, max: 8 }),
    seed: fc.nat(),
  })
  .map((layer): Layer => {
    let state = layer.seed >>> 0;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.max(-128, Math.round((state / 2 ** 32) * 2 * limit - limit));
    };
    const { type, height, width } = layer;
    const depthwise = type === 'depthwise';
    const isPatch = type === 'patches';
    const isPixel = type === 'pixels' || isPatch;
    const inputChannels = isPixel ? 1 : layer.inputChannels;
    const depthMultiplier = depthwise ? layer.depthMultiplier : 1;
    const outputChannels = depthwise ? inputChannels * depthMultiplier : layer.outputChannels;
    const side = isPatch ? 2 + (layer.square & 2) : layer.square;
    const [kernelY, kernelX] = type === 'pointwise' ? [1, 1] : side > 0 ? [side, side] : layer.kernel;
    const [strideY, strideX] = type === 'pointwise' ? [1, 1] : isPatch ? [side, side] : layer.stride;
    const [dilationY, dilationX] = isPatch ? [1, 1] : layer.dilation;
    const reaches = height >= (kernelY - 1) * dilationY + 1 && width >= (kernelX - 1) * dilationX + 1;
    const padding = reaches ? layer.padding : 0;
    const vertical = placeWindow(padding, height, kernelY, strideY, dilationY);
    const horizontal = placeWindow(padding, width, kernelX, strideX, dilationX);
    const zeroPointIn = isPixel ? -128 : layer.zeroPointIn;
    const scales = Array.from({ length: outputChannels }, (_, channel) => {
      // Neighbouring channels differ in exponent, as they do in real layers.
      const exponent = Math.min(layer.shiftMax, Math.max(-16, layer.shift - (channel % 3)));
      const { outlier } = layer;
      return Math.fround(
        layer.fractions[channel % 20]! * 2 ** (channel === outlier.channel ? outlier.exponent : exponent),
      );
    });
    const convolution: Convolution = {
      kind: 'convolution',
      index: 0,
      inputs: [tensor(0, [1, height, width, inputChannels], zeroPointIn)],
      output: tensor(1, [1, vertical.outputSize, horizontal.outputSize, outputChannels], layer.zeroPointOut),
      depthwise,
      depthMultiplier,
      inputHeight: height,
      inputWidth: width,
      inputChannels,
      outputHeight: vertical.outputSize,
      outputWidth: horizontal.outputSize,
      outputChannels,
      weights: Int8Array.from({ length: outputChannels * kernelY * kernelX * (depthwise ? 1 : inputChannels) }, () =>
        Math.min(127, random(layer.weightMax)),
      ),
      kernelY,
      kernelX,
      strideY,
      strideX,
      dilationY,
      dilationX,
      padTop: vertical.padBefore,
      padLeft: horizontal.padBefore,
      bias: Int32Array.from({ length: outputChannels }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.round((state / 2 ** 31 - 1) * layer.biasMax);
      }),
      factors: scales.map(quantizeMultiplier),
      scales,
      range: { minQ: Math.max(-128, layer.zeroPointOut - 90), maxQ: Math.min(127, layer.zeroPointOut + 100) },
    };
    const rowBytes = width * inputChannels + (isPixel ? layer.wider : 0);
    const values = Uint8Array.from({ length: height * rowBytes }, () => random(128));
    return {
      convolution,
      values,
      ...(isPixel ? { plane: { offsetBytes: 0, rowBytes } } : {}),
      pixelBytes: outputChannels + layer.wider,
      channelOffset: Math.min(layer.channelOffset, layer.wider),
    };
  });

for (const rounding of ROUNDINGS) {
  test(`${rounding}: fast kernels equal the scalar kernel bit for bit and write nothing else`, () => {
    const counts = new Map<string, number>();
    fc.assert(
      fc.property(layers, (layer) => {
        const expected = runLayer(layer, 'scalar', rounding);
        assert.is(expected.kernel, 'any');
        for (const shape of FAST_SHAPES) {
          const actual = runLayer(layer, shape, rounding);
          for (const key of [actual.kernel, `${shape} ${actual.kernel}`]) counts.set(key, (counts.get(key) ?? 0) + 1);
          assert.equal(actual.output, expected.output, `${shape} ${actual.kernel}`);
        }
      }),
      { numRuns: RUNS },
    );
    const mustHave = ['pointwise', 'gather', 'depthwise', 'patch'];
    if (relaxed) mustHave.push(`${relaxed} pointwise`, `${relaxed} gather`, `${relaxed} depthwise`);
    if (relaxed && rounding === 'fp32') mustHave.push(`${relaxed} patch`);
    for (const kernel of mustHave) {
      assert.ok((counts.get(kernel) ?? 0) > 0, `no layer was served by ${kernel}: ${[...counts]}`);
    }
    assert.ok(
      [...counts.keys()].some((kernel) => kernel.endsWith(' + any')),
      `no channel was written again: ${[...counts]}`,
    );
  });
}

(relaxed ? test : test.skip)(
  'relaxed kernels at the ends of their ranges (skipped: this V8 or processor has none that are exact)',
  () => {
    // Largest taps and weights of either sign, where anything that is added in int16 would show.
    for (const [tap, weight] of [
      [127, 127],
      [127, -127],
      [-128, 127],
      [-128, -127],
      [-128, -128],
    ] as const) {
      const layer = sumsLayer([0, 5, -5], [0.0001, 0.0001, 0.0001]);
      const full: Layer = {
        ...layer,
        convolution: { ...layer.convolution, weights: layer.convolution.weights.map(() => weight) },
        values: layer.values.map(() => tap),
      };
      const expected = runLayer(full, 'scalar', 'fp32').output;
      assert.equal(runLayer(full, relaxed!, 'fp32').output, expected, `${tap} x ${weight}`);
    }
  },
);

test.run();
