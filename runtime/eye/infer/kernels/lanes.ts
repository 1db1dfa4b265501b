/**
 * Blocks of 16 channels, the last of which may be shorter: it is loaded whole (bytes behind a tensor may be read) and
 * stored in part, so that no channel count needs a kernel of its own.
 */

/** Stores the first `count` bytes of a vector, all 16 of them where count is larger. */
// @ts-ignore: decorator
@inline
export function storeLanes(target: usize, values: v128, count: usize): void {
  if (count >= 16) v128.store(target, values);
  else storePart(target, values, count);
}

function storePart(target: usize, values: v128, count: usize): void {
  let rest = values;
  let at = target;
  if ((count & 8) != 0) {
    v128.store_lane<i64>(at, rest, 0);
    rest = v128.shuffle<i64>(rest, rest, 1, 0);
    at += 8;
  }
  if ((count & 4) != 0) {
    v128.store_lane<i32>(at, rest, 0);
    rest = v128.shuffle<i32>(rest, rest, 1, 2, 3, 0);
    at += 4;
  }
  if ((count & 2) != 0) {
    v128.store_lane<i16>(at, rest, 0);
    rest = v128.shuffle<i16>(rest, rest, 1, 2, 3, 4, 5, 6, 7, 0);
    at += 2;
  }
  if ((count & 1) != 0) v128.store_lane<i8>(at, rest, 0);
}

/**
 * Sums of 16 neighbouring int8 over `rows` x `columns` places, as 16 int32 at `sums`. Up to 256 values are added in
 * int16, where 256 x -128 just fits.
 */
export function sumBlock(
  source: usize, rows: i32, rowStep: usize, columns: i32, columnStep: usize, sums: usize,
): void {
  let sum0 = i32x4.splat(0);
  let sum1 = i32x4.splat(0);
  let sum2 = i32x4.splat(0);
  let sum3 = i32x4.splat(0);
  for (let row = 0; row < rows; row++) {
    let at = source;
    for (let column = 0; column < columns; ) {
      const end = min(column + 256, columns);
      let low = i16x8.splat(0);
      let high = i16x8.splat(0);
      for (; column < end; column++) {
        const values = v128.load(at);
        low = i16x8.add(low, i16x8.extend_low_i8x16_s(values));
        high = i16x8.add(high, i16x8.extend_high_i8x16_s(values));
        at += columnStep;
      }
      sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_s(low));
      sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_s(low));
      sum2 = i32x4.add(sum2, i32x4.extend_low_i16x8_s(high));
      sum3 = i32x4.add(sum3, i32x4.extend_high_i16x8_s(high));
    }
    source += rowStep;
  }
  v128.store(sums, sum0);
  v128.store(sums, sum1, 16);
  v128.store(sums, sum2, 32);
  v128.store(sums, sum3, 48);
}
