/** Operators on TensorFlow.js that move or gather the cells of a picture. */
import type { Concatenation, Doubling } from '../operators/moves.ts';
import { imageShape } from '../tensor.ts';
import type { Execute } from './quantised.ts';
import type { TensorFlow } from './tensorflow.ts';

export function prepareConcatenation(_: Concatenation, tf: TensorFlow): Execute {
  return (inputs) => tf.concat(inputs, 3);
}

/** Every cell twice in both ways: copies laid side by side in two new dimensions. */
export function prepareDoubling({ inputs: [input] }: Doubling, tf: TensorFlow): Execute {
  const [, height, width, channels] = imageShape(input)!;
  return ([values]) => {
    const cells = tf.reshape(values!, [height, 1, width, 1, channels]);
    const row = tf.concat([cells, cells], 3);
    return tf.concat([row, row], 1);
  };
}
