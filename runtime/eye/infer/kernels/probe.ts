/**
 * What this machine makes of the relaxed dot product: a module of its own (../relaxed.ts asks it), one function, no memory.
 * Every operand is four bytes, repeated in all lanes; the result is that of one lane, or of none where lanes disagree.
 */
export function probe(a: i32, b: i32, sum: i32): i32 {
  const dots = i32x4.relaxed_dot_i8x16_i7x16_add_s(i32x4.splat(a), i32x4.splat(b), i32x4.splat(sum));
  const first = i32x4.extract_lane(dots, 0);
  return v128.any_true(i32x4.ne(dots, i32x4.splat(first))) ? i32.MIN_VALUE : first;
}
