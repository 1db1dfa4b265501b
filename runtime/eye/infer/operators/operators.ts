/**
 * The operators this engine runs: for each of TFLite's names its check, for each checked kind its lowering.
 * To add an operator: its name and options in schema.ts, a file here with type, check and lowering, a kernel in
 * ../kernels, golden cases in scripts/golden.
 */
import type { OperatorName } from '../schema.ts';
import { type Addition, checkAddition, lowerAddition } from './addition.ts';
import type { Check } from './checking.ts';
import { type Convolution, checkConvolution, checkDepthwiseConvolution } from './convolution.ts';
import { lowerConvolution } from './convolution-kernels.ts';
import { checkDequantize, checkQuantize, type Edge, lowerEdge } from './edges.ts';
import { checkFullyConnected, type FullyConnected, lowerFullyConnected } from './fully-connected.ts';
import type { Command, Lower, Lowering } from './lowering.ts';
import {
  type Concatenation,
  checkConcatenation,
  checkResizeNearest,
  type Doubling,
  lowerConcatenation,
  lowerResizeNearest,
} from './moves.ts';
import { checkMultiplication, lowerMultiplication, type Multiplication } from './multiplication.ts';
import { checkSoftmax, lowerSoftmax, type Softmax } from './softmax.ts';
import {
  checkHardSwish,
  checkLeakyRelu,
  checkLogistic,
  checkRelu,
  checkRelu6,
  type LookUp,
  lowerLookUp,
} from './unary.ts';

export type GraphOperator =
  | Convolution
  | Addition
  | Concatenation
  | Doubling
  | Edge
  | FullyConnected
  | LookUp
  | Multiplication
  | Softmax;

export const CHECKS: Readonly<Partial<Record<OperatorName, Check<GraphOperator>>>> = {
  ADD: checkAddition,
  CONCATENATION: checkConcatenation,
  CONV_2D: checkConvolution,
  DEPTHWISE_CONV_2D: checkDepthwiseConvolution,
  DEQUANTIZE: checkDequantize,
  FULLY_CONNECTED: checkFullyConnected,
  HARD_SWISH: checkHardSwish,
  LEAKY_RELU: checkLeakyRelu,
  LOGISTIC: checkLogistic,
  MUL: checkMultiplication,
  QUANTIZE: checkQuantize,
  RELU: checkRelu,
  RELU6: checkRelu6,
  RESIZE_NEAREST_NEIGHBOR: checkResizeNearest,
  SOFTMAX: checkSoftmax,
};

const LOWERINGS: { readonly [Kind in GraphOperator['kind']]: Lower<Extract<GraphOperator, { kind: Kind }>> } = {
  addition: lowerAddition,
  concatenation: lowerConcatenation,
  convolution: lowerConvolution,
  doubling: lowerResizeNearest,
  edge: lowerEdge,
  'fully connected': lowerFullyConnected,
  multiplication: lowerMultiplication,
  softmax: lowerSoftmax,
  table: lowerLookUp,
};

export function lower(operator: GraphOperator, lowering: Lowering): readonly Command[] {
  // The key and the parameter belong together, which the compiler cannot see through the union.
  return (LOWERINGS[operator.kind] as Lower<GraphOperator>)(operator, lowering);
}
