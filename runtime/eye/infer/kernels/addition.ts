/**
 * ADD of two tensors with different scales: tensorflow/lite/kernels/internal/reference/integer_ops/add.h (AddFunc).
 * Both inputs are lifted by 2^20 and brought to twice the larger scale, added, and scaled to the output; each of the
 * three scalings is the double rounding of requantise.ts, but with one multiplier and shift for all values.
 *
 * The input with the larger scale has factor one half exactly (add.cc: real_input_multiplier = scale / (2 x max scale)),
 * which makes (q - zeroPoint) x 2^20 into x 2^19 without any rounding. The loader orders the inputs so that this is
 * SOURCE. Eight values per step; the loader pads both inputs and the output to whole steps.
 */
import { OUTPUT_MAX, OUTPUT_MIN, OUTPUT_ZERO_POINT, SOURCE, TARGET } from '../layout/command';
import {
  MULTIPLIER_B,
  MULTIPLIER_OUT,
  SHIFT_B,
  SHIFT_OUT,
  SOURCE_B,
  VALUE_COUNT,
  ZERO_POINT_A,
  ZERO_POINT_B,
} from '../layout/others';
import { address, word } from './word';

export function addition(command: usize): void {
  const a = address(command, SOURCE);
  const b = address(command, SOURCE_B);
  const target = address(command, TARGET);
  const count = address(command, VALUE_COUNT);
  const zeroPointA = i16x8.splat(<i16>word(command, ZERO_POINT_A));
  const zeroPointB = i16x8.splat(<i16>word(command, ZERO_POINT_B));
  const multiplierB = i32x4.splat(word(command, MULTIPLIER_B));
  const multiplierOut = i32x4.splat(word(command, MULTIPLIER_OUT));
  const shiftB = word(command, SHIFT_B);
  const shiftOut = word(command, SHIFT_OUT);
  // Shift 0 happens where both scales are equal; there the value is exact and must not be rounded a second time.
  const addendB = addend(shiftB);
  const negativeB = i32x4.splat(shiftB > 0 ? -1 : 0);
  const addendOut = addend(shiftOut);
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  for (let i: usize = 0; i < count; i += 8) {
    const valuesA = i16x8.sub(v128.load_ext<i8>(a + i), zeroPointA);
    const valuesB = i16x8.sub(v128.load_ext<i8>(b + i), zeroPointB);
    const b0 = i32x4.shl(i32x4.extend_low_i16x8_s(valuesB), 20);
    const b1 = i32x4.shl(i32x4.extend_high_i16x8_s(valuesB), 20);
    const scaled0 = i32x4.shr_s(i32x4.add(highMul(b0, multiplierB, addendB), v128.and(i32x4.shr_s(b0, 31), negativeB)), shiftB);
    const scaled1 = i32x4.shr_s(i32x4.add(highMul(b1, multiplierB, addendB), v128.and(i32x4.shr_s(b1, 31), negativeB)), shiftB);
    const sum0 = i32x4.add(scaled0, i32x4.shl(i32x4.extend_low_i16x8_s(valuesA), 19));
    const sum1 = i32x4.add(scaled1, i32x4.shl(i32x4.extend_high_i16x8_s(valuesA), 19));
    const y0 = i32x4.shr_s(i32x4.add(highMul(sum0, multiplierOut, addendOut), i32x4.shr_s(sum0, 31)), shiftOut);
    const y1 = i32x4.shr_s(i32x4.add(highMul(sum1, multiplierOut, addendOut), i32x4.shr_s(sum1, 31)), shiftOut);
    const y = i16x8.add_sat_s(i16x8.narrow_i32x4_s(y0, y1), zeroPoint);
    v128.store_lane<i64>(target + i, i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(y, y), min), max), 0);
  }
}

/** 2^31 rounds the high product, 2^(shift-1) x 2^32 rounds the division that follows; see requantise.ts. */
// @ts-ignore: decorator
@inline
function addend(shift: i32): v128 {
  return i64x2.splat((<i64>1 << 31) + (shift > 0 ? <i64>1 << (31 + shift) : 0));
}

/** SaturatingRoundingDoublingHighMul plus the addend's upper half. Values stay below 2^29, so doubling is safe. */
// @ts-ignore: decorator
@inline
function highMul(values: v128, multiplier: v128, addend: v128): v128 {
  const doubled = i32x4.add(values, values);
  return v128.shuffle<i32>(
    i64x2.add(i64x2.extmul_low_i32x4_s(doubled, multiplier), addend),
    i64x2.add(i64x2.extmul_high_i32x4_s(doubled, multiplier), addend),
    1, 3, 5, 7,
  );
}
