/** One sum at a time back to the output's units, in each of the three ways of rounding; requantise.ts does eight at once. */

/** Far beyond int8, and both bounds are whole in float32. */
const FLOAT_LIMIT: f32 = 1048576;

/**
 * tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier, with and without TFLITE_SINGLE_ROUNDING.
 * For the fp32 rounding `multiplier` holds the bits of a float32 factor, and the result is the nearest whole number,
 * ties to even (XNNPACK, src/qs8-requantization/fp32.c).
 */
export function multiplyByQuantizedMultiplier(x: i32, multiplier: i32, shift: i32): i32 {
  if (ROUNDING == 2) {
    const scaled = <f32>x * reinterpret<f32>(multiplier);
    return <i32>nearest<f32>(max<f32>(-FLOAT_LIMIT, min<f32>(FLOAT_LIMIT, scaled)));
  }
  if (ROUNDING == 1) {
    const right = 31 - shift;
    return <i32>((<i64>x * <i64>multiplier + (<i64>1 << (right - 1))) >> right);
  }
  const left = shift > 0 ? shift : 0;
  const right = shift > 0 ? 0 : -shift;
  // Both factors cannot be the least int32 at once, as multipliers are not negative: no saturation.
  const high = <i32>((<i64>(x << left) * <i64>multiplier + (1 << 30)) >> 31);
  const mask = (1 << right) - 1;
  const remainder = high & mask;
  const threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> right) + (remainder > threshold ? 1 : 0);
}
