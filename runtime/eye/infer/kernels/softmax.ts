/**
 * SOFTMAX of int8 along the last dimension: tensorflow/lite/kernels/internal/reference/softmax.h (Softmax), with the
 * exponentials of all differences looked up (../tables.ts computes them). Numbers written 0.31 have 31 bits behind the
 * point, as in gemmlowp/fixedpoint/fixedpoint.h, whose functions are named beside each step.
 */
import { SOURCE, TARGET } from '../layout/command';
import { EXPONENTIALS, ROW_COUNT, VALUE_COUNT } from '../layout/elementwise';
import { address, word } from './word';

export function softmax(command: usize): void {
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  const exponentials = address(command, EXPONENTIALS);
  const rowCount = word(command, ROW_COUNT);
  const count = address(command, VALUE_COUNT);
  for (let row = 0; row < rowCount; row++) {
    let most: i32 = -128;
    for (let i: usize = 0; i < count; i++) most = max(most, <i32>load<i8>(source + i));
    // Entry 255 belongs to the difference 0.
    const entries = exponentials + (<usize>(255 - most) << 2);
    // 12.19: each exponential loses 12 bits (Rescale, which rounds half up). The loader proves that the sum fits.
    let sum: u32 = 0;
    for (let i: usize = 0; i < count; i++) sum += (load<u32>(entry(entries, source + i)) + (1 << 11)) >> 12;
    // common.h, GetReciprocal: the sum is shifted to 1.xxx and the digits behind the point are what is divided by.
    const headroom = clz<u32>(sum);
    const reciprocal = <i64>reciprocalOf(<i32>((sum << headroom) - 0x80000000));
    const exponent = 12 - <i32>headroom + 31 - 8;
    const half = <i64>1 << (exponent - 1);
    for (let i: usize = 0; i < count; i++) {
      const product = (reciprocal * <i64>load<i32>(entry(entries, source + i)) + (1 << 30)) >> 31;
      store<i8>(target + i, <i8>min<i64>(((product + half) >> exponent) - 128, 127));
    }
    source += count;
    target += count;
  }
}

// @ts-ignore: decorator
@inline
function entry(entries: usize, source: usize): usize {
  return entries + (<usize>(<i32>load<i8>(source)) << 2);
}

/** 1 / (1 + x) for x in 0 .. 1, both 0.31 (one_over_one_plus_x_for_x_in_0_1): three steps of Newton's method. */
function reciprocalOf(x: i32): i32 {
  // RoundingHalfSum(x, 1), both positive.
  const half = <i32>((<i64>x + 0x7fffffff + 1) >> 1);
  // 2.29: 48/17 - 32/17 × half
  let y = 1515870810 + highMul(half, -1010580540);
  for (let step = 0; step < 3; step++) {
    const rest = (1 << 29) - highMul(half, y);
    y += lift(highMul(y, rest), 2);
  }
  // Half of it, in 0.31: ExactMulByPot<-1> makes 1.30 of 2.29 without a move, Rescale shifts by the one bit.
  return lift(y, 1);
}

/** SaturatingRoundingDoublingHighMul; never -2^31 twice. */
// @ts-ignore: decorator
@inline
function highMul(a: i32, b: i32): i32 {
  return <i32>((<i64>a * <i64>b + (1 << 30)) >> 31);
}

/** SaturatingRoundingMultiplyByPOT to the left. */
// @ts-ignore: decorator
@inline
function lift(value: i32, bits: i32): i32 {
  return <i32>max<i64>(min<i64>(<i64>value << bits, 0x7fffffff), -0x80000000);
}
