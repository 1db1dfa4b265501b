/** What the kernels that compute value by value share: reading and writing eight of them, and TFLite's scaling. */

import { address } from './word';

/** Eight int16 from eight neighbours, or from one value that is repeated. */
// @ts-ignore: decorator
@inline
export function load8(source: usize, index: usize, isEach: bool): v128 {
  return isEach ? v128.load_ext<i8>(source + index) : i16x8.splat(<i16>load<i8>(source));
}

/** Eight bytes, or the first `count` of them: what lies behind may belong to another tensor. */
// @ts-ignore: decorator
@inline
export function store8(target: usize, values: v128, count: usize): void {
  if (count >= 8) v128.store_lane<i64>(target, values, 0);
  else if (count == 4) v128.store_lane<i32>(target, values, 0);
  else storeSome(target, i64x2.extract_lane(values, 0), <i32>count);
}

/** The first `count` bytes: the last block of a pixel may have fewer than eight channels, and what follows is not ours. */
export function storeSome(target: usize, bytes: i64, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<u8>(target + <usize>i, <u8>bytes);
    bytes >>= 8;
  }
}

/** Four pixels of eight channels, or of the first `left`, at distances t1, t2, t3; the last first, so that wrong ones are written over. */
// @ts-ignore: decorator
@inline
export function storePixels(to: usize, t1: usize, t2: usize, t3: usize, result01: v128, result23: v128, left: i32): void {
  if (left >= 8) {
    v128.store_lane<i64>(to + t3, result23, 1);
    v128.store_lane<i64>(to + t2, result23, 0);
    v128.store_lane<i64>(to + t1, result01, 1);
    v128.store_lane<i64>(to, result01, 0);
  } else {
    storeSome(to + t3, i64x2.extract_lane(result23, 1), left);
    storeSome(to + t2, i64x2.extract_lane(result23, 0), left);
    storeSome(to + t1, i64x2.extract_lane(result01, 1), left);
    storeSome(to, i64x2.extract_lane(result01, 0), left);
  }
}

/** How far an input moves after row number `row` of a broadcast (../operators/broadcast.ts); the words are its three steps. */
// @ts-ignore: decorator
@inline
export function stepAfter(command: usize, row: i32, inner: i32, middle: i32, step: i32, next: i32, last: i32): usize {
  let distance = address(command, step);
  if (row % inner == 0) {
    distance += address(command, next);
    if (row % (inner * middle) == 0) distance += address(command, last);
  }
  return distance;
}

/** Eight int32 to int8: zero point added, clamped to the range of the activation. */
// @ts-ignore: decorator
@inline
export function narrow8(low: v128, high: v128, zeroPoint: v128, min: v128, max: v128): v128 {
  const values = i16x8.add_sat_s(i16x8.narrow_i32x4_s(low, high), zeroPoint);
  return i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(values, values), min), max);
}

/**
 * Half of what scales by multiplier / 2^(31 + shift). 2^31 rounds the high product. With two roundings 2^(shift-1) x 2^32
 * rounds the division that follows (see requantise.ts); shift 0 divides by nothing and rounds no second time. With one
 * rounding there is one addend for both.
 */
// @ts-ignore: decorator
@inline
export function addendOf(shift: i32): v128 {
  if (ROUNDING == 1) return i64x2.splat(<i64>1 << (31 + shift));
  return i64x2.splat((<i64>1 << 31) + (shift > 0 ? <i64>1 << (31 + shift) : 0));
}

/** What corrects the second rounding of negative values: all bits where there is one. */
// @ts-ignore: decorator
@inline
export function negativeOf(shift: i32): v128 {
  return i32x4.splat(shift > 0 ? -1 : 0);
}

/**
 * The other half: tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier, for shift >= 0 (to the right).
 * Values stay below 2^30 in size, so that doubling them is safe.
 */
// @ts-ignore: decorator
@inline
export function scale4(values: v128, multiplier: v128, addend: v128, negative: v128, shift: i32): v128 {
  const doubled = i32x4.add(values, values);
  const high = v128.shuffle<i32>(
    i64x2.add(i64x2.extmul_low_i32x4_s(doubled, multiplier), addend),
    i64x2.add(i64x2.extmul_high_i32x4_s(doubled, multiplier), addend),
    1, 3, 5, 7,
  );
  if (ROUNDING == 1) return i32x4.shr_s(high, shift);
  return i32x4.shr_s(i32x4.add(high, v128.and(i32x4.shr_s(values, 31), negative)), shift);
}
