/**
 * The language between the loader and the kernels: a command is a record of 32-bit words, one per call of a kernel.
 * This file is read by both compilers, TypeScript and AssemblyScript, so the two cannot disagree; therefore it holds
 * whole-number constants and nothing else. Addresses are bytes from the start of the linear memory.
 */

/** Every command is this long, so that command n is found by multiplication. */
export const COMMAND_BYTES = 128;
export const COMMAND_WORDS = 32;

/** Word 0 of every command. */
export const KIND = 0;
export const KIND_PATCH = 1;
export const KIND_POINTWISE = 2;
export const KIND_DEPTHWISE = 3;
export const KIND_ANY_CONVOLUTION = 4;
export const KIND_ADD = 5;
export const KIND_COPY_CHANNELS = 6;
export const KIND_DOUBLE = 7;

/** Words that most commands share. */
export const SOURCE = 1;
export const TARGET = 2;
/** Packed constants of the kernel. */
export const WEIGHTS = 3;
export const OUTPUT_ZERO_POINT = 4;
export const OUTPUT_MIN = 5;
export const OUTPUT_MAX = 6;
export const INPUT_HEIGHT = 7;
export const INPUT_WIDTH = 8;
export const INPUT_CHANNELS = 9;
export const OUTPUT_HEIGHT = 10;
export const OUTPUT_WIDTH = 11;
export const OUTPUT_CHANNELS = 12;
/** Bytes from one source row to the next. */
export const SOURCE_ROW = 13;
/** Bytes from one target pixel to the next; above OUTPUT_CHANNELS where the target is part of a concatenation. */
export const TARGET_PIXEL = 14;
export const STRIDE_Y = 15;
export const STRIDE_X = 16;
export const PAD_TOP = 17;
export const PAD_LEFT = 18;

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

/** Addition: TARGET = SOURCE (the input with the larger scale) + SOURCE_B, VALUE_COUNT values. */
export const SOURCE_B = 3;
export const VALUE_COUNT = 7;
export const ZERO_POINT_A = 8;
export const ZERO_POINT_B = 9;
export const MULTIPLIER_B = 10;
export const SHIFT_B = 11;
export const MULTIPLIER_OUT = 12;
export const SHIFT_OUT = 13;

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
