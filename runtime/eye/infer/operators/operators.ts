/**
 * The operators this engine runs: for each of TFLite's names its check, for each checked kind its lowering.
 * To add an operator: its name and options in schema.ts, a file here with type, check and lowering, a kernel in
 * ../kernels, golden cases in scripts/golden.
 */
import type { OperatorName } from '../schema.ts';
import { type Addition, checkAddition, lowerAddition } from './addition.ts';
import type { Check } from './checking.ts';
import { type Concatenation, checkConcatenation, lowerConcatenation } from './concatenation.ts';
import { type Convolution, checkConvolution, checkDepthwiseConvolution } from './convolution.ts';
import { lowerConvolution } from './convolution-kernels.ts';
import { checkDequantize, checkQuantize, type Edge, lowerEdge } from './edges.ts';
import { checkFullyConnected, type FullyConnected, lowerFullyConnected } from './fully-connected.ts';
import type { Command, Lower, Lowering } from './lowering.ts';
import { checkMean, lowerMean, type Mean } from './mean.ts';
import { checkMultiplication, lowerMultiplication, type Multiplication } from './multiplication.ts';
import { checkPad, checkPadV2, lowerPadding, type Padding } from './padding.ts';
import { checkAveragePool, checkMaxPool, lowerPooling, type Pooling } from './pooling.ts';
import { checkReshape, lowerReshape, type Reshape } from './reshape.ts';
import { checkResizeBilinear, checkResizeNearest, lowerResize, type Resize } from './resize.ts';
import { checkSoftmax, lowerSoftmax, type Softmax } from './softmax.ts';
import { checkStridedSlice, lowerStridedSlice, type StridedSlice } from './strided-slice.ts';
import {
  checkTransposeConvolution,
  lowerTransposeConvolution,
  type TransposeConvolution,
} from './transpose-convolution.ts';
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
  | Addition
  | Concatenation
  | Convolution
  | Edge
  | FullyConnected
  | LookUp
  | Mean
  | Multiplication
  | Padding
  | Pooling
  | Reshape
  | Resize
  | Softmax
  | StridedSlice
  | TransposeConvolution;

export const CHECKS: Readonly<Partial<Record<OperatorName, Check<GraphOperator>>>> = {
  ADD: checkAddition,
  AVERAGE_POOL_2D: checkAveragePool,
  CONCATENATION: checkConcatenation,
  CONV_2D: checkConvolution,
  DEPTHWISE_CONV_2D: checkDepthwiseConvolution,
  DEQUANTIZE: checkDequantize,
  FULLY_CONNECTED: checkFullyConnected,
  HARD_SWISH: checkHardSwish,
  LEAKY_RELU: checkLeakyRelu,
  LOGISTIC: checkLogistic,
  MAX_POOL_2D: checkMaxPool,
  MEAN: checkMean,
  MUL: checkMultiplication,
  PAD: checkPad,
  PADV2: checkPadV2,
  QUANTIZE: checkQuantize,
  RELU: checkRelu,
  RELU6: checkRelu6,
  RESHAPE: checkReshape,
  RESIZE_BILINEAR: checkResizeBilinear,
  RESIZE_NEAREST_NEIGHBOR: checkResizeNearest,
  SOFTMAX: checkSoftmax,
  STRIDED_SLICE: checkStridedSlice,
  TRANSPOSE_CONV: checkTransposeConvolution,
};

const LOWERINGS: { readonly [Kind in GraphOperator['kind']]: Lower<Extract<GraphOperator, { kind: Kind }>> } = {
  addition: lowerAddition,
  concatenation: lowerConcatenation,
  convolution: lowerConvolution,
  edge: lowerEdge,
  'fully connected': lowerFullyConnected,
  mean: lowerMean,
  multiplication: lowerMultiplication,
  padding: lowerPadding,
  pooling: lowerPooling,
  reshape: lowerReshape,
  resize: lowerResize,
  slice: lowerStridedSlice,
  softmax: lowerSoftmax,
  table: lowerLookUp,
  'transpose convolution': lowerTransposeConvolution,
};

export function lower(operator: GraphOperator, lowering: Lowering): readonly Command[] {
  // The key and the parameter belong together, which the compiler cannot see through the union.
  return (LOWERINGS[operator.kind] as Lower<GraphOperator>)(operator, lowering);
}
