/** Words of the operators that move bytes or gather them from neighbouring places, beside those of command.ts. */

export const KIND_MOVE = 48;
export const KIND_FILL = 49;
export const KIND_DOUBLE = 50;
export const KIND_NEAREST = 51;
export const KIND_BILINEAR = 52;
export const KIND_MAX_POOL = 53;
export const KIND_AVERAGE_POOL = 54;
export const KIND_MEAN = 55;
export const KIND_TRANSPOSE_CONVOLUTION = 56;

/** Move: RUN_BYTES from SOURCE to TARGET, repeated in four nested loops: a count and two steps in bytes for each, outermost first. */
export const MOVE_LOOPS = 4;
export const RUN_BYTES = 19;
export const LOOP_COUNTS = 20;
export const SOURCE_STEPS = 24;
export const TARGET_STEPS = 28;

/** Fill: FILL_BYTES bytes of FILL_VALUE from TARGET on. */
export const FILL_BYTES = 19;
export const FILL_VALUE = 20;

/**
 * Nearest and bilinear: addresses of a table for the output's rows and one for its columns.
 * Nearest: int32 distance in bytes of the source row, or pixel.
 * Bilinear: four int32 each: distance of the lower neighbour and of the upper one, and their weights, 1024 together (2048 with
 * the fp32 rounding).
 */
export const ROWS = 19;
export const COLUMNS = 20;
export const NEAREST_ENTRY = 4;
export const BILINEAR_ENTRY = 16;

/** Pools. SUMS: address of 64 bytes of scratch. */
export const WINDOW_Y = 19;
export const WINDOW_X = 20;
export const SUMS = 21;
/** Sixteen int32, one per channel of a block. */
export const SUMS_BYTES = 64;

/**
 * Mean: two loops over the values that are kept, two over those that are summed up, each with a count and a step in
 * bytes, outermost first. MEAN_OFFSET is what every sum is too large by: input zero point x values summed.
 * MEAN_MULTIPLIER holds the bits of a float32 with the fp32 rounding.
 */
export const KEPT_COUNT = 19;
export const KEPT_STEP = 20;
export const INNER_KEPT_COUNT = 22;
export const INNER_KEPT_STEP = 23;
export const SUMMED_COUNT = 24;
export const SUMMED_STEP = 25;
export const INNER_SUMMED_COUNT = 26;
export const INNER_SUMMED_STEP = 27;
export const MEAN_OFFSET = 28;
export const MEAN_MULTIPLIER = 29;
export const MEAN_SHIFT = 30;

/**
 * Transpose convolution. WEIGHTS are int8 [y, x, output channel, input channel]; output channels are filled up with zeroes
 * to a multiple of 4, input channels to one of 16. ZERO_TERMS: int32 [y, x, output channel], input zero point x the sum of
 * those weights.
 */
export const TAPS_Y = 19;
export const TAPS_X = 20;
export const ZERO_TERMS = 21;
/** Addresses of int32 per output channel. */
export const TRANSPOSED_BIAS = 22;
export const TRANSPOSED_MULTIPLIERS = 23;
export const TRANSPOSED_SHIFTS = 24;
/** Address of scratch for the four int32 of a block of output channels. */
export const TRANSPOSED_SUMS = 25;
export const TRANSPOSED_SUMS_BYTES = 16;
