/** Operators on TensorFlow.js that compute value by value, or row by row. */
import type { Addition } from '../operators/addition.ts';
import type { Edge } from '../operators/edges.ts';
import type { FullyConnected } from '../operators/fully-connected.ts';
import type { Multiplication } from '../operators/multiplication.ts';
import type { Softmax } from '../operators/softmax.ts';
import type { LookUp } from '../operators/unary.ts';
import type { GraphTensor } from '../tensor.ts';
import { prepareConvolution } from './convolution.ts';
import { type Execute, quantised, wholeRange } from './quantised.ts';
import type { Tensor, TensorFlow } from './tensorflow.ts';

/** Values of another shape are repeated by TensorFlow.js itself, which aligns shapes as numpy does. */
export function prepareAddition({ inputs: [a, b], output, range }: Addition, tf: TensorFlow): Execute {
  const steps = (values: Tensor, tensor: GraphTensor): Tensor =>
    tf.mul(tf.sub(values, tensor.zeroPoint), tensor.scale / output.scale);
  return ([valuesA, valuesB]) => quantised(tf, tf.add(steps(valuesA!, a), steps(valuesB!, b)), output, range);
}

export function prepareMultiplication({ inputs: [a, b], output, range }: Multiplication, tf: TensorFlow): Execute {
  const factor = (a.scale * b.scale) / output.scale;
  return ([valuesA, valuesB]) => {
    const products = tf.mul(tf.sub(valuesA!, a.zeroPoint), tf.sub(valuesB!, b.zeroPoint));
    return quantised(tf, tf.mul(products, factor), output, range);
  };
}

export function prepareFullyConnected({ convolution }: FullyConnected, tf: TensorFlow): Execute {
  return prepareConvolution(convolution, tf);
}

/** The entries are ours, made for XNNPACK's rounding; what is checked is that they are applied to the right values. */
export function prepareLookUp({ inputs: [input], output, entries }: LookUp, tf: TensorFlow): Execute {
  const bytes = entries('fp32');
  const [inputRange, outputRange] = [wholeRange(input), wholeRange(output)];
  // By value instead of by raw byte: index 0 is the least value.
  const table = Float32Array.from({ length: 256 }, (_, i) => {
    const byte = bytes[(i + inputRange.minQ) & 255]!;
    return outputRange.minQ < 0 ? (byte << 24) >> 24 : byte;
  });
  const kept = tf.tensor(table, [256]);
  return ([values]) =>
    tf.gather(kept, tf.cast(tf.sub(tf.reshape(values!, [input.count]), inputRange.minQ), 'int32'), 0);
}

export function prepareSoftmax({ inputs: [input], output, beta }: Softmax, tf: TensorFlow): Execute {
  return ([values]) =>
    quantised(tf, tf.div(tf.softmax(tf.mul(values!, input.scale * beta)), output.scale), output, wholeRange(output));
}

export function prepareEdge({ inputs: [input], output, isQuantize }: Edge, tf: TensorFlow): Execute {
  if (!isQuantize) return ([values]) => tf.mul(tf.sub(values!, input.zeroPoint), input.scale);
  return ([values]) => quantised(tf, tf.div(values!, output.scale), output, wholeRange(output));
}
