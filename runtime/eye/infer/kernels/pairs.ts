/**
 * Convolutions whose taps come in pairs of neighbouring bytes: 1x1 over four channels or more (`pointwise`), and the
 * stem that reads unsigned pixels in patches of 4x4 or 2x2 (`patch`).
 *
 * Inner step: four taps of four pixels times eight output channels. A pair of taps is one 16-bit splat, weights lie as
 * [8 channels x 2 taps], and extmul_low + extmul_low then extadd_pairwise adds four taps to four channels: smull,
 * smlal, sadalp on arm64, 16 multiply-adds in three instructions. i32x4.dot_i16x8 would be faster on x86-64 (about 1.5
 * times in this loop) but costs four instructions per 8 multiply-adds on arm64, and arm64 is what this is for.
 * Products of int8 with weights in -127..127 are at most 16256 in size, so two fit into int16.
 *
 * Pixels: the model's input is q = pixel - 128 with zero point -128, so q - zeroPoint is the pixel itself. Flipping the
 * top bit makes the byte int8 (pixel - 128); the loader adds 128 x the sum of the weights to the bias.
 * Zero points of ordinary inputs are in the bias in the same way.
 */
import {
  OUTPUT_CHANNELS,
  OUTPUT_HEIGHT,
  OUTPUT_MAX,
  OUTPUT_MIN,
  OUTPUT_WIDTH,
  OUTPUT_ZERO_POINT,
  SOURCE,
  SOURCE_ROW,
  TARGET,
  TARGET_PIXEL,
  WEIGHTS,
} from '../layout/command';
import {
  BLOCK_ADDEND,
  BLOCK_BIAS,
  BLOCK_MULTIPLIER,
  BLOCK_POWER,
  BLOCK_WEIGHTS,
  GROUP_BYTES,
  GROUP_STEP,
  GROUPS,
  SECOND_PAIR,
  SOURCE_PIXEL,
} from '../layout/convolution';
import { clamp16, requantise8 } from './requantise';
import { address, word } from './word';

export function patch(command: usize): void {
  const height = word(command, OUTPUT_HEIGHT);
  const width = word(command, OUTPUT_WIDTH);
  const sourceRow = address(command, SOURCE_ROW);
  const targetRow = <usize>width * address(command, TARGET_PIXEL);
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    row(command, source, target, width, true);
    source += sourceRow;
    target += targetRow;
  }
}

export function pointwise(command: usize): void {
  // Without a neighbourhood the whole image is one row.
  const pixelCount = word(command, OUTPUT_HEIGHT) * word(command, OUTPUT_WIDTH);
  row(command, address(command, SOURCE), address(command, TARGET), pixelCount, false);
}

/** One pair of taps, eight times. */
// @ts-ignore: decorator
@inline
function pair(at: usize, isPixel: bool): v128 {
  const taps = v128.load_splat<u16>(at);
  return isPixel ? v128.xor(taps, i8x16.splat(-128)) : taps;
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128, weightsA: v128, weightsB: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_low_i8x16_s(a, weightsA), i16x8.extmul_low_i8x16_s(b, weightsB)));
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128, weightsA: v128, weightsB: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_high_i8x16_s(a, weightsA), i16x8.extmul_high_i8x16_s(b, weightsB)));
}

/** pixelCount output pixels, four at a time; the last four overlap by reading and writing the last pixel again. */
// @ts-ignore: decorator
@inline
function row(command: usize, source: usize, target: usize, pixelCount: i32, isPixel: bool): void {
  const groups = word(command, GROUPS);
  const groupStep = address(command, GROUP_STEP);
  const second = address(command, SECOND_PAIR);
  const sourcePixel = address(command, SOURCE_PIXEL);
  const targetPixel = address(command, TARGET_PIXEL);
  const channels = word(command, OUTPUT_CHANNELS);
  const weights = address(command, WEIGHTS);
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  const last = pixelCount - 1;
  for (let pixel = 0; pixel < pixelCount; pixel += 4) {
    const p1 = <usize>min32(pixel + 1, last);
    const p2 = <usize>min32(pixel + 2, last);
    const p3 = <usize>min32(pixel + 3, last);
    const source0 = source + <usize>pixel * sourcePixel;
    // Distances, not addresses: one moving address serves all four pixels.
    const d1 = (p1 - <usize>pixel) * sourcePixel;
    const d2 = (p2 - <usize>pixel) * sourcePixel;
    const d3 = (p3 - <usize>pixel) * sourcePixel;
    const target0 = target + <usize>pixel * targetPixel;
    const target1 = target + p1 * targetPixel;
    const target2 = target + p2 * targetPixel;
    const target3 = target + p3 * targetPixel;
    let block = weights;
    for (let channel = 0; channel < channels; channel += 8) {
      let low0 = v128.load(block, BLOCK_BIAS);
      let high0 = v128.load(block, BLOCK_BIAS + 16);
      let low1 = low0;
      let high1 = high0;
      let low2 = low0;
      let high2 = high0;
      let low3 = low0;
      let high3 = high0;
      let at = source0;
      let w = block + BLOCK_WEIGHTS;
      const end = w + <usize>groups * GROUP_BYTES;
      for (; w < end; w += GROUP_BYTES) {
        const weightsA = v128.load(w);
        const weightsB = v128.load(w, 16);
        let a = pair(at, isPixel);
        let b = pair(at + second, isPixel);
        low0 = i32x4.add(low0, low(a, b, weightsA, weightsB));
        high0 = i32x4.add(high0, high(a, b, weightsA, weightsB));
        a = pair(at + d1, isPixel);
        b = pair(at + d1 + second, isPixel);
        low1 = i32x4.add(low1, low(a, b, weightsA, weightsB));
        high1 = i32x4.add(high1, high(a, b, weightsA, weightsB));
        a = pair(at + d2, isPixel);
        b = pair(at + d2 + second, isPixel);
        low2 = i32x4.add(low2, low(a, b, weightsA, weightsB));
        high2 = i32x4.add(high2, high(a, b, weightsA, weightsB));
        a = pair(at + d3, isPixel);
        b = pair(at + d3 + second, isPixel);
        low3 = i32x4.add(low3, low(a, b, weightsA, weightsB));
        high3 = i32x4.add(high3, high(a, b, weightsA, weightsB));
        at += groupStep;
      }
      const multiplier0 = v128.load(block, BLOCK_MULTIPLIER);
      const multiplier1 = v128.load(block, BLOCK_MULTIPLIER + 16);
      const addend0 = v128.load(block, BLOCK_ADDEND);
      const addend1 = v128.load(block, BLOCK_ADDEND + 16);
      const addend2 = v128.load(block, BLOCK_ADDEND + 32);
      const addend3 = v128.load(block, BLOCK_ADDEND + 48);
      const power0 = v128.load(block, BLOCK_POWER);
      const power1 = v128.load(block, BLOCK_POWER + 16);
      const pixel0 = requantise8(low0, high0, multiplier0, multiplier1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel1 = requantise8(low1, high1, multiplier0, multiplier1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel2 = requantise8(low2, high2, multiplier0, multiplier1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel3 = requantise8(low3, high3, multiplier0, multiplier1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const result01 = clamp16(pixel0, pixel1, min, max);
      const result23 = clamp16(pixel2, pixel3, min, max);
      const count = channels - channel;
      const c = <usize>channel;
      if (count >= 8) {
        v128.store_lane<i64>(target0 + c, result01, 0);
        v128.store_lane<i64>(target1 + c, result01, 1);
        v128.store_lane<i64>(target2 + c, result23, 0);
        v128.store_lane<i64>(target3 + c, result23, 1);
      } else {
        storeSome(target0 + c, i64x2.extract_lane(result01, 0), count);
        storeSome(target1 + c, i64x2.extract_lane(result01, 1), count);
        storeSome(target2 + c, i64x2.extract_lane(result23, 0), count);
        storeSome(target3 + c, i64x2.extract_lane(result23, 1), count);
      }
      block = end;
    }
  }
}

/** The first `count` bytes: outputs of the network have 1 or 4 channels, and their neighbours must stay as they are. */
function storeSome(target: usize, bytes: i64, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<u8>(target + <usize>i, <u8>bytes);
    bytes >>= 8;
  }
}

// @ts-ignore: decorator
@inline
function min32(a: i32, b: i32): i32 {
  return select<i32>(a, b, a < b);
}
