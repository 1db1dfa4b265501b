/**
 * FULLY_CONNECTED: tensorflow/lite/kernels/internal/reference/integer_ops/fully_connected.h, the overloads that take the
 * scales: round(sum x scale) in double precision, halves away from zero.
 *
 * Four output channels at a time, sixteen inputs per step; reads go up to fifteen bytes beyond the input, where weights are
 * zero. Products of two int8 fit into int16, pairs of them are added in int32 (smull and sadalp on arm64).
 */
import { INPUT_CHANNELS, OUTPUT_CHANNELS, OUTPUT_MAX, OUTPUT_MIN, OUTPUT_ZERO_POINT, SOURCE, TARGET, WEIGHTS } from '../layout/command';
import { MATRIX_BIAS, MATRIX_SCALES, MATRIX_STEP, MATRIX_WEIGHTS, ROW_COUNT } from '../layout/elementwise';
import { narrow8, store8 } from './values';
import { address, word } from './word';

export function fullyConnected(command: usize): void {
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  const blocks = address(command, WEIGHTS);
  const inputs = address(command, INPUT_CHANNELS);
  const outputs = address(command, OUTPUT_CHANNELS);
  const rowCount = word(command, ROW_COUNT);
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  for (let row = 0; row < rowCount; row++) {
    let block = blocks;
    for (let channel: usize = 0; channel < outputs; channel += 4) {
      const bias = v128.load(block, MATRIX_BIAS);
      const scale0 = v128.load(block, MATRIX_SCALES);
      const scale1 = v128.load(block, MATRIX_SCALES + 16);
      block += MATRIX_WEIGHTS;
      let sum0 = i32x4.splat(0);
      let sum1 = i32x4.splat(0);
      let sum2 = i32x4.splat(0);
      let sum3 = i32x4.splat(0);
      for (let i: usize = 0; i < inputs; i += MATRIX_STEP) {
        const values = v128.load(source + i);
        sum0 = accumulate(sum0, values, v128.load(block));
        sum1 = accumulate(sum1, values, v128.load(block, MATRIX_STEP));
        sum2 = accumulate(sum2, values, v128.load(block, 2 * MATRIX_STEP));
        sum3 = accumulate(sum3, values, v128.load(block, 3 * MATRIX_STEP));
        block += 4 * MATRIX_STEP;
      }
      // Columns to sums: pairs first, then pairs of pairs.
      const pairs01 = i32x4.add(v128.shuffle<i32>(sum0, sum1, 0, 2, 4, 6), v128.shuffle<i32>(sum0, sum1, 1, 3, 5, 7));
      const pairs23 = i32x4.add(v128.shuffle<i32>(sum2, sum3, 0, 2, 4, 6), v128.shuffle<i32>(sum2, sum3, 1, 3, 5, 7));
      const sums = i32x4.add(
        i32x4.add(v128.shuffle<i32>(pairs01, pairs23, 0, 2, 4, 6), v128.shuffle<i32>(pairs01, pairs23, 1, 3, 5, 7)),
        bias,
      );
      const low = round2(f64x2.mul(f64x2.convert_low_i32x4_s(sums), scale0));
      const high = round2(f64x2.mul(f64x2.convert_low_i32x4_s(v128.shuffle<i64>(sums, sums, 1, 0)), scale1));
      const values = v128.shuffle<i64>(low, high, 0, 2);
      store8(target + channel, narrow8(values, values, zeroPoint, min, max), min4(outputs - channel));
    }
    source += inputs;
    target += outputs;
  }
}

// @ts-ignore: decorator
@inline
function min4(count: usize): usize {
  return count < 4 ? count : 4;
}

// @ts-ignore: decorator
@inline
function accumulate(sums: v128, values: v128, weights: v128): v128 {
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(values, weights));
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(values, weights));
  return i32x4.add(sums, i32x4.add(low, high));
}

/** To the nearest whole number, halves away from zero, as two int32. The difference is exact; adding one half is not. */
// @ts-ignore: decorator
@inline
function round2(values: v128): v128 {
  const whole = f64x2.trunc(values);
  const isUp = f64x2.ge(f64x2.abs(f64x2.sub(values, whole)), f64x2.splat(0.5));
  const one = v128.or(v128.and(values, f64x2.splat(-0.0)), f64x2.splat(1));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(whole, v128.and(isUp, one)));
}
