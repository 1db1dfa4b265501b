/** Words of all operators but the convolutions, beside those of command.ts. */

export const KIND_ADD = 32;
export const KIND_COPY_CHANNELS = 33;
export const KIND_DOUBLE = 34;

/** Addition: TARGET = SOURCE (the input with the larger scale) + SOURCE_B, VALUE_COUNT values. */
export const SOURCE_B = 3;
export const VALUE_COUNT = 7;
export const ZERO_POINT_A = 8;
export const ZERO_POINT_B = 9;
export const MULTIPLIER_B = 10;
export const SHIFT_B = 11;
export const MULTIPLIER_OUT = 12;
export const SHIFT_OUT = 13;
