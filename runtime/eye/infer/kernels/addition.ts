/**
 * ADD: tensorflow/lite/kernels/internal/reference/integer_ops/add.h (AddFunc). Both inputs are lifted by 2^20 and brought
 * to twice the larger scale, added, and scaled to the output.
 *
 * The input with the larger scale has factor one half exactly (add.cc: real_input_multiplier = scale / (2 x max scale)),
 * which makes (q - zeroPoint) x 2^20 into x 2^19 without any rounding. The loader orders the inputs so that this is
 * SOURCE. XNNPACK (src/qs8-vadd/scalar.c.in) adds two products of 21 and 8 bits and rounds once.
 *
 * Eight values per step; reads go up to seven bytes beyond the inputs.
 */
import { OUTPUT_MAX, OUTPUT_MIN, OUTPUT_ZERO_POINT, SOURCE, TARGET } from '../layout/command';
import {
  BIAS,
  EACH_A,
  EACH_B,
  INNER,
  IS_XNNPACK,
  LAST_A,
  LAST_B,
  MIDDLE,
  MULTIPLIER_A,
  MULTIPLIER_B,
  MULTIPLIER_OUT,
  NEXT_A,
  NEXT_B,
  ROWS,
  ROW_VALUES,
  SHIFT_B,
  SHIFT_OUT,
  SOURCE_B,
  STEP_A,
  STEP_B,
  ZERO_POINT_A,
  ZERO_POINT_B,
} from '../layout/elementwise';
import { addendOf, load8, narrow8, negativeOf, scale4, stepAfter, store8 } from './values';
import { address, word } from './word';

export function addition(command: usize): void {
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
  const multiplierA = i32x4.splat(word(command, MULTIPLIER_A));
  const multiplierB = i32x4.splat(word(command, MULTIPLIER_B));
  const multiplierOut = i32x4.splat(word(command, MULTIPLIER_OUT));
  const shiftB = word(command, SHIFT_B);
  const shiftOut = word(command, SHIFT_OUT);
  const addendB = addendOf(shiftB);
  const addendOut = addendOf(shiftOut);
  const negativeB = negativeOf(shiftB);
  const negativeOut = negativeOf(shiftOut);
  const isXnnpack = word(command, IS_XNNPACK) != 0;
  const bias = i32x4.splat(word(command, BIAS));
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  for (let row = 1; row <= rows; row++) {
    for (let i: usize = 0; i < count; i += 8) {
      let valuesA = load8(a, i, eachA);
      let valuesB = load8(b, i, eachB);
      let low: v128;
      let high: v128;
      if (ROUNDING == 2 && isXnnpack) {
        const product0 = i32x4.mul(i32x4.extend_low_i16x8_s(valuesA), multiplierA);
        const product1 = i32x4.mul(i32x4.extend_high_i16x8_s(valuesA), multiplierA);
        const sum0 = i32x4.add(product0, i32x4.mul(i32x4.extend_low_i16x8_s(valuesB), multiplierB));
        const sum1 = i32x4.add(product1, i32x4.mul(i32x4.extend_high_i16x8_s(valuesB), multiplierB));
        low = i32x4.shr_s(i32x4.add(sum0, bias), shiftOut);
        high = i32x4.shr_s(i32x4.add(sum1, bias), shiftOut);
      } else {
        valuesA = i16x8.sub(valuesA, zeroPointA);
        valuesB = i16x8.sub(valuesB, zeroPointB);
        const b0 = i32x4.shl(i32x4.extend_low_i16x8_s(valuesB), 20);
        const b1 = i32x4.shl(i32x4.extend_high_i16x8_s(valuesB), 20);
        const scaled0 = scale4(b0, multiplierB, addendB, negativeB, shiftB);
        const scaled1 = scale4(b1, multiplierB, addendB, negativeB, shiftB);
        const sum0 = i32x4.add(scaled0, i32x4.shl(i32x4.extend_low_i16x8_s(valuesA), 19));
        const sum1 = i32x4.add(scaled1, i32x4.shl(i32x4.extend_high_i16x8_s(valuesA), 19));
        low = scale4(sum0, multiplierOut, addendOut, negativeOut, shiftOut);
        high = scale4(sum1, multiplierOut, addendOut, negativeOut, shiftOut);
      }
      store8(target + i, narrow8(low, high, zeroPoint, min, max), count - i);
    }
    target += count;
    a += stepAfter(command, row, inner, middle, STEP_A, NEXT_A, LAST_A);
    b += stepAfter(command, row, inner, middle, STEP_B, NEXT_B, LAST_B);
  }
}
