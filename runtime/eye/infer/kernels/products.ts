/**
 * The inner product of most convolutions: a strip of pixels, each a row of taps that lie one after another, times the
 * packed weights. Who calls it, and where the rows come from, is in convolution.ts.
 *
 * Four pixels times eight output channels are summed at a time in eight registers. Block of channels outside, pixels
 * inside, so that weights are read once per strip and stay in the first-level cache while it is worked off.
 * Weights of a group of four taps lie as [8 channels x taps 0, 1][8 channels x taps 2, 3], for both shapes:
 *
 * - pairs: taps are int8; a pair of them is one 16-bit splat. extmul_low + extmul_low, then extadd_pairwise, adds four taps
 *   to four channels: smull, smlal, sadalp on arm64, 16 multiply-adds in three instructions. Products of int8 with
 *   weights in -127..127 are at most 16256 in size, so two fit into int16.
 * - dot: taps are int16 (widened once per strip); a pair is one 32-bit splat, and i32x4.dot_i16x8 multiplies and adds
 *   pairs: pmaddwd on x86-64, 8 multiply-adds in one instruction there, but four on arm64.
 *
 * Zero points of inputs are in the bias: sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w.
 */
import { OUTPUT_CHANNELS, TARGET_PIXEL, WEIGHTS } from '../layout/command';
import { BLOCK_BIAS, GROUP_BYTES, GROUP_STEP, GROUPS, SECOND_PAIR } from '../layout/convolution';
import { addend, clamp16, factor, headBytes, maxOf, minOf, power, requantise8, zeroPointOf } from './requantise';
import { address, word } from './word';

/** `count` pixels whose taps are int8, sourcePixel bytes from one pixel to the next. */
export function productsPairs(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  products(command, source, sourcePixel, target, count, TAPS_INT8);
}

/** Taps are int16. */
export function productsDot(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  products(command, source, sourcePixel, target, count, TAPS_INT16);
}

/** Taps are unsigned pixels in patches of GROUP_STEP and SECOND_PAIR. Flipping the top bit makes them int8, pixel - 128. */
export function productsPatch(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32): void {
  products(command, source, sourcePixel, target, count, TAPS_PATCH);
}

const TAPS_INT8 = 0;
const TAPS_INT16 = 1;
const TAPS_PATCH = 2;

/** `taps` is known when this is compiled into its callers. */
// @ts-ignore: decorator
@inline
function products(command: usize, source: usize, sourcePixel: usize, target: usize, count: i32, taps: i32): void {
  const weightBytes = address(command, GROUPS) * GROUP_BYTES;
  const groupStep = taps == TAPS_PATCH ? address(command, GROUP_STEP) : 4;
  const second = taps == TAPS_PATCH ? address(command, SECOND_PAIR) : 0;
  const targetPixel = address(command, TARGET_PIXEL);
  const channels = word(command, OUTPUT_CHANNELS);
  const zeroPoint = zeroPointOf(command);
  const min = minOf(command);
  const max = maxOf(command);
  // Distances from the first of four pixels; where there are fewer than four, the last one is computed again.
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
          let pair = v128.load_splat<u32>(at);
          low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pair, weights0));
          high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pair, weights1));
          pair = v128.load_splat<u32>(at + d1);
          low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pair, weights0));
          high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pair, weights1));
          pair = v128.load_splat<u32>(at + d2);
          low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pair, weights0));
          high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pair, weights1));
          pair = v128.load_splat<u32>(at + d3);
          low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pair, weights0));
          high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pair, weights1));
          at += 4;
        }
      } else {
        for (let w = weights; w < end; w += GROUP_BYTES) {
          const weights0 = v128.load(w);
          const weights1 = v128.load(w, 16);
          let a = firstPair(at, taps);
          let b = secondPair(at, second, taps);
          low0 = i32x4.add(low0, lowSums(a, b, weights0, weights1));
          high0 = i32x4.add(high0, highSums(a, b, weights0, weights1));
          a = firstPair(at + d1, taps);
          b = secondPair(at + d1, second, taps);
          low1 = i32x4.add(low1, lowSums(a, b, weights0, weights1));
          high1 = i32x4.add(high1, highSums(a, b, weights0, weights1));
          a = firstPair(at + d2, taps);
          b = secondPair(at + d2, second, taps);
          low2 = i32x4.add(low2, lowSums(a, b, weights0, weights1));
          high2 = i32x4.add(high2, highSums(a, b, weights0, weights1));
          a = firstPair(at + d3, taps);
          b = secondPair(at + d3, second, taps);
          low3 = i32x4.add(low3, lowSums(a, b, weights0, weights1));
          high3 = i32x4.add(high3, highSums(a, b, weights0, weights1));
          at += groupStep;
        }
      }
      const pixel0 = requantise8(low0, high0, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel1 = requantise8(low1, high1, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel2 = requantise8(low2, high2, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel3 = requantise8(low3, high3, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const result01 = clamp16(pixel0, pixel1, min, max);
      const result23 = clamp16(pixel2, pixel3, min, max);
      if (left >= 8) {
        v128.store_lane<i64>(to, result01, 0);
        v128.store_lane<i64>(to + t1, result01, 1);
        v128.store_lane<i64>(to + t2, result23, 0);
        v128.store_lane<i64>(to + t3, result23, 1);
      } else {
        storeSome(to, i64x2.extract_lane(result01, 0), left);
        storeSome(to + t1, i64x2.extract_lane(result01, 1), left);
        storeSome(to + t2, i64x2.extract_lane(result23, 0), left);
        storeSome(to + t3, i64x2.extract_lane(result23, 1), left);
      }
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

/** One pair of taps, eight times. */
// @ts-ignore: decorator
@inline
function firstPair(at: usize, taps: i32): v128 {
  const pair = v128.load_splat<u16>(at);
  return taps == TAPS_PATCH ? v128.xor(pair, i8x16.splat(-128)) : pair;
}

// @ts-ignore: decorator
@inline
function secondPair(at: usize, second: usize, taps: i32): v128 {
  return taps == TAPS_PATCH ? firstPair(at + second, taps) : v128.load_splat<u16>(at, 2);
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

/** The first `count` bytes: the last block of a pixel may have fewer than 8 channels, and what follows is not ours. */
export function storeSome(target: usize, bytes: i64, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<u8>(target + <usize>i, <u8>bytes);
    bytes >>= 8;
  }
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
