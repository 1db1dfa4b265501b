/**
 * Whole networks of public shapes, with random weights by seed: what people bring to a camera of this class. For golden
 * vectors, benches and the planner. All take int8 red, green and blue of bytes q = pixel - 128, one picture at a time.
 *
 * Sources: A. Howard et al., MobileNets (2017); M. Sandler et al., MobileNetV2 (2018), table 2; A. Howard et al., Searching
 * for MobileNetV3 (2019), table 2; Edge Impulse's FOMO (a MobileNet cut at stride 8 under a head of 1x1 convolutions);
 * person_detect of tflite-micro (MobileNetV1 0.25 of 96 x 96).
 */
import { Activation, type OperatorName, TensorType } from '../../runtime/eye/infer/schema.ts';
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NetBuilder, type NetTensor } from './build.ts';
import { Random } from './random.ts';

/** Names in the order of their size: about 2, 3, 7 and 20 million multiply-adds. */
export const NETS: Readonly<Record<string, () => TfliteModel>> = {
  small: smallNet,
  squeezed: squeezedNet,
  medium: mediumNet,
  large: largeNet,
};

/** Depthwise and pointwise, as MobileNetV1 has them. */
function separable(net: NetBuilder, input: NetTensor, channels: number, stride = 1): NetTensor {
  const depth = net.depthwise(input, { stride, activation: 'relu6' });
  return net.convolution(depth, { channels, activation: 'relu6' });
}

/** FOMO-like: 96 x 96, cut at stride 8, probabilities of 3 classes in 12 x 12 cells. */
function smallNet(): TfliteModel {
  const net = new NetBuilder(101);
  let last = net.convolution(net.input([1, 96, 96, 3]), { channels: 8, kernel: 3, stride: 2, activation: 'relu6' });
  for (const [channels, stride] of [
    [12, 1],
    [24, 2],
    [24, 1],
    [48, 2],
    [48, 1],
  ] as const) {
    last = separable(net, last, channels, stride);
  }
  const head = net.convolution(last, { channels: 32, activation: 'relu' });
  return net.model(net.softmax(net.convolution(head, { channels: 3 }), { name: 'classes' }));
}

/** MobileNetV1 0.25 of 96 x 96 with two classes, as person_detect is, but in colour. */
function mediumNet(): TfliteModel {
  const net = new NetBuilder(102);
  let last = net.convolution(net.input([1, 96, 96, 3]), { channels: 8, kernel: 3, stride: 2, activation: 'relu6' });
  for (const [channels, stride] of [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
    ...new Array<[128, 1]>(5).fill([128, 1]),
    [256, 2],
    [256, 1],
  ] as const) {
    last = separable(net, last, channels, stride);
  }
  const pooled = net.averagePool(last, { kernel: 3, stride: 2, padding: 'valid' });
  const scores = net.reshape(net.convolution(pooled, { channels: 2 }), [1, 2]);
  return net.model(net.softmax(scores, { name: 'classes' }));
}

/** MobileNetV2's block: wider inside by `expansion`, a shortcut where shapes allow. */
function inverted(net: NetBuilder, input: NetTensor, expansion: number, channels: number, stride: number): NetTensor {
  const inside = input.shape[3]! * expansion;
  const wide = expansion === 1 ? input : net.convolution(input, { channels: inside, activation: 'relu6' });
  const depth = net.depthwise(wide, { stride, activation: 'relu6' });
  const narrow = net.convolution(depth, { channels });
  return stride === 1 && channels === input.shape[3] ? net.add(input, narrow) : narrow;
}

/** MobileNetV2-0.35-like to stride 16 and back to stride 8: 192 x 144, heads of a detector of points and boxes. */
function largeNet(): TfliteModel {
  const net = new NetBuilder(103);
  let last = net.convolution(net.input([1, 144, 192, 3]), { channels: 8, kernel: 3, stride: 2, activation: 'relu6' });
  let fine = last;
  for (const [expansion, channels, stride] of [
    [1, 8, 1],
    [3, 12, 2],
    [5, 12, 1],
    [6, 16, 2],
    [6, 16, 1],
    [6, 32, 2],
    [6, 32, 1],
    [6, 32, 1],
    [6, 40, 1],
    [6, 40, 1],
  ] as const) {
    if (stride === 2) fine = last;
    last = inverted(net, last, expansion, channels, stride);
  }
  const coarse = net.convolution(last, { channels: 32, activation: 'relu6' });
  const twice = net.resizeNearest(coarse, [18, 24]);
  const joined = net.add(net.convolution(fine, { channels: 32 }), twice, { activation: 'relu' });
  const head = net.convolution(net.depthwise(joined, { activation: 'relu6' }), { channels: 32, activation: 'relu6' });
  return net.model(
    net.logistic(net.convolution(head, { channels: 1 }), { name: 'heat' }),
    net.convolution(head, { channels: 2, name: 'offset' }),
    net.convolution(head, { channels: 2, name: 'size' }),
  );
}

/** A constant that broadcasts to anything: the value is exactly 127 steps above -128. */
function scalar(net: NetBuilder, value: number): NetTensor {
  return net.constant([], { scale: value / 255, zeroPoint: -128, valueAt: () => 127 });
}

/** Squeeze and excite: a factor for each channel, by x -> clamp(x + 3, 0, 6) / 6. */
function excite(net: NetBuilder, input: NetTensor): NetTensor {
  const channels = input.shape[3]!;
  const squeezed = net.convolution(net.mean(input), { channels: Math.ceil(channels / 32) * 8, activation: 'relu' });
  const lifted = net.add(net.convolution(squeezed, { channels }), scalar(net, 3), { activation: 'relu6' });
  return net.multiply(input, net.multiply(lifted, scalar(net, 1 / 6)));
}

/** MobileNetV3-small of about half the width, 96 x 96: 5x5 depthwise, squeeze and excite, HARD_SWISH, two matrices. */
function squeezedNet(): TfliteModel {
  const net = new NetBuilder(104);
  let last = net.hardSwish(net.convolution(net.input([1, 96, 96, 3]), { channels: 8, kernel: 3, stride: 2 }));
  for (const [kernel, inside, channels, squeezes, swishes, stride] of [
    [3, 8, 8, true, false, 2],
    [3, 40, 16, false, false, 2],
    [3, 48, 16, false, false, 1],
    [5, 48, 24, true, true, 2],
    [5, 120, 24, true, true, 1],
    [5, 64, 24, true, true, 1],
    [5, 144, 48, true, true, 2],
    [5, 288, 48, true, true, 1],
  ] as const) {
    // A RELU is fused into the convolution before it, as the converter does; HARD_SWISH cannot be.
    const activation = swishes ? 'none' : 'relu';
    const swished = (tensor: NetTensor): NetTensor => (swishes ? net.hardSwish(tensor) : tensor);
    const wide = swished(net.convolution(last, { channels: inside, activation }));
    let depth = swished(net.depthwise(wide, { kernel, stride, activation }));
    if (squeezes) depth = excite(net, depth);
    const narrow = net.convolution(depth, { channels });
    last = stride === 1 && channels === last.shape[3] ? net.add(last, narrow) : narrow;
  }
  const wide = net.hardSwish(net.convolution(last, { channels: 288 }));
  const values = net.mean(wide, { keepDims: false });
  const hidden = net.hardSwish(net.fullyConnected(values, { channels: 128 }));
  return net.model(net.softmax(net.fullyConnected(hidden, { channels: 10 }), { name: 'classes' }));
}

const ACTIVATIONS = Object.keys(Activation) as (keyof typeof Activation)[];

/**
 * A small valid graph over many operators, with branches, tensors read twice and several outputs: for properties of the
 * planner and for golden vectors. only: operators it may have; all if left out.
 */
export function randomGraph(seed: number, only?: ReadonlySet<OperatorName>): TfliteModel {
  const random = new Random(seed ^ 0x5eed);
  const net = new NetBuilder(seed);
  const read = new Set<number>();
  const made: NetTensor[] = [];
  const tensors: NetTensor[] = [];
  for (let i = random.integer(1, 2); i > 0; i -= 1) {
    const shape = [1, random.integer(2, 10), random.integer(2, 10), random.pick([1, 3, 4, 5, 8, 8, 16, 24])];
    tensors.push(net.input(shape, { scale: random.real(0.005, 0.03), zeroPoint: random.integer(-128, 127) }));
  }
  const use = (tensor: NetTensor): NetTensor => {
    read.add(tensor.index);
    return tensor;
  };
  const steps = (Object.entries(STEPS) as [OperatorName, Step][]).filter(([name]) => only?.has(name) ?? true);
  for (let left = random.integer(3, 12); left > 0; left -= 1) {
    // Mostly the newest tensor, so that graphs are deep; now and then an old one, so that they branch.
    const input = random.integer(0, 3) > 0 ? tensors.at(-1)! : random.pick(tensors);
    const [, step] = random.pick(steps);
    const output = step({ net, random, input, others: tensors, use });
    if (output === undefined) continue;
    read.add(input.index);
    made.push(output);
    tensors.push(output);
  }
  // A graph needs an operator even if no step fitted.
  if (made.length === 0) made.push(net.convolution(tensors[0]!, { channels: 2 }));
  return net.model(...made.filter(({ index }, i) => !read.has(index) || i === made.length - 1));
}

type Draw = {
  readonly net: NetBuilder;
  readonly random: Random;
  readonly input: NetTensor;
  readonly others: readonly NetTensor[];
  /** Marks a second input as read. */
  readonly use: (tensor: NetTensor) => NetTensor;
};
/** One operator on the input, or undefined where it does not fit. */
type Step = (draw: Draw) => NetTensor | undefined;

const isImage = ({ shape, type }: NetTensor): boolean => shape.length === 4 && type === TensorType.int8;
const isInt8 = ({ type }: NetTensor): boolean => type === TensorType.int8;
const count = ({ shape }: NetTensor): number => shape.reduce((total, size) => total * size, 1);
/** Graphs stay small whatever is drawn. */
const VALUES_MAX = 4096;

/** A second operand: a tensor of the same shape, or a constant that broadcasts. */
function operand({ net, random, input, others, use }: Draw): NetTensor {
  const same = others.filter((one) => isInt8(one) && String(one.shape) === String(input.shape));
  if (random.integer(0, 2) > 0) return use(random.pick(same));
  const shape = random.pick([[], [input.shape.at(-1) ?? 1], input.shape]);
  return net.constant(shape, { scale: random.real(0.005, 0.03), zeroPoint: random.integer(-20, 20) });
}

const onImages =
  (step: Step): Step =>
  (draw) =>
    isImage(draw.input) && count(draw.input) <= VALUES_MAX ? step(draw) : undefined;
const onInt8 =
  (step: Step): Step =>
  (draw) =>
    isInt8(draw.input) ? step(draw) : undefined;

const STEPS: Readonly<Partial<Record<OperatorName, Step>>> = {
  CONV_2D: onImages(({ net, random, input }) =>
    net.convolution(input, {
      channels: random.pick([1, 3, 5, 8, 16]),
      kernel: random.pick([1, 1, 2, 3, 5]),
      stride: random.pick([1, 1, 2]),
      activation: random.pick(ACTIVATIONS),
    }),
  ),
  DEPTHWISE_CONV_2D: onImages(({ net, random, input }) =>
    net.depthwise(input, {
      kernel: random.pick([1, 3, 3, 5]),
      stride: random.pick([1, 1, 2]),
      multiplier: random.pick([1, 1, 1, 2]),
      activation: random.pick(ACTIVATIONS),
    }),
  ),
  ADD: onInt8((draw) => draw.net.add(draw.input, operand(draw), { activation: draw.random.pick(ACTIVATIONS) })),
  MUL: onInt8((draw) => draw.net.multiply(draw.input, operand(draw), { activation: draw.random.pick(ACTIVATIONS) })),
  CONCATENATION: onImages(({ net, random, input, others, use }) => {
    const { scale, zeroPoint } = input;
    const fitting = others.filter(
      (one) => isImage(one) && String(one.shape.slice(0, 3)) === String(input.shape.slice(0, 3)),
    );
    const other = random.pick(fitting);
    const alike = other.scale === scale && other.zeroPoint === zeroPoint;
    return net.concatenate([
      input,
      alike ? use(other) : net.convolution(use(other), { channels: 4, scale, zeroPoint }),
    ]);
  }),
  AVERAGE_POOL_2D: onImages(({ net, random, input }) =>
    net.averagePool(input, {
      kernel: random.pick([2, 3]),
      stride: random.pick([1, 2]),
      padding: 'same',
      activation: random.pick(ACTIVATIONS),
    }),
  ),
  MAX_POOL_2D: onImages(({ net, random, input }) =>
    net.maxPool(input, {
      kernel: random.pick([2, 3]),
      stride: random.pick([1, 2]),
      padding: 'same',
      activation: random.pick(ACTIVATIONS),
    }),
  ),
  MEAN: onImages(({ net, random, input }) => net.mean(input, { keepDims: random.integer(0, 1) === 1 })),
  PAD: onImages(({ net, random, input }) =>
    net.pad(input, [
      [0, 0],
      [random.integer(0, 2), random.integer(0, 2)],
      [random.integer(0, 2), random.integer(0, 2)],
      [0, random.integer(0, 1)],
    ]),
  ),
  RESHAPE: onInt8(({ net, random, input }) =>
    net.reshape(
      input,
      random.pick([
        [1, count(input)],
        [1, 1, 1, count(input)],
        [1, 1, ...input.shape.slice(-1), count(input) / input.shape.at(-1)!],
      ]),
    ),
  ),
  FULLY_CONNECTED: onInt8(({ net, random, input }) =>
    net.fullyConnected(input, {
      channels: random.integer(1, 12),
      keepDims: random.integer(0, 1) === 1,
      perTensor: random.integer(0, 1) === 1,
      activation: random.pick(ACTIVATIONS),
    }),
  ),
  TRANSPOSE_CONV: onImages(({ net, random, input }) =>
    net.transposeConvolution(input, {
      channels: random.pick([2, 5, 8]),
      kernel: random.pick([2, 3, 4]),
      stride: random.pick([1, 2]),
    }),
  ),
  STRIDED_SLICE: onImages(({ net, random, input }) => {
    const [, height = 1, width = 1, channels = 1] = input.shape;
    return net.stridedSlice(input, {
      begin: [0, random.integer(0, height - 1), random.integer(0, width - 1), 0],
      end: [1, height, width, channels],
      strides: [1, random.integer(1, 2), random.integer(1, 2), 1],
    });
  }),
  RESIZE_NEAREST_NEIGHBOR: onImages(({ net, random, input }) =>
    net.resizeNearest(input, [2 * input.shape[1]!, 2 * input.shape[2]!], {
      halfPixelCenters: random.integer(0, 1) === 1,
    }),
  ),
  RESIZE_BILINEAR: onImages(({ net, random, input }) =>
    net.resizeBilinear(input, [random.integer(1, 12), random.integer(1, 12)], {
      halfPixelCenters: random.integer(0, 1) === 1,
    }),
  ),
  // Where exponentials sum to 256 and more, an assertion of TFLite's reference kernel ends the process (gemmlowp's
  // RoundingDivideByPOT is asked for more than 31 bits).
  SOFTMAX: onInt8(({ net, input }) => ((input.shape.at(-1) ?? 256) < 256 ? net.softmax(input) : undefined)),
  LOGISTIC: onInt8(({ net, input }) => net.logistic(input)),
  HARD_SWISH: onInt8(({ net, input }) => net.hardSwish(input)),
  RELU: onInt8(({ net, input }) => net.relu(input)),
  RELU6: onInt8(({ net, input }) => net.relu6(input)),
  LEAKY_RELU: onInt8(({ net, random, input }) => net.leakyRelu(input, { alpha: random.real(0.05, 0.5) })),
  QUANTIZE: ({ net, random, input }) =>
    net.quantize(input, {
      type: input.type === TensorType.int8 ? random.pick([TensorType.int8, TensorType.uint8]) : TensorType.int8,
    }),
  DEQUANTIZE: ({ net, input }) => (input.type === TensorType.float32 ? undefined : net.dequantize(input)),
};
