/**
 * MUL: tensorflow/lite/kernels/internal/reference/integer_ops/mul.h (MulElementwise). XNNPACK (src/qs8-vmul/scalar.c.in)
 * multiplies by a float32 factor and rounds to the nearest even.
 *
 * Eight values per step; reads go up to seven bytes beyond the inputs.
 */
import { OUTPUT_MAX, OUTPUT_MIN, OUTPUT_ZERO_POINT, SOURCE, TARGET } from '../layout/command';
import {
  EACH_A,
  EACH_B,
  FACTOR,
  INNER,
  IS_XNNPACK,
  LAST_A,
  LAST_B,
  LIFT,
  MIDDLE,
  MULTIPLIER_OUT,
  NEXT_A,
  NEXT_B,
  ROWS,
  ROW_VALUES,
  SHIFT_OUT,
  SOURCE_B,
  STEP_A,
  STEP_B,
  ZERO_POINT_A,
  ZERO_POINT_B,
} from '../layout/elementwise';
import { addendOf, load8, narrow8, negativeOf, scale4, stepAfter, store8 } from './values';
import { address, word } from './word';

export function multiplication(command: usize): void {
  let a = address(command, SOURCE);
  let b = address(command, SOURCE_B);
  let target = address(command, TARGET);
  const rows = word(command, ROWS);
  const inner = word(command, INNER);
  const middle = word(command, MIDDLE);
  const count = address(command, ROW_VALUES);
  const eachA = word(command, EACH_A) != 0;
  const eachB = word(command, EACH_B) != 0;
  const zeroPointA = i16x8.splat(<i16>word(command, ZERO_POINT_A));
  const zeroPointB = i16x8.splat(<i16>word(command, ZERO_POINT_B));
  const lift = word(command, LIFT);
  const multiplier = i32x4.splat(word(command, MULTIPLIER_OUT));
  const shift = word(command, SHIFT_OUT);
  const addend = addendOf(shift);
  const negative = negativeOf(shift);
  const isXnnpack = word(command, IS_XNNPACK) != 0;
  const factor = f32x4.splat(reinterpret<f32>(word(command, FACTOR)));
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  for (let row = 1; row <= rows; row++) {
    for (let i: usize = 0; i < count; i += 8) {
      const valuesA = i16x8.sub(load8(a, i, eachA), zeroPointA);
      const valuesB = i16x8.sub(load8(b, i, eachB), zeroPointB);
      let low = i32x4.extmul_low_i16x8_s(valuesA, valuesB);
      let high = i32x4.extmul_high_i16x8_s(valuesA, valuesB);
      if (ROUNDING == 2 && isXnnpack) {
        low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(low), factor)));
        high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(high), factor)));
      } else {
        low = scale4(i32x4.shl(low, lift), multiplier, addend, negative, shift);
        high = scale4(i32x4.shl(high, lift), multiplier, addend, negative, shift);
      }
      store8(target + i, narrow8(low, high, zeroPoint, min, max), count - i);
    }
    target += count;
    a += stepAfter(command, row, inner, middle, STEP_A, NEXT_A, LAST_A);
    b += stepAfter(command, row, inner, middle, STEP_B, NEXT_B, LAST_B);
  }
}
