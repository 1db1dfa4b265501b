/** What convolutions and pools on TensorFlow.js share: windows that slide over a picture. */
import type { ImageShape } from '../tensor.ts';
import type { Pair, Tensor, TensorFlow } from './tensorflow.ts';

type Sliding = {
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
};

/** What must lie around the picture so that windows of `reach` cells without padding give the output's size. */
export function windowPaddings(
  { strideY, strideX, padTop, padLeft }: Sliding,
  [, inputHeight, inputWidth]: ImageShape,
  [, outputHeight, outputWidth]: ImageShape,
  [reachY, reachX]: Pair,
): readonly Pair[] {
  const padding = (size: number, outputs: number, stride: number, reach: number, before: number): Pair => [
    before,
    Math.max(0, (outputs - 1) * stride + reach - size - before),
  ];
  return [
    [0, 0],
    padding(inputHeight, outputHeight, strideY, reachY, padTop),
    padding(inputWidth, outputWidth, strideX, reachX, padLeft),
    [0, 0],
  ];
}

/**
 * Strides to hand to TensorFlow.js, and what remains to be done: it refuses strides together with dilation, and
 * libtensorflow strides of a depthwise convolution that differ. Then all cells are computed, and every n-th is taken.
 */
export function divideStrides(
  tf: TensorFlow,
  { strideY, strideX }: Sliding,
  isPossible: boolean,
): { readonly strides: Pair; readonly takeRest: (cells: Tensor) => Tensor } {
  if (isPossible) return { strides: [strideY, strideX], takeRest: (cells) => cells };
  return {
    strides: [1, 1],
    takeRest: (cells) => tf.stridedSlice(cells, [0, 0, 0, 0], cells.shape, [1, strideY, strideX, 1]),
  };
}
