/**
 * The inner product of most convolutions: a strip of pixels, each a row of taps that lie one after another, times the
 * packed weights. Who calls it, and where the rows come from, is in convolution.ts.
 *
 * Four pixels times eight output channels are summed at a time in eight registers. Block of channels outside, pixels
 * inside, so that weights are read once per strip and stay in the first-level cache while it is worked off.
 * Weights of a group of four taps lie as [8 channels x taps 0, 1][8 channels x taps 2, 3] for two of the three shapes:
 *
 * - pairs: taps are int8, eight of them are one load; a pair of them, eight times, is one dup. extmul_low + extmul_low,
 *   then extadd_pairwise, adds four taps to four channels: smull, smlal, sadalp on arm64, 16 multiply-adds in three
 *   instructions. Products of int8 with weights in -127..127 are at most 16256 in size, so two fit into int16. Few and
 *   wide loads, because V8 on arm64 has no guard pages in Node 20: an instruction or three check every load.
 * - dot: taps are int16 (widened once per strip); a pair is one 32-bit splat, and i32x4.dot_i16x8 multiplies and adds
 *   pairs: pmaddwd on x86-64, 8 multiply-adds in one instruction there, but four on arm64.
 *
 * Zero points of inputs are in the bias: sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w.
 */
import { OUTPUT_CHANNELS, SOURCE_ROW, TARGET_PIXEL, WEIGHTS } from '../layout/command';
import { BLOCK_BIAS, FLIP, GROUP_BYTES, GROUPS } from '../layout/convolution';
import { addend, clamp16, factor, headBytes, maxOf, minOf, power, requantise8, zeroPointOf } from './requantise';
import { storePixels, storeSome } from './values';
import { address, word } from './word';

/** `count` pixels whose taps are int8, sourcePixel bytes from one pixel to the next. */
export function productsPairs(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  if (count < 4) singles(command, source, sourcePixel, target, count, TAPS_INT8);
  else products(command, source, sourcePixel, target, count, TAPS_INT8);
}

/** Taps are int16. */
export function productsDot(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  if (count < 4) singles(command, source, sourcePixel, target, count, TAPS_INT16);
  else products(command, source, sourcePixel, target, count, TAPS_INT16);
}

/** Taps are four int8 at a time, or the same with their top bits flipped. */
export function productsRelaxed(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  if (count < 4) singles(command, source, sourcePixel, target, count, TAPS_RELAXED);
  else products(command, source, sourcePixel, target, count, TAPS_RELAXED);
}

/**
 * Taps are unsigned pixels of patches of 4x4 side by side, a group is a row of one: four patches are 16 neighbouring bytes.
 * Flipping the top bit makes pixels int8, pixel - 128.
 */
export function productsPatch4(command: usize, source: usize, target: usize, count: i32): void {
  products(command, source, 4, target, count, TAPS_PATCH4);
}

/** Patches of 2x2: one group, two rows of eight bytes. */
export function productsPatch2(command: usize, source: usize, target: usize, count: i32): void {
  products(command, source, 2, target, count, TAPS_PATCH2);
}

export function productsRelaxedPatch4(command: usize, source: usize, target: usize, count: i32): void {
  products(command, source, 4, target, count, TAPS_RELAXED_PATCH4);
}

export function productsRelaxedPatch2(command: usize, source: usize, target: usize, count: i32): void {
  products(command, source, 2, target, count, TAPS_RELAXED_PATCH2);
}

const TAPS_INT8 = 0;
const TAPS_INT16 = 1;
const TAPS_PATCH4 = 2;
const TAPS_PATCH2 = 3;
const TAPS_RELAXED = 4;
const TAPS_RELAXED_PATCH4 = 5;
const TAPS_RELAXED_PATCH2 = 6;

/** `taps` is known when this is compiled into its callers. */
// @ts-ignore: decorator
@inline
function products(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32, taps: i32): void {
  const weightBytes = address(command, GROUPS) * GROUP_BYTES;
  const rowBytes = address(command, SOURCE_ROW);
  const flip = i8x16.splat(<i8>word(command, FLIP));
  const targetPixel = address(command, TARGET_PIXEL);
  const channels = word(command, OUTPUT_CHANNELS);
  const zeroPoint = zeroPointOf(command);
  const min = minOf(command);
  const max = maxOf(command);
  // Distances from the first of four pixels; where there are fewer, the last one is computed again, or more than there are,
  // and written first, where right ones follow.
  const p1 = <usize>min32(1, count - 1);
  const p2 = <usize>min32(2, count - 1);
  const p3 = <usize>min32(3, count - 1);
  const d1 = p1 * sourcePixel;
  const d2 = p2 * sourcePixel;
  const d3 = p3 * sourcePixel;
  const t1 = p1 * targetPixel;
  const t2 = p2 * targetPixel;
  const t3 = p3 * targetPixel;
  const lastStart = <usize>max32(count - 4, 0);
  const lastSource = source + lastStart * sourcePixel;
  let block = address(command, WEIGHTS);
  for (let channel = 0; channel < channels; channel += 8) {
    const bias0 = v128.load(block, BLOCK_BIAS);
    const bias1 = v128.load(block, BLOCK_BIAS + 16);
    const factor0 = factor(block, 0);
    const factor1 = factor(block, 1);
    const addend0 = addend(block, 0);
    const addend1 = addend(block, 1);
    const addend2 = addend(block, 2);
    const addend3 = addend(block, 3);
    const power0 = power(block, 0);
    const power1 = power(block, 1);
    const weights = block + headBytes();
    const end = weights + weightBytes;
    const left = channels - channel;
    let from = source;
    let to = target;
    for (;;) {
      let at = from;
      let low0 = bias0;
      let high0 = bias1;
      let low1 = bias0;
      let high1 = bias1;
      let low2 = bias0;
      let high2 = bias1;
      let low3 = bias0;
      let high3 = bias1;
      if (taps == TAPS_INT16) {
        // One pair at a time: V8 loads all that a turn needs first, and more would not fit into 16 registers.
        for (let w = weights; w < end; w += GROUP_BYTES / 2) {
          const weights0 = v128.load_ext<i8>(w);
          const weights1 = v128.load_ext<i8>(w, 8);
          let taps2 = v128.load_splat<u32>(at);
          low0 = i32x4.add(low0, i32x4.dot_i16x8_s(taps2, weights0));
          high0 = i32x4.add(high0, i32x4.dot_i16x8_s(taps2, weights1));
          taps2 = v128.load_splat<u32>(at + d1);
          low1 = i32x4.add(low1, i32x4.dot_i16x8_s(taps2, weights0));
          high1 = i32x4.add(high1, i32x4.dot_i16x8_s(taps2, weights1));
          taps2 = v128.load_splat<u32>(at + d2);
          low2 = i32x4.add(low2, i32x4.dot_i16x8_s(taps2, weights0));
          high2 = i32x4.add(high2, i32x4.dot_i16x8_s(taps2, weights1));
          taps2 = v128.load_splat<u32>(at + d3);
          low3 = i32x4.add(low3, i32x4.dot_i16x8_s(taps2, weights0));
          high3 = i32x4.add(high3, i32x4.dot_i16x8_s(taps2, weights1));
          at += 4;
        }
      } else if (taps == TAPS_INT8) {
        for (let w = weights; w < end; w += 2 * GROUP_BYTES) {
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          const weights2 = v128.load(w, 32);
          const weights3 = v128.load(w, 48);
          let eight = v128.load64_zero(at);
          low0 = i32x4.add(low0, lowSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          high0 = i32x4.add(high0, highSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          low0 = i32x4.add(low0, lowSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          high0 = i32x4.add(high0, highSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          eight = v128.load64_zero(at + d1);
          low1 = i32x4.add(low1, lowSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          high1 = i32x4.add(high1, highSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          low1 = i32x4.add(low1, lowSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          high1 = i32x4.add(high1, highSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          eight = v128.load64_zero(at + d2);
          low2 = i32x4.add(low2, lowSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          high2 = i32x4.add(high2, highSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          low2 = i32x4.add(low2, lowSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          high2 = i32x4.add(high2, highSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          eight = v128.load64_zero(at + d3);
          low3 = i32x4.add(low3, lowSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          high3 = i32x4.add(high3, highSums(pair(eight, 0), pair(eight, 1), weights0, weights1));
          low3 = i32x4.add(low3, lowSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          high3 = i32x4.add(high3, highSums(pair(eight, 2), pair(eight, 3), weights2, weights3));
          at += 8;
        }
      } else if (taps == TAPS_RELAXED) {
        for (let w = weights; w < end; w += GROUP_BYTES) {
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          let four = v128.load_splat<u32>(at);
          low0 = addFour(weights0, four, low0);
          high0 = addFour(weights1, four, high0);
          four = v128.load_splat<u32>(at + d1);
          low1 = addFour(weights0, four, low1);
          high1 = addFour(weights1, four, high1);
          four = v128.load_splat<u32>(at + d2);
          low2 = addFour(weights0, four, low2);
          high2 = addFour(weights1, four, high2);
          four = v128.load_splat<u32>(at + d3);
          low3 = addFour(weights0, four, low3);
          high3 = addFour(weights1, four, high3);
          at += 4;
        }
      } else if (taps == TAPS_RELAXED_PATCH4 || taps == TAPS_RELAXED_PATCH2) {
        for (let w = weights; w < end; w += GROUP_BYTES) {
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          let patches =
            taps == TAPS_RELAXED_PATCH4
              ? v128.load(at)
              : v128.shuffle<i16>(v128.load64_zero(at), v128.load64_zero(at + rowBytes), 0, 8, 1, 9, 2, 10, 3, 11);
          patches = v128.xor(patches, flip);
          let four = v128.shuffle<i32>(patches, patches, 0, 0, 0, 0);
          low0 = addFour(weights0, four, low0);
          high0 = addFour(weights1, four, high0);
          four = v128.shuffle<i32>(patches, patches, 1, 1, 1, 1);
          low1 = addFour(weights0, four, low1);
          high1 = addFour(weights1, four, high1);
          four = v128.shuffle<i32>(patches, patches, 2, 2, 2, 2);
          low2 = addFour(weights0, four, low2);
          high2 = addFour(weights1, four, high2);
          four = v128.shuffle<i32>(patches, patches, 3, 3, 3, 3);
          low3 = addFour(weights0, four, low3);
          high3 = addFour(weights1, four, high3);
          at += rowBytes;
        }
      } else {
        for (let w = weights; w < end; w += GROUP_BYTES) {
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          const first = v128.xor(taps == TAPS_PATCH4 ? v128.load(at) : v128.load64_zero(at), i8x16.splat(-128));
          const second =
            taps == TAPS_PATCH4 ? first : v128.xor(v128.load64_zero(at + rowBytes), i8x16.splat(-128));
          const a0 = pair(first, 0);
          const b0 = taps == TAPS_PATCH4 ? pair(first, 1) : pair(second, 0);
          low0 = i32x4.add(low0, lowSums(a0, b0, weights0, weights1));
          high0 = i32x4.add(high0, highSums(a0, b0, weights0, weights1));
          const a1 = taps == TAPS_PATCH4 ? pair(first, 2) : pair(first, 1);
          const b1 = taps == TAPS_PATCH4 ? pair(first, 3) : pair(second, 1);
          low1 = i32x4.add(low1, lowSums(a1, b1, weights0, weights1));
          high1 = i32x4.add(high1, highSums(a1, b1, weights0, weights1));
          const a2 = taps == TAPS_PATCH4 ? pair(first, 4) : pair(first, 2);
          const b2 = taps == TAPS_PATCH4 ? pair(first, 5) : pair(second, 2);
          low2 = i32x4.add(low2, lowSums(a2, b2, weights0, weights1));
          high2 = i32x4.add(high2, highSums(a2, b2, weights0, weights1));
          const a3 = taps == TAPS_PATCH4 ? pair(first, 6) : pair(first, 3);
          const b3 = taps == TAPS_PATCH4 ? pair(first, 7) : pair(second, 3);
          low3 = i32x4.add(low3, lowSums(a3, b3, weights0, weights1));
          high3 = i32x4.add(high3, highSums(a3, b3, weights0, weights1));
          at += rowBytes;
        }
      }
      const pixel0 = requantise8(low0, high0, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel1 = requantise8(low1, high1, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel2 = requantise8(low2, high2, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel3 = requantise8(low3, high3, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const result01 = clamp16(pixel0, pixel1, min, max);
      const result23 = clamp16(pixel2, pixel3, min, max);
      storePixels(to, t1, t2, t3, result01, result23, left);
      if (from == lastSource) break;
      from += 4 * sourcePixel;
      to += 4 * targetPixel;
      // The last four may overlap those before.
      if (from > lastSource) {
        from = lastSource;
        to = target + lastStart * targetPixel;
      }
    }
    target += 8;
    block = end;
  }
}

/** One pixel at a time, where there are fewer than four: mostly fully connected layers. */
// @ts-ignore: decorator
@inline
function singles(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32, taps: i32): void {
  const weightBytes = address(command, GROUPS) * GROUP_BYTES;
  const targetPixel = address(command, TARGET_PIXEL);
  const channels = word(command, OUTPUT_CHANNELS);
  const zeroPoint = zeroPointOf(command);
  const min = minOf(command);
  const max = maxOf(command);
  let block = address(command, WEIGHTS);
  for (let channel = 0; channel < channels; channel += 8) {
    const weights = block + headBytes();
    const end = weights + weightBytes;
    for (let pixel = 0; pixel < count; pixel++) {
      let at = source + <usize>pixel * sourcePixel;
      let low = v128.load(block, BLOCK_BIAS);
      let high = v128.load(block, BLOCK_BIAS + 16);
      for (let w = weights; w < end; w += GROUP_BYTES) {
        if (taps == TAPS_INT16) {
          const first = v128.load_splat<u32>(at);
          const second = v128.load_splat<u32>(at, 4);
          low = i32x4.add(low, i32x4.dot_i16x8_s(first, v128.load_ext<i8>(w)));
          high = i32x4.add(high, i32x4.dot_i16x8_s(first, v128.load_ext<i8>(w, 8)));
          low = i32x4.add(low, i32x4.dot_i16x8_s(second, v128.load_ext<i8>(w, 16)));
          high = i32x4.add(high, i32x4.dot_i16x8_s(second, v128.load_ext<i8>(w, 24)));
          at += 8;
        } else if (taps == TAPS_RELAXED) {
          const four = v128.load_splat<u32>(at);
          low = addFour(v128.load(w), four, low);
          high = addFour(v128.load(w, 16), four, high);
          at += 4;
        } else {
          const four = v128.load32_zero(at);
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          low = i32x4.add(low, lowSums(pair(four, 0), pair(four, 1), weights0, weights1));
          high = i32x4.add(high, highSums(pair(four, 0), pair(four, 1), weights0, weights1));
          at += 4;
        }
      }
      const sums = requantise8(
        low, high,
        factor(block, 0), factor(block, 1),
        addend(block, 0), addend(block, 1), addend(block, 2), addend(block, 3),
        power(block, 0), power(block, 1),
        zeroPoint,
      );
      const result = clamp16(sums, sums, min, max);
      const to = target + <usize>pixel * targetPixel + <usize>channel;
      if (channels - channel >= 8) v128.store_lane<i64>(to, result, 0);
      else storeSome(to, i64x2.extract_lane(result, 0), channels - channel);
    }
    block = end;
  }
}

/** The nth pair of taps, eight times; lanes must be literals. */
// @ts-ignore: decorator
@inline
function pair(taps: v128, n: i32): v128 {
  if (n == 0) return v128.shuffle<i16>(taps, taps, 0, 0, 0, 0, 0, 0, 0, 0);
  if (n == 1) return v128.shuffle<i16>(taps, taps, 1, 1, 1, 1, 1, 1, 1, 1);
  if (n == 2) return v128.shuffle<i16>(taps, taps, 2, 2, 2, 2, 2, 2, 2, 2);
  if (n == 3) return v128.shuffle<i16>(taps, taps, 3, 3, 3, 3, 3, 3, 3, 3);
  if (n == 4) return v128.shuffle<i16>(taps, taps, 4, 4, 4, 4, 4, 4, 4, 4);
  if (n == 5) return v128.shuffle<i16>(taps, taps, 5, 5, 5, 5, 5, 5, 5, 5);
  if (n == 6) return v128.shuffle<i16>(taps, taps, 6, 6, 6, 6, 6, 6, 6, 6);
  return v128.shuffle<i16>(taps, taps, 7, 7, 7, 7, 7, 7, 7, 7);
}

/** Four taps to channels 0..3 and to channels 4..7. */
// @ts-ignore: decorator
@inline
function lowSums(a: v128, b: v128, weights0: v128, weights1: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_low_i8x16_s(a, weights0), i16x8.extmul_low_i8x16_s(b, weights1)));
}

// @ts-ignore: decorator
@inline
function highSums(a: v128, b: v128, weights0: v128, weights1: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_high_i8x16_s(a, weights0), i16x8.extmul_high_i8x16_s(b, weights1)));
}

/** relaxed: four taps to four channels. The order matters: only the second operand's sign depends on the machine. */
// @ts-ignore: decorator
@inline
function addFour(weights: v128, taps: v128, sums: v128): v128 {
  // asc also compiles what it will drop, here for the other modules.
  return RELAXED == 1 ? i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, taps, sums) : sums;
}

// @ts-ignore: decorator
@inline
export function min32(a: i32, b: i32): i32 {
  return select<i32>(a, b, a < b);
}

// @ts-ignore: decorator
@inline
export function max32(a: i32, b: i32): i32 {
  return select<i32>(a, b, a > b);
}
