/** Convolutions on TensorFlow.js. */
import type { Convolution } from '../operators/convolution.ts';
import type { TransposeConvolution } from '../operators/transpose-convolution.ts';
import { type ImageShape, imageShape } from '../tensor.ts';
import { type Execute, quantised } from './quantised.ts';
import type { Pair, Tensor, TensorFlow } from './tensorflow.ts';
import { divideStrides, windowPaddings } from './windows.ts';

export function prepareConvolution(operator: Convolution, tf: TensorFlow): Execute {
  const { depthwise, kernelY, kernelX, strideY, strideX, dilationY, dilationX, outputChannels, output } = operator;
  const inputShape: ImageShape = [1, operator.inputHeight, operator.inputWidth, operator.inputChannels];
  const outputShape: ImageShape = [1, operator.outputHeight, operator.outputWidth, outputChannels];
  const reach: Pair = [(kernelY - 1) * dilationY + 1, (kernelX - 1) * dilationX + 1];
  const paddings = windowPaddings(operator, inputShape, outputShape, reach);
  const isPadded = paddings.some(([before, after]) => before + after > 0);
  const isStrided = depthwise ? strideY === strideX : dilationY * dilationX === 1;
  const { strides, takeRest } = divideStrides(tf, operator, isStrided);
  const convolve = depthwise ? prepareDepthwise(operator, tf, strides, reach) : prepareDense(operator, tf, strides);
  const finish = prepareSums(operator, tf);
  return ([values]) => {
    const centred = tf.sub(tf.reshape(values!, inputShape), operator.inputs[0].zeroPoint);
    return quantised(
      tf,
      finish(takeRest(convolve(isPadded ? tf.pad(centred, paddings) : centred))),
      output,
      operator.range,
    );
  };
}

/** Every cell of the input adds its multiple of the filter; what falls outside of the output is cut off. */
export function prepareTransposeConvolution(operator: TransposeConvolution, tf: TensorFlow): Execute {
  const { inputs, output, weights, tapsY, tapsX, strideY, strideX, padTop, padLeft } = operator;
  const inputShape = imageShape(inputs[0])!;
  const [, inputHeight, inputWidth, inputChannels] = inputShape;
  const [, outputHeight, outputWidth, outputChannels] = imageShape(output)!;
  // TFLite has [output, y, x, input], TensorFlow [y, x, output, input].
  const taps = tapsY * tapsX;
  const transposed = new Float32Array(weights.length);
  for (let channel = 0; channel < outputChannels; channel += 1) {
    for (let tap = 0; tap < taps; tap += 1) {
      const from = (channel * taps + tap) * inputChannels;
      transposed.set(weights.subarray(from, from + inputChannels), (tap * outputChannels + channel) * inputChannels);
    }
  }
  const filter = tf.tensor(transposed, [tapsY, tapsX, outputChannels, inputChannels]);
  const [fullHeight, fullWidth] = [(inputHeight - 1) * strideY + tapsY, (inputWidth - 1) * strideX + tapsX];
  const fullShape = [1, fullHeight, fullWidth, outputChannels];
  const height = Math.min(outputHeight, fullHeight - padTop);
  const width = Math.min(outputWidth, fullWidth - padLeft);
  // Strides beyond the filter, or an output larger than it had to be: cells that nothing is added to.
  const below: readonly Pair[] = [
    [0, 0],
    [0, outputHeight - height],
    [0, outputWidth - width],
    [0, 0],
  ];
  const finish = prepareSums({ ...operator, outputChannels }, tf);
  return ([values]) => {
    const centred = tf.sub(tf.reshape(values!, inputShape), inputs[0].zeroPoint);
    const full = tf.conv2dTranspose(centred, filter, fullShape, [strideY, strideX], 'valid');
    const cut = tf.pad(tf.slice(full, [0, padTop, padLeft, 0], [1, height, width, outputChannels]), below);
    return quantised(tf, finish(cut), output, operator.range);
  };
}

/** Sums of products → steps of the output. */
function prepareSums(
  { bias, scales, outputChannels }: Pick<Convolution, 'bias' | 'scales' | 'outputChannels'>,
  tf: TensorFlow,
): (sums: Tensor) => Tensor {
  const biases = tf.tensor(Float32Array.from(bias), [outputChannels]);
  const factors = tf.tensor(Float32Array.from(scales), [outputChannels]);
  return (sums) => tf.mul(tf.add(sums, biases), factors);
}

type Convolve = (padded: Tensor) => Tensor;

function prepareDense(operator: Convolution, tf: TensorFlow, strides: Pair): Convolve {
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

function prepareDepthwise(operator: Convolution, tf: TensorFlow, strides: Pair, reach: Pair): Convolve {
  const { kernelY, kernelX, inputChannels, outputChannels, depthMultiplier, dilationY, dilationX, weights } = operator;
  // Not every libtensorflow can dilate a depthwise convolution; zeroes between the taps are the same thing.
  const [reachY, reachX] = reach;
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
