/**
 * Runs an int8 TfliteModel in float32 through TensorFlow.js, which has no int8 operators: weights are turned into real
 * numbers once, activations are not rounded between the layers, and bias and activation are fused into the convolutions
 * as TensorFlow.js offers. The results so differ from int8 by as much as the rounding of all layers does.
 */
import {
  Activation,
  knownOperator,
  type OperatorName,
  operatorName,
  TensorType,
} from '../../runtime/eye/infer/schema.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from '../../runtime/eye/infer/tflite.ts';

/** As much of TensorFlow.js as is used; opaque tensors, and functions by the names of js.tensorflow.org/api. */
export type Tensor = { dataSync(): Float32Array };
type Padding = 'same' | 'valid';
type Pair = readonly [y: number, x: number];
type FusedConvolution = (options: {
  readonly x: Tensor;
  readonly filter: Tensor;
  readonly strides: Pair;
  readonly pad: Padding;
  readonly dilations: Pair;
  readonly bias?: Tensor;
  readonly activation: string;
}) => Tensor;
export type Tf = {
  readonly version: unknown;
  setBackend(name: string): Promise<boolean>;
  tidy<Result>(body: () => Result): Result;
  tensor(values: ArrayLike<number>, shape: readonly number[], kind: 'float32'): Tensor;
  dispose(tensors: readonly Tensor[]): void;
  readonly fused: {
    readonly conv2d: FusedConvolution;
    readonly depthwiseConv2d: FusedConvolution;
    matMul(options: {
      readonly a: Tensor;
      readonly b: Tensor;
      readonly transposeB: boolean;
      readonly bias?: Tensor;
      readonly activation: string;
    }): Tensor;
  };
  readonly image: {
    resizeNearestNeighbor(x: Tensor, size: Pair, alignCorners: boolean, halfPixelCenters: boolean): Tensor;
  };
  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  avgPool(x: Tensor, filter: Pair, strides: Pair, pad: Padding): Tensor;
  maxPool(x: Tensor, filter: Pair, strides: Pair, pad: Padding): Tensor;
  mean(x: Tensor, axes: readonly number[], keepDims: boolean): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  softmax(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  relu6(x: Tensor): Tensor;
  leakyRelu(x: Tensor, alpha: number): Tensor;
  clipByValue(x: Tensor, min: number, max: number): Tensor;
};

/** One operator with its constants at hand. inputs: those that are computed, in the order of the file. */
type Step = (inputs: readonly Tensor[]) => Tensor;

/** inputs and outputs in the order of the model's maps, NHWC, real numbers. Intermediate tensors are disposed of. */
export function floatNet(tf: Tf, model: TfliteModel): (inputs: readonly Tensor[]) => Tensor[] {
  const steps = model.operators.map((operator) => {
    const name = knownOperator(operator.code);
    const make = name === undefined ? undefined : STEPS[name];
    if (make === undefined)
      throw new Error(`operator ${operator.index} ${operatorName(operator.code)} has no float32 form here`);
    const step = make({ tf, model, operator });
    const inputs = operator.inputs.filter((index) => index >= 0 && model.tensors[index]!.data === undefined);
    return { step, inputs, output: operator.outputs[0]! };
  });
  const inputIndices = [...model.inputs.values()];
  const outputIndices = [...model.outputs.values()];
  const values = new Array<Tensor>(model.tensors.length);
  return (inputs) =>
    tf.tidy(() => {
      inputIndices.forEach((index, i) => {
        values[index] = inputs[i]!;
      });
      for (const { step, inputs: read, output } of steps) values[output] = step(read.map((index) => values[index]!));
      return outputIndices.map((index) => values[index]!);
    });
}

type Site = { readonly tf: Tf; readonly model: TfliteModel; readonly operator: TfliteOperator };

function tensorAt({ model, operator }: Site, position: number): TfliteTensor {
  const tensor = model.tensors[operator.inputs[position] ?? -1];
  if (tensor === undefined) throw new Error(`operator ${operator.index} lacks input ${position}`);
  return tensor;
}

/** Real values of a constant; scales along `channelOf` the value's position. */
function realValues(
  tensor: TfliteTensor,
  scales: readonly number[],
  channelOf: (position: number) => number,
): Float32Array {
  const bytes = Uint8Array.from(tensor.data!);
  const whole = tensor.type === TensorType.int32 ? new Int32Array(bytes.buffer) : new Int8Array(bytes.buffer);
  const zeroPoint = tensor.quantization.zeroPoints[0] ?? 0;
  return Float32Array.from(
    whole,
    (q, i) => (q - zeroPoint) * (scales.length === 1 ? scales[0]! : scales[channelOf(i)]!),
  );
}

function biasOf(site: Site): { bias?: Tensor } {
  if ((site.operator.inputs[2] ?? -1) < 0) return {};
  const tensor = tensorAt(site, 2);
  const [inputScale = 0] = tensorAt(site, 0).quantization.scales;
  const scales = tensorAt(site, 1).quantization.scales.map((scale) => scale * inputScale);
  return {
    bias: site.tf.tensor(
      realValues(tensor, scales, (i) => i),
      tensor.shape,
      'float32',
    ),
  };
}

function paddingOf({ options }: TfliteOperator): Padding {
  return options['padding'] === 0 ? 'same' : 'valid';
}

function stridesOf({ options }: TfliteOperator): Pair {
  return [options['strideY'] ?? 1, options['strideX'] ?? 1];
}

/** Name of the activation that can be fused, and what must be done afterwards where there is none. */
function activationOf(site: Site): { readonly activation: string; readonly after: (x: Tensor) => Tensor } {
  const { activation } = site.operator.options;
  const same = (x: Tensor): Tensor => x;
  if (activation === Activation.relu) return { activation: 'relu', after: same };
  if (activation === Activation.relu6) return { activation: 'relu6', after: same };
  if (activation === Activation.reluN1To1) return { activation: 'linear', after: (x) => site.tf.clipByValue(x, -1, 1) };
  return { activation: 'linear', after: same };
}

/** The same for operators that fuse nothing. */
function afterwards(site: Site): (x: Tensor) => Tensor {
  const { activation, after } = activationOf(site);
  if (activation === 'relu') return (x) => site.tf.relu(x);
  if (activation === 'relu6') return (x) => site.tf.relu6(x);
  return after;
}

function convolution(site: Site): Step {
  const { tf, operator } = site;
  const weights = tensorAt(site, 1);
  const [outputs = 1, height = 1, width = 1, inputs = 1] = weights.shape;
  const taps = height * width * inputs;
  const real = realValues(weights, weights.quantization.scales, (i) => Math.floor(i / taps));
  // [out, y, x, in] → [y, x, in, out]
  const turned = real.map((_, i) => real[(i % outputs) * taps + Math.floor(i / outputs)]!);
  const filter = tf.tensor(turned, [height, width, inputs, outputs], 'float32');
  return convolve(site, filter, tf.fused.conv2d, [
    operator.options['dilationY'] ?? 1,
    operator.options['dilationX'] ?? 1,
  ]);
}

function depthwise(site: Site): Step {
  const { tf, operator } = site;
  const weights = tensorAt(site, 1);
  const [, height = 1, width = 1, outputs = 1] = weights.shape;
  const inputs = tensorAt(site, 0).shape[3] ?? 1;
  const real = realValues(weights, weights.quantization.scales, (i) => i % outputs);
  const filter = tf.tensor(real, [height, width, inputs, outputs / inputs], 'float32');
  const { dilationY = 1, dilationX = 1 } = operator.options;
  return convolve(site, filter, tf.fused.depthwiseConv2d, [dilationY, dilationX]);
}

function convolve(site: Site, filter: Tensor, run: FusedConvolution, dilations: Pair): Step {
  const { activation, after } = activationOf(site);
  const options = {
    filter,
    strides: stridesOf(site.operator),
    pad: paddingOf(site.operator),
    dilations,
    ...biasOf(site),
    activation,
  };
  return ([x]) => after(run({ x: x!, ...options }));
}

function fullyConnected(site: Site): Step {
  const { tf, model, operator } = site;
  const weights = tensorAt(site, 1);
  const [, inputs = 1] = weights.shape;
  const real = realValues(weights, weights.quantization.scales, (i) => Math.floor(i / inputs));
  const { activation, after } = activationOf(site);
  const options = { b: tf.tensor(real, weights.shape, 'float32'), transposeB: true, ...biasOf(site), activation };
  const { shape } = model.tensors[operator.outputs[0]!]!;
  return ([x]) => tf.reshape(after(tf.fused.matMul({ a: tf.reshape(x!, [-1, inputs]), ...options })), shape);
}

/** ADD and MUL; one side may be a constant. */
function binary(combine: (tf: Tf, a: Tensor, b: Tensor) => Tensor): (site: Site) => Step {
  return (site) => {
    const { tf } = site;
    const after = afterwards(site);
    const constants = [0, 1].map((position) => {
      const tensor = tensorAt(site, position);
      if (tensor.data === undefined) return undefined;
      return tf.tensor(
        realValues(tensor, tensor.quantization.scales, (i) => i),
        tensor.shape,
        'float32',
      );
    });
    return (inputs) => {
      const computed = [...inputs];
      const [a, b] = constants.map((constant) => constant ?? computed.shift()!);
      return after(combine(tf, a!, b!));
    };
  };
}

function pool(kind: 'avgPool' | 'maxPool'): (site: Site) => Step {
  return (site) => {
    const { tf, operator } = site;
    const filter: Pair = [operator.options['filterY'] ?? 1, operator.options['filterX'] ?? 1];
    const after = afterwards(site);
    return ([x]) => after(tf[kind](x!, filter, stridesOf(operator), paddingOf(operator)));
  };
}

/** x × clamp(x + 3, 0, 6) / 6, which TensorFlow.js has no single operator for. */
function hardSwish({ tf }: Site): Step {
  const three = tf.tensor([3], [], 'float32');
  const sixth = tf.tensor([1 / 6], [], 'float32');
  return ([x]) => tf.mul(tf.mul(x!, sixth), tf.relu6(tf.add(x!, three)));
}

function int32s(tensor: TfliteTensor): number[] {
  return [...new Int32Array(Uint8Array.from(tensor.data!).buffer)];
}

const STEPS: Readonly<Partial<Record<OperatorName, (site: Site) => Step>>> = {
  ADD: binary((tf, a, b) => tf.add(a, b)),
  AVERAGE_POOL_2D: pool('avgPool'),
  CONCATENATION:
    ({ tf, operator }) =>
    (inputs) =>
      tf.concat(inputs, operator.options['axis'] ?? 0),
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: depthwise,
  FULLY_CONNECTED: fullyConnected,
  HARD_SWISH: hardSwish,
  LEAKY_RELU:
    ({ tf, operator }) =>
    ([x]) =>
      tf.leakyRelu(x!, operator.options['alpha'] ?? 0),
  LOGISTIC:
    ({ tf }) =>
    ([x]) =>
      tf.sigmoid(x!),
  MAX_POOL_2D: pool('maxPool'),
  MEAN: (site) => {
    const axes = int32s(tensorAt(site, 1));
    return ([x]) => site.tf.mean(x!, axes, site.operator.options['keepDims'] === 1);
  },
  MUL: binary((tf, a, b) => tf.mul(a, b)),
  RELU:
    ({ tf }) =>
    ([x]) =>
      tf.relu(x!),
  RELU6:
    ({ tf }) =>
    ([x]) =>
      tf.relu6(x!),
  RESHAPE:
    ({ tf, model, operator }) =>
    ([x]) =>
      tf.reshape(x!, model.tensors[operator.outputs[0]!]!.shape),
  RESIZE_NEAREST_NEIGHBOR: ({ tf, model, operator }) => {
    const [, height = 1, width = 1] = model.tensors[operator.outputs[0]!]!.shape;
    const { alignCorners, halfPixelCenters } = operator.options;
    return ([x]) => tf.image.resizeNearestNeighbor(x!, [height, width], alignCorners === 1, halfPixelCenters === 1);
  },
  SOFTMAX:
    ({ tf }) =>
    ([x]) =>
      tf.softmax(x!),
};
