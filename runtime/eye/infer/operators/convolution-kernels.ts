/**
 * Chooses the kernel of a convolution and packs weights and requantisation constants the way that kernel reads them.
 *
 * A fast kernel is chosen only where its arithmetic is proved to be exact for every possible picture (isSafe);
 * the scalar kernel serves the rest, so a model may be slow but never wrong.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/convolution.ts';
import { alignUp } from '../plan.ts';
import type { Rounding } from '../quantize.ts';
import type { Convolution } from './convolution.ts';
import { type Addresses, type Command, int32Bytes, type Lowering, type PixelPlane } from './lowering.ts';

/** Taps of a strip take this much of the first-level cache (32 KiB on a Cortex-A72), so that weights have room beside them. */
const STRIP_BYTES = 8192;
const STRIP_PIXELS_MAX = 64;

type Kernel = 'patch' | 'pointwise' | 'gather' | 'depthwise' | 'any';

export function lowerConvolution(operator: Convolution, lowering: Lowering): readonly Command[] {
  const { inputs, output, range } = operator;
  const [input] = inputs;
  const plane = lowering.plane(input);
  const kernel = chooseKernel(operator, lowering, plane);
  const rest = writerOf(kernel, operator, lowering, plane);
  return [
    {
      kernel,
      scratchBytes: rest.scratchBytes,
      write: (words, address) => {
        words[command.SOURCE] = address.tensor(input);
        words[command.TARGET] = address.tensor(output);
        words[command.TARGET_PIXEL] = address.pixelBytes(output);
        words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
        words[command.OUTPUT_MIN] = range.minQ;
        words[command.OUTPUT_MAX] = range.maxQ;
        words[command.INPUT_HEIGHT] = operator.inputHeight;
        words[command.INPUT_WIDTH] = operator.inputWidth;
        words[command.INPUT_CHANNELS] = operator.inputChannels;
        words[command.OUTPUT_HEIGHT] = operator.outputHeight;
        words[command.OUTPUT_WIDTH] = operator.outputWidth;
        words[command.OUTPUT_CHANNELS] = operator.outputChannels;
        words[command.STRIDE_Y] = operator.strideY;
        words[command.STRIDE_X] = operator.strideX;
        words[command.PAD_TOP] = operator.padTop;
        words[command.PAD_LEFT] = operator.padLeft;
        words[command.SOURCE_ROW] = rowBytesOf(operator, plane);
        words[layout.KERNEL_Y] = operator.kernelY;
        words[layout.KERNEL_X] = operator.kernelX;
        words[layout.DILATION_Y] = operator.dilationY;
        words[layout.DILATION_X] = operator.dilationX;
        words[layout.IS_PIXEL] = plane ? 1 : 0;
        words[layout.DEPTH_MULTIPLIER] = operator.depthwise ? operator.depthMultiplier : 0;
        rest.write(words, address);
      },
    },
  ];
}

/** The words of one kind of kernel, beside those of all. */
type Rest = { readonly scratchBytes: number; readonly write: (words: Int32Array, address: Addresses) => void };

function writerOf(kernel: Kernel, operator: Convolution, lowering: Lowering, plane: PixelPlane | undefined): Rest {
  if (kernel === 'any') return lowerAny(operator, lowering, plane);
  const isWide = isDot(operator, lowering);
  if (kernel === 'depthwise') return lowerDepthwise(operator, lowering, isWide);
  return lowerProducts(kernel, operator, lowering, isWide);
}

function lowerAny(operator: Convolution, lowering: Lowering, plane: PixelPlane | undefined): Rest {
  const { weights, bias, factors, scales } = operator;
  const isFp32 = lowering.rounding === 'fp32';
  const weightOffset = lowering.pack(new Uint8Array(weights.slice().buffer));
  const biasOffset = lowering.pack(int32Bytes(bias));
  const multiplierOffset = lowering.pack(
    isFp32 ? new Uint8Array(Float32Array.from(scales).buffer) : int32Bytes(factors.map(({ multiplier }) => multiplier)),
  );
  const shiftOffset = isFp32 ? multiplierOffset : lowering.pack(int32Bytes(factors.map(({ shift }) => shift)));
  return {
    scratchBytes: 0,
    write: (words, address) => {
      words[command.KIND] = layout.KIND_ANY_CONVOLUTION;
      words[command.WEIGHTS] = address.constant(weightOffset);
      // A pixel is q - zeroPoint already.
      words[layout.INPUT_OFFSET] = plane ? 0 : -operator.inputs[0].zeroPoint;
      words[layout.BIAS] = address.constant(biasOffset);
      words[layout.MULTIPLIERS] = address.constant(multiplierOffset);
      words[layout.SHIFTS] = address.constant(shiftOffset);
    },
  };
}

function lowerProducts(
  kernel: 'patch' | 'pointwise' | 'gather',
  operator: Convolution,
  lowering: Lowering,
  isWide: boolean,
): Rest {
  const taps = operator.kernelY * operator.kernelX * operator.inputChannels;
  // Outside of patches, the kernels for arm64 take two groups at a time.
  const groups = isWide || kernel === 'patch' ? Math.ceil(taps / 4) : 2 * Math.ceil(taps / 8);
  const pixelBytes = 4 * groups * (isWide ? 2 : 1);
  const stripPixels = Math.max(4, Math.min(STRIP_PIXELS_MAX, Math.floor(STRIP_BYTES / pixelBytes / 4) * 4));
  const weights = lowering.pack(packGroups(operator, lowering.rounding, groups));
  const kind = {
    patch: layout.KIND_PATCH,
    pointwise: isWide ? layout.KIND_POINTWISE_DOT : layout.KIND_POINTWISE_PAIRS,
    gather: isWide ? layout.KIND_GATHER_DOT : layout.KIND_GATHER_PAIRS,
  }[kernel];
  const readsInPlace = kernel === 'patch' || (kernel === 'pointwise' && !isWide);
  return {
    // Copies run over by less than 32 bytes.
    scratchBytes: readsInPlace ? 0 : stripPixels * pixelBytes + 32,
    write: (words, address) => {
      words[command.KIND] = kind;
      words[command.WEIGHTS] = address.constant(weights);
      words[layout.SCRATCH] = address.scratch;
      words[layout.FILL] = operator.inputs[0].zeroPoint;
      words[layout.GROUPS] = groups;
      words[layout.STRIP_PIXELS] = stripPixels;
    },
  };
}

function lowerDepthwise(operator: Convolution, lowering: Lowering, isWide: boolean): Rest {
  const { kernelY, kernelX, dilationY, dilationX, outputChannels } = operator;
  const is3x3 = !isWide && kernelY === 3 && kernelX === 3 && dilationX === 1 && operator.strideX <= 2;
  const pairs = is3x3 ? PAIRS_3X3 : tapPairs(kernelY * kernelX);
  const weights = lowering.pack(packDepthwise(operator, lowering.rounding, pairs));
  const rows = (kernelY - 1) * dilationY + 1;
  // The kernels compute four columns and more, even where there are fewer.
  const columns = (Math.max(4, operator.outputWidth) - 1) * operator.strideX + (kernelX - 1) * dilationX + 1;
  const ringBytes = rows * columns * Math.ceil(outputChannels / 8) * (isWide ? 16 : 8);
  return {
    scratchBytes: alignUp(8 * pairs.length) + ringBytes,
    write: (words, address) => {
      words[command.KIND] = isWide ? layout.KIND_DEPTHWISE_DOT : layout.KIND_DEPTHWISE_PAIRS;
      words[command.WEIGHTS] = address.constant(weights);
      words[layout.SCRATCH] = address.scratch;
      words[layout.FILL] = operator.inputs[0].zeroPoint;
      words[layout.TAP_PAIRS] = pairs.length;
      words[layout.RING_ROWS] = rows;
      words[layout.RING_COLUMNS] = columns;
      words[layout.IS_3X3] = is3x3 ? 1 : 0;
    },
  };
}

function rowBytesOf(operator: Convolution, plane: PixelPlane | undefined): number {
  return plane?.rowBytes ?? operator.inputWidth * operator.inputChannels;
}

/** Kernels of the shape `pairs` would overflow on weights of -128, so `dot` serves these on every processor. */
function isDot(operator: Convolution, lowering: Lowering): boolean {
  return lowering.shape === 'dot' || operator.weights.includes(-128);
}

function chooseKernel(operator: Convolution, lowering: Lowering, plane: PixelPlane | undefined): Kernel {
  const { kernelY, kernelX, strideY, strideX, inputChannels } = operator;
  if (lowering.shape === 'scalar' || !isSafe(operator, lowering.rounding)) return 'any';
  if (operator.depthwise) return plane ? 'any' : 'depthwise';
  const plain = operator.dilationY === 1 && operator.dilationX === 1 && operator.padTop === 0 && operator.padLeft === 0;
  if (plane) {
    const square =
      kernelY === kernelX && strideY === kernelY && strideX === kernelX && (kernelX === 4 || kernelX === 2);
    const inside =
      operator.outputHeight * strideY <= operator.inputHeight && operator.outputWidth * strideX <= operator.inputWidth;
    return plain && square && inside && inputChannels === 1 && !isDot(operator, lowering) ? 'patch' : 'gather';
  }
  const single = kernelY === 1 && kernelX === 1 && strideY === 1 && strideX === 1;
  return single && inputChannels % 4 === 0 ? 'pointwise' : 'gather';
}

/** True where the fast kernels are exact for every input: nothing in kernels/requantise.ts overflows. */
function isSafe(operator: Convolution, rounding: Rounding): boolean {
  return operator.factors.every((_, channel) => {
    const sumMax = largestSum(operator, channel);
    if (rounding === 'fp32') {
      // Twice the room that the magic number needs, so that roundings of the product do not matter.
      return sumMax < 2 ** 31 && sumMax * operator.scales[channel]! < 2 ** 21;
    }
    if (sumMax >= 2 ** 30) return false;
    if (isAlwaysZero(operator, channel)) return true;
    const { multiplier, shift } = operator.factors[channel]!;
    const exponent = -shift;
    if (exponent < 1 || exponent > 16) return false;
    const highMax = Math.ceil((sumMax * multiplier) / 2 ** 31) + 2 ** (exponent - 1) + 1;
    return highMax * 2 ** (16 - exponent) < 2 ** 31;
  });
}

/** No sum of the channel is larger than this in size, nor is any on the way to it. */
function largestSum(operator: Convolution, channel: number): number {
  const { zeroPoint } = operator.inputs[0];
  return (
    Math.abs(operator.bias[channel]!) +
    channelWeights(operator, channel).sizes * Math.max(128 + zeroPoint, 127 - zeroPoint)
  );
}

/** Channels whose factor is so small that every sum rounds to zero: common in trained networks, and a shift of any size. */
function isAlwaysZero(operator: Convolution, channel: number): boolean {
  const { multiplier, shift } = operator.factors[channel]!;
  return multiplier === 0 || Math.ceil((largestSum(operator, channel) * multiplier) / 2 ** 31) + 1 < 2 ** (-shift - 1);
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

function headBytes(rounding: Rounding): number {
  return rounding === 'fp32' ? layout.BLOCK_HEAD_FP32 : layout.BLOCK_HEAD_FIXED;
}

/** Blocks of 8 channels: head, then per group of four taps [8 channels x taps 0, 1][8 channels x taps 2, 3]. */
function packGroups(operator: Convolution, rounding: Rounding, groups: number): Uint8Array {
  const channels = operator.outputChannels;
  const taps = operator.kernelY * operator.kernelX * operator.inputChannels;
  const head = headBytes(rounding);
  const blockBytes = head + groups * layout.GROUP_BYTES;
  const packed = new Uint8Array(Math.ceil(channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel, rounding);
    for (let tap = 0; tap < taps; tap += 1) {
      const group = block + head + (tap >> 2) * layout.GROUP_BYTES;
      packed[group + (tap & 2 ? 16 : 0) + 2 * lane + (tap & 1)] = values[tap]!;
    }
  }
  return packed;
}

/** -1: none, weight zero */
type TapPair = readonly [first: number, second: number];

/** In the order in which kernels/depthwise.ts takes them where 3x3 is written out. */
const PAIRS_3X3: readonly TapPair[] = [
  [0, 3],
  [1, 4],
  [2, 5],
  [6, 7],
  [8, -1],
  [-1, 6],
  [7, 8],
];

/** One after another. */
function tapPairs(taps: number): readonly TapPair[] {
  return Array.from({ length: Math.ceil(taps / 2) }, (_, i) => [2 * i, 2 * i + 1 < taps ? 2 * i + 1 : -1]);
}

/** Blocks of 8 channels: head, then per pair of taps [8 channels x 2 taps]. */
function packDepthwise(operator: Convolution, rounding: Rounding, pairs: readonly TapPair[]): Uint8Array {
  const channels = operator.outputChannels;
  const head = headBytes(rounding);
  const blockBytes = head + pairs.length * layout.PAIR_BYTES;
  const packed = new Uint8Array(Math.ceil(channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel, rounding);
    pairs.forEach(([first, second], i) => {
      const at = block + head + i * layout.PAIR_BYTES + 2 * lane;
      packed[at] = values[first] ?? 0;
      packed[at + 1] = values[second] ?? 0;
    });
  }
  return packed;
}

/** Bias and requantisation of one channel; returns its weights. */
function packHead(
  packed: Uint8Array,
  block: number,
  lane: number,
  operator: Convolution,
  channel: number,
  rounding: Rounding,
): Int8Array {
  const view = new DataView(packed.buffer, block);
  const { values, sum } = channelWeights(operator, channel);
  // sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w. Wraps like the kernel's sums; the total fits.
  view.setInt32(layout.BLOCK_BIAS + 4 * lane, (operator.bias[channel]! - operator.inputs[0].zeroPoint * sum) | 0, true);
  if (rounding === 'fp32') {
    view.setFloat32(layout.BLOCK_FACTOR + 4 * lane, operator.scales[channel]!, true);
    return values;
  }
  const { multiplier, exponent } = isAlwaysZero(operator, channel)
    ? { multiplier: 0, exponent: 16 }
    : { multiplier: operator.factors[channel]!.multiplier, exponent: -operator.factors[channel]!.shift };
  view.setInt32(layout.BLOCK_FACTOR + 4 * lane, multiplier, true);
  const first = rounding === 'double' ? 2n ** 31n : 0n;
  view.setBigInt64(layout.BLOCK_ADDEND + 8 * lane, first + 2n ** BigInt(31 + exponent), true);
  view.setInt32(layout.BLOCK_POWER + 4 * lane, 2 ** (16 - exponent), true);
  return values;
}
