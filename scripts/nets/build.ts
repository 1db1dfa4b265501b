/**
 * Networks written operator by operator, for golden vectors, properties and benches: shapes are computed, weights are
 * random by seed, and quantisation is chosen so that activations look like those of a trained network.
 *
 * How: every tensor carries the mean and deviation its real values are expected to have. Weights are drawn so that an
 * operator's output deviates about as much as its input, and the output scale covers some three deviations: few values
 * saturate and few collapse to one byte, however deep the network is. Cases that want saturation ask for it (`spreadQ`).
 *
 * Only + - * / and square roots: they are exact everywhere, so one seed is one file, byte for byte.
 */
import { strict as assert } from 'node:assert';
import {
  Activation,
  OPERATORS,
  type OperatorName,
  type Options,
  Padding,
  TensorType,
} from '../../runtime/eye/infer/schema.ts';
import type { Quantization, TfliteModel, TfliteOperator, TfliteTensor } from '../../runtime/eye/infer/tflite.ts';
import { Random } from './random.ts';

/** Expected mean and standard deviation of real values. */
export type Spread = { readonly mean: number; readonly deviation: number };

export type NetTensor = Spread & {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  /** TensorType */
  readonly type: number;
  /** 1 and 0 for float32 */
  readonly scale: number;
  readonly zeroPoint: number;
};

/** One number for both directions, or [y, x]. */
export type Pair = number | readonly [y: number, x: number];

/** What any operator takes about its output; what is left out is chosen. */
export type Output = { readonly name?: string; readonly scale?: number; readonly zeroPoint?: number };

export type Fused = { readonly activation?: keyof typeof Activation };

export type Window = {
  readonly kernel?: Pair;
  readonly stride?: Pair;
  readonly padding?: keyof typeof Padding;
};

export type Weighted = Output &
  Fused & {
    /** Weights of -127 and 127 only, or by position in the tensor; else uniform. */
    readonly weights?: 'ends' | ((position: number) => number);
    /** false: a bias of zeroes, or none at all where TFLite does without (all but CONV_2D); or values by channel. */
    readonly bias?: boolean | ((channel: number) => number);
    /** One weight scale instead of one per output channel. */
    readonly perTensor?: boolean;
    /** Deviation of the outputs in quantised units, where `scale` is given: 60 if left out; above 128 most of them saturate. */
    readonly spreadQ?: number;
    /** Input scale × weight scale / output scale: at most this, instead of by spread. */
    readonly factor?: number;
    /** Weight scales that are powers of two; with such tensor scales too, sums fall on exact ties. */
    readonly powersOfTwo?: boolean;
  };

/** Deviation of whole numbers uniform in -127..127. */
const WEIGHT_DEVIATION = 73.3;
/** Of uniform bytes, as the inputs of golden cases are. */
const BYTE_DEVIATION = 73.9;
/** An output's range in deviations on either side: one value in some hundred saturates. */
const DEVIATIONS = 2.7;

export class NetBuilder {
  readonly random: Random;
  readonly #tensors: TfliteTensor[] = [];
  readonly #operators: TfliteOperator[] = [];
  readonly #inputs = new Map<string, number>();
  readonly #names = new Set<string>();

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Every output by its name. */
  model(...outputs: readonly NetTensor[]): TfliteModel {
    return {
      tensors: [...this.#tensors],
      operators: [...this.#operators],
      inputs: new Map(this.#inputs),
      outputs: new Map(outputs.map(({ name, index }) => [name, index])),
    };
  }

  /** An input: int8 unless `type` says otherwise; its scale is that of pixels (0..1) unless given. */
  input(shape: readonly number[], options: Output & { readonly type?: number } = {}): NetTensor {
    const { name = 'x', scale = 1 / 255, type = TensorType.int8 } = options;
    const zeroPoint = options.zeroPoint ?? (type === TensorType.int8 ? -128 : 0);
    const tensor = this.#tensor(name, shape, type, scale, zeroPoint, spreadOfBytes(scale, zeroPoint, type));
    this.#inputs.set(tensor.name, tensor.index);
    return tensor;
  }

  /** A constant that operators read like a tensor. valueAt: quantised values; uniform bytes if left out. */
  constant(
    shape: readonly number[],
    options: Output & { readonly valueAt?: (position: number) => number } = {},
  ): NetTensor {
    const { name = 'constant', scale = 0.02, zeroPoint = 0, valueAt = () => this.random.integer(-128, 127) } = options;
    const data = Int8Array.from({ length: product(shape) }, (_, i) => valueAt(i));
    const mean = data.reduce((sum, q) => sum + scale * (q - zeroPoint), 0) / data.length;
    const square = data.reduce((sum, q) => sum + (scale * (q - zeroPoint)) ** 2, 0) / data.length;
    const spread = { mean, deviation: Math.sqrt(Math.max(0, square - mean * mean)) };
    return this.#tensor(name, shape, TensorType.int8, scale, zeroPoint, spread, new Uint8Array(data.buffer));
  }

  convolution(
    input: NetTensor,
    options: Weighted & Window & { readonly channels: number; readonly dilation?: Pair },
  ): NetTensor {
    const {
      channels,
      kernel = 1,
      stride = 1,
      dilation = 1,
      padding = 'same',
      activation = 'none',
      name = 'conv',
    } = options;
    const [[kernelY, kernelX], [strideY, strideX], [dilationY, dilationX]] = [
      both(kernel),
      both(stride),
      both(dilation),
    ];
    const depth = input.shape[3]!;
    const place = this.#weighted(
      input,
      { name, ...options },
      [channels, kernelY, kernelX, depth],
      0,
      kernelY * kernelX * depth,
      true,
    );
    const shape = [input.shape[0]!, ...windowed(input, options), channels];
    return this.#operator('CONV_2D', [input.index, place.weights, ...place.bias], this.#output(name, shape, place), {
      padding: Padding[padding],
      activation: Activation[activation],
      strideX,
      strideY,
      dilationX,
      dilationY,
    });
  }

  depthwise(
    input: NetTensor,
    options: Weighted & Window & { readonly dilation?: Pair; readonly multiplier?: number } = {},
  ): NetTensor {
    const { kernel = 3, stride = 1, dilation = 1, padding = 'same', activation = 'none', multiplier = 1 } = options;
    const { name = 'depthwise' } = options;
    const [[kernelY, kernelX], [strideY, strideX], [dilationY, dilationX]] = [
      both(kernel),
      both(stride),
      both(dilation),
    ];
    const channels = input.shape[3]! * multiplier;
    const place = this.#weighted(input, { name, ...options }, [1, kernelY, kernelX, channels], 3, kernelY * kernelX);
    const shape = [input.shape[0]!, ...windowed(input, { kernel, stride, dilation, padding }), channels];
    const inputs = [input.index, place.weights, ...place.bias];
    return this.#operator('DEPTHWISE_CONV_2D', inputs, this.#output(name, shape, place), {
      padding: Padding[padding],
      activation: Activation[activation],
      strideX,
      strideY,
      dilationX,
      dilationY,
      depthMultiplier: multiplier,
    });
  }

  /** The input is flattened to rows of `depth` values, its last dimension if left out. */
  fullyConnected(
    input: NetTensor,
    options: Weighted & { readonly channels: number; readonly depth?: number; readonly keepDims?: boolean },
  ): NetTensor {
    const { channels, depth = input.shape.at(-1)!, keepDims = false, activation = 'none', name = 'full' } = options;
    const place = this.#weighted(input, { name, ...options }, [channels, depth], 0, depth);
    const rows = product(input.shape) / depth;
    assert.ok(Number.isInteger(rows), `${product(input.shape)} values in rows of ${depth}`);
    const shape = keepDims ? [...input.shape.slice(0, -1), channels] : [rows, channels];
    const inputs = [input.index, place.weights, ...place.bias];
    return this.#operator('FULLY_CONNECTED', inputs, this.#output(name, shape, place), {
      activation: Activation[activation],
      weightsFormat: 0,
      keepNumDims: Number(keepDims),
    });
  }

  /** size: of the output; stride times the input if left out. */
  transposeConvolution(
    input: NetTensor,
    options: Weighted & Window & { readonly channels: number; readonly size?: readonly [y: number, x: number] },
  ): NetTensor {
    const { channels, kernel = 3, stride = 2, padding = 'same', activation = 'none', name = 'transposed' } = options;
    const [[kernelY, kernelX], [strideY, strideX]] = [both(kernel), both(stride)];
    const [batch = 1, height = 1, width = 1, depth = 1] = input.shape;
    const grow = (size: number, window: number, step: number): number =>
      padding === 'same' ? size * step : (size - 1) * step + window;
    const { size = [grow(height, kernelY, strideY), grow(width, kernelX, strideX)] } = options;
    // Every output cell gets about this many of the kernel's taps.
    const taps = Math.max(1, (kernelY * kernelX * depth) / (strideY * strideX));
    const place = this.#weighted(input, { name, ...options }, [channels, kernelY, kernelX, depth], 0, taps);
    const shape = [batch, ...size, channels];
    const inputs = [this.#int32(`${name}/shape`, shape), place.weights, input.index, ...place.bias];
    return this.#operator('TRANSPOSE_CONV', inputs, this.#output(name, shape, place), {
      padding: Padding[padding],
      strideX,
      strideY,
      activation: Activation[activation],
    });
  }

  /** Shapes that differ are broadcast as in NumPy. */
  add(a: NetTensor, b: NetTensor, { activation = 'none', name = 'add', ...output }: Output & Fused = {}): NetTensor {
    const spread = { mean: a.mean + b.mean, deviation: Math.sqrt(a.deviation ** 2 + b.deviation ** 2) };
    const target = this.#output(name, broadcast(a.shape, b.shape), this.#chosen(spread, activation, output));
    return this.#operator('ADD', [a.index, b.index], target, { activation: Activation[activation] });
  }

  multiply(
    a: NetTensor,
    b: NetTensor,
    { activation = 'none', name = 'multiply', ...output }: Output & Fused = {},
  ): NetTensor {
    const mean = a.mean * b.mean;
    const spread = { mean, deviation: Math.sqrt(meanSquare(a) * meanSquare(b) - mean * mean) };
    const target = this.#output(name, broadcast(a.shape, b.shape), this.#chosen(spread, activation, output));
    return this.#operator('MUL', [a.index, b.index], target, { activation: Activation[activation] });
  }

  /** All of one scale and zero point, which the output has too: TFLite's int8 kernel wants it so. */
  concatenate(
    inputs: readonly NetTensor[],
    { axis = 3, name = 'concatenation' }: { axis?: number; name?: string } = {},
  ): NetTensor {
    const first = inputs[0]!;
    const along = axis < 0 ? axis + first.shape.length : axis;
    const shape = first.shape.map((size, i) =>
      i === along ? inputs.reduce((sum, { shape }) => sum + shape[i]!, 0) : size,
    );
    const target = this.#like(first, name, shape, spreadOfAll(inputs));
    return this.#operator(
      'CONCATENATION',
      inputs.map(({ index }) => index),
      target,
      { axis, activation: 0 },
    );
  }

  averagePool(input: NetTensor, options: Window & Fused & { readonly name?: string } = {}): NetTensor {
    const [y, x] = both(options.kernel ?? 2);
    // Neighbours resemble each other, so the mean of n deviates more than 1/sqrt(n).
    const deviation = input.deviation / Math.sqrt(Math.sqrt(y * x));
    return this.#pool('AVERAGE_POOL_2D', input, { name: 'average', ...options }, { mean: input.mean, deviation });
  }

  maxPool(input: NetTensor, options: Window & Fused & { readonly name?: string } = {}): NetTensor {
    const spread = { mean: input.mean + input.deviation, deviation: input.deviation * 0.8 };
    return this.#pool('MAX_POOL_2D', input, { name: 'max', ...options }, spread);
  }

  mean(
    input: NetTensor,
    options: Output & { readonly axes?: readonly number[]; readonly keepDims?: boolean } = {},
  ): NetTensor {
    const { axes = [1, 2], keepDims = true, name = 'mean', ...output } = options;
    const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + input.shape.length : axis)));
    const count = [...reduced].reduce((total, axis) => total * input.shape[axis]!, 1);
    const spread = { mean: input.mean, deviation: input.deviation / Math.sqrt(Math.sqrt(count)) };
    const shape = input.shape.flatMap((size, axis) => (!reduced.has(axis) ? [size] : keepDims ? [1] : []));
    const target = this.#output(name, shape, this.#chosen(spread, 'none', output));
    return this.#operator('MEAN', [input.index, this.#int32(`${name}/axes`, axes)], target, {
      keepDims: Number(keepDims),
    });
  }

  /** paddings: [before, after] of every dimension. valueQ: what to pad with, by PADV2; the zero point, by PAD, if left out. */
  pad(
    input: NetTensor,
    paddings: readonly (readonly [number, number])[],
    { name = 'pad', valueQ }: { readonly name?: string; readonly valueQ?: number } = {},
  ): NetTensor {
    const shape = input.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]);
    const inputs = [input.index, this.#int32(`${name}/paddings`, paddings.flat(), [paddings.length, 2])];
    if (valueQ === undefined) return this.#operator('PAD', inputs, this.#like(input, name, shape), {});
    const { scale, zeroPoint } = input;
    const value = this.constant([], { name: `${name}/value`, scale, zeroPoint, valueAt: () => valueQ });
    return this.#operator('PADV2', [...inputs, value.index], this.#like(input, name, shape), {});
  }

  reshape(input: NetTensor, shape: readonly number[], { name = 'reshape' } = {}): NetTensor {
    assert.equal(product(shape), product(input.shape), 'a reshape keeps every value');
    return this.#operator(
      'RESHAPE',
      [input.index, this.#int32(`${name}/shape`, shape)],
      this.#like(input, name, shape),
      {},
    );
  }

  /** begin, end, strides: one per entry, as in tf.strided_slice; masks are bits by entry. */
  stridedSlice(
    input: NetTensor,
    options: {
      readonly begin: readonly number[];
      readonly end: readonly number[];
      readonly strides?: readonly number[];
      readonly beginMask?: number;
      readonly endMask?: number;
      readonly ellipsisMask?: number;
      readonly newAxisMask?: number;
      readonly shrinkAxisMask?: number;
      readonly name?: string;
    },
  ): NetTensor {
    const { begin, end, name = 'slice' } = options;
    const { beginMask = 0, endMask = 0, ellipsisMask = 0, newAxisMask = 0, shrinkAxisMask = 0 } = options;
    const { strides = begin.map(() => 1) } = options;
    const has = (mask: number, entry: number): boolean => ((mask >> entry) & 1) !== 0;
    const named = begin.filter((_, entry) => !has(ellipsisMask | newAxisMask, entry)).length;
    let dimension = 0;
    const shape = begin.flatMap((from, entry): readonly number[] => {
      if (has(ellipsisMask, entry)) {
        const first = dimension;
        dimension += input.shape.length - named;
        return input.shape.slice(first, dimension);
      }
      if (has(newAxisMask, entry)) return [1];
      const size = input.shape[dimension]!;
      dimension += 1;
      if (has(shrinkAxisMask, entry)) return [];
      return [sliceSize(size, from, end[entry]!, strides[entry]!, has(beginMask, entry), has(endMask, entry))];
    });
    const constants = Object.entries({ begin, end, strides }).map(([what, values]) =>
      this.#int32(`${name}/${what}`, values),
    );
    const target = this.#like(input, name, [...shape, ...input.shape.slice(dimension)]);
    return this.#operator('STRIDED_SLICE', [input.index, ...constants], target, {
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
      offset: 0,
    });
  }

  resizeNearest(input: NetTensor, size: readonly [y: number, x: number], options: ResizeOptions = {}): NetTensor {
    return this.#resize('RESIZE_NEAREST_NEIGHBOR', input, size, { name: 'nearest', ...options });
  }

  resizeBilinear(input: NetTensor, size: readonly [y: number, x: number], options: ResizeOptions = {}): NetTensor {
    return this.#resize('RESIZE_BILINEAR', input, size, { name: 'bilinear', ...options });
  }

  /** Its output scale is 1/256 from -128 on: TFLite takes no other. */
  softmax(input: NetTensor, { beta = 1, name = 'softmax' } = {}): NetTensor {
    const mean = 1 / input.shape.at(-1)!;
    const place = { scale: 1 / 256, zeroPoint: -128, mean, deviation: mean };
    return this.#operator('SOFTMAX', [input.index], this.#output(name, input.shape, place), { beta });
  }

  /** Its output scale is 1/256 from -128 on: TFLite takes no other. */
  logistic(input: NetTensor, { name = 'logistic' } = {}): NetTensor {
    const place = { scale: 1 / 256, zeroPoint: -128, mean: 0.5, deviation: 0.25 };
    return this.#operator('LOGISTIC', [input.index], this.#output(name, input.shape, place), {});
  }

  hardSwish(input: NetTensor, { name = 'hard_swish', ...output }: Output = {}): NetTensor {
    return this.#valueWise('HARD_SWISH', input, name, output, (x) => (x * clamp(x + 3, 0, 6)) / 6, {});
  }

  relu(input: NetTensor, { name = 'relu', ...output }: Output = {}): NetTensor {
    return this.#valueWise('RELU', input, name, output, (x) => Math.max(0, x), {});
  }

  relu6(input: NetTensor, { name = 'relu6', ...output }: Output = {}): NetTensor {
    return this.#valueWise('RELU6', input, name, output, (x) => clamp(x, 0, 6), {});
  }

  leakyRelu(
    input: NetTensor,
    { alpha = 0.1, name = 'leaky_relu', ...output }: Output & { readonly alpha?: number } = {},
  ): NetTensor {
    return this.#valueWise('LEAKY_RELU', input, name, output, (x) => (x < 0 ? alpha * x : x), {
      alpha: Math.fround(alpha),
    });
  }

  /** From float32 or any quantised tensor to `type`, int8 if left out. */
  quantize(
    input: NetTensor,
    { type = TensorType.int8, name = 'quantize', ...output }: Output & { type?: number } = {},
  ): NetTensor {
    const place = this.#chosen(input, 'none', output, type);
    return this.#operator('QUANTIZE', [input.index], this.#output(name, input.shape, place, type), {});
  }

  dequantize(input: NetTensor, { name = 'dequantize' } = {}): NetTensor {
    const target = this.#output(name, input.shape, { ...input, scale: 1, zeroPoint: 0 }, TensorType.float32);
    return this.#operator('DEQUANTIZE', [input.index], target, {});
  }

  #valueWise<Name extends OperatorName>(
    operator: Name,
    input: NetTensor,
    name: string,
    output: Output,
    value: (real: number) => number,
    options: Options<Name>,
  ): NetTensor {
    const chosen = this.#chosen(mapped(input, value), 'none', output, TensorType.int8, rangeOf(input, value));
    return this.#operator(operator, [input.index], this.#output(name, input.shape, chosen), options);
  }

  #pool(
    operator: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D',
    input: NetTensor,
    {
      kernel = 2,
      stride = 2,
      padding = 'valid',
      activation = 'none',
      name,
    }: Window & Fused & { readonly name: string },
    spread: Spread,
  ): NetTensor {
    const [[filterY, filterX], [strideY, strideX]] = [both(kernel), both(stride)];
    const shape = [input.shape[0]!, ...windowed(input, { kernel, stride, padding }), input.shape[3]!];
    const target = this.#like(input, name, shape, mapped(spread, CLAMPS[activation]));
    return this.#operator(operator, [input.index], target, {
      padding: Padding[padding],
      strideX,
      strideY,
      filterX,
      filterY,
      activation: Activation[activation],
    });
  }

  #resize(
    operator: 'RESIZE_NEAREST_NEIGHBOR' | 'RESIZE_BILINEAR',
    input: NetTensor,
    size: readonly [y: number, x: number],
    { alignCorners = false, halfPixelCenters = false, name }: ResizeOptions & { readonly name: string },
  ): NetTensor {
    const shape = [input.shape[0]!, ...size, input.shape[3]!];
    return this.#operator(operator, [input.index, this.#int32(`${name}/size`, size)], this.#like(input, name, shape), {
      alignCorners: Number(alignCorners),
      halfPixelCenters: Number(halfPixelCenters),
    });
  }

  /** Weights and bias of a convolution or matrix, and how its output is quantised. taps: products in one sum. */
  #weighted(
    input: NetTensor,
    options: Weighted & { readonly name: string },
    shape: readonly number[],
    dimension: number,
    taps: number,
    biasDemanded = false,
  ): Place & { readonly weights: number; readonly bias: readonly number[] } {
    const { name, activation = 'none', bias = true, perTensor = false, spreadQ = 60, powersOfTwo = false } = options;
    const { weights = () => this.random.integer(-127, 127) } = options;
    const inputRms = Math.max(Math.sqrt(meanSquare(input)), input.scale);
    const deviation =
      options.scale === undefined ? clamp(inputRms * this.random.real(0.7, 1.4), 0.3, 4) : options.scale * spreadQ;
    const place = this.#chosen({ mean: 0, deviation }, activation, options);

    const channels = shape[dimension]!;
    const largest =
      options.factor === undefined
        ? deviation / (inputRms * Math.sqrt(taps) * WEIGHT_DEVIATION * 0.8)
        : (options.factor * place.scale) / input.scale;
    const scales = Array.from({ length: perTensor ? 1 : channels }, () => {
      const scale = largest * this.random.real(0.6, 1);
      return Math.fround(powersOfTwo ? powerOfTwoBelow(scale) : scale);
    });
    const valueAt = weights === 'ends' ? () => this.random.pick([-127, 127]) : weights;
    const values = Int8Array.from({ length: product(shape) }, (_, i) => valueAt(i));
    const biasScales = Array.from({ length: channels }, (_, i) => Math.fround(input.scale * (scales[i] ?? scales[0]!)));
    const biases = biasScales.map((scale, channel) => {
      if (typeof bias === 'function') return bias(channel);
      const most = Math.min(2 ** 30, Math.ceil((0.5 * deviation) / scale));
      return bias ? this.random.integer(-most, most) : 0;
    });
    const quantization = (scales: readonly number[], dimension: number): Quantization => {
      return { scales, zeroPoints: scales.map(() => 0), dimension };
    };
    return {
      ...place,
      weights: this.#raw(
        `${name}/weight`,
        shape,
        TensorType.int8,
        new Uint8Array(values.buffer),
        quantization(scales, dimension),
      ),
      // CONV_2D demands a bias tensor, even if all of it is zero.
      bias:
        bias !== false || biasDemanded
          ? [
              this.#raw(
                `${name}/bias`,
                [channels],
                TensorType.int32,
                int32Bytes(biases),
                quantization(perTensor ? biasScales.slice(0, 1) : biasScales, 0),
              ),
            ]
          : [],
    };
  }

  /** Scale and zero point that hold the values before the activation, as far as it lets them through. */
  #chosen(
    spread: Spread,
    activation: keyof typeof Activation,
    { scale, zeroPoint }: Output,
    type: number = TensorType.int8,
    range: Range = rangeOf(spread, CLAMPS[activation]),
  ): Place {
    const least = type === TensorType.int8 ? -128 : 0;
    const [low, high] = [Math.min(range.low, 0), Math.max(range.high, 0)];
    // An activation may let through next to nothing; a scale far below those of the inputs is one that TFLite refuses.
    const width = Math.max(high - low, 0.2 * (Math.abs(spread.mean) + spread.deviation), 1e-6);
    // Jitter: scales of a trained network are no round numbers of each other.
    const chosen = scale ?? (width / 255) * this.random.real(0.97, 1.08);
    return {
      ...mapped(spread, CLAMPS[activation]),
      scale: Math.fround(chosen),
      zeroPoint: zeroPoint ?? clamp(Math.round(least - low / chosen), least, least + 255),
    };
  }

  #output(name: string, shape: readonly number[], place: Place, type: number = TensorType.int8): NetTensor {
    return this.#tensor(name, shape, type, place.scale, place.zeroPoint, place);
  }

  /** An output in the units of an input. */
  #like(input: NetTensor, name: string, shape: readonly number[], spread: Spread = input): NetTensor {
    return this.#tensor(name, shape, input.type, input.scale, input.zeroPoint, spread);
  }

  #operator<Name extends OperatorName>(
    name: Name,
    inputs: readonly number[],
    output: NetTensor,
    options: Options<Name>,
  ): NetTensor {
    const { code, options: table } = OPERATORS[name];
    const index = this.#operators.length;
    const values = options as Readonly<Record<string, number>>;
    this.#operators.push({ index, code, inputs, outputs: [output.index], options: values, hasOptions: table !== 0 });
    return output;
  }

  #tensor(
    name: string,
    shape: readonly number[],
    type: number,
    scale: number,
    zeroPoint: number,
    { mean, deviation }: Spread,
    data?: Uint8Array,
  ): NetTensor {
    const isReal = type === TensorType.float32;
    const [scales, zeroPoints] = isReal ? [[], []] : [[Math.fround(scale)], [zeroPoint]];
    const index = this.#raw(name, shape, type, data, { scales, zeroPoints, dimension: 0 });
    const found = this.#tensors[index]!;
    return {
      index,
      name: found.name,
      shape,
      type,
      scale: scales[0] ?? 1,
      zeroPoint: zeroPoints[0] ?? 0,
      mean,
      // Where everything is clamped to one value, the next scale would be chosen for nothing.
      deviation: Math.max(deviation, scales[0] ?? 0),
    };
  }

  #int32(name: string, values: readonly number[], shape: readonly number[] = [values.length]): number {
    const quantization = { scales: [], zeroPoints: [], dimension: 0 };
    return this.#raw(name, shape, TensorType.int32, int32Bytes(values), quantization);
  }

  #raw(
    wanted: string,
    shape: readonly number[],
    type: number,
    data: Uint8Array | undefined,
    quantization: Quantization,
  ): number {
    const index = this.#tensors.length;
    const name = this.#names.has(wanted) ? `${wanted}_${index}` : wanted;
    this.#names.add(name);
    this.#tensors.push({ index, name, shape, type, quantization, data });
    return index;
  }
}

export type ResizeOptions = {
  readonly alignCorners?: boolean;
  readonly halfPixelCenters?: boolean;
  readonly name?: string;
};

type Place = Spread & { readonly scale: number; readonly zeroPoint: number };
type Range = { readonly low: number; readonly high: number };

const CLAMPS: Readonly<Record<keyof typeof Activation, (real: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(0, x),
  reluN1To1: (x) => clamp(x, -1, 1),
  relu6: (x) => clamp(x, 0, 6),
};

function rangeOf(spread: Spread, value: (real: number) => number): Range {
  const reals = samples(spread, DEVIATIONS).map(value);
  return { low: Math.min(...reals), high: Math.max(...reals) };
}

/** Spread after a function; values are taken as uniform, which is close enough to choose a scale by. */
function mapped(spread: Spread, value: (real: number) => number): Spread {
  return spreadOf(samples(spread, Math.sqrt(3)).map(value));
}

function samples({ mean, deviation }: Spread, reach: number): number[] {
  return Array.from({ length: 65 }, (_, i) => mean + (i / 32 - 1) * reach * deviation);
}

function spreadOf(reals: readonly number[]): Spread {
  const mean = reals.reduce((sum, real) => sum + real, 0) / reals.length;
  const square = reals.reduce((sum, real) => sum + (real - mean) ** 2, 0) / reals.length;
  return { mean, deviation: Math.sqrt(square) };
}

function spreadOfAll(tensors: readonly NetTensor[]): Spread {
  return spreadOf(tensors.flatMap((tensor) => samples(tensor, Math.sqrt(3))));
}

function spreadOfBytes(scale: number, zeroPoint: number, type: number): Spread {
  if (type === TensorType.float32) return { mean: 0, deviation: 1 };
  const middle = type === TensorType.int8 ? -0.5 : 127.5;
  return { mean: scale * (middle - zeroPoint), deviation: scale * BYTE_DEVIATION };
}

function meanSquare({ mean, deviation }: Spread): number {
  return mean * mean + deviation * deviation;
}

/** Height and width of what a window leaves: tensorflow/lite/kernels/padding.h, ComputeOutSize. */
function windowed(
  { shape }: NetTensor,
  { kernel = 1, stride = 1, dilation = 1, padding = 'same' }: Window & { dilation?: Pair },
): number[] {
  const [kernels, strides, dilations] = [both(kernel), both(stride), both(dilation)];
  return [0, 1].map((axis) => {
    const [size, step] = [shape[1 + axis]!, strides[axis]!];
    const reach = (kernels[axis]! - 1) * dilations[axis]! + 1;
    const cells = Math.floor((padding === 'same' ? size + step - 1 : size + step - reach) / step);
    assert.ok(cells >= 1, `a window of ${reach} cells leaves nothing of ${size}`);
    return cells;
  });
}

/** Entries of one dimension, as tf.strided_slice counts them. */
function sliceSize(
  size: number,
  begin: number,
  end: number,
  stride: number,
  fromStart: boolean,
  toEnd: boolean,
): number {
  const [least, most] = stride > 0 ? [0, size] : [-1, size - 1];
  const place = (at: number): number => clamp(at < 0 ? at + size : at, least, most);
  const first = fromStart ? (stride > 0 ? 0 : size - 1) : place(begin);
  const last = toEnd ? (stride > 0 ? size : -1) : place(end);
  return Math.max(0, Math.ceil((last - first) / stride));
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (shape: readonly number[], i: number): number => shape[i - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [sizeAt(a, i), sizeAt(b, i)];
    assert.ok(m === n || m === 1 || n === 1, `shapes [${a}] and [${b}] do not broadcast`);
    return Math.max(m, n);
  });
}

function both(pair: Pair): readonly [y: number, x: number] {
  return typeof pair === 'number' ? [pair, pair] : pair;
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function powerOfTwoBelow(value: number): number {
  let power = 1;
  while (power > value) power /= 2;
  while (2 * power <= value) power *= 2;
  return power;
}

function int32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}
