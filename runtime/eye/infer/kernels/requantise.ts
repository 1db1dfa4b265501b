/**
 * Requantisation: int32 sums of a convolution back to int8, with exactly TFLite's double rounding
 * (tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier; gemmlowp/fixedpoint/fixedpoint.h):
 *   high = SaturatingRoundingDoublingHighMul(sum, m) = floor((sum x m + 2^30) / 2^31)          m in 2^30 .. 2^31 - 1
 *   y    = RoundingDivideByPOT(high, e)              = (high + 2^(e-1) - (high < 0)) >> e      e >= 1
 *
 * WebAssembly has no shift by lane, but each channel has its own e. Two moves make all lanes alike:
 * - (high + 2^(e-1) - negative) x 2^(16-e) has y in its upper 16 bits, whatever e is: one multiplication and a
 *   shuffle that also narrows (uzp2 on arm64);
 * - 2 x sum x m + 2^31 + 2^(e-1) x 2^32 has high + 2^(e-1) in its upper 32 bits: both additions are one per-channel
 *   64-bit addend, and the shift by 31 is a shuffle of words as well.
 * `negative` is taken from the sum: it differs from high's sign only where high is 0, and there both give y = 0.
 *
 * The loader proves for every layer that no step overflows (../prepack.ts, isSafe), else it uses the scalar
 * kernel. A float32 factor would be about a third faster but gives other bytes near ties.
 */
/** Four sums to four words whose upper halves are y. */
// @ts-ignore: decorator
@inline
export function requantise4(sums: v128, multiplier: v128, addend0: v128, addend1: v128, power: v128): v128 {
  const doubled = i32x4.add(sums, sums);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(doubled, multiplier), addend0);
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(doubled, multiplier), addend1);
  const upper = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  return i32x4.mul(i32x4.add(upper, i32x4.shr_s(sums, 31)), power);
}

/**
 * Eight sums of one pixel to eight int16: y + zero point, not yet clamped to int8. The constants of the block come as
 * values, so that callers load them once: where V8 has no guard pages (Node on arm64) every load is checked by code.
 */
// @ts-ignore: decorator
@inline
export function requantise8(
  sums0: v128, sums1: v128,
  multiplier0: v128, multiplier1: v128,
  addend0: v128, addend1: v128, addend2: v128, addend3: v128,
  power0: v128, power1: v128,
  zeroPoint: v128,
): v128 {
  const words0 = requantise4(sums0, multiplier0, addend0, addend1, power0);
  const words1 = requantise4(sums1, multiplier1, addend2, addend3, power1);
  return i16x8.add_sat_s(v128.shuffle<i16>(words0, words1, 1, 3, 5, 7, 9, 11, 13, 15), zeroPoint);
}

/** Two pixels of eight int16 to int8, clamped to the range of the activation. */
// @ts-ignore: decorator
@inline
export function clamp16(pixel0: v128, pixel1: v128, min: v128, max: v128): v128 {
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(pixel0, pixel1), min), max);
}
