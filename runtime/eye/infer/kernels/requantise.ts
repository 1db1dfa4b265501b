/**
 * Requantisation: int32 sums of a convolution back to int8, eight at a time (multiply.ts does one), in one of three ways
 * (ROUNDING, folded by the build):
 *
 * 0 double: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier; gemmlowp/fixedpoint/fixedpoint.h:
 *     high = SaturatingRoundingDoublingHighMul(sum, m) = floor((sum x m + 2^30) / 2^31)          m in 2^30 .. 2^31 - 1
 *     y    = RoundingDivideByPOT(high, e)              = (high + 2^(e-1) - (high < 0)) >> e      e >= 1
 * 1 single: the same function under TFLITE_SINGLE_ROUNDING:
 *     y    = floor((sum x m + 2^(30+e)) / 2^(31+e))
 * 2 fp32: XNNPACK (src/qs8-requantization/fp32-*.c): y = float(sum) x scale, rounded to the nearest integer, ties to even.
 *
 * Then in all of them: int8 = clamp(y + zero point).
 *
 * WebAssembly has no shift by lane, but each channel has its own e. Two moves make all lanes alike:
 * - (high + 2^(e-1) - negative) x 2^(16-e) has y in its upper 16 bits, whatever e is: one multiplication and a
 *   shuffle that also narrows (uzp2 on arm64);
 * - 2 x sum x m + 2^31 + 2^(e-1) x 2^32 has high + 2^(e-1) in its upper 32 bits: both additions are one per-channel
 *   64-bit addend, and the shift by 31 is a shuffle of words as well. Single rounding only lacks the 2^31, and the
 *   correction of negative numbers.
 * `negative` is taken from the sum: it differs from high's sign only where high is 0, and there both give y = 0.
 *
 * In float32, adding 1.5 x 2^23 leaves the integer, rounded to nearest even, in the lowest bits of the number; one integer
 * subtraction takes away the rest and adds the zero point. Needs |y| < 2^22.
 *
 * The loader proves for every channel that no step overflows (../operators/convolution-kernels.ts, isSafe), else the
 * scalar kernel writes it.
 */
import { OUTPUT_MAX, OUTPUT_MIN, OUTPUT_ZERO_POINT } from '../layout/command';
import { BLOCK_ADDEND, BLOCK_FACTOR, BLOCK_HEAD_FIXED, BLOCK_HEAD_FP32, BLOCK_POWER } from '../layout/convolution';
import { word } from './word';

/** 1.5 x 2^23 and its bits. */
const MAGIC: f32 = 12582912;
const MAGIC_BITS: i32 = 0x4b400000;

/** Where the weights of a block begin. */
// @ts-ignore: decorator
@inline
export function headBytes(): usize {
  return ROUNDING == 2 ? BLOCK_HEAD_FP32 : BLOCK_HEAD_FIXED;
}

/** Multipliers or scales of channels 0..3 (half 0) and 4..7 (half 1) of a block. */
// @ts-ignore: decorator
@inline
export function factor(block: usize, half: i32): v128 {
  return half == 0 ? v128.load(block, BLOCK_FACTOR) : v128.load(block, BLOCK_FACTOR + 16);
}

/** 64-bit addends of two channels. */
// @ts-ignore: decorator
@inline
export function addend(block: usize, quarter: i32): v128 {
  if (ROUNDING == 2) return i32x4.splat(0);
  if (quarter == 0) return v128.load(block, BLOCK_ADDEND);
  if (quarter == 1) return v128.load(block, BLOCK_ADDEND + 16);
  if (quarter == 2) return v128.load(block, BLOCK_ADDEND + 32);
  return v128.load(block, BLOCK_ADDEND + 48);
}

/** Powers of two of four channels. */
// @ts-ignore: decorator
@inline
export function power(block: usize, half: i32): v128 {
  if (ROUNDING == 2) return i32x4.splat(0);
  return half == 0 ? v128.load(block, BLOCK_POWER) : v128.load(block, BLOCK_POWER + 16);
}

/** The zero point in the form in which requantise8 takes it. */
// @ts-ignore: decorator
@inline
export function zeroPointOf(command: usize): v128 {
  const zeroPoint = word(command, OUTPUT_ZERO_POINT);
  return ROUNDING == 2 ? i32x4.splat(MAGIC_BITS - zeroPoint) : i16x8.splat(<i16>zeroPoint);
}

// @ts-ignore: decorator
@inline
export function minOf(command: usize): v128 {
  return i8x16.splat(<i8>word(command, OUTPUT_MIN));
}

// @ts-ignore: decorator
@inline
export function maxOf(command: usize): v128 {
  return i8x16.splat(<i8>word(command, OUTPUT_MAX));
}

/**
 * Eight sums of one pixel to eight int16: y + zero point, not yet clamped to int8. The constants of the block come as
 * values, so that callers load them once.
 */
// @ts-ignore: decorator
@inline
export function requantise8(
  sums0: v128, sums1: v128,
  factor0: v128, factor1: v128,
  addend0: v128, addend1: v128, addend2: v128, addend3: v128,
  power0: v128, power1: v128,
  zeroPoint: v128,
): v128 {
  if (ROUNDING == 2) {
    return i16x8.narrow_i32x4_s(toNearest(sums0, factor0, zeroPoint), toNearest(sums1, factor1, zeroPoint));
  }
  const words0 = fixed(sums0, factor0, addend0, addend1, power0);
  const words1 = fixed(sums1, factor1, addend2, addend3, power1);
  return i16x8.add_sat_s(v128.shuffle<i16>(words0, words1, 1, 3, 5, 7, 9, 11, 13, 15), zeroPoint);
}

/** fp32: four sums to y + zero point. */
// @ts-ignore: decorator
@inline
function toNearest(sums: v128, scale: v128, zeroPoint: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sums), scale), f32x4.splat(MAGIC)), zeroPoint);
}

/** double and single: four sums to four words whose upper halves are y. */
// @ts-ignore: decorator
@inline
function fixed(sums: v128, multiplier: v128, addend0: v128, addend1: v128, power: v128): v128 {
  const doubled = i32x4.add(sums, sums);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(doubled, multiplier), addend0);
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(doubled, multiplier), addend1);
  const upper = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  return i32x4.mul(ROUNDING == 1 ? upper : i32x4.add(upper, i32x4.shr_s(sums, 31)), power);
}

/** Two pixels of eight int16 to int8, clamped to the range of the activation. */
// @ts-ignore: decorator
@inline
export function clamp16(pixel0: v128, pixel1: v128, min: v128, max: v128): v128 {
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(pixel0, pixel1), min), max);
}
