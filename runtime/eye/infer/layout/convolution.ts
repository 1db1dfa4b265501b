/** Words of the convolutions, beside those of command.ts, and how their packed weights lie. */

/** Kernels that follow TFLite's loops one value at a time. */
export const KIND_ANY_CONVOLUTION = 1;
/** Kernels shaped for arm64. */
export const KIND_PATCH = 2;
export const KIND_POINTWISE_PAIRS = 3;
export const KIND_GATHER_PAIRS = 4;
export const KIND_DEPTHWISE_PAIRS = 5;
/** Kernels shaped for x86-64. */
export const KIND_POINTWISE_DOT = 6;
export const KIND_GATHER_DOT = 7;
export const KIND_DEPTHWISE_DOT = 8;
/** Kernels that need relaxed SIMD: in the module `relaxed` only. */
export const KIND_PATCH_RELAXED = 9;
export const KIND_POINTWISE_RELAXED = 10;
export const KIND_GATHER_RELAXED = 11;

export const KERNEL_Y = 19;
export const KERNEL_X = 20;
export const DILATION_Y = 21;
export const DILATION_X = 22;
/** 1 where the source are unsigned pixels: q = pixel - 128, zero point -128. */
export const IS_PIXEL = 23;
/** 0: not depthwise. */
export const DEPTH_MULTIPLIER = 24;

/** Any convolution. The input offset is minus its zero point; 0 where unsigned pixels are read. */
export const INPUT_OFFSET = 25;
/** Any convolution: addresses of int32 per output channel (fp32: of float32 scales in place of multipliers). */
export const BIAS = 26;
export const MULTIPLIERS = 27;
export const SHIFTS = 28;

/** All the others: address of the scratch, and the byte that stands outside of the image, which is the input's zero point. */
export const SCRATCH = 25;
export const FILL = 26;

/** Products: groups of four taps (filled up with zero weights), pixels that are computed block by block. */
export const GROUPS = 27;
export const STRIP_PIXELS = 28;
/** Gather, and all that is relaxed: -128 where the top bits of what is read are to be flipped, else 0. FILL is flipped already. */
export const FLIP = 29;
/** Depthwise: pairs of taps, rows of the ring, columns of its rows. */
export const TAP_PAIRS = 27;
export const RING_ROWS = 28;
export const RING_COLUMNS = 29;
/** Depthwise: 1 where the taps are 3x3 side by side, in the order of kernels/depthwise.ts. */
export const IS_3X3 = 30;

/**
 * Head of a packed block of 8 output channels, in bytes; kernels/requantise.ts says what the constants do.
 * All roundings: bias 8 x int32. fp32: scale 8 x float32. Others: multiplier 8 x int32, addend 8 x int64, power 8 x int32.
 * Weights follow.
 */
export const BLOCK_BIAS = 0;
export const BLOCK_FACTOR = 32;
export const BLOCK_ADDEND = 64;
export const BLOCK_POWER = 128;
export const BLOCK_HEAD_FP32 = 64;
export const BLOCK_HEAD_FIXED = 160;
/**
 * Weights of one group of four taps x 8 channels: [8 channels x taps 0, 1][8 channels x taps 2, 3],
 * relaxed: [channels 0..3 x 4 taps][channels 4..7 x 4 taps].
 */
export const GROUP_BYTES = 32;
/** Weights of one pair of taps x 8 channels of a depthwise block. */
export const PAIR_BYTES = 16;
