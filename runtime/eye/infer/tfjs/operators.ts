/**
 * The checked operators on TensorFlow.js: for each kind the function that prepares it. quantised.ts says what they compute.
 */
import { ModelError } from '../../../errors.ts';
import type { GraphOperator } from '../operators/operators.ts';
import { prepareConvolution, prepareTransposeConvolution } from './convolution.ts';
import {
  prepareAddition,
  prepareEdge,
  prepareFullyConnected,
  prepareLookUp,
  prepareMultiplication,
  prepareSoftmax,
} from './elementwise.ts';
import type { Execute, Prepare } from './quantised.ts';
import {
  prepareConcatenation,
  prepareMean,
  preparePadding,
  preparePooling,
  prepareReshape,
  prepareResize,
  prepareSlice,
} from './spatial.ts';
import type { TensorFlow } from './tensorflow.ts';

const PREPARERS: { readonly [Kind in GraphOperator['kind']]?: Prepare<Extract<GraphOperator, { kind: Kind }>> } = {
  addition: prepareAddition,
  concatenation: prepareConcatenation,
  convolution: prepareConvolution,
  edge: prepareEdge,
  'fully connected': prepareFullyConnected,
  mean: prepareMean,
  multiplication: prepareMultiplication,
  padding: preparePadding,
  pooling: preparePooling,
  reshape: prepareReshape,
  resize: prepareResize,
  slice: prepareSlice,
  softmax: prepareSoftmax,
  table: prepareLookUp,
  'transpose convolution': prepareTransposeConvolution,
};

/** Throws ModelError `MODEL_UNSUPPORTED`, one line for each operator that is run by our own engine only. */
export function prepareOperators(operators: readonly GraphOperator[], tf: TensorFlow): Execute[] {
  const problems = operators
    .filter(({ kind }) => PREPARERS[kind] === undefined)
    .map(({ index, kind, output }) => `operator ${index} ${kind} (-> ${output.name}) is not run by engine tfjs`);
  if (problems.length > 0) {
    throw new ModelError('MODEL_UNSUPPORTED', problems.join('\n'), {
      op: 'prepare model',
      hint: 'Use model.engine wasm, which runs every operator that is accepted.',
    });
  }
  // The key and the parameter belong together, which the compiler cannot see through the union.
  return operators.map((operator) => (PREPARERS[operator.kind] as Prepare<GraphOperator>)(operator, tf));
}
