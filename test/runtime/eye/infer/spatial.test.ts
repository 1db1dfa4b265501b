/**
 * Goal: moving, pooling, averaging and resizing operators are right for every shape, write nothing but their output, and
 * refuse what they cannot do; reshapes cost nothing where that is safe.
 * Method: fast-check against a few lines of plain indexing (golden vectors are in golden.test.ts); models with single
 * facts changed.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { createEngine, loadProgram, planEngine } from '../../../../runtime/eye/infer/engine.ts';
import { checkGraph, countMacs } from '../../../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../../../runtime/eye/infer/pixels.ts';
import { type Program, prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import type { TfliteModel } from '../../../../runtime/eye/infer/tflite.ts';
import { NetBuilder, type NetTensor } from '../../../../scripts/nets/build.ts';
import { Random } from '../../../../scripts/nets/random.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { frameOf } from './golden.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 150);
const UNTOUCHED = 0x55;

type Result = {
  readonly outputs: readonly Int8Array[];
  readonly inputs: readonly Int8Array[];
  readonly program: Program;
};

/** Runs a network on random bytes; fails where a byte of the arena changes that is not of an output of an operator. */
function run(model: TfliteModel, seed = 1): Result {
  const graph = checkGraph(model);
  const program = prepareProgram(graph, NO_PIXELS, { shape: 'pairs', rounding: 'double' });
  const { memory, kernels } = loadProgram(program);
  const bytes = new Int8Array(memory.buffer);
  const { arena, constants } = program.plan;
  bytes.fill(UNTOUCHED, 0, constants.offsetBytes);
  const view = (index: number): Int8Array => {
    const { offsetBytes, bytes: count } = program.regions.get(index)!;
    return bytes.subarray(offsetBytes, offsetBytes + count);
  };
  const random = new Random(seed);
  for (const { index, bytes: count } of graph.inputs.values()) view(index).set(random.bytes(count));
  const inputs = [...graph.inputs.values()].map(({ index }) => view(index).slice());
  const before = bytes.slice();
  kernels.run(program.commandsOffset, 0, program.commandCount);
  for (const { output } of graph.operators) {
    const region = program.regions.get(output.index);
    if (region) before.set(view(output.index), region.offsetBytes);
  }
  before.set(bytes.subarray(program.plan.scratch.offsetBytes, constants.offsetBytes), program.plan.scratch.offsetBytes);
  assert.ok(Buffer.from(before.buffer).equals(new Uint8Array(memory.buffer)), 'only outputs of operators were written');
  assert.is(bytes[arena.offsetBytes - 1], UNTOUCHED);
  return { outputs: [...graph.outputs.values()].map(({ index }) => view(index).slice()), inputs, program };
}

function netOf(build: (net: NetBuilder) => NetTensor | readonly NetTensor[]): TfliteModel {
  const net = new NetBuilder(1);
  return net.model(...[build(net)].flat());
}

function refusal(model: TfliteModel): string {
  try {
    checkGraph(model);
    return 'not refused';
  } catch (error) {
    assert.instance(error, ModelError);
    return (error as ModelError).message;
  }
}

/** The last operator with other options. */
function withOptions(model: TfliteModel, options: Readonly<Record<string, number>>): TfliteModel {
  const last = model.operators.length - 1;
  const operators = model.operators.map((o, i) => (i === last ? { ...o, options: { ...o.options, ...options } } : o));
  return { ...model, operators };
}

/** One tensor with another shape, or with other int32 values. */
function withTensor(
  model: TfliteModel,
  name: string,
  shape: readonly number[],
  values?: readonly number[],
): TfliteModel {
  const tensors = model.tensors.map((tensor) => {
    if (tensor.name !== name) return tensor;
    return { ...tensor, shape, data: values ? new Uint8Array(Int32Array.from(values).buffer) : tensor.data };
  });
  return { ...model, tensors };
}

const size = fc.integer({ min: 1, max: 7 });
const image = fc.record({
  height: size,
  width: size,
  channels: fc.integer({ min: 1, max: 40 }),
  seed: fc.nat(),
});

test('pools equal plain sums and maxima for every channel count', () => {
  const pools = fc.record({
    image,
    isAverage: fc.boolean(),
    kernel: fc.tuple(size, size),
    stride: fc.tuple(size, size),
    padding: fc.constantFrom('same' as const, 'valid' as const),
  });
  fc.assert(
    fc.property(pools, ({ image: { height, width, channels, seed }, isAverage, kernel, stride, padding }) => {
      const [kernelY, kernelX] =
        padding === 'valid' ? [Math.min(kernel[0], height), Math.min(kernel[1], width)] : kernel;
      const model = netOf((net) => {
        const x = net.input([1, height, width, channels]);
        const options = { kernel: [kernelY, kernelX], stride, padding } as const;
        return isAverage ? net.averagePool(x, options) : net.maxPool(x, options);
      });
      const { outputs, inputs } = run(model, seed);
      const [, outputHeight = 0, outputWidth = 0] = model.tensors[model.operators[0]!.outputs[0]!]!.shape;
      const before = (cells: number, out: number, step: number, window: number): number =>
        Math.floor(Math.max(0, (out - 1) * step + window - cells) / 2);
      const top = before(height, outputHeight, stride[0], kernelY);
      const left = before(width, outputWidth, stride[1], kernelX);
      const expected = Int8Array.from({ length: outputHeight * outputWidth * channels }, (_, i) => {
        const c = i % channels;
        const x = Math.floor(i / channels) % outputWidth;
        const y = Math.floor(i / channels / outputWidth);
        const values: number[] = [];
        for (let at = 0; at < kernelY * kernelX; at += 1) {
          const inputY = y * stride[0] - top + Math.floor(at / kernelX);
          const inputX = x * stride[1] - left + (at % kernelX);
          if (inputY < 0 || inputY >= height || inputX < 0 || inputX >= width) continue;
          values.push(inputs[0]![(inputY * width + inputX) * channels + c]!);
        }
        if (!isAverage) return Math.max(...values);
        const sum = values.reduce((total, value) => total + value, 0);
        const nudge = Math.floor(values.length / 2);
        return Math.trunc((sum > 0 ? sum + nudge : sum - nudge) / values.length);
      });
      assert.equal(outputs[0], expected);
    }),
    { numRuns: RUNS },
  );
});

test('averages of thousands of values are exact at their ends and at ties', () => {
  for (const [height, width] of [
    [256, 256],
    [255, 257],
    [1, 513],
  ] as const) {
    const model = netOf((net) =>
      net.averagePool(net.input([1, height, width, 1]), {
        kernel: [height, width],
        stride: [height, width],
        padding: 'valid',
      }),
    );
    const graph = checkGraph(model);
    const program = prepareProgram(graph, NO_PIXELS, { shape: 'pairs', rounding: 'double' });
    const { memory, kernels } = loadProgram(program);
    const bytes = new Int8Array(memory.buffer);
    const input = program.regions.get(graph.inputs.get('x')!.index)!;
    const output = program.regions.get(graph.operators[0]!.output.index)!;
    const count = height * width;
    // -128 everywhere but at `high` places, where it is 127: sums on both sides of every kind of tie.
    for (const high of [0, 1, count >> 8, count >> 1, (count >> 1) + 1, count - 1, count]) {
      const values = bytes.subarray(input.offsetBytes, input.offsetBytes + count);
      values.fill(-128).fill(127, 0, high);
      kernels.run(program.commandsOffset, 0, program.commandCount);
      const sum = 127 * high - 128 * (count - high);
      const nudge = Math.floor(count / 2);
      assert.is(
        bytes[output.offsetBytes],
        Math.trunc((sum > 0 ? sum + nudge : sum - nudge) / count),
        `${high} of ${count}`,
      );
    }
  }
});

test('slices, with any begin, end, stride and rank, take the values that plain indexing takes', () => {
  const entry = fc.record({
    size,
    begin: fc.integer({ min: -8, max: 8 }),
    end: fc.integer({ min: -8, max: 8 }),
    stride: fc.constantFrom(1, 1, 1, 2, 3, -1, -2),
    isFromFirst: fc.boolean(),
    isToLast: fc.boolean(),
  });
  let takenCount = 0;
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), fc.nat(), (entries, seed) => {
      const bits = (of: (one: (typeof entries)[number]) => boolean): number =>
        entries.reduce((mask, one, i) => mask | (of(one) ? 1 << i : 0), 0);
      const model = netOf((net) =>
        net.stridedSlice(net.input(entries.map((one) => one.size)), {
          begin: entries.map(({ begin }) => begin),
          end: entries.map(({ end }) => end),
          strides: entries.map(({ stride }) => stride),
          beginMask: bits(({ isFromFirst }) => isFromFirst),
          endMask: bits(({ isToLast }) => isToLast),
        }),
      );
      const places = entries.map((one) => {
        const wrap = (place: number): number => (place < 0 ? place + one.size : place);
        const found: number[] = [];
        const forward = one.stride > 0;
        const first = one.isFromFirst ? (forward ? 0 : one.size - 1) : wrap(one.begin);
        const start = forward ? Math.max(first, 0) : Math.min(first, one.size - 1);
        const stop = one.isToLast ? (forward ? one.size : -1) : wrap(one.end);
        for (let at = start; forward ? at < stop : at > stop; at += one.stride) {
          if (at < 0 || at >= one.size) break;
          found.push(at);
        }
        return found;
      });
      if (places.some((found) => found.length === 0)) {
        assert.match(refusal(model), /expected at most 6 dimensions of 1 and more/);
        return;
      }
      takenCount += 1;
      const { outputs, inputs } = run(model, seed);
      const offsets = places.reduce<number[]>(
        (before, found, i) => before.flatMap((offset) => found.map((at) => offset * entries[i]!.size + at)),
        [0],
      );
      assert.equal(
        [...outputs[0]!],
        offsets.map((offset) => inputs[0]![offset]!),
      );
    }),
    { numRuns: 3 * RUNS },
  );
  assert.ok(takenCount > RUNS / 3, `only ${takenCount} slices had values`);
});

test('a padding and the slice that takes it away again give the input back', () => {
  const sides = fc.array(fc.tuple(size, fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sides, fc.option(fc.integer({ min: -128, max: 127 }), { nil: undefined }), (dimensions, valueQ) => {
      const model = netOf((net) => {
        const x = net.input(
          dimensions.map(([inner]) => inner),
          { zeroPoint: 9 },
        );
        const paddings = dimensions.map(([, before, after]) => [before, after] as const);
        const padded = net.pad(x, paddings, valueQ === undefined ? {} : { valueQ });
        const begin = dimensions.map(([, before]) => before);
        return [padded, net.stridedSlice(padded, { begin, end: dimensions.map(([inner, before]) => before + inner) })];
      });
      const { outputs, inputs } = run(model);
      assert.equal(outputs[1], inputs[0]);
      const rest = outputs[0]!.length - inputs[0]!.length;
      const fillQ = valueQ ?? 9;
      const filled = (values: Int8Array): number => values.filter((value) => value === fillQ).length;
      assert.is(filled(outputs[0]!) - filled(inputs[0]!), rest);
    }),
    { numRuns: RUNS },
  );
});

test('parts of a concatenation along any axis are what slices of it find', () => {
  const parts = fc.record({
    shape: fc.array(size, { minLength: 1, maxLength: 4 }),
    axis: fc.nat(3),
    sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(parts, ({ shape, axis: wanted, sizes }) => {
      const axis = wanted % shape.length;
      const along = (count: number): number[] => shape.map((other, i) => (i === axis ? count : other));
      let start = 0;
      const model = netOf((net) => {
        const inputs = sizes.map((count, i) => net.input(along(count), { name: `x${i}` }));
        const joined = net.concatenate(inputs, { axis });
        return sizes.map((count) => {
          const begin = shape.map((_, i) => (i === axis ? start : 0));
          start += count;
          return net.stridedSlice(joined, { begin, end: along(start) });
        });
      });
      const { outputs, inputs } = run(model);
      assert.equal(outputs, inputs);
    }),
    { numRuns: RUNS },
  );
});

const STYLE = { scale: 0.02, zeroPoint: 3 } as const;

test('a reshape between operators shares the bytes of its input', () => {
  const model = netOf((net) => {
    const made = net.maxPool(net.input([1, 4, 6, 8]), { kernel: 1, stride: 1 });
    return net.maxPool(net.reshape(net.reshape(made, [24, 8]), [1, 2, 12, 8]), { kernel: 1, stride: 1 });
  });
  const { program, outputs, inputs } = run(model);
  assert.equal(program.kernels, [['max'], [], [], ['max']]);
  assert.equal(outputs[0], inputs[0]);
});

test('a reshape is an output of the model without a copy; two of them are copied once', () => {
  const model = (outputCount: number): TfliteModel =>
    netOf((net) => {
      const made = net.maxPool(net.input([1, 4, 6, 8]), { kernel: 1, stride: 1 });
      return [net.reshape(made, [24, 8]), net.reshape(made, [192]), made].slice(0, outputCount);
    });
  for (const [outputCount, copies] of [
    [1, 0],
    [2, 1],
    [3, 2],
  ] as const) {
    const { program, outputs, inputs } = run(model(outputCount));
    assert.is(program.kernels.flat().filter((kernel) => kernel === 'copy').length, copies);
    for (const output of outputs) assert.equal(output, inputs[0]);
  }
});

test('a reshape of a concatenation whose parts are written in place', () => {
  const model = netOf((net) => {
    const x = net.input([1, 2, 3, 8], STYLE);
    const parts = [net.convolution(x, { channels: 8, ...STYLE }), net.convolution(x, { channels: 5, ...STYLE })];
    return [net.reshape(net.concatenate(parts), [6, 13])];
  });
  const { program, outputs } = run(model);
  assert.equal(program.kernels[2], []);
  assert.equal(program.kernels[3], []);
  const separate = run({ ...model, outputs: new Map([0, 1].map((i) => [`p${i}`, model.operators[i]!.outputs[0]!])) });
  const [first, second] = separate.outputs;
  const joined = Array.from({ length: 6 }, (_, i) => [
    ...first!.subarray(8 * i, 8 * i + 8),
    ...second!.subarray(5 * i, 5 * i + 5),
  ]).flat();
  assert.equal([...outputs[0]!], joined);
});

test('a constant is reshaped, padded and sliced like any tensor', () => {
  const model = netOf((net) => {
    const constant = net.constant([2, 6], { ...STYLE, valueAt: (i) => i });
    const parts = [net.reshape(constant, [3, 4]), net.stridedSlice(constant, { begin: [1, 0], end: [2, 6] })];
    return [
      ...parts,
      net.pad(constant, [
        [0, 0],
        [1, 0],
      ]),
      net.maxPool(net.input([1, 2, 2, 1])),
    ];
  });
  const [shaped, slice, padded] = run(model).outputs;
  assert.equal([...shaped!], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal([...slice!], [6, 7, 8, 9, 10, 11]);
  assert.equal([...padded!], [3, 0, 1, 2, 3, 4, 5, 3, 6, 7, 8, 9, 10, 11]);
});

test('a converted picture in another shape is a picture too: all of it is erased, and its last reader had it', () => {
  const format = frameOf(16, 8, 16);
  const model = netOf((net) => {
    const picture = net.input([1, 4, 8, 3], { name: 'rgb' });
    return net.convolution(net.reshape(picture, [1, 8, 4, 3]), { channels: 4, weights: () => 1, name: 'out' });
  });
  const { program } = planEngine(writeTflite(model), format);
  assert.is(program.pixelRegions.length, 4, 'slot, picture, its other shape, scratch');
  const engine = createEngine(writeTflite(model), format);
  const bytes = new Uint8Array(engine.memory.buffer);
  const sums: string[] = [];
  for (const brightness of [100, 200]) {
    engine.slot.fill(brightness);
    engine.readPixels();
    engine.erasePixels();
    for (const { offsetBytes, bytes: count } of program.pixelRegions)
      assert.ok(bytes.subarray(offsetBytes, offsetBytes + count).every((byte) => byte === 0));
    engine.finish();
    sums.push(engine.outputs[0]!.data.join());
  }
  assert.is.not(sums[0], sums[1], 'the output is not made of erased bytes');
});

test('only channels are joined in place', () => {
  const model = netOf((net) => {
    const x = net.input([1, 2, 3, 8], STYLE);
    const parts = [net.convolution(x, { channels: 8, ...STYLE }), net.convolution(x, { channels: 8, ...STYLE })];
    return net.concatenate(parts, { axis: 1 });
  });
  assert.equal(run(model).program.kernels[2], ['copy', 'copy']);
});

test('multiply-adds of a transpose convolution are counted', () => {
  const model = netOf((net) => net.transposeConvolution(net.input([1, 3, 4, 5]), { channels: 7, kernel: [2, 3] }));
  assert.is(countMacs(checkGraph(model)), 3 * 4 * 5 * 2 * 3 * 7);
});

test('batches above one are refused where an image is wanted', () => {
  const wanted = /expected \[1, y, x, channel\]/;
  assert.match(refusal(netOf((net) => net.maxPool(net.input([2, 4, 4, 8])))), wanted);
  assert.match(refusal(netOf((net) => net.resizeBilinear(net.input([2, 4, 4, 8]), [8, 8]))), wanted);
  assert.match(refusal(netOf((net) => net.transposeConvolution(net.input([2, 4, 4, 8]), { channels: 2 }))), wanted);
});

test('ranks above four are refused', () => {
  const shape = [1, 2, 2, 2, 2];
  assert.match(refusal(netOf((net) => net.mean(net.input(shape), { axes: [1] }))), 'rank 5; expected 1 to 4');
  assert.match(
    refusal(
      netOf((net) =>
        net.pad(
          net.input(shape),
          shape.map(() => [0, 1]),
        ),
      ),
    ),
    'rank 5; expected 1 to 4',
  );
  assert.match(refusal(netOf((net) => net.concatenate([net.input(shape)], { axis: 1 }))), 'rank 5; expected 1 to 4');
  assert.match(refusal(netOf((net) => net.stridedSlice(net.input(shape), { begin: [0], end: [1] }))), 'rank 5');
});

test('pools of absurd work are refused', () => {
  const huge = { kernel: 500, stride: 1, padding: 'same' } as const;
  assert.match(refusal(netOf((net) => net.maxPool(net.input([1, 500, 500, 1]), huge))), 'at most 268435456 are read');
  assert.match(refusal(netOf((net) => net.averagePool(net.input([1, 500, 500, 1]), huge))), 'averages 250000 cells');
  const pool = netOf((net) => net.maxPool(net.input([1, 4, 4, 8])));
  assert.match(refusal(withOptions(pool, { strideX: 0 })), 'a stride or dilation of 0');
  assert.match(refusal(withOptions(pool, { filterY: 5 })), 'a window of 5 cells for an input of 4');
  assert.match(refusal(withOptions(pool, { activation: 4 })), 'fused activation 4');
});

test('resizes that TFLite cannot do, or that are too large, are refused', () => {
  const bilinear = netOf((net) => net.resizeBilinear(net.input([1, 1, 263, 1]), [1, 914]));
  assert.match(refusal(bilinear), 'the last would be made of cells behind the input');
  const both = { alignCorners: 1, halfPixelCenters: 1 };
  assert.match(
    refusal(
      withOptions(
        netOf((net) => net.resizeBilinear(net.input([1, 2, 2, 1]), [3, 3])),
        both,
      ),
    ),
    'both',
  );
  assert.match(refusal(netOf((net) => net.resizeNearest(net.input([1, 1, 2, 1]), [1, 5000]))), 'at most 4096');
  const nearest = netOf((net) => net.resizeNearest(net.input([1, 2, 2, 1]), [3, 3]));
  assert.match(refusal(withTensor(nearest, 'nearest/size', [2], [0, -3])), 'expected [1,0,-3,1]');
});

test('paddings that are negative or of another rank are refused', () => {
  const pad = netOf((net) =>
    net.pad(net.input([2, 3]), [
      [1, 0],
      [0, 0],
    ]),
  );
  assert.match(
    refusal(withTensor(pad, 'pad/paddings', [2, 2], [-1, 2, 0, 0])),
    'paddings [-1,2,0,0]; expected 0 or more',
  );
  assert.match(refusal(withTensor(pad, 'pad/paddings', [1, 2], [1, 0])), 'expected 4 int32');
  const other = netOf((net) =>
    net.pad(
      net.input([2, 3]),
      [
        [1, 0],
        [0, 0],
      ],
      { valueQ: 5 },
    ),
  );
  const tensors = other.tensors.map((tensor) =>
    tensor.name === 'pad/value' ? { ...tensor, quantization: { ...tensor.quantization, zeroPoints: [7] } } : tensor,
  );
  assert.match(refusal({ ...other, tensors }), 'would have to requantise pad/value');
});

test('slices with strides of zero, options that are not known, and places that are not there are refused', () => {
  const slice = netOf((net) => net.stridedSlice(net.input([4, 6]), { begin: [0, 1], end: [4, 5] }));
  assert.match(refusal(withTensor(slice, 'slice/strides', [2], [1, 0])), 'a stride of 0');
  assert.match(refusal(withTensor(slice, 'slice/strides', [3], [1, 1, 1])), 'expected 2 int32');
  assert.match(refusal(withOptions(slice, { offset: 1 })), 'has the option offset');
  assert.match(refusal(withOptions(slice, { newAxisMask: 4 })), 'new dimensions behind its last entry');
  assert.match(refusal(withOptions(slice, { ellipsisMask: 3 })), '2 of them ellipses');
  const shrunk = withTensor(withOptions(slice, { shrinkAxisMask: 1 }), 'slice', [4]);
  assert.is(refusal(shrunk), 'not refused');
  assert.match(refusal(withTensor(shrunk, 'slice/begin', [2], [4, 1])), 'takes place 4 of 4');
});

test('means along axes that are not there, and sums that would overflow, are refused', () => {
  const mean = netOf((net) => net.mean(net.input([1, 4, 4, 8])));
  assert.match(refusal(withTensor(mean, 'mean/axes', [2], [1, 4])), 'along axis 4 of 4');
  const tiny = netOf((net) => net.mean(net.input([1, 64, 64, 1], { scale: 1 }), { scale: 0.0001 }));
  assert.match(refusal(tiny), 'their sum would overflow');
});

test('a reshape to another number of values is refused', () => {
  const reshape = netOf((net) => net.reshape(net.input([2, 6]), [3, 4]));
  assert.match(refusal(withTensor(reshape, 'reshape', [3, 5])), 'makes 15 values [3,5] of 12 values [2,6]');
});

test('a transpose convolution with weights for other channels, or another output shape, is refused', () => {
  const transposed = netOf((net) => net.transposeConvolution(net.input([1, 3, 4, 5]), { channels: 7 }));
  assert.match(refusal(withTensor(transposed, 'transposed/shape', [4], [1, 6, 9, 7])), 'expected [1,6,9,7]');
  const other = withTensor(withTensor(transposed, 'transposed/shape', [4], [1, 6, 8, 6]), 'transposed', [1, 6, 8, 6]);
  assert.match(refusal(other), 'has weights for 7 output channels; expected 6');
});

test.run();
