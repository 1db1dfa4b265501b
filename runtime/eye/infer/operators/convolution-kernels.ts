/**
 * Chooses the kernel of a convolution and packs weights and requantisation constants the way that kernel reads them.
 *
 * A fast kernel serves the channels for which its arithmetic is proved to be exact for every possible picture (isSafe).
 * Where they are most of a layer, the scalar kernel writes the others again; else it serves the whole layer. So a model
 * may be slow but never wrong.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/convolution.ts';
import { alignUp } from '../plan.ts';
import type { FixedPoint, Rounding } from '../quantize.ts';
import type { Convolution } from './convolution.ts';
import { type Addresses, type Command, int32Bytes, isRelaxed, type Lowering, type PixelPlane } from './lowering.ts';

/** Taps of a strip take this much of the first-level cache (32 KiB on a Cortex-A72), so that weights have room beside them. */
const STRIP_BYTES = 8192;
const STRIP_PIXELS_MAX = 64;

/** More channels than this share that are not safe are not worth computing twice. */
const UNSAFE_SHARE_MAX = 0.25;

type Kernel = 'patch' | 'pointwise' | 'gather' | 'depthwise' | 'any';

export function lowerConvolution(operator: Convolution, lowering: Lowering): readonly Command[] {
  const plane = lowering.plane(operator.inputs[0]);
  const sums = sumsOf(operator, lowering.rounding);
  const kernel = chooseKernel(operator, lowering, plane, sums);
  const first = commandOf(kernel, operator, plane, writerOf(kernel, operator, lowering, plane, sums));
  if (kernel === 'any') return [first];
  // The fast kernel writes something for these channels; then they are written again.
  const again = sums.unsafe.map((channel) => {
    const part = channelOf(operator, channel);
    return commandOf('any', part, plane, lowerAny(part, lowering, plane), channel, operator.depthMultiplier);
  });
  return [first, ...again];
}

/** One output channel as a layer of its own. */
function channelOf(operator: Convolution, channel: number): Convolution {
  const { weights, outputChannels, depthwise } = operator;
  const taps = weights.length / outputChannels;
  return {
    ...operator,
    outputChannels: 1,
    depthMultiplier: 1,
    weights: depthwise
      ? weights.filter((_, i) => i % outputChannels === channel)
      : weights.slice(channel * taps, (channel + 1) * taps),
    bias: operator.bias.slice(channel, channel + 1),
    factors: operator.factors.slice(channel, channel + 1),
    scales: operator.scales.slice(channel, channel + 1),
  };
}

/** channel: the first one that is written. */
function commandOf(
  kernel: Kernel,
  operator: Convolution,
  plane: PixelPlane | undefined,
  { scratchBytes, write }: Rest,
  channel = 0,
  depthMultiplier = 1,
): Command {
  const { inputs, output, range, depthwise } = operator;
  return {
    kernel,
    scratchBytes,
    write: (words, address) => {
      words[command.SOURCE] = address.tensor(inputs[0]) + (depthwise ? Math.floor(channel / depthMultiplier) : 0);
      words[command.TARGET] = address.tensor(output) + channel;
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
      words[layout.DEPTH_MULTIPLIER] = depthwise ? operator.depthMultiplier : 0;
      write(words, address);
    },
  };
}

/** The words of one kind of kernel, beside those of all. */
type Rest = { readonly scratchBytes: number; readonly write: (words: Int32Array, address: Addresses) => void };

function writerOf(
  kernel: Kernel,
  operator: Convolution,
  lowering: Lowering,
  plane: PixelPlane | undefined,
  sums: Sums,
): Rest {
  if (kernel === 'any') return lowerAny(operator, lowering, plane);
  if (kernel === 'depthwise') return lowerDepthwise(operator, lowering, sums, isDot(operator, lowering));
  if (isRelaxedLayer(operator, lowering)) return lowerRelaxed(kernel, operator, lowering, plane, sums);
  return lowerProducts(kernel, operator, lowering, plane, sums);
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
  plane: PixelPlane | undefined,
  sums: Sums,
): Rest {
  const isWide = isDot(operator, lowering);
  const taps = tapCount(operator);
  // Outside of patches, the kernels for arm64 take two groups at a time.
  const groups = isWide || kernel === 'patch' ? Math.ceil(taps / 4) : 2 * Math.ceil(taps / 8);
  const pixelBytes = 4 * groups * (isWide ? 2 : 1);
  const stripPixels = stripOf(pixelBytes);
  const weights = lowering.pack(packGroups(operator, lowering.rounding, sums, groups));
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
      words[layout.FLIP] = plane ? -128 : 0;
    },
  };
}

/** Where the machine multiplies unsigned taps, they are q + 128, which is what a pixel is already. */
function lowerRelaxed(
  kernel: 'patch' | 'pointwise' | 'gather',
  operator: Convolution,
  lowering: Lowering,
  plane: PixelPlane | undefined,
  sums: Sums,
): Rest {
  const isUnsigned = lowering.shape === 'relaxed-unsigned';
  const isFlipped = isUnsigned !== (plane !== undefined);
  const groups = Math.ceil(tapCount(operator) / 4);
  const stripPixels = stripOf(4 * groups);
  const weights = lowering.pack(packFours(operator, lowering.rounding, sums, groups, isUnsigned));
  const kind = {
    patch: layout.KIND_PATCH_RELAXED,
    pointwise: layout.KIND_POINTWISE_RELAXED,
    gather: layout.KIND_GATHER_RELAXED,
  }[kernel];
  const readsInPlace = kernel === 'patch' || (kernel === 'pointwise' && !isFlipped);
  return {
    // Copies run over by less than 32 bytes.
    scratchBytes: readsInPlace ? 0 : stripPixels * 4 * groups + 32,
    write: (words, address) => {
      words[command.KIND] = kind;
      words[command.WEIGHTS] = address.constant(weights);
      words[layout.SCRATCH] = address.scratch;
      words[layout.FILL] = operator.inputs[0].zeroPoint + (isUnsigned ? 128 : 0);
      words[layout.GROUPS] = groups;
      words[layout.STRIP_PIXELS] = stripPixels;
      words[layout.FLIP] = isFlipped ? -128 : 0;
    },
  };
}

function tapCount({ kernelY, kernelX, inputChannels }: Convolution): number {
  return kernelY * kernelX * inputChannels;
}

/** Pixels whose taps are worked off at a time, block of channels by block. */
function stripOf(pixelBytes: number): number {
  return Math.max(4, Math.min(STRIP_PIXELS_MAX, Math.floor(STRIP_BYTES / pixelBytes / 4) * 4));
}

function lowerDepthwise(operator: Convolution, lowering: Lowering, sums: Sums, isWide: boolean): Rest {
  const { kernelY, kernelX, dilationY, dilationX, outputChannels } = operator;
  const is3x3 = !isWide && kernelY === 3 && kernelX === 3 && dilationX === 1 && operator.strideX <= 2;
  const pairs = is3x3 ? PAIRS_3X3 : tapPairs(kernelY * kernelX);
  const weights = lowering.pack(packDepthwise(operator, lowering.rounding, sums, pairs));
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

/** Weights of -128 would overflow in `pairs`, and may in `relaxed-signed`, so `dot` serves these on every processor. */
function isDot({ weights }: Convolution, { shape }: Lowering): boolean {
  return shape === 'dot' || shape === 'relaxed-unsigned' || weights.includes(-128);
}

function isRelaxedLayer({ weights }: Convolution, { shape, rounding }: Lowering): boolean {
  return isRelaxed(shape, rounding) && !weights.includes(-128);
}

function chooseKernel(operator: Convolution, lowering: Lowering, plane: PixelPlane | undefined, sums: Sums): Kernel {
  const { kernelY, kernelX, strideY, strideX, inputChannels } = operator;
  const isTrusted = sums.unsafe.length <= UNSAFE_SHARE_MAX * operator.outputChannels;
  if (lowering.shape === 'scalar' || !isTrusted) return 'any';
  if (operator.depthwise) return plane ? 'any' : 'depthwise';
  const plain = operator.dilationY === 1 && operator.dilationX === 1 && operator.padTop === 0 && operator.padLeft === 0;
  if (plane) {
    const square =
      kernelY === kernelX && strideY === kernelY && strideX === kernelX && (kernelX === 4 || kernelX === 2);
    const inside =
      operator.outputHeight * strideY <= operator.inputHeight && operator.outputWidth * strideX <= operator.inputWidth;
    const isFast = isRelaxedLayer(operator, lowering) || !isDot(operator, lowering);
    return plain && square && inside && inputChannels === 1 && isFast ? 'patch' : 'gather';
  }
  const single = kernelY === 1 && kernelX === 1 && strideY === 1 && strideX === 1;
  return single && inputChannels % 4 === 0 ? 'pointwise' : 'gather';
}

/** True where the fast kernels are exact for every input: nothing in kernels/requantise.ts overflows. */
function isSafe({ factors, scales }: Convolution, channel: number, sumMax: number, rounding: Rounding): boolean {
  if (rounding === 'fp32') {
    // Twice the room that the magic number needs, so that roundings of the product do not matter.
    return sumMax < 2 ** 31 && sumMax * scales[channel]! < 2 ** 21;
  }
  const factor = factors[channel]!;
  if (sumMax >= 2 ** 30) return false;
  if (isAlwaysZero(factor, sumMax)) return true;
  const exponent = -factor.shift;
  if (exponent < 1 || exponent > 16) return false;
  const highMax = Math.ceil((sumMax * factor.multiplier) / 2 ** 31) + 2 ** (exponent - 1) + 1;
  return highMax * 2 ** (16 - exponent) < 2 ** 31;
}

/** Channels whose factor is so small that every sum rounds to zero: common in trained networks, and a shift of any size. */
function isAlwaysZero({ multiplier, shift }: FixedPoint, sumMax: number): boolean {
  return multiplier === 0 || Math.ceil((sumMax * multiplier) / 2 ** 31) + 1 < 2 ** (-shift - 1);
}

type Sums = {
  /** Per output channel: the sum of its weights. */
  readonly weights: Float64Array;
  /** The largest size that its sums may have on the way and at the end. */
  readonly largest: Float64Array;
  /** Channels that a fast kernel would not compute exactly. */
  readonly unsafe: readonly number[];
};

function sumsOf(operator: Convolution, rounding: Rounding): Sums {
  const { inputs, weights, bias, depthwise, outputChannels } = operator;
  const sums = new Float64Array(outputChannels);
  const sizes = new Float64Array(outputChannels);
  const taps = weights.length / outputChannels;
  const step = depthwise ? outputChannels : 1;
  for (let channel = 0; channel < outputChannels; channel += 1) {
    const first = depthwise ? channel : channel * taps;
    for (let tap = 0; tap < taps; tap += 1) {
      const weight = weights[first + tap * step]!;
      sums[channel]! += weight;
      sizes[channel]! += Math.abs(weight);
    }
  }
  const { zeroPoint } = inputs[0];
  const offsetMax = Math.max(128 + zeroPoint, 127 - zeroPoint);
  const largest = sizes.map((size, i) => Math.abs(bias[i]!) + size * offsetMax);
  const channels = Array.from(largest, (_, channel) => channel);
  const unsafe = channels.filter((channel) => !isSafe(operator, channel, largest[channel]!, rounding));
  return { weights: sums, largest, unsafe };
}

/** Blocks of 8 channels: head, then per group of four taps [8 channels x taps 0, 1][8 channels x taps 2, 3]. */
function packGroups(operator: Convolution, rounding: Rounding, sums: Sums, groups: number): Uint8Array {
  const { weights, outputChannels } = operator;
  const taps = weights.length / outputChannels;
  return packBlocks(operator, rounding, sums, groups * layout.GROUP_BYTES, (packed, channel, block) => {
    const first = channel * taps;
    const at = block + 2 * (channel & 7);
    for (let tap = 0; tap < taps; tap += 1) {
      // Tap 2 stands 16 bytes after tap 0, tap 4 after 32.
      packed[at + (tap >> 1) * 16 + (tap & 1)] = weights[first + tap]!;
    }
  });
}

/** Blocks of 8 channels: head, then per group of four taps [channels 0..3 x 4 taps][channels 4..7 x 4 taps]. */
function packFours(
  operator: Convolution,
  rounding: Rounding,
  sums: Sums,
  groups: number,
  isUnsigned: boolean,
): Uint8Array {
  const { weights, outputChannels } = operator;
  const taps = weights.length / outputChannels;
  const packWeights = (packed: Uint8Array, channel: number, block: number): void => {
    const first = channel * taps;
    const at = block + 4 * (channel & 7);
    for (let tap = 0; tap < taps; tap += 1) {
      packed[at + (tap >> 2) * layout.GROUP_BYTES + (tap & 3)] = weights[first + tap]!;
    }
  };
  const zeroPoint = operator.inputs[0].zeroPoint + (isUnsigned ? 128 : 0);
  return packBlocks(operator, rounding, sums, groups * layout.GROUP_BYTES, packWeights, zeroPoint);
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
function packDepthwise(operator: Convolution, rounding: Rounding, sums: Sums, pairs: readonly TapPair[]): Uint8Array {
  const { weights, outputChannels } = operator;
  return packBlocks(operator, rounding, sums, pairs.length * layout.PAIR_BYTES, (packed, channel, block) => {
    const at = block + 2 * (channel & 7);
    pairs.forEach((pair, i) => {
      pair.forEach((tap, half) => {
        if (tap >= 0) packed[at + i * layout.PAIR_BYTES + half] = weights[tap * outputChannels + channel]!;
      });
    });
  });
}

/** Heads of all blocks, and what packWeights puts behind them, where weights of the block begin. zeroPoint: of the taps. */
function packBlocks(
  operator: Convolution,
  rounding: Rounding,
  sums: Sums,
  weightBytes: number,
  packWeights: (packed: Uint8Array, channel: number, weightsAt: number) => void,
  zeroPoint = operator.inputs[0].zeroPoint,
): Uint8Array {
  const headBytes = rounding === 'fp32' ? layout.BLOCK_HEAD_FP32 : layout.BLOCK_HEAD_FIXED;
  const blockBytes = headBytes + weightBytes;
  const packed = new Uint8Array(Math.ceil(operator.outputChannels / 8) * blockBytes);
  const view = new DataView(packed.buffer);
  const unsafe = new Set(sums.unsafe);
  for (let channel = 0; channel < operator.outputChannels; channel += 1) {
    const block = (channel >> 3) * blockBytes;
    const lane = channel & 7;
    // sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w. Wraps like the kernel's sums; the total fits.
    const bias = (operator.bias[channel]! - zeroPoint * sums.weights[channel]!) | 0;
    view.setInt32(block + layout.BLOCK_BIAS + 4 * lane, bias, true);
    if (rounding === 'fp32') {
      view.setFloat32(block + layout.BLOCK_FACTOR + 4 * lane, operator.scales[channel]!, true);
    } else {
      const factor = operator.factors[channel]!;
      const isZero = unsafe.has(channel) || isAlwaysZero(factor, sums.largest[channel]!);
      const exponent = isZero ? 16 : -factor.shift;
      view.setInt32(block + layout.BLOCK_FACTOR + 4 * lane, isZero ? 0 : factor.multiplier, true);
      // 64 bits: 2^31 and 2^(exponent - 1) x 2^32.
      view.setInt32(block + layout.BLOCK_ADDEND + 8 * lane, rounding === 'double' ? -(2 ** 31) : 0, true);
      view.setInt32(block + layout.BLOCK_ADDEND + 8 * lane + 4, 2 ** (exponent - 1), true);
      view.setInt32(block + layout.BLOCK_POWER + 4 * lane, 2 ** (16 - exponent), true);
    }
    packWeights(packed, channel, block + headBytes);
  }
  return packed;
}
