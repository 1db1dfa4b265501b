/**
 * CONV_2D and DEPTHWISE_CONV_2D: type and check. Which kernel runs it, and how its weights are packed, is in
 * convolution-kernels.ts. Source of shapes and factors: tensorflow/lite/kernels/conv.cc, depthwise_conv.cc,
 * kernel_util.cc (PopulateConvolutionQuantizationParams).
 */
import type { ActivationRange, FixedPoint } from '../quantize.ts';
import { quantizeMultiplier } from '../quantize.ts';
import { TensorType } from '../schema.ts';
import type { GraphTensor } from '../tensor.ts';
import type { TfliteTensor } from '../tflite.ts';
import {
  expectInputs,
  expectInt8,
  expectShape,
  fusedRange,
  imageOf,
  int32Values,
  optionsOf,
  placeWindow,
  refuse,
  type Site,
} from './checking.ts';

export type Convolution = {
  readonly kind: 'convolution';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly depthwise: boolean;
  /** Output channels per input channel; 1 unless depthwise. */
  readonly depthMultiplier: number;
  /** The shapes as the kernels see them; for FULLY_CONNECTED not those of the tensors. */
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputChannels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputChannels: number;
  /** [outputChannel, y, x, inputChannel]; depthwise [1, y, x, outputChannel] */
  readonly weights: Int8Array;
  readonly kernelY: number;
  readonly kernelX: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  /** Rows and columns of zeroes that the input gets above and on its left; those below and right follow from the shapes. */
  readonly padTop: number;
  readonly padLeft: number;
  /** One per output channel, in units of input scale × weight scale. */
  readonly bias: Int32Array;
  /** One per output channel: input scale × weight scale / output scale. */
  readonly factors: readonly FixedPoint[];
  /** The same factors as XNNPACK computes them, in float32; for the fp32 rounding. */
  readonly scales: readonly number[];
  readonly range: ActivationRange;
};

/** Multiply-adds of one run. */
export function convolutionMacs(operator: Convolution): number {
  const taps = operator.kernelY * operator.kernelX * (operator.depthwise ? 1 : operator.inputChannels);
  return taps * operator.outputHeight * operator.outputWidth * operator.outputChannels;
}

export function checkConvolution(site: Site): Convolution {
  return check(site, false);
}

export function checkDepthwiseConvolution(site: Site): Convolution {
  return check(site, true);
}

function check(site: Site, depthwise: boolean): Convolution {
  expectInputs(site, 2, 3);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  const options = depthwise ? optionsOf(site, 'DEPTHWISE_CONV_2D') : optionsOf(site, 'CONV_2D');
  const weights = int8Weights(site.constant(1));
  const [first = 0, kernelY = 0, kernelX = 0, last = 0] = weights.shape;
  if (weights.shape.length !== 4) refuse(`has weights of shape [${weights.shape}]; expected four dimensions`);
  const [, inputHeight, inputWidth, inputChannels] = imageOf(input);
  const outputChannels = depthwise ? last : first;
  if (kernelY === 0 || kernelX === 0 || outputChannels === 0) refuse(`has weights of shape [${weights.shape}]`);
  if (!depthwise && last !== inputChannels) refuse(`has weights for ${last} input channels; expected ${inputChannels}`);
  const depthMultiplier = depthwise ? outputChannels / inputChannels : 1;
  if (depthwise) {
    const { depthMultiplier: promised = 0 } = site.operator.options;
    if (first !== 1 || !Number.isInteger(depthMultiplier) || depthMultiplier !== promised) {
      refuse(`has weights of shape [${weights.shape}], depth multiplier ${promised} for ${inputChannels} channels`);
    }
  }
  const { strideX, strideY, dilationX, dilationY } = options;
  const vertical = placeWindow(options.padding, inputHeight, kernelY, strideY, dilationY);
  const horizontal = placeWindow(options.padding, inputWidth, kernelX, strideX, dilationX);
  expectShape(output, [1, vertical.outputSize, horizontal.outputSize, outputChannels]);
  return {
    kind: 'convolution',
    index: site.operator.index,
    inputs: [input],
    output,
    depthwise,
    depthMultiplier,
    inputHeight,
    inputWidth,
    inputChannels,
    outputHeight: vertical.outputSize,
    outputWidth: horizontal.outputSize,
    outputChannels,
    weights: weights.values,
    kernelY,
    kernelX,
    strideY,
    strideX,
    dilationY,
    dilationX,
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
    ...channelConstants(site, weights.tensor, depthwise ? 3 : 0, outputChannels),
    range: fusedRange(options.activation, output),
  };
}

/** Weights as int8; refuses other types and sizes. */
export function int8Weights(tensor: TfliteTensor): {
  readonly tensor: TfliteTensor;
  readonly shape: readonly number[];
  readonly values: Int8Array;
} {
  const { type, data, shape } = tensor;
  if (type !== TensorType.int8) refuse(`has weights of type ${type}; expected int8 (${TensorType.int8})`);
  if (data?.length !== shape.reduce((product, size) => product * size, 1))
    refuse(`has ${data?.length ?? 0} bytes of weights for shape [${shape}]`);
  return { tensor, shape, values: new Int8Array(data.buffer, data.byteOffset, data.length) };
}

/** Bias (input 2, if there is one) and factors of every output channel. dimension: the one of the weights that counts channels. */
export function channelConstants(
  site: Site,
  weights: TfliteTensor,
  dimension: number,
  outputChannels: number,
): Pick<Convolution, 'bias' | 'factors' | 'scales'> {
  const { scales, zeroPoints } = weights.quantization;
  const [input, output] = [site.input(0), site.output];
  if (scales.length !== 1 && scales.length !== outputChannels) {
    refuse(`has ${scales.length} weight scales; expected 1 or ${outputChannels}`);
  }
  if (scales.length > 1 && weights.quantization.dimension !== dimension)
    refuse(`has weight scales along dimension ${weights.quantization.dimension}`);
  if (scales.some((scale) => !(scale > 0 && Number.isFinite(scale)))) refuse('has a weight scale that is not positive');
  if (zeroPoints.some((zeroPoint) => zeroPoint !== 0)) refuse('has weights with a zero point; expected 0');

  let bias = new Int32Array(outputChannels);
  if (site.inputCount > 2 && site.operator.inputs[2] !== -1) {
    const tensor = site.constant(2);
    bias = int32Values(tensor, outputChannels);
    if (tensor.quantization.zeroPoints.some((zeroPoint) => zeroPoint !== 0))
      refuse('has a bias with a zero point; expected 0');
    // TFLite takes this for granted; a bias in other units would give silently wrong results.
    tensor.quantization.scales.forEach((scale, channel) => {
      const expected = input.scale * (scales[channel] ?? scales[0]!);
      if (!(Math.abs(scale - expected) <= 1e-3 * expected)) {
        refuse(`has bias scale ${scale} in channel ${channel}; expected input scale x weight scale, ${expected}`);
      }
    });
  }
  const perChannel = Array.from({ length: outputChannels }, (_, channel) => scales[channel] ?? scales[0]!);
  const factors = perChannel.map((scale) => quantizeMultiplier((input.scale * scale) / output.scale));
  if (factors.some((factor) => factor.shift > 15)) refuse('scales its sums by more than 32768');
  return {
    bias,
    factors,
    scales: perChannel.map((scale) => Math.fround(Math.fround(input.scale * scale) / output.scale)),
  };
}
