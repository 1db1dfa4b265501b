/** Words of the convolutions, beside those of command.ts. */

export const KIND_PATCH = 1;
export const KIND_POINTWISE = 2;
export const KIND_DEPTHWISE = 3;
export const KIND_ANY_CONVOLUTION = 4;

/** Patch and pointwise: groups of four taps, bytes from a group to the next, from the first pair of a group to its second. */
export const GROUPS = 19;
export const GROUP_STEP = 20;
export const SECOND_PAIR = 21;
/** Patch and pointwise: bytes from one source pixel (patch) to the next. */
export const SOURCE_PIXEL = 22;

/** Depthwise: address of a row of input zero points, INPUT_WIDTH x INPUT_CHANNELS bytes, and the value to fill in. */
export const PAD_ROW = 19;
export const INPUT_ZERO_POINT = 20;

/** Any convolution. The input offset is minus its zero point; 0 and IS_PIXEL 1 where unsigned pixels are read. */
export const INPUT_OFFSET = 19;
export const IS_PIXEL = 20;
export const KERNEL_Y = 21;
export const KERNEL_X = 22;
export const DILATION_Y = 23;
export const DILATION_X = 24;
/** 0: not depthwise. */
export const DEPTH_MULTIPLIER = 25;
/** Addresses of int32 per output channel. */
export const BIAS = 26;
export const MULTIPLIERS = 27;
export const SHIFTS = 28;

/**
 * Head of a packed block of 8 output channels, in bytes: bias 8 x int32, multiplier 8 x int32, addend 8 x int64,
 * power 8 x int32. See kernels/requantise.ts for what they do. Weights follow.
 */
export const BLOCK_BIAS = 0;
export const BLOCK_MULTIPLIER = 32;
export const BLOCK_ADDEND = 64;
export const BLOCK_POWER = 128;
export const BLOCK_WEIGHTS = 160;
/** Weights of one group of four taps x 8 channels, and of the nine taps (ten, the last one zero) of a depthwise block. */
export const GROUP_BYTES = 32;
export const DEPTHWISE_BYTES = 80;
