/**
 * Checked graph: what a `.tflite` file asks for, in terms that the kernels can serve, or a list of everything in it
 * that they cannot. After this module nothing about the model is uncertain: shapes fit, constants have the right size,
 * every tensor is written once and before it is read (so there are no cycles), scales are positive, and fixed-point
 * factors are computed. The checks of the single operators are in operators/.
 *
 * Memory: weights stay views into the file; nothing is copied here.
 */
import { ModelError } from '../../errors.ts';
import { refuse, type Site, Unsupported } from './operators/checking.ts';
import { convolutionMacs } from './operators/convolution.ts';
import { CHECKS, type GraphOperator } from './operators/operators.ts';
import { packedWeightCount, transposeConvolutionMacs } from './operators/transpose-convolution.ts';
import { knownOperator, OPERATORS, operatorName, TensorType } from './schema.ts';
import { type GraphTensor, type TensorKind, valueBytes } from './tensor.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './tflite.ts';

export type Graph = {
  /** In the order of execution. */
  readonly operators: readonly GraphOperator[];
  /** By the names of the signature, or of the tensors. */
  readonly inputs: ReadonlyMap<string, GraphTensor>;
  readonly outputs: ReadonlyMap<string, GraphTensor>;
};

/** One tensor may be this large; all together are bounded by the engine. */
const TENSOR_BYTES_MAX = 1 << 26;
/**
 * Weights and channels of all operators together. A hostile file can let a thousand operators read one large constant;
 * each would be packed on its own. MobileNetV3-large has 5.4 million weights and 25 thousand channels.
 */
const WEIGHTS_MAX = 1 << 25;
const CHANNELS_MAX = 1 << 17;

/** Multiply-adds of one run of the whole graph: those of its convolutions and matrices. */
export function countMacs(graph: Graph): number {
  return graph.operators.reduce((sum, operator) => sum + operatorMacs(operator), 0);
}

export function operatorMacs(operator: GraphOperator): number {
  if (operator.kind === 'fully connected') return convolutionMacs(operator.convolution);
  if (operator.kind === 'transpose convolution') return transposeConvolutionMacs(operator);
  return operator.kind === 'convolution' ? convolutionMacs(operator) : 0;
}

/** What packing an operator takes: weights, and channels (or entries of a table, which take about as much). */
function constantCost(operator: GraphOperator): { readonly weights: number; readonly channels: number } {
  switch (operator.kind) {
    case 'convolution':
      return { weights: operator.weights.length, channels: operator.outputChannels };
    case 'fully connected':
      return constantCost(operator.convolution);
    case 'transpose convolution':
      return { weights: packedWeightCount(operator), channels: operator.bias.length };
    case 'resize':
      return { weights: 0, channels: operator.outputHeight + operator.outputWidth };
    default:
      return { weights: 0, channels: 0 };
  }
}

/**
 * Checks a parsed model. Throws ModelError `MODEL_UNSUPPORTED` whose message has one line per problem, each with the
 * operator's name and index and the names of its tensors.
 */
export function checkGraph(model: TfliteModel): Graph {
  const problems: string[] = [];
  const written = new Map<number, GraphTensor>();
  const failed = new Set<number>();
  const inputs = new Map<string, GraphTensor>();
  for (const [name, index] of model.inputs) {
    try {
      if (at(model, index).data !== undefined) refuse('is a constant');
      const tensor = tensorOf(at(model, index));
      inputs.set(name, tensor);
      written.set(index, tensor);
    } catch (error) {
      problems.push(`input ${name} ${reason(error)}`);
      failed.add(index);
    }
  }

  const operators: GraphOperator[] = [];
  let weightCount = 0;
  let channelCount = 0;
  for (const operator of model.operators) {
    try {
      const checked = checkOperator(model, operator, written, failed);
      if (written.has(checked.output.index)) refuse(`writes tensor ${checked.output.name}, which was written before`);
      written.set(checked.output.index, checked.output);
      operators.push(checked);
      const cost = constantCost(checked);
      weightCount += cost.weights;
      channelCount += cost.channels;
    } catch (error) {
      const text = reason(error);
      if (text !== '') problems.push(`${describe(model, operator)} ${text}`);
      // Readers of a tensor that failed are not reported again: one fault, one line.
      for (const index of operator.outputs) failed.add(index);
    }
    if (weightCount > WEIGHTS_MAX || channelCount > CHANNELS_MAX) {
      throw new ModelError(
        'MODEL_TOO_LARGE',
        `the model has ${weightCount} weights and ${channelCount} channels up to operator ${operator.index}; at most ${WEIGHTS_MAX} and ${CHANNELS_MAX} are taken`,
        { op: 'check model', hint: 'Use a smaller model.' },
      );
    }
  }

  const outputs = new Map<string, GraphTensor>();
  for (const [name, index] of model.outputs) {
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
      hint: `Export the model as int8 with these operators only: ${Object.keys(OPERATORS).join(', ')}.`,
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
  const name = knownOperator(operator.code);
  const check = name && CHECKS[name];
  if (check === undefined) return refuse('is not supported');
  const outputIndex = operator.outputs[0];
  if (operator.outputs.length !== 1 || outputIndex === undefined || outputIndex < 0) {
    return refuse(`has ${operator.outputs.length} outputs; expected 1`);
  }
  if (at(model, outputIndex).data !== undefined) refuse('writes a constant');
  const site: Site = {
    operator,
    output: tensorOf(at(model, outputIndex)),
    inputCount: operator.inputs.length,
    input: (position) => {
      const index = operator.inputs[position] ?? -1;
      const tensor = written.get(index);
      if (tensor !== undefined) return tensor;
      // An empty reason: the fault was reported where the tensor should have been written.
      if (failed.has(index)) refuse('');
      if (index < 0) return refuse(`lacks input ${position}`);
      if (at(model, index).data !== undefined) return tensorOf(at(model, index));
      return refuse(`reads ${at(model, index).name}, which no operator before it wrote`);
    },
    constant: (position) => {
      const index = operator.inputs[position] ?? -1;
      if (index < 0) return refuse(`lacks input ${position}`);
      const tensor = at(model, index);
      if (tensor.data === undefined) return refuse(`has input ${tensor.name} computed; expected a constant`);
      return tensor;
    },
  };
  return check(site);
}

const KINDS: ReadonlyMap<number, TensorKind> = new Map([
  [TensorType.int8, 'int8'],
  [TensorType.uint8, 'uint8'],
  [TensorType.float32, 'float32'],
]);

/** A tensor that a kernel reads or writes. */
function tensorOf(tensor: TfliteTensor): GraphTensor {
  const { index, name, shape, data } = tensor;
  const kind = KINDS.get(tensor.type);
  if (kind === undefined) {
    return refuse(`has tensor ${name} of type ${tensor.type}; expected int8 (9), uint8 (3) or float32 (0)`);
  }
  if (shape.length > 6 || shape.some((size) => size < 1))
    refuse(`has tensor ${name} of shape [${shape}]; expected at most 6 dimensions of 1 and more`);
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = count * valueBytes(kind);
  if (bytes > TENSOR_BYTES_MAX) refuse(`has tensor ${name} of ${bytes} bytes; at most ${TENSOR_BYTES_MAX} are taken`);
  const common = { index, name, kind, shape, count, bytes };
  if (data !== undefined && data.length !== bytes)
    refuse(`has constant ${name} of ${data.length} bytes; expected ${bytes} for shape [${shape}]`);
  const constant = data === undefined ? {} : { constant: data };
  if (kind === 'float32') return { ...common, scale: 1, zeroPoint: 0, ...constant };

  const { scales, zeroPoints } = tensor.quantization;
  const [scale, zeroPoint] = [scales[0] ?? 0, zeroPoints[0] ?? 0];
  const least = kind === 'int8' ? -128 : 0;
  if (
    scales.length !== 1 ||
    zeroPoints.length !== 1 ||
    !(scale > 0 && Number.isFinite(scale)) ||
    zeroPoint < least ||
    zeroPoint > least + 255
  ) {
    refuse(
      `has tensor ${name} with scales [${scales}], zero points [${zeroPoints}]; expected one scale above 0, one zero point of ${least}..${least + 255}`,
    );
  }
  return { ...common, scale, zeroPoint, ...constant };
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

function reason(error: unknown): string {
  if (error instanceof Unsupported) return error.message;
  throw error;
}
