/**
 * What the operators on TensorFlow.js have in common. All tensors are float32 and hold quantised values as whole numbers
 * (or real ones, where the model has float32), so every operator that computes ends like those of TFLite: back to whole
 * steps of its output, clamped. Sums of products stay exact in float32 up to 2^24; what differs from our own engine is how a
 * sum becomes a step again (one float32 factor and halves to the even one, as in XNNPACK, where TFLite has fixed-point
 * factors), which is at most one step per operator.
 */
import type { ActivationRange } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import type { Tensor, TensorFlow } from './tensorflow.ts';

/** Input tensors in the operator's order → output, in any shape of the right size. Runs inside of `tidy`. */
export type Execute = (inputs: readonly Tensor[]) => Tensor;
/** Takes what is constant once; what it makes of it is kept for life. */
export type Prepare<Operator> = (operator: Operator, tf: TensorFlow) => Execute;

/** Steps of the output's scale → values of the output: whole, moved by the zero point, clamped. */
export function quantised(tf: TensorFlow, steps: Tensor, output: GraphTensor, range: ActivationRange): Tensor {
  return tf.clipByValue(tf.add(tf.round(steps), output.zeroPoint), range.minQ, range.maxQ);
}

/** Without an activation. */
export function wholeRange({ kind }: GraphTensor): ActivationRange {
  return kind === 'uint8' ? { minQ: 0, maxQ: 255 } : { minQ: -128, maxQ: 127 };
}
