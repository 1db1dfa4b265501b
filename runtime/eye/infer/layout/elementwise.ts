/** Words of the operators that compute value by value, of SOFTMAX and FULLY_CONNECTED, beside those of command.ts. */

export const KIND_ADD = 32;
export const KIND_MULTIPLY = 36;
export const KIND_TABLE = 37;
export const KIND_SOFTMAX = 38;
export const KIND_QUANTIZE = 39;
export const KIND_DEQUANTIZE = 40;
export const KIND_FULLY_CONNECTED = 41;

/** All but addition and multiplication: how many values are computed; of softmax, in one row. */
export const VALUE_COUNT = 7;

/**
 * Addition and multiplication: TARGET = SOURCE op SOURCE_B, rows of ROW_VALUES neighbours, ROWS of them in three loops of
 * which the inner two count INNER and MIDDLE. After a row the addresses move by STEP_.., after INNER rows by NEXT_.. more,
 * after MIDDLE times INNER rows by LAST_.. more. EACH_..: 1 where a row reads neighbours, 0 where it repeats one value.
 */
export const SOURCE_B = 3;
export const ROWS = 7;
export const INNER = 8;
export const MIDDLE = 9;
export const ROW_VALUES = 10;
export const EACH_A = 11;
export const STEP_A = 12;
export const NEXT_A = 13;
export const LAST_A = 14;
export const EACH_B = 15;
export const STEP_B = 16;
export const NEXT_B = 17;
export const LAST_B = 18;
export const ZERO_POINT_A = 19;
export const ZERO_POINT_B = 20;
export const MULTIPLIER_OUT = 21;
/** Division by 2^SHIFT_.. after the multiplication; never negative. */
export const SHIFT_OUT = 22;
/** 1 where the command carries XNNPACK's constants; only where the module rounds like XNNPACK. */
export const IS_XNNPACK = 23;
/** Addition. SOURCE is the input with the larger scale, which needs no factor, unless IS_XNNPACK. */
export const MULTIPLIER_B = 24;
export const SHIFT_B = 25;
export const MULTIPLIER_A = 26;
export const BIAS = 27;
/** Multiplication: bits by which products are lifted first; and a float32 factor where IS_XNNPACK. */
export const LIFT = 24;
export const FACTOR = 25;

/** Softmax: address of 256 int32, the exponentials of differences -255 to 0. */
export const EXPONENTIALS = 3;
/** Softmax and fully connected. */
export const ROW_COUNT = 8;

/**
 * Packed block of 4 output channels of a fully connected layer, in bytes: bias 4 x int32, scales 4 x float64, then for every
 * MATRIX_STEP inputs as many weights of each channel.
 */
export const MATRIX_BIAS = 0;
export const MATRIX_SCALES = 16;
export const MATRIX_WEIGHTS = 48;
export const MATRIX_STEP = 16;

/** Edges between float32 and quantised values; the scale is a float32. */
export const SCALE = 8;
export const ZERO_POINT = 9;
/** 1 where the quantised values are uint8, 0 for int8. */
export const IS_UNSIGNED = 10;
