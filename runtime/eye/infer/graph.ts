/**
 * Checked graph: what a `.tflite` file asks for, in terms that the kernels can serve, or a list of everything in it
 * that they cannot. After this module nothing about the model is uncertain: shapes fit, constants have the right size,
 * every tensor is written once and before it is read, scales are positive, and fixed-point factors are computed.
 *
 * Operators: CONV_2D, DEPTHWISE_CONV_2D, ADD (equal shapes), CONCATENATION (channels, equal scales) and
 * RESIZE_NEAREST_NEIGHBOR (exactly doubling), all int8 with int32 bias and per-channel or per-tensor weights.
 * Arithmetic is that of TFLite's reference kernels (tensorflow/lite/kernels/internal/reference/integer_ops).
 *
 * Memory: weights stay views into the file; nothing is copied here.
 */
import { ModelError } from '../../errors.ts';
import { operatorName } from './operators.ts';
import {
  type ActivationRange,
  activationRange,
  addMultipliers,
  type FixedPoint,
  quantizeMultiplier,
} from './quantize.ts';
import { BuiltinOperator, TensorType, type TfliteModel, type TfliteOperator, type TfliteTensor } from './tflite.ts';

/** One int8 tensor that is computed per frame: [1, heightCells, widthCells, channelCount], real = scale × (q - zeroPoint). */
export type GraphTensor = {
  /** Position in the file, unique. */
  readonly index: number;
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  /** Product of the shape; one byte per value, channels last. */
  readonly bytes: number;
  readonly scale: number;
  readonly zeroPoint: number;
};

export type Convolution = {
  readonly kind: 'convolution';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly depthwise: boolean;
  /** Output channels per input channel; 1 unless depthwise. */
  readonly depthMultiplier: number;
  /** [outputChannel, y, x, inputChannel]; depthwise [1, y, x, outputChannel] */
  readonly weights: Int8Array;
  readonly kernelY: number;
  readonly kernelX: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  /** Rows and columns of zeroes that the input gets above and on its left; those below and right follow from the shapes. */
  readonly padTop: number;
  readonly padLeft: number;
  /** One per output channel, in units of input scale × weight scale. */
  readonly bias: Int32Array;
  /** One per output channel: input scale × weight scale / output scale. */
  readonly factors: readonly FixedPoint[];
  readonly range: ActivationRange;
};

export type Addition = {
  readonly kind: 'addition';
  readonly index: number;
  readonly inputs: readonly [GraphTensor, GraphTensor];
  readonly output: GraphTensor;
  readonly factors: { readonly a: FixedPoint; readonly b: FixedPoint; readonly out: FixedPoint };
  readonly range: ActivationRange;
};

/** Along channels; all tensors have one scale, so bytes are moved and not computed. */
export type Concatenation = {
  readonly kind: 'concatenation';
  readonly index: number;
  readonly inputs: readonly GraphTensor[];
  readonly output: GraphTensor;
};

/** Nearest neighbour to twice the height and width. */
export type Doubling = {
  readonly kind: 'doubling';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
};

export type GraphOperator = Convolution | Addition | Concatenation | Doubling;

export type Graph = {
  /** In the order of execution. */
  readonly operators: readonly GraphOperator[];
  /** By the names of the signature. */
  readonly inputs: ReadonlyMap<string, GraphTensor>;
  readonly outputs: ReadonlyMap<string, GraphTensor>;
};

/** Multiply-adds of one run of the whole graph. */
export function countMacs(graph: Graph): number {
  return graph.operators.reduce((sum, operator) => {
    if (operator.kind !== 'convolution') return sum;
    const taps = operator.kernelY * operator.kernelX * (operator.depthwise ? 1 : operator.inputs[0].shape[3]);
    return sum + taps * operator.output.bytes;
  }, 0);
}

/** Thrown inside a check of one operator; caught by checkGraph, which goes on with the next one. */
class Unsupported extends Error {}

/**
 * Checks a parsed model. Throws ModelError `MODEL_UNSUPPORTED` whose message has one line per problem, each with the
 * operator's name and index and the names of its tensors.
 */
export function checkGraph(model: TfliteModel): Graph {
  const problems: string[] = [];
  const written = new Map<number, GraphTensor>();
  const failed = new Set<number>();
  const inputs = new Map<string, GraphTensor>();
  for (const [name, index] of model.signature.inputs) {
    try {
      const tensor = activation(at(model, index));
      if (at(model, index).data !== undefined) refuse('is a constant');
      inputs.set(name, tensor);
      written.set(index, tensor);
    } catch (error) {
      problems.push(`input ${name} ${reason(error)}`);
      failed.add(index);
    }
  }

  const operators: GraphOperator[] = [];
  for (const operator of model.operators) {
    try {
      const checked = checkOperator(model, operator, written, failed);
      if (written.has(checked.output.index)) refuse(`writes tensor ${checked.output.name}, which was written before`);
      written.set(checked.output.index, checked.output);
      operators.push(checked);
    } catch (error) {
      const text = reason(error);
      if (text !== '') problems.push(`${describe(model, operator)} ${text}`);
      // Readers of a tensor that failed are not reported again: one fault, one line.
      for (const index of operator.outputs) failed.add(index);
    }
  }

  const outputs = new Map<string, GraphTensor>();
  for (const [name, index] of model.signature.outputs) {
    const tensor = written.get(index);
    // It would hand out the picture itself.
    if ([...inputs.values()].some((input) => input.index === index)) problems.push(`output ${name} is an input`);
    else if (tensor !== undefined) outputs.set(name, tensor);
    else if (!failed.has(index)) problems.push(`output ${name} is not computed by any operator`);
  }
  if (model.operators.length === 0) problems.push('the model has no operators');
  if (problems.length > 0) {
    throw new ModelError('MODEL_UNSUPPORTED', problems.join('\n'), {
      op: 'check model',
      hint: 'Export the model as int8 with the operators named in runtime/eye/infer/graph.ts.',
    });
  }
  return { operators, inputs, outputs };
}

function checkOperator(
  model: TfliteModel,
  operator: TfliteOperator,
  written: ReadonlyMap<number, GraphTensor>,
  failed: ReadonlySet<number>,
): GraphOperator {
  const known: readonly number[] = Object.values(BuiltinOperator);
  if (!known.includes(operator.code)) refuse(`is not supported; expected ${known.map(operatorName).join(', ')}`);
  if (!operator.options.present && operator.code !== BuiltinOperator.add) refuse('has no options of its own kind');
  const outputIndex = operator.outputs[0];
  if (operator.outputs.length !== 1 || outputIndex === undefined || outputIndex < 0) {
    refuse(`has ${operator.outputs.length} outputs; expected 1`);
  }
  if (at(model, outputIndex).data !== undefined) refuse('writes a constant');
  const output = activation(at(model, outputIndex));
  const read = (position: number): GraphTensor => {
    const index = operator.inputs[position] ?? -1;
    const tensor = written.get(index);
    if (tensor !== undefined) return tensor;
    // An empty reason: the fault was reported where the tensor should have been written.
    if (failed.has(index)) refuse('');
    return refuse(`reads ${index < 0 ? 'an absent tensor' : at(model, index).name}, which no operator before it wrote`);
  };
  const expectInputs = (least: number, most: number): void => {
    const count = operator.inputs.length;
    if (count < least || count > most)
      refuse(`has ${count} inputs; expected ${least === most ? least : `${least} to ${most}`}`);
  };
  const { index } = operator;
  switch (operator.code) {
    case BuiltinOperator.conv2d:
    case BuiltinOperator.depthwiseConv2d:
      expectInputs(2, 3);
      return checkConvolution(model, operator, read(0), output);
    case BuiltinOperator.add:
      expectInputs(2, 2);
      return checkAddition(operator, read(0), read(1), output);
    case BuiltinOperator.concatenation:
      expectInputs(1, 16);
      return checkConcatenation(
        operator,
        operator.inputs.map((_, position) => read(position)),
        output,
      );
    default: {
      expectInputs(2, 2);
      const input = read(0);
      const size = constantInt32(constant(model, operator, 1), 2);
      const { alignCorners } = operator.options;
      const [, height, width, channels] = input.shape;
      // Doubling is the one factor at which every variant but align_corners picks the same neighbours, without
      // any float rounding (reference/resize_nearest_neighbor.h, GetNearestNeighbor).
      if (alignCorners) refuse('has align_corners; expected none');
      if (size[0] !== 2 * height || size[1] !== 2 * width) {
        refuse(`makes ${size[0]} x ${size[1]} of ${height} x ${width}; expected twice the height and width`);
      }
      expectShape(output, [1, 2 * height, 2 * width, channels]);
      expectSameScale([input], output);
      return { kind: 'doubling', index, inputs: [input], output };
    }
  }
}

function checkConvolution(
  model: TfliteModel,
  operator: TfliteOperator,
  input: GraphTensor,
  output: GraphTensor,
): Convolution {
  const { options, index } = operator;
  const depthwise = operator.code === BuiltinOperator.depthwiseConv2d;
  const weights = constant(model, operator, 1);
  if (weights.type !== TensorType.int8)
    refuse(`has weights of type ${weights.type}; expected int8 (${TensorType.int8})`);
  const [first, kernelY, kernelX, last] = rank4(weights);
  const [, inputHeight, inputWidth, inputChannels] = input.shape;
  const outputChannels = depthwise ? last : first;
  if (kernelY === 0 || kernelX === 0 || outputChannels === 0) refuse(`has weights of shape [${weights.shape}]`);
  if (!depthwise && last !== inputChannels) {
    refuse(`has weights for ${last} input channels; expected ${inputChannels}`);
  }
  const depthMultiplier = depthwise ? outputChannels / inputChannels : 1;
  if (depthwise && (first !== 1 || !Number.isInteger(depthMultiplier) || depthMultiplier !== options.depthMultiplier)) {
    refuse(
      `has weights of shape [${weights.shape}] and depth multiplier ${options.depthMultiplier} for ${inputChannels} channels`,
    );
  }
  if (weights.data?.length !== first * kernelY * kernelX * last)
    refuse(`has ${weights.data?.length ?? 0} bytes of weights for shape [${weights.shape}]`);

  const { scales, zeroPoints, dimension } = weights.quantization;
  if (scales.length !== 1 && scales.length !== outputChannels) {
    refuse(`has ${scales.length} weight scales; expected 1 or ${outputChannels}`);
  }
  if (scales.length > 1 && dimension !== (depthwise ? 3 : 0)) refuse(`has weight scales along dimension ${dimension}`);
  if (scales.some((scale) => !(scale > 0 && Number.isFinite(scale)))) refuse('has a weight scale that is not positive');
  if (zeroPoints.some((zeroPoint) => zeroPoint !== 0)) refuse('has weights with a zero point; expected 0');

  const { strideX, strideY, dilationX, dilationY } = options;
  for (const step of [strideX, strideY, dilationX, dilationY]) {
    if (!(step >= 1 && step <= 16))
      refuse(`has stride ${strideY} x ${strideX}, dilation ${dilationY} x ${dilationX}; expected 1 to 16`);
  }
  const vertical = placeKernel(options.padding, inputHeight, kernelY, strideY, dilationY);
  const horizontal = placeKernel(options.padding, inputWidth, kernelX, strideX, dilationX);
  expectShape(output, [1, vertical.outputSize, horizontal.outputSize, outputChannels]);

  let bias = new Int32Array(outputChannels);
  if ((operator.inputs[2] ?? -1) !== -1) {
    const tensor = constant(model, operator, 2);
    bias = constantInt32(tensor, outputChannels);
    if (tensor.quantization.zeroPoints.some((zeroPoint) => zeroPoint !== 0))
      refuse('has a bias with a zero point; expected 0');
    // TFLite takes this for granted; a bias in other units would give silently wrong results.
    tensor.quantization.scales.forEach((scale, channel) => {
      const expected = input.scale * (scales[channel] ?? scales[0]!);
      if (!(Math.abs(scale - expected) <= 1e-3 * expected)) {
        refuse(`has bias scale ${scale} in channel ${channel}; expected input scale x weight scale, ${expected}`);
      }
    });
  }
  const factors = Array.from({ length: outputChannels }, (_, channel) =>
    quantizeMultiplier((input.scale * (scales[channel] ?? scales[0]!)) / output.scale),
  );
  if (factors.some((factor) => factor.shift > 15)) refuse('scales its sums by more than 32768');
  return {
    kind: 'convolution',
    index,
    inputs: [input],
    output,
    depthwise,
    depthMultiplier,
    weights: new Int8Array(weights.data.buffer, weights.data.byteOffset, weights.data.length),
    kernelY,
    kernelX,
    strideY,
    strideX,
    dilationY,
    dilationX,
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
    bias,
    factors,
    range: rangeOf(operator, output),
  };
}

/** tensorflow/lite/kernels/padding.h: ComputeOutSize and ComputePaddingWithOffset. padding: 0 SAME, 1 VALID. */
function placeKernel(padding: number, inputSize: number, kernel: number, stride: number, dilation: number) {
  const reach = (kernel - 1) * dilation + 1;
  if (padding !== 0 && padding !== 1) refuse(`has padding ${padding}; expected SAME (0) or VALID (1)`);
  const outputSize = Math.floor((padding === 0 ? inputSize + stride - 1 : inputSize + stride - reach) / stride);
  if (outputSize < 1) refuse(`has a kernel of ${reach} cells for an input of ${inputSize}`);
  const padBefore = Math.floor(Math.max(0, (outputSize - 1) * stride + reach - inputSize) / 2);
  return { outputSize, padBefore };
}

function checkAddition(operator: TfliteOperator, a: GraphTensor, b: GraphTensor, output: GraphTensor): Addition {
  expectShape(output, a.shape);
  expectShape(output, b.shape);
  const factors = addMultipliers(a.scale, b.scale, output.scale);
  // add.cc refuses the same (QuantizeMultiplierSmallerThanOneExp); shift 0 would need another rounding rule.
  if (factors.out.shift >= 0) refuse(`has an output scale too small for its inputs`);
  return { kind: 'addition', index: operator.index, inputs: [a, b], output, factors, range: rangeOf(operator, output) };
}

function checkConcatenation(
  operator: TfliteOperator,
  inputs: readonly GraphTensor[],
  output: GraphTensor,
): Concatenation {
  const { axis, activation: fused } = operator.options;
  if (axis !== 3 && axis !== -1) refuse(`joins along axis ${axis}; expected 3, channels`);
  if (fused !== 0) refuse(`has fused activation ${fused}; expected none`);
  const [, height, width] = output.shape;
  const channels = inputs.reduce((sum, input) => sum + input.shape[3], 0);
  for (const input of inputs) expectShape(input, [1, height, width, input.shape[3]]);
  expectShape(output, [1, height, width, channels]);
  expectSameScale(inputs, output);
  return { kind: 'concatenation', index: operator.index, inputs, output };
}

function rangeOf(operator: TfliteOperator, output: GraphTensor): ActivationRange {
  const { activation: fused } = operator.options;
  if (fused < 0 || fused > 3) refuse(`has fused activation ${fused}; expected none, RELU, RELU_N1_TO_1 or RELU6`);
  const range = activationRange(fused, output.scale, output.zeroPoint);
  if (range.minQ > range.maxQ) refuse('has an activation range without any value');
  return range;
}

function activation(tensor: TfliteTensor): GraphTensor {
  if (tensor.type !== TensorType.int8)
    refuse(`has tensor ${tensor.name} of type ${tensor.type}; expected int8 (${TensorType.int8})`);
  const shape = rank4(tensor);
  if (shape[0] !== 1 || shape.some((size) => size < 1))
    refuse(`has tensor ${tensor.name} of shape [${shape}]; expected [1, y, x, channel]`);
  const bytes = shape[1] * shape[2] * shape[3];
  if (bytes > 1 << 26) refuse(`has tensor ${tensor.name} of ${bytes} bytes; at most ${1 << 26} are taken`);
  const { scales, zeroPoints } = tensor.quantization;
  const [scale, zeroPoint] = [scales[0] ?? 0, zeroPoints[0] ?? 0];
  if (
    scales.length !== 1 ||
    zeroPoints.length !== 1 ||
    !(scale > 0 && Number.isFinite(scale)) ||
    zeroPoint < -128 ||
    zeroPoint > 127
  ) {
    refuse(
      `has tensor ${tensor.name} with scales [${scales}], zero points [${zeroPoints}]; expected one scale above 0, one zero point of -128..127`,
    );
  }
  return { index: tensor.index, name: tensor.name, shape, bytes, scale, zeroPoint };
}

function rank4(tensor: TfliteTensor): readonly [number, number, number, number] {
  const [n, y, x, c] = tensor.shape;
  if (tensor.shape.length !== 4 || n === undefined || y === undefined || x === undefined || c === undefined) {
    return refuse(`has tensor ${tensor.name} of shape [${tensor.shape}]; expected four dimensions`);
  }
  return [n, y, x, c];
}

function constant(model: TfliteModel, operator: TfliteOperator, position: number): TfliteTensor {
  const index = operator.inputs[position] ?? -1;
  if (index < 0) return refuse(`lacks input ${position}`);
  const tensor = at(model, index);
  if (tensor.data === undefined) refuse(`has input ${tensor.name} computed; expected a constant`);
  return tensor;
}

function constantInt32(tensor: TfliteTensor, count: number): Int32Array<ArrayBuffer> {
  const { data } = tensor;
  if (tensor.type !== TensorType.int32 || data?.length !== 4 * count) {
    return refuse(
      `has tensor ${tensor.name} of type ${tensor.type} with ${data?.length ?? 0} bytes; expected ${count} int32`,
    );
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
}

function expectShape(tensor: GraphTensor, expected: readonly number[]): void {
  if (tensor.shape.some((size, i) => size !== expected[i])) {
    refuse(`has tensor ${tensor.name} of shape [${tensor.shape}]; expected [${expected}]`);
  }
}

function expectSameScale(inputs: readonly GraphTensor[], output: GraphTensor): void {
  for (const input of inputs) {
    if (input.scale !== output.scale || input.zeroPoint !== output.zeroPoint) {
      refuse(`would have to requantise ${input.name} for ${output.name}; expected the same scale and zero point`);
    }
  }
}

function at(model: TfliteModel, index: number): TfliteTensor {
  const tensor = model.tensors[index];
  if (tensor === undefined) return refuse(`names tensor ${index}, which is not there`);
  return tensor;
}

function describe(model: TfliteModel, operator: TfliteOperator): string {
  const names = (indices: readonly number[]): string => indices.map((i) => model.tensors[i]?.name ?? 'none').join(', ');
  return `operator ${operator.index} ${operatorName(operator.code)} (${names(operator.inputs)} -> ${names(operator.outputs)})`;
}

function refuse(why: string): never {
  throw new Unsupported(why);
}

function reason(error: unknown): string {
  if (error instanceof Unsupported) return error.message;
  throw error;
}
