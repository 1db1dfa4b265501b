/** Operators on TensorFlow.js that move, gather or average the cells of a picture. */
import type { Concatenation } from '../operators/concatenation.ts';
import type { Mean } from '../operators/mean.ts';
import { type Move, stepsOf } from '../operators/moves.ts';
import type { Padding } from '../operators/padding.ts';
import type { Pooling } from '../operators/pooling.ts';
import type { Reshape } from '../operators/reshape.ts';
import { linearNeighbours, nearestNeighbour, type Resize } from '../operators/resize.ts';
import type { StridedSlice } from '../operators/strided-slice.ts';
import { type GraphTensor, imageShape, valueBytes } from '../tensor.ts';
import { type Execute, quantised, wholeRange } from './quantised.ts';
import type { Tensor, TensorFlow } from './tensorflow.ts';
import { divideStrides, windowPaddings } from './windows.ts';

export function prepareConcatenation({ axis }: Concatenation, tf: TensorFlow): Execute {
  return (inputs) => tf.concat(inputs, axis);
}

/** The shape of its output is what every operator gets in the end. */
export function prepareReshape(_: Reshape, _tf: TensorFlow): Execute {
  return ([values]) => values!;
}

export function preparePadding({ inputs: [input], output, move, fillQ }: Padding, tf: TensorFlow): Execute {
  // The first byte's place in the output, written in the output's own steps.
  const steps = stepsOf(output.shape, 1);
  const paddings = input.shape.map((size, i) => {
    const before = Math.floor(move.targetOffset / steps[i]!) % output.shape[i]!;
    return [before, output.shape[i]! - size - before] as const;
  });
  return ([values]) => tf.pad(values!, paddings, fillQ);
}

export function prepareSlice({ inputs: [input], output, move }: StridedSlice, tf: TensorFlow): Execute {
  const places = tf.tensor(sourcePlaces(move, output), [output.count], 'int32');
  return ([values]) => tf.gather(tf.reshape(values!, [input.count]), places, 0);
}

/** For each value of the output the place of the input that it comes from. */
function sourcePlaces({ loops, runBytes, sourceOffset, targetOffset }: Move, output: GraphTensor): Int32Array {
  const bytes = valueBytes(output.kind);
  const places = new Int32Array(output.count).fill(-1);
  const walk = (depth: number, source: number, target: number): void => {
    const loop = loops[depth];
    if (loop === undefined) {
      for (let i = 0; i < runBytes / bytes; i += 1) places[target / bytes + i] = source / bytes + i;
      return;
    }
    for (let i = 0; i < loop.count; i += 1) walk(depth + 1, source + i * loop.sourceStep, target + i * loop.targetStep);
  };
  walk(0, sourceOffset, targetOffset);
  return places;
}

/** Rows, then columns: of one place each, or of two with weights. Sums of weights are 1, so the zero point stays. */
export function prepareResize(operator: Resize, tf: TensorFlow): Execute {
  const { inputs, isBilinear, centers, inputHeight, inputWidth, outputHeight, outputWidth } = operator;
  const shape = imageShape(inputs[0])!;
  const along = isBilinear
    ? (from: number, to: number, axis: number) => {
        const neighbours = Array.from({ length: to }, (_, place) => linearNeighbours(place, from, to, centers));
        const places = (pick: 'lower' | 'upper') =>
          tf.tensor(
            Int32Array.from(neighbours, (one) => one[pick]),
            [to],
            'int32',
          );
        const weights = (pick: 'lowerWeight' | 'upperWeight') =>
          tf.tensor(
            Float32Array.from(neighbours, (one) => one[pick] / 1024),
            axis === 1 ? [to, 1, 1] : [to, 1],
          );
        const [lower, upper] = [places('lower'), places('upper')];
        const [lowerWeights, upperWeights] = [weights('lowerWeight'), weights('upperWeight')];
        return (x: Tensor) =>
          tf.add(tf.mul(tf.gather(x, lower, axis), lowerWeights), tf.mul(tf.gather(x, upper, axis), upperWeights));
      }
    : (from: number, to: number, axis: number) => {
        const nearest = Array.from({ length: to }, (_, place) => nearestNeighbour(place, from, to, centers));
        const places = tf.tensor(Int32Array.from(nearest), [to], 'int32');
        return (x: Tensor) => tf.gather(x, places, axis);
      };
  const rows = along(inputHeight, outputHeight, 1);
  const columns = along(inputWidth, outputWidth, 2);
  return ([values]) => {
    const resized = columns(rows(tf.reshape(values!, shape)));
    return isBilinear ? tf.round(resized) : resized;
  };
}

/** Cells outside of the picture are no part of a window: they never win, and are not counted. */
export function preparePooling(operator: Pooling, tf: TensorFlow): Execute {
  const { inputs, output, isAverage, windowY, windowX, strideY, strideX, range } = operator;
  const shape = imageShape(inputs[0])!;
  const channels = shape[3];
  const paddings = windowPaddings(operator, shape, imageShape(output)!, [windowY, windowX]);
  const padded = (values: Tensor, fill: number): Tensor => tf.pad(tf.reshape(values, shape), paddings, fill);
  if (!isAverage) {
    return ([values]) => {
      const most = tf.maxPool(
        padded(values!, wholeRange(output).minQ),
        [windowY, windowX],
        [strideY, strideX],
        'valid',
      );
      return tf.clipByValue(most, range.minQ, range.maxQ);
    };
  }
  const ones = tf.tensor(new Float32Array(windowY * windowX * channels).fill(1), [windowY, windowX, channels, 1]);
  const { strides, takeRest } = divideStrides(tf, operator, strideY === strideX);
  const sums = (x: Tensor): Tensor => takeRest(tf.depthwiseConv2d(x, ones, strides, 'valid'));
  const counts = tf.tidy(() => sums(padded(tf.tensor(new Float32Array(inputs[0].count).fill(1), shape), 0)));
  return ([values]) => tf.clipByValue(tf.round(tf.div(sums(padded(values!, 0)), counts)), range.minQ, range.maxQ);
}

export function prepareMean(operator: Mean, tf: TensorFlow): Execute {
  const { inputs, output, summed, summedCount } = operator;
  const { shape, zeroPoint, scale } = inputs[0];
  const factor = scale / output.scale / summedCount;
  // A dimension is summed if its step is one of a summed loop, which may stand for several dimensions.
  const steps = stepsOf(shape, 1);
  const axes = steps.flatMap((of, axis) =>
    shape[axis]! > 1 && summed.some(({ step, count }) => of >= step && of < step * count) ? [axis] : [],
  );
  return ([values]) => {
    const sums = tf.sub(axes.length > 0 ? tf.sum(values!, axes) : values!, zeroPoint * summedCount);
    return quantised(tf, tf.mul(sums, factor), output, wholeRange(output));
  };
}
