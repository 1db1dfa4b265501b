/**
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR. Which source pixels make an output pixel, and with what weights, the
 * loader has settled in a table for the rows and one for the columns (../operators/resize.ts).
 */
import {
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_CHANNELS,
  OUTPUT_HEIGHT,
  OUTPUT_WIDTH,
  SOURCE,
  TARGET,
} from '../layout/command';
import { BILINEAR_ENTRY, COLUMNS, NEAREST_ENTRY, ROWS } from '../layout/spatial';
import { storeLanes } from './lanes';
import { copyRun } from './move';
import { address, word } from './word';

/** Twice the height and width: output (y, x) is input (y/2, x/2). */
export function double(command: usize): void {
  const height = word(command, INPUT_HEIGHT);
  const width = word(command, INPUT_WIDTH);
  const channels = address(command, OUTPUT_CHANNELS);
  const targetRow = <usize>(2 * width) * channels;
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    const start = target;
    for (let x = 0; x < width; x++) {
      copyRun(source, target, channels);
      copyRun(source, target + channels, channels);
      source += channels;
      target += 2 * channels;
    }
    memory.copy(target, start, targetRow);
    target += targetRow;
  }
}

/** tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h */
export function nearestNeighbour(command: usize): void {
  const height = word(command, OUTPUT_HEIGHT);
  const width = word(command, OUTPUT_WIDTH);
  const channels = address(command, OUTPUT_CHANNELS);
  const source = address(command, SOURCE);
  const rows = address(command, ROWS);
  const columns = address(command, COLUMNS);
  const targetRow = <usize>width * channels;
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    const row = rows + <usize>y * NEAREST_ENTRY;
    const distance = load<u32>(row);
    if (y > 0 && load<u32>(row - NEAREST_ENTRY) == distance) {
      memory.copy(target, target - targetRow, targetRow);
      target += targetRow;
      continue;
    }
    const start = source + distance;
    for (let x = 0; x < width; x++) {
      copyRun(start + load<u32>(columns + <usize>x * NEAREST_ENTRY), target, channels);
      target += channels;
    }
  }
}

/**
 * tensorflow/lite/kernels/internal/reference/resize_bilinear.h, ResizeBilinearInteger. The four products of a value and
 * two weights of 1024 in all are summed up as (columns first) x rows, which is the same sum without any rounding; the
 * weights reach from -512 to 1536, so every step stays below 2^30. With the fp32 rounding the weights are XNNPACK's, 2048
 * in all and none below 0 (src/s8-ibilinear/scalar.c.in).
 */
export function bilinear(command: usize): void {
  const height = word(command, OUTPUT_HEIGHT);
  const width = word(command, OUTPUT_WIDTH);
  const channels = address(command, OUTPUT_CHANNELS);
  const source = address(command, SOURCE);
  const columns = address(command, COLUMNS);
  let target = address(command, TARGET);
  let row = address(command, ROWS);
  for (let y = 0; y < height; y++) {
    const lowerRow = source + load<u32>(row);
    const upperRow = source + load<u32>(row, 4);
    const lowerY = v128.load32_splat(row, 8);
    const upperY = v128.load32_splat(row, 12);
    let column = columns;
    for (let x = 0; x < width; x++) {
      const lowerColumn = load<u32>(column);
      const upperColumn = load<u32>(column, 4);
      const lowerX = i16x8.splat(<i16>load<i32>(column, 8));
      const upperX = i16x8.splat(<i16>load<i32>(column, 12));
      for (let c: usize = 0; c < channels; c += 8) {
        const a = v128.load_ext<i8>(lowerRow + lowerColumn + c);
        const b = v128.load_ext<i8>(lowerRow + upperColumn + c);
        const d = v128.load_ext<i8>(upperRow + lowerColumn + c);
        const e = v128.load_ext<i8>(upperRow + upperColumn + c);
        const above0 = i32x4.add(i32x4.extmul_low_i16x8_s(a, lowerX), i32x4.extmul_low_i16x8_s(b, upperX));
        const above1 = i32x4.add(i32x4.extmul_high_i16x8_s(a, lowerX), i32x4.extmul_high_i16x8_s(b, upperX));
        const below0 = i32x4.add(i32x4.extmul_low_i16x8_s(d, lowerX), i32x4.extmul_low_i16x8_s(e, upperX));
        const below1 = i32x4.add(i32x4.extmul_high_i16x8_s(d, lowerX), i32x4.extmul_high_i16x8_s(e, upperX));
        const sum0 = i32x4.add(i32x4.mul(above0, lowerY), i32x4.mul(below0, upperY));
        const sum1 = i32x4.add(i32x4.mul(above1, lowerY), i32x4.mul(below1, upperY));
        const values = i16x8.narrow_i32x4_s(divide(sum0), divide(sum1));
        const rest = channels - c;
        storeLanes(target + c, i8x16.narrow_i16x8_s(values, values), rest < 8 ? rest : 8);
      }
      target += channels;
      column += BILINEAR_ENTRY;
    }
    row += BILINEAR_ENTRY;
  }
}

/** Division by 2^20, halves away from zero; by 2^22, halves up, for XNNPACK. */
// @ts-ignore: decorator
@inline
function divide(sum: v128): v128 {
  if (ROUNDING == 2) return i32x4.shr_s(i32x4.add(sum, i32x4.splat(1 << 21)), 22);
  const negative = i32x4.shr_s(sum, 31);
  const size = i32x4.sub(v128.xor(sum, negative), negative);
  const result = i32x4.shr_s(i32x4.add(size, i32x4.splat(1 << 19)), 20);
  return i32x4.sub(v128.xor(result, negative), negative);
}
