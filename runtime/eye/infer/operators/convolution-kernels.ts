/**
 * Chooses the kernel of a convolution and packs weights and requantisation constants the way that kernel reads them.
 *
 * A fast kernel is chosen only where its arithmetic is proved to be exact for every possible picture (isSafe);
 * the scalar kernel serves the rest, so a model may be slow but never wrong.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/convolution.ts';
import type { Convolution } from './convolution.ts';
import { type Addresses, type Command, int32Bytes, type Lowering, type PixelPlane } from './lowering.ts';

export function lowerConvolution(operator: Convolution, lowering: Lowering): readonly Command[] {
  const { inputs, output, range, kernelY, kernelX, strideY, strideX, inputWidth, inputChannels } = operator;
  const [input] = inputs;
  const plane = lowering.plane(input);
  const kernel = lowering.shape === 'scalar' ? 'any' : chooseKernel(operator, plane);
  const rowBytes = plane?.rowBytes ?? inputWidth * inputChannels;
  const common = (words: Int32Array, address: Addresses): void => {
    words[command.SOURCE] = address.tensor(input);
    words[command.TARGET] = address.tensor(output);
    words[command.TARGET_PIXEL] = address.pixelBytes(output);
    words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
    words[command.OUTPUT_MIN] = range.minQ;
    words[command.OUTPUT_MAX] = range.maxQ;
    words[command.INPUT_HEIGHT] = operator.inputHeight;
    words[command.INPUT_WIDTH] = inputWidth;
    words[command.INPUT_CHANNELS] = inputChannels;
    words[command.OUTPUT_HEIGHT] = operator.outputHeight;
    words[command.OUTPUT_WIDTH] = operator.outputWidth;
    words[command.OUTPUT_CHANNELS] = operator.outputChannels;
    words[command.STRIDE_Y] = strideY;
    words[command.STRIDE_X] = strideX;
    words[command.PAD_TOP] = operator.padTop;
    words[command.PAD_LEFT] = operator.padLeft;
    words[command.SOURCE_ROW] = rowBytes;
  };

  if (kernel === 'any') {
    const offset = lowering.pack(new Uint8Array(operator.weights.slice().buffer));
    const bias = lowering.pack(int32Bytes(operator.bias));
    const multipliers = lowering.pack(int32Bytes(operator.factors.map((factor) => factor.multiplier)));
    const shifts = lowering.pack(int32Bytes(operator.factors.map((factor) => factor.shift)));
    return [
      {
        kernel,
        write: (words, address) => {
          common(words, address);
          words[command.KIND] = layout.KIND_ANY_CONVOLUTION;
          words[command.WEIGHTS] = address.constant(offset);
          // A pixel is q - zeroPoint already.
          words[layout.INPUT_OFFSET] = plane ? 0 : -input.zeroPoint;
          words[layout.IS_PIXEL] = plane ? 1 : 0;
          words[layout.KERNEL_Y] = kernelY;
          words[layout.KERNEL_X] = kernelX;
          words[layout.DILATION_Y] = operator.dilationY;
          words[layout.DILATION_X] = operator.dilationX;
          words[layout.DEPTH_MULTIPLIER] = operator.depthwise ? operator.depthMultiplier : 0;
          words[layout.BIAS] = address.constant(bias);
          words[layout.MULTIPLIERS] = address.constant(multipliers);
          words[layout.SHIFTS] = address.constant(shifts);
        },
      },
    ];
  }
  const offset = lowering.pack(kernel === 'depthwise' ? packDepthwise(operator) : packGroups(operator));
  if (kernel === 'depthwise') {
    return [
      {
        kernel,
        scratchBytes: inputWidth * inputChannels,
        write: (words, address) => {
          common(words, address);
          words[command.KIND] = layout.KIND_DEPTHWISE;
          words[command.WEIGHTS] = address.constant(offset);
          words[layout.PAD_ROW] = address.scratch;
          words[layout.INPUT_ZERO_POINT] = input.zeroPoint;
        },
      },
    ];
  }
  const isPatch = kernel === 'patch';
  return [
    {
      kernel,
      write: (words, address) => {
        common(words, address);
        words[command.KIND] = isPatch ? layout.KIND_PATCH : layout.KIND_POINTWISE;
        words[command.WEIGHTS] = address.constant(offset);
        words[layout.GROUPS] = (kernelY * kernelX * inputChannels) / 4;
        // A group of a 4x4 patch is one of its rows; a 2x2 patch is one group, whose second pair is one row down.
        words[layout.GROUP_STEP] = isPatch ? rowBytes : 4;
        words[layout.SECOND_PAIR] = isPatch && kernelX === 2 ? rowBytes : 2;
        words[layout.SOURCE_PIXEL] = isPatch ? strideX : inputChannels;
        words[command.SOURCE_ROW] = rowBytes * strideY;
      },
    },
  ];
}

function chooseKernel(
  operator: Convolution,
  plane: PixelPlane | undefined,
): 'patch' | 'pointwise' | 'depthwise' | 'any' {
  const { kernelY, kernelX, strideY, strideX, inputChannels } = operator;
  const plain = operator.dilationY === 1 && operator.dilationX === 1;
  const unpadded = operator.padTop === 0 && operator.padLeft === 0;
  if (!plain || !isSafe(operator)) return 'any';
  if (plane) {
    const square =
      kernelY === kernelX && strideY === kernelY && strideX === kernelX && (kernelX === 4 || kernelX === 2);
    const inside =
      operator.outputHeight * strideY <= operator.inputHeight && operator.outputWidth * strideX <= operator.inputWidth;
    return square && unpadded && inside && inputChannels === 1 && !operator.depthwise ? 'patch' : 'any';
  }
  if (operator.depthwise) {
    return kernelY === 3 && kernelX === 3 && operator.depthMultiplier === 1 && inputChannels % 8 === 0
      ? 'depthwise'
      : 'any';
  }
  const single = kernelY === 1 && kernelX === 1 && strideY === 1 && strideX === 1;
  return single && inputChannels % 4 === 0 ? 'pointwise' : 'any';
}

/**
 * True where the fast kernels are exact for every input: sums fit, two products of int8 fit into int16, and
 * requantisation (kernels/requantise.ts) overflows nowhere. Real models pass by orders of magnitude.
 */
function isSafe(operator: Convolution): boolean {
  if (operator.weights.includes(-128)) return false;
  return operator.factors.every(({ multiplier, shift }, channel) => {
    const exponent = -shift;
    if (multiplier === 0 || exponent < 1 || exponent > 16) return false;
    const { sizes } = channelWeights(operator, channel);
    const { zeroPoint } = operator.inputs[0];
    const sumMax = Math.abs(operator.bias[channel]!) + sizes * Math.max(128 + zeroPoint, 127 - zeroPoint);
    const highMax = Math.ceil((sumMax * multiplier) / 2 ** 31) + 2 ** (exponent - 1) + 1;
    return sumMax < 2 ** 30 && highMax * 2 ** (16 - exponent) < 2 ** 31;
  });
}

/** Weights of one output channel in the order of the file, their sum, and the sum of their sizes. */
function channelWeights(operator: Convolution, channel: number) {
  const taps = operator.kernelY * operator.kernelX;
  const count = operator.depthwise ? taps : taps * operator.inputChannels;
  const step = operator.depthwise ? operator.outputChannels : 1;
  const first = operator.depthwise ? channel : channel * count;
  const values = new Int8Array(count);
  let sum = 0;
  let sizes = 0;
  for (let i = 0; i < count; i += 1) {
    const weight = operator.weights[first + i * step]!;
    values[i] = weight;
    sum += weight;
    sizes += Math.abs(weight);
  }
  return { values, sum, sizes };
}

/** Blocks of 8 channels: head, then per group of four taps [8 channels x taps 0, 1][8 channels x taps 2, 3]. */
function packGroups(operator: Convolution): Uint8Array {
  const channels = operator.outputChannels;
  const groups = (operator.kernelY * operator.kernelX * operator.inputChannels) / 4;
  const blockBytes = layout.BLOCK_WEIGHTS + groups * layout.GROUP_BYTES;
  const packed = new Uint8Array(Math.ceil(channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel);
    for (let tap = 0; tap < 4 * groups; tap += 1) {
      const group = block + layout.BLOCK_WEIGHTS + Math.floor(tap / 4) * layout.GROUP_BYTES;
      packed[group + (tap & 2 ? 16 : 0) + 2 * lane + (tap & 1)] = values[tap]!;
    }
  }
  return packed;
}

/** Blocks of 8 channels: head, then per pair of taps [8 channels x 2 taps]; the ninth tap's partner is zero. */
function packDepthwise(operator: Convolution): Uint8Array {
  const channels = operator.outputChannels;
  const blockBytes = layout.BLOCK_WEIGHTS + layout.DEPTHWISE_BYTES;
  const packed = new Uint8Array((channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel);
    for (let tap = 0; tap < 9; tap += 1) {
      packed[block + layout.BLOCK_WEIGHTS + (tap >> 1) * 16 + 2 * lane + (tap & 1)] = values[tap]!;
    }
  }
  return packed;
}

/** Bias and requantisation of one channel; returns its weights. */
function packHead(packed: Uint8Array, block: number, lane: number, operator: Convolution, channel: number): Int8Array {
  const view = new DataView(packed.buffer, block);
  const { values, sum } = channelWeights(operator, channel);
  const { multiplier, shift } = operator.factors[channel]!;
  // sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w. Wraps like the kernel's sums; the total fits.
  view.setInt32(layout.BLOCK_BIAS + 4 * lane, (operator.bias[channel]! - operator.inputs[0].zeroPoint * sum) | 0, true);
  view.setInt32(layout.BLOCK_MULTIPLIER + 4 * lane, multiplier, true);
  view.setBigInt64(layout.BLOCK_ADDEND + 8 * lane, 2n ** 31n + 2n ** BigInt(31 - shift), true);
  view.setInt32(layout.BLOCK_POWER + 4 * lane, 2 ** (16 + shift), true);
  return values;
}
