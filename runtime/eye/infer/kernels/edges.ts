/**
 * Where a model has float32 at its edges: QUANTIZE (tensorflow/lite/kernels/internal/reference/quantize.h, AffineQuantize)
 * and DEQUANTIZE (reference/dequantize.h). Four values per step.
 */
import { SOURCE, TARGET } from '../layout/command';
import { IS_UNSIGNED, SCALE, VALUE_COUNT, ZERO_POINT } from '../layout/elementwise';
import { address, word } from './word';

/** Beyond this all values saturate, whatever the zero point; it keeps the sum with it within int32. */
const SATURATED: f32 = 1024;

/**
 * round(value / scale) + zero point, halves away from zero. TFLite leaves open what becomes of values beyond int32; here
 * they saturate, and what is not a number becomes the zero point.
 */
export function quantize(command: usize): void {
  const source = address(command, SOURCE);
  const target = address(command, TARGET);
  const count = address(command, VALUE_COUNT);
  const scale = f32x4.splat(reinterpret<f32>(word(command, SCALE)));
  const zeroPoint = i32x4.splat(word(command, ZERO_POINT));
  const isUnsigned = word(command, IS_UNSIGNED) != 0;
  const half = f32x4.splat(0.5);
  const one = f32x4.splat(1);
  const sign = i32x4.splat(<i32>0x80000000);
  const least = f32x4.splat(-SATURATED);
  const most = f32x4.splat(SATURATED);
  for (let i: usize = 0; i < count; i += 4) {
    const steps = f32x4.div(v128.load(source + (i << 2)), scale);
    const whole = f32x4.trunc(steps);
    // The difference is exact, where adding one half would not be: 0.49999997 + 0.5 is 1 in float32.
    const isUp = f32x4.ge(f32x4.abs(f32x4.sub(steps, whole)), half);
    const rounded = f32x4.add(whole, v128.and(isUp, v128.or(v128.and(steps, sign), one)));
    const clamped = f32x4.pmin(f32x4.pmax(rounded, least), most);
    const values = i32x4.add(i32x4.trunc_sat_f32x4_s(clamped), zeroPoint);
    const words = i16x8.narrow_i32x4_s(values, values);
    const bytes = isUnsigned ? i8x16.narrow_i16x8_u(words, words) : i8x16.narrow_i16x8_s(words, words);
    v128.store_lane<i32>(target + i, bytes, 0);
  }
}

/** scale x (value - zero point), in float32; the difference is exact. */
export function dequantize(command: usize): void {
  const source = address(command, SOURCE);
  const target = address(command, TARGET);
  const count = address(command, VALUE_COUNT);
  const scale = f32x4.splat(reinterpret<f32>(word(command, SCALE)));
  const zeroPoint = i32x4.splat(word(command, ZERO_POINT));
  const isUnsigned = word(command, IS_UNSIGNED) != 0;
  for (let i: usize = 0; i < count; i += 4) {
    const bytes = i32x4.splat(load<i32>(source + i));
    const values = isUnsigned
      ? i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes))
      : i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes));
    v128.store(target + (i << 2), f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(values, zeroPoint)), scale));
  }
}
