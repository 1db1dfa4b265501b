/**
 * TRANSPOSE_CONV: tensorflow/lite/kernels/transpose_conv.cc (Prepare) and
 * internal/reference/integer_ops/transpose_conv.h. Inputs of the file: output shape, weights, input, bias.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/spatial.ts';
import type { ActivationRange } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
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
import { type Convolution, channelConstants, int8Weights } from './convolution.ts';
import { type Command, int32Bytes, type Lowering } from './lowering.ts';

export type TransposeConvolution = {
  readonly kind: 'transpose convolution';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** [output channel, y, x, input channel] */
  readonly weights: Int8Array;
  readonly tapsY: number;
  readonly tapsX: number;
  readonly strideY: number;
  readonly strideX: number;
  /** Rows and columns of the full result that are cut off above and on the left. */
  readonly padTop: number;
  readonly padLeft: number;
  readonly range: ActivationRange;
} & Pick<Convolution, 'bias' | 'factors' | 'scales'>;

/** Channels of one step of the kernel. */
const INPUT_BLOCK = 16;
const OUTPUT_BLOCK = 4;

/** Multiply-adds of one run, those that fall outside of the output included. */
export function transposeConvolutionMacs({ inputs, output, tapsY, tapsX }: TransposeConvolution): number {
  return inputs[0].count * tapsY * tapsX * imageOf(output)[3];
}

/** Weights as they are packed, channels filled up to whole blocks. */
export function packedWeightCount({ weights, inputs, output }: TransposeConvolution): number {
  const [inputChannels, outputChannels] = [imageOf(inputs[0])[3], imageOf(output)[3]];
  const taps = weights.length / inputChannels / outputChannels;
  return taps * wholeBlocks(inputChannels, INPUT_BLOCK) * wholeBlocks(outputChannels, OUTPUT_BLOCK);
}

function wholeBlocks(channels: number, block: number): number {
  return Math.ceil(channels / block) * block;
}

export function checkTransposeConvolution(site: Site): TransposeConvolution {
  expectInputs(site, 3, 4);
  const { output } = site;
  const input = site.input(2);
  expectInt8(input, output);
  const wanted = int32Values(site.constant(0), 4);
  const weights = int8Weights(site.constant(1));
  const [outputChannels = 0, tapsY = 0, tapsX = 0, last = 0] = weights.shape;
  const [, , , inputChannels] = imageOf(input);
  if (weights.shape.length !== 4 || outputChannels === 0 || tapsY === 0 || tapsX === 0 || last !== inputChannels) {
    refuse(`has weights of shape [${weights.shape}]; expected four dimensions, the last of ${inputChannels}`);
  }
  expectShape(output, [...wanted]);
  const [, outputHeight, outputWidth, channels] = imageOf(output);
  if (channels !== outputChannels) refuse(`has weights for ${outputChannels} output channels; expected ${channels}`);
  const { padding, strideY, strideX, activation } = optionsOf(site, 'TRANSPOSE_CONV');
  // The padding is that of the convolution that would lead from the output to the input.
  const vertical = placeWindow(padding, outputHeight, tapsY, strideY, 1);
  const horizontal = placeWindow(padding, outputWidth, tapsX, strideX, 1);
  return {
    kind: 'transpose convolution',
    index: site.operator.index,
    inputs: [input],
    output,
    weights: weights.values,
    tapsY,
    tapsX,
    strideY,
    strideX,
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
    ...channelConstants(asConvolution(site), weights.tensor, 0, outputChannels),
    range: fusedRange(activation, output),
  };
}

/** The same operator with its inputs in the order of CONV_2D: input, weights, bias. */
function asConvolution(site: Site): Site {
  const order = [2, 1, 3];
  const at = (position: number): number => order[position] ?? -1;
  return {
    ...site,
    operator: { ...site.operator, inputs: order.map((position) => site.operator.inputs[position] ?? -1) },
    inputCount: site.inputCount - 1,
    input: (position) => site.input(at(position)),
    constant: (position) => site.constant(at(position)),
  };
}

export function lowerTransposeConvolution(operator: TransposeConvolution, lowering: Lowering): readonly Command[] {
  const { inputs, output, range, factors, scales } = operator;
  const [input] = inputs;
  const [, inputHeight, inputWidth, inputChannels] = imageOf(input);
  const [, outputHeight, outputWidth, outputChannels] = imageOf(output);
  const packed = packWeights(operator, inputChannels, outputChannels);
  const weights = lowering.pack(new Uint8Array(packed.weights.buffer));
  const zeroTerms = lowering.pack(int32Bytes(packed.zeroTerms));
  // The kernel reads whole blocks of the bias; pieces of constants are multiples of 16 bytes long.
  const bias = lowering.pack(int32Bytes(operator.bias));
  const multipliers = lowering.pack(
    lowering.rounding === 'fp32'
      ? new Uint8Array(Float32Array.from(scales).buffer)
      : int32Bytes(factors.map((factor) => factor.multiplier)),
  );
  const shifts = lowering.pack(int32Bytes(factors.map((factor) => factor.shift)));
  return [
    {
      kernel: 'transpose',
      scratchBytes: layout.TRANSPOSED_SUMS_BYTES,
      write: (words, address) => {
        words[command.KIND] = layout.KIND_TRANSPOSE_CONVOLUTION;
        words[command.SOURCE] = address.tensor(input);
        words[command.TARGET] = address.tensor(output);
        words[command.WEIGHTS] = address.constant(weights);
        words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
        words[command.OUTPUT_MIN] = range.minQ;
        words[command.OUTPUT_MAX] = range.maxQ;
        words[command.INPUT_HEIGHT] = inputHeight;
        words[command.INPUT_WIDTH] = inputWidth;
        words[command.INPUT_CHANNELS] = inputChannels;
        words[command.OUTPUT_HEIGHT] = outputHeight;
        words[command.OUTPUT_WIDTH] = outputWidth;
        words[command.OUTPUT_CHANNELS] = outputChannels;
        words[command.STRIDE_Y] = operator.strideY;
        words[command.STRIDE_X] = operator.strideX;
        words[command.PAD_TOP] = operator.padTop;
        words[command.PAD_LEFT] = operator.padLeft;
        words[layout.TAPS_Y] = operator.tapsY;
        words[layout.TAPS_X] = operator.tapsX;
        words[layout.ZERO_TERMS] = address.constant(zeroTerms);
        words[layout.TRANSPOSED_BIAS] = address.constant(bias);
        words[layout.TRANSPOSED_MULTIPLIERS] = address.constant(multipliers);
        words[layout.TRANSPOSED_SHIFTS] = address.constant(shifts);
        words[layout.TRANSPOSED_SUMS] = address.scratch;
      },
    },
  ];
}

/** Words of layout/spatial.ts, WEIGHTS and ZERO_TERMS. */
function packWeights(
  { weights, tapsY, tapsX, inputs }: TransposeConvolution,
  inputChannels: number,
  outputChannels: number,
): { readonly weights: Int8Array; readonly zeroTerms: Int32Array } {
  const taps = tapsY * tapsX;
  const rowBytes = wholeBlocks(inputChannels, INPUT_BLOCK);
  const rows = wholeBlocks(outputChannels, OUTPUT_BLOCK);
  const packed = new Int8Array(taps * rows * rowBytes);
  const zeroTerms = new Int32Array(taps * rows);
  for (let channel = 0; channel < outputChannels; channel += 1) {
    for (let tap = 0; tap < taps; tap += 1) {
      const from = (channel * taps + tap) * inputChannels;
      const row = weights.subarray(from, from + inputChannels);
      const to = tap * rows + channel;
      packed.set(row, to * rowBytes);
      zeroTerms[to] = inputs[0].zeroPoint * row.reduce((sum, weight) => sum + weight, 0);
    }
  }
  return { weights: packed, zeroTerms };
}
