/**
 * FULLY_CONNECTED: a matrix on every row of its input. Source of shapes and factors: tensorflow/lite/kernels/
 * fully_connected.cc (PrepareImpl, UpdateOutputSize), internal/reference/integer_ops/fully_connected.h.
 *
 * It is a 1x1 convolution on a picture one row high, and where XNNPACK's rounding is wanted it runs as one. TFLite's
 * reference kernel however scales its sums with a double and rounds once, half away from zero, which no convolution does;
 * for that there is a kernel of its own.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectShape, fusedRange, optionsOf, refuse, type Site } from './checking.ts';
import { type Convolution, channelConstants, int8Weights } from './convolution.ts';
import { lowerConvolution } from './convolution-kernels.ts';
import type { Command, Lowering } from './lowering.ts';

export type FullyConnected = {
  readonly kind: 'fully connected';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** The same as a convolution; its factors are those of XNNPACK and of no use to the reference. */
  readonly convolution: Convolution;
  /** One per output channel: input scale × weight scale / output scale. */
  readonly scales: readonly number[];
};

export function checkFullyConnected(site: Site): FullyConnected {
  expectInputs(site, 2, 3);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  const { activation, weightsFormat, keepNumDims } = optionsOf(site, 'FULLY_CONNECTED');
  if (weightsFormat !== 0) refuse(`has weights in format ${weightsFormat}; expected 0, not shuffled`);
  const weights = int8Weights(site.constant(1));
  const [outputChannels = 0, inputChannels = 0] = weights.shape;
  if (weights.shape.length !== 2 || outputChannels === 0 || inputChannels === 0) {
    refuse(`has weights of shape [${weights.shape}]; expected [output, input]`);
  }
  const rows = input.count / inputChannels;
  if (!Number.isInteger(rows)) refuse(`has ${input.count} input values for weights of ${inputChannels}`);
  if (keepNumDims !== 0) {
    if (input.shape.at(-1) !== inputChannels) {
      refuse(`has an input of shape [${input.shape}] for weights of ${inputChannels}`);
    }
    expectShape(output, [...input.shape.slice(0, -1), outputChannels]);
  } else expectShape(output, [rows, outputChannels]);
  // Convolutions see pictures.
  if (output.shape.length > 4) refuse(`has an output of shape [${output.shape}]; expected at most four dimensions`);
  const { scales } = weights.tensor.quantization;
  const convolution: Convolution = {
    kind: 'convolution',
    index: site.operator.index,
    inputs: [input],
    output,
    depthwise: false,
    depthMultiplier: 1,
    inputHeight: 1,
    inputWidth: rows,
    inputChannels,
    outputHeight: 1,
    outputWidth: rows,
    outputChannels,
    weights: weights.values,
    kernelY: 1,
    kernelX: 1,
    strideY: 1,
    strideX: 1,
    dilationY: 1,
    dilationX: 1,
    padTop: 0,
    padLeft: 0,
    ...channelConstants(site, weights.tensor, 0, outputChannels),
    range: fusedRange(activation, output),
  };
  return {
    kind: 'fully connected',
    index: site.operator.index,
    inputs: [input],
    output,
    convolution,
    scales: Array.from({ length: outputChannels }, (_, channel) => {
      return (input.scale * (scales[channel] ?? scales[0]!)) / output.scale;
    }),
  };
}

export function lowerFullyConnected(operator: FullyConnected, lowering: Lowering): readonly Command[] {
  const { inputs, output, convolution } = operator;
  if (lowering.rounding === 'fp32') return lowerConvolution(convolution, lowering);
  const { inputWidth, inputChannels, outputChannels, range } = convolution;
  const weights = lowering.pack(packMatrix(operator));
  return [
    {
      kernel: 'matrix',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_FULLY_CONNECTED;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[command.WEIGHTS] = address.constant(weights);
        words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
        words[command.OUTPUT_MIN] = range.minQ;
        words[command.OUTPUT_MAX] = range.maxQ;
        words[command.INPUT_CHANNELS] = inputChannels;
        words[command.OUTPUT_CHANNELS] = outputChannels;
        words[layout.ROW_COUNT] = inputWidth;
      },
    },
  ];
}

/** Blocks of four channels: bias, scales, then 16 weights of each; inputs beyond the last one weigh nothing. */
function packMatrix({ convolution, scales, inputs }: FullyConnected): Uint8Array {
  const { inputChannels, outputChannels, weights, bias } = convolution;
  const step = layout.MATRIX_STEP;
  const groups = Math.ceil(inputChannels / step);
  const blockBytes = layout.MATRIX_WEIGHTS + 4 * step * groups;
  const packed = new Uint8Array(Math.ceil(outputChannels / 4) * blockBytes);
  const view = new DataView(packed.buffer);
  for (let channel = 0; channel < outputChannels; channel += 1) {
    const block = (channel >> 2) * blockBytes;
    const lane = channel & 3;
    let sum = 0;
    for (let i = 0; i < inputChannels; i += 1) {
      const weight = weights[channel * inputChannels + i]!;
      sum += weight;
      packed[block + layout.MATRIX_WEIGHTS + (Math.floor(i / step) * 4 + lane) * step + (i % step)] = weight;
    }
    // sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w. Wraps like the kernel's sums; the total fits.
    view.setInt32(block + layout.MATRIX_BIAS + 4 * lane, (bias[channel]! - inputs[0].zeroPoint * sum) | 0, true);
    view.setFloat64(block + layout.MATRIX_SCALES + 8 * lane, scales[channel]!, true);
  }
  return packed;
}
