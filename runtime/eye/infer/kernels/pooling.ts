/**
 * MAX_POOL_2D and AVERAGE_POOL_2D: tensorflow/lite/kernels/internal/reference/integer_ops/pooling.h (MaxPool,
 * AveragePool). Sixteen channels at a time; what lies outside of the image is left out, not counted as zero.
 */
import {
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_CHANNELS,
  OUTPUT_HEIGHT,
  OUTPUT_MAX,
  OUTPUT_MIN,
  OUTPUT_WIDTH,
  PAD_LEFT,
  PAD_TOP,
  SOURCE,
  STRIDE_X,
  STRIDE_Y,
  TARGET,
} from '../layout/command';
import { SUMS, WINDOW_X, WINDOW_Y } from '../layout/spatial';
import { storeLanes, sumBlock } from './lanes';
import { address, word } from './word';

export function maxPool(command: usize): void {
  pool(command, false);
}

export function averagePool(command: usize): void {
  pool(command, true);
}

// @ts-ignore: decorator
@inline
function pool(command: usize, isAverage: bool): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const inputWidth = word(command, INPUT_WIDTH);
  const outputHeight = word(command, OUTPUT_HEIGHT);
  const outputWidth = word(command, OUTPUT_WIDTH);
  const channels = address(command, OUTPUT_CHANNELS);
  const windowY = word(command, WINDOW_Y);
  const windowX = word(command, WINDOW_X);
  const strideY = word(command, STRIDE_Y);
  const strideX = word(command, STRIDE_X);
  const padTop = word(command, PAD_TOP);
  const padLeft = word(command, PAD_LEFT);
  const sums = address(command, SUMS);
  const least = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const most = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  const source = address(command, SOURCE);
  const sourceRow = <usize>inputWidth * channels;
  let target = address(command, TARGET);
  for (let y = 0; y < outputHeight; y++) {
    const top = max(y * strideY - padTop, 0);
    const rows = min(y * strideY - padTop + windowY, inputHeight) - top;
    for (let x = 0; x < outputWidth; x++) {
      const left = max(x * strideX - padLeft, 0);
      const columns = min(x * strideX - padLeft + windowX, inputWidth) - left;
      const start = source + <usize>top * sourceRow + <usize>left * channels;
      for (let c: usize = 0; c < channels; c += 16) {
        let values: v128;
        if (isAverage) {
          sumBlock(start + c, rows, sourceRow, columns, channels, sums);
          values = mean16(sums, rows * columns);
        } else {
          values = maxBlock(start + c, rows, sourceRow, columns, channels);
        }
        storeLanes(target + c, i8x16.min_s(i8x16.max_s(values, least), most), channels - c);
      }
      target += channels;
    }
  }
}

// @ts-ignore: decorator
@inline
function maxBlock(source: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize): v128 {
  let values = i8x16.splat(-128);
  for (let row = 0; row < rows; row++) {
    let at = source;
    for (let column = 0; column < columns; column++) {
      values = i8x16.max_s(values, v128.load(at));
      at += columnStep;
    }
    source += rowStep;
  }
  return values;
}

/** Sixteen sums divided by `count`: half of it (rounded down) is added away from zero first, then the fraction is cut off. */
// @ts-ignore: decorator
@inline
function mean16(sums: usize, count: i32): v128 {
  const half = i32x4.splat(count >> 1);
  const divisor = f32x4.splat(<f32>count);
  return i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(divide(v128.load(sums), half, divisor), divide(v128.load(sums, 16), half, divisor)),
    i16x8.narrow_i32x4_s(divide(v128.load(sums, 32), half, divisor), divide(v128.load(sums, 48), half, divisor)),
  );
}

/**
 * Exact although in float32: the loader allows at most 2^16 values, so the dividend is below 2^24; a quotient that is not
 * whole is 2^-16 or more away from the next whole number, and the rounding error of a quotient below 2^8 is at most 2^-17.
 */
// @ts-ignore: decorator
@inline
function divide(sum: v128, half: v128, divisor: v128): v128 {
  const negative = i32x4.shr_s(sum, 31);
  const nudged = i32x4.add(sum, i32x4.sub(v128.xor(half, negative), negative));
  return i32x4.trunc_sat_f32x4_s(f32x4.div(f32x4.convert_i32x4_s(nudged), divisor));
}
