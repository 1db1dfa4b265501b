/**
 * The language between the loader and the kernels: a command is a record of 32-bit words, one per call of a kernel.
 * This folder is read by both compilers, TypeScript and AssemblyScript, so the two cannot disagree; therefore it holds
 * whole-number constants and nothing else. Addresses are bytes from the start of the linear memory.
 */

/** Every command is this long, so that command n is found by multiplication. */
export const COMMAND_BYTES = 128;
export const COMMAND_WORDS = 32;

/** Word 0 of every command: which kernel. The numbers are in the files beside this one: 1.. convolutions, 32.. value by value, 48.. spatial, 80.. pixels. */
export const KIND = 0;

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
