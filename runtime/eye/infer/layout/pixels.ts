/** Words of the commands that read the frame slot and write a tensor, beside those of command.ts. */

/** One plane, byte by byte: TARGET = SOURCE - 128, no resize. */
export const KIND_FEED_PLANE = 80;
/** Y alone, resized: one channel. */
export const KIND_FEED_GRAY = 81;
/** Y, U and V, resized and converted: three channels, red first. */
export const KIND_FEED_RGB = 82;

/** What every byte is XORed with before it is stored: 0x80 for int8 (q = pixel - 128), 0 for uint8 (q = pixel). */
export const FLIP = 19;
/** Y is at SOURCE; rows of U and V are CHROMA_ROW bytes apart. */
export const SOURCE_U = 20;
export const SOURCE_V = 21;
export const CHROMA_WIDTH = 22;
/** Addresses of coordinate tables, one for Y and one for U and V; see ROWS_BYTES and COLUMNS_BYTES. */
export const LUMA_ROWS = 23;
export const LUMA_COLUMNS = 24;
export const CHROMA_ROWS = 25;
export const CHROMA_COLUMNS = 26;
/** Scratch: one row of blended values; three rows of sampled ones (y, u, v); one row of the output. */
export const BLENDED = 27;
export const SAMPLED = 28;
export const SAMPLED_BYTES = 29;
export const CONVERTED = 30;

/** Per output row, int32: distance of the upper source row from the plane, of the lower one, weight of the lower (0..127). */
export const ROWS_BYTES = 12;
/** Per output column, int32: distance of the left value in the blended row; then two int16: weights of left and right. */
export const COLUMNS_BYTES = 8;
/** Weights are parts of 128. */
export const WEIGHT_ONE = 128;
/** Columns are done sixteen at a time; tables and rows are padded to that. */
export const COLUMNS_STEP = 16;
