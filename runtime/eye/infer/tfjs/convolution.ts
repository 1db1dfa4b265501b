/** Convolutions on TensorFlow.js. */
import type { Convolution } from '../operators/convolution.ts';
import { type Execute, quantised } from './quantised.ts';
import type { Tensor, TensorFlow } from './tensorflow.ts';

/** A filter may leave out rows (dilation), the result may leave out rows (stride): both along y and x. */
export function prepareConvolution(operator: Convolution, tf: TensorFlow): Execute {
  const { depthwise, kernelY, kernelX, inputChannels, outputChannels, strideY, strideX, output } = operator;
  const [dilationY, dilationX] = [operator.dilationY, operator.dilationX];
  const padding = (size: number, outputs: number, stride: number, reach: number, before: number) =>
    [before, Math.max(0, (outputs - 1) * stride + reach - size - before)] as const;
  const [reachY, reachX] = [(kernelY - 1) * dilationY + 1, (kernelX - 1) * dilationX + 1];
  const paddings = [
    [0, 0],
    padding(operator.inputHeight, operator.outputHeight, strideY, reachY, operator.padTop),
    padding(operator.inputWidth, operator.outputWidth, strideX, reachX, operator.padLeft),
    [0, 0],
  ] as const;
  const inputShape = [1, operator.inputHeight, operator.inputWidth, inputChannels];
  const isPadded = paddings.some(([before, after]) => before + after > 0);
  const bias = tf.tensor(Float32Array.from(operator.bias), [outputChannels]);
  const factors = tf.tensor(Float32Array.from(operator.scales), [outputChannels]);

  // TensorFlow.js refuses strides together with dilation, and libtensorflow strides of a depthwise convolution that
  // differ: then all cells are computed, and every n-th is taken.
  const isStrided = depthwise ? strideY === strideX : dilationY * dilationX === 1;
  const strides = isStrided ? ([strideY, strideX] as const) : ([1, 1] as const);
  const convolve = depthwise ? prepareDepthwise(operator, tf, strides) : prepareDense(operator, tf, strides);
  return ([values]) => {
    const centred = tf.sub(tf.reshape(values!, inputShape), operator.inputs[0].zeroPoint);
    let sums = convolve(isPadded ? tf.pad(centred, paddings) : centred);
    if (!isStrided) sums = tf.stridedSlice(sums, [0, 0, 0, 0], sums.shape, [1, strideY, strideX, 1]);
    return quantised(tf, tf.mul(tf.add(sums, bias), factors), output, operator.range);
  };
}

type Convolve = (padded: Tensor) => Tensor;

function prepareDense(operator: Convolution, tf: TensorFlow, strides: readonly [number, number]): Convolve {
  const { kernelY, kernelX, inputChannels, outputChannels, dilationY, dilationX, weights } = operator;
  // TFLite has [output, y, x, input], TensorFlow [y, x, input, output].
  const taps = kernelY * kernelX * inputChannels;
  const transposed = new Float32Array(weights.length);
  for (let channel = 0; channel < outputChannels; channel += 1) {
    for (let tap = 0; tap < taps; tap += 1) transposed[tap * outputChannels + channel] = weights[channel * taps + tap]!;
  }
  const filter = tf.tensor(transposed, [kernelY, kernelX, inputChannels, outputChannels]);
  return (padded) => tf.conv2d(padded, filter, strides, 'valid', 'NHWC', [dilationY, dilationX]);
}

function prepareDepthwise(operator: Convolution, tf: TensorFlow, strides: readonly [number, number]): Convolve {
  const { kernelY, kernelX, inputChannels, outputChannels, depthMultiplier, dilationY, dilationX, weights } = operator;
  // Not every libtensorflow can dilate a depthwise convolution; zeroes between the taps are the same thing.
  const [reachY, reachX] = [(kernelY - 1) * dilationY + 1, (kernelX - 1) * dilationX + 1];
  const spread = new Float32Array(reachY * reachX * outputChannels);
  for (let y = 0; y < kernelY; y += 1) {
    for (let x = 0; x < kernelX; x += 1) {
      const source = (y * kernelX + x) * outputChannels;
      const target = (y * dilationY * reachX + x * dilationX) * outputChannels;
      spread.set(weights.subarray(source, source + outputChannels), target);
    }
  }
  const filter = tf.tensor(spread, [reachY, reachX, inputChannels, depthMultiplier]);
  return (padded) => tf.depthwiseConv2d(padded, filter, strides, 'valid');
}
