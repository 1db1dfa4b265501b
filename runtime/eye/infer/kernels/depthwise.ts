/**
 * Depthwise convolution with any window, stride, padding and dilation, channels in blocks of eight.
 *
 * The input rows that one output row reads are kept in a ring of rows in scratch, where edges are filled with the zero
 * point, so that no tap is outside (TFLite leaves such taps out, which is the same, as the zero point's share of the sum
 * is in the bias). A ring row lies block by block of channels, and in a block column by column: [block][column][8], so
 * neighbouring columns are neighbours in memory, and the last block is whole whatever the number of channels.
 * Every input row is copied once.
 *
 * Taps come in pairs, the second one of an odd last tap having weight zero; weights lie as [8 channels x 2 taps].
 * - pairs: ring of int8. Two taps are interleaved byte by byte (zip1 on arm64), multiplied by weights that lie the same
 *   way, two pairs are added in int16 (smull, smlal; weights in -127..127 cannot overflow) and added to int32 (sadalp).
 * - dot: ring of int16. Two taps are interleaved (punpcklwd), and i32x4.dot_i16x8 (pmaddwd) adds both products.
 *
 * A row walks a table of the taps' places in the ring. For arm64, which has registers for all weights, 3x3 is written out.
 */
import {
  INPUT_CHANNELS,
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_CHANNELS,
  OUTPUT_HEIGHT,
  OUTPUT_WIDTH,
  PAD_LEFT,
  PAD_TOP,
  SOURCE,
  STRIDE_X,
  STRIDE_Y,
  TARGET,
  TARGET_PIXEL,
  WEIGHTS,
} from '../layout/command';
import {
  BLOCK_BIAS,
  DEPTH_MULTIPLIER,
  DILATION_X,
  DILATION_Y,
  FILL,
  IS_3X3,
  KERNEL_X,
  KERNEL_Y,
  PAIR_BYTES,
  RING_COLUMNS,
  RING_ROWS,
  SCRATCH,
  TAP_PAIRS,
} from '../layout/convolution';
import { max32, min32 } from './products';
import { addend, clamp16, factor, headBytes, maxOf, minOf, power, requantise8, zeroPointOf } from './requantise';
import { storePixels, storeSome } from './values';
import { address, word } from './word';

export function depthwisePairs(command: usize): void {
  depthwise(command, false);
}

export function depthwiseDot(command: usize): void {
  depthwise(command, true);
}

/** isWide: a ring of int16 for dot, else of int8 for pairs; known when this is compiled into its callers. */
// @ts-ignore: decorator
@inline
function depthwise(command: usize, isWide: bool): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const outputHeight = word(command, OUTPUT_HEIGHT);
  const strideY = word(command, STRIDE_Y);
  const padTop = word(command, PAD_TOP);
  const source = address(command, SOURCE);
  const sourceRow = address(command, INPUT_WIDTH) * address(command, INPUT_CHANNELS);
  const targetRow = address(command, OUTPUT_WIDTH) * address(command, TARGET_PIXEL);
  const kernelY = word(command, KERNEL_Y);
  const kernelX = word(command, KERNEL_X);
  const dilationY = word(command, DILATION_Y);
  const dilationX = word(command, DILATION_X);
  const ringRows = word(command, RING_ROWS);
  const is3x3 = !isWide && word(command, IS_3X3) != 0;
  const cellBytes: usize = isWide ? 16 : 8;
  const ringRow = address(command, RING_COLUMNS) * cellBytes * ((address(command, OUTPUT_CHANNELS) + 7) >> 3);
  const table = address(command, SCRATCH);
  const ring = table + ((8 * address(command, TAP_PAIRS) + 15) & ~15);
  fillCells(ring, <usize>ringRows * ringRow, word(command, FILL), isWide);

  let target = address(command, TARGET);
  // Rows are counted from the first one of the padding; row r is in slot r % ringRows.
  let filled = 0;
  for (let y = 0; y < outputHeight; y++) {
    const top = y * strideY;
    if (filled < top) filled = top;
    for (; filled < top + ringRows; filled++) {
      const slot = ring + <usize>(filled % ringRows) * ringRow;
      const inputY = filled - padTop;
      if (inputY >= 0 && inputY < inputHeight) copyRow(command, source + <usize>inputY * sourceRow, slot, isWide);
      else fillCells(slot, ringRow, word(command, FILL), isWide);
    }
    if (is3x3) {
      const row0 = ring + <usize>(top % ringRows) * ringRow;
      const row1 = ring + <usize>((top + 1) % ringRows) * ringRow;
      const row2 = ring + <usize>((top + 2) % ringRows) * ringRow;
      row3x3Pairs(command, row0, row1, row2, target);
    } else {
      let entry = table;
      for (let ky = 0; ky < kernelY; ky++) {
        const row = ring + <usize>((top + ky * dilationY) % ringRows) * ringRow;
        for (let kx = 0; kx < kernelX; kx++) {
          store<usize>(entry, row + <usize>(kx * dilationX) * cellBytes);
          entry += 4;
        }
      }
      if (((kernelY * kernelX) & 1) != 0) store<usize>(entry, ring);
      if (isWide) rowDot(command, table, target);
      else rowPairs(command, table, target);
    }
    target += targetRow;
  }
}

/** Zero points; bytes: whole cells of eight channels. */
// @ts-ignore: decorator
@inline
function fillCells(to: usize, bytes: usize, value: i32, isWide: bool): void {
  const fill = isWide ? i16x8.splat(<i16>value) : i8x16.splat(<i8>value);
  for (let i: usize = 0; i < bytes; i += isWide ? 16 : 8) {
    if (isWide) v128.store(to + i, fill);
    else v128.store_lane<i64>(to + i, fill, 0);
  }
}

/** One input row into a ring row, whose padding is there already. */
// @ts-ignore: decorator
@inline
function copyRow(command: usize, source: usize, slot: usize, isWide: bool): void {
  const pixelBytes = address(command, INPUT_CHANNELS);
  const channels = address(command, OUTPUT_CHANNELS);
  const multiplier = address(command, DEPTH_MULTIPLIER);
  const padLeft = address(command, PAD_LEFT);
  const ringColumns = address(command, RING_COLUMNS);
  const cellBytes: usize = isWide ? 16 : 8;
  // Columns on the right that no window reaches are left out.
  const columns = <usize>min32(word(command, INPUT_WIDTH), <i32>ringColumns - <i32>padLeft);
  for (let channel: usize = 0; channel < channels; channel += 8) {
    let to = slot + padLeft * cellBytes;
    const end = to + columns * cellBytes;
    if (multiplier == 1) {
      let from = source + channel;
      for (; to + 3 * cellBytes < end; to += 4 * cellBytes) {
        copyCell(from, to, isWide);
        copyCell(from + pixelBytes, to + cellBytes, isWide);
        copyCell(from + 2 * pixelBytes, to + 2 * cellBytes, isWide);
        copyCell(from + 3 * pixelBytes, to + 3 * cellBytes, isWide);
        from += 4 * pixelBytes;
      }
      for (; to < end; to += cellBytes) {
        copyCell(from, to, isWide);
        from += pixelBytes;
      }
    } else {
      const lanes = <usize>min32(8, <i32>(channels - channel));
      let from = source;
      for (; to < end; to += cellBytes) {
        for (let lane: usize = 0; lane < lanes; lane++) {
          const value = load<i8>(from + (channel + lane) / multiplier);
          if (isWide) store<i16>(to + 2 * lane, value);
          else store<i8>(to + lane, value);
        }
        from += pixelBytes;
      }
    }
    slot += ringColumns * cellBytes;
  }
}

/** Eight channels of a pixel; reads beyond the last pixel where it has fewer, which meets weights of zero. */
// @ts-ignore: decorator
@inline
function copyCell(from: usize, to: usize, isWide: bool): void {
  if (isWide) v128.store(to, v128.load_ext<i8>(from));
  else store<u64>(to, load<u64>(from));
}

/**
 * One output row of any window; table: addresses of the taps of column 0. Four columns at a time, the last four overlapping
 * those before; where a row has fewer, the ring has room to compute four all the same, and the wrong ones are written
 * first, where the last right one follows. Strides of 1 and 2 are compiled on their own: constant distances cost nothing.
 */
function rowDot(command: usize, table: usize, target: usize): void {
  const stride = word(command, STRIDE_X);
  if (stride == 1) rowDot1(command, table, target);
  else if (stride == 2) rowDot2(command, table, target);
  else rowDotAny(command, table, target);
}

function rowDot1(command: usize, table: usize, target: usize): void {
  rowOf(command, table, target, true, 1);
}

function rowDot2(command: usize, table: usize, target: usize): void {
  rowOf(command, table, target, true, 2);
}

function rowDotAny(command: usize, table: usize, target: usize): void {
  rowOf(command, table, target, true, 0);
}

function rowPairs(command: usize, table: usize, target: usize): void {
  rowOf(command, table, target, false, 0);
}

/** stride 0: any, read from the command. */
// @ts-ignore: decorator
@inline
function rowOf(command: usize, table: usize, target: usize, isWide: bool, stride: i32): void {
  const channels = word(command, OUTPUT_CHANNELS);
  const width = word(command, OUTPUT_WIDTH);
  const targetPixel = address(command, TARGET_PIXEL);
  const tapPairs = address(command, TAP_PAIRS);
  const cellBytes: usize = isWide ? 16 : 8;
  const step = (stride == 0 ? address(command, STRIDE_X) : <usize>stride) * cellBytes;
  const blockBytes = address(command, RING_COLUMNS) * cellBytes;
  const tableEnd = table + 8 * tapPairs;
  const zeroPoint = zeroPointOf(command);
  const min = minOf(command);
  const max = maxOf(command);
  const t1 = <usize>min32(1, width - 1) * targetPixel;
  const t2 = <usize>min32(2, width - 1) * targetPixel;
  const t3 = <usize>min32(3, width - 1) * targetPixel;
  const lastStart = max32(width - 4, 0);
  let block = address(command, WEIGHTS);
  // From column 0 of the first block.
  let start: usize = 0;
  for (let channel = 0; channel < channels; channel += 8) {
    const left = channels - channel;
    const weights = block + headBytes();
    for (let x = 0; ; x = min32(x + 4, lastStart)) {
      const at = start + <usize>x * step;
      let low0 = v128.load(block, BLOCK_BIAS);
      let high0 = v128.load(block, BLOCK_BIAS + 16);
      let low1 = low0;
      let high1 = high0;
      let low2 = low0;
      let high2 = high0;
      let low3 = low0;
      let high3 = high0;
      let w = weights;
      for (let entry = table; entry < tableEnd; entry += 8) {
        const a = load<usize>(entry) + at;
        const b = load<usize>(entry, 4) + at;
        if (isWide) {
          const weights0 = v128.load_ext<i8>(w);
          const weights1 = v128.load_ext<i8>(w, 8);
          let tapA = v128.load(a);
          let tapB = v128.load(b);
          low0 = i32x4.add(low0, i32x4.dot_i16x8_s(interleaveLow(tapA, tapB), weights0));
          high0 = i32x4.add(high0, i32x4.dot_i16x8_s(interleaveHigh(tapA, tapB), weights1));
          tapA = cell(a, 1, stride, step);
          tapB = cell(b, 1, stride, step);
          low1 = i32x4.add(low1, i32x4.dot_i16x8_s(interleaveLow(tapA, tapB), weights0));
          high1 = i32x4.add(high1, i32x4.dot_i16x8_s(interleaveHigh(tapA, tapB), weights1));
          tapA = cell(a, 2, stride, step);
          tapB = cell(b, 2, stride, step);
          low2 = i32x4.add(low2, i32x4.dot_i16x8_s(interleaveLow(tapA, tapB), weights0));
          high2 = i32x4.add(high2, i32x4.dot_i16x8_s(interleaveHigh(tapA, tapB), weights1));
          tapA = cell(a, 3, stride, step);
          tapB = cell(b, 3, stride, step);
          low3 = i32x4.add(low3, i32x4.dot_i16x8_s(interleaveLow(tapA, tapB), weights0));
          high3 = i32x4.add(high3, i32x4.dot_i16x8_s(interleaveHigh(tapA, tapB), weights1));
        } else {
          const pairWeights = v128.load(w);
          let taps = zip(v128.load64_zero(a), v128.load64_zero(b));
          low0 = i32x4.add(low0, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(taps, pairWeights)));
          high0 = i32x4.add(high0, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(taps, pairWeights)));
          taps = zip(v128.load64_zero(a + step), v128.load64_zero(b + step));
          low1 = i32x4.add(low1, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(taps, pairWeights)));
          high1 = i32x4.add(high1, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(taps, pairWeights)));
          taps = zip(v128.load64_zero(a + 2 * step), v128.load64_zero(b + 2 * step));
          low2 = i32x4.add(low2, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(taps, pairWeights)));
          high2 = i32x4.add(high2, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(taps, pairWeights)));
          taps = zip(v128.load64_zero(a + 3 * step), v128.load64_zero(b + 3 * step));
          low3 = i32x4.add(low3, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(taps, pairWeights)));
          high3 = i32x4.add(high3, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(taps, pairWeights)));
        }
        w += PAIR_BYTES;
      }
      const factor0 = factor(block, 0);
      const factor1 = factor(block, 1);
      const addend0 = addend(block, 0);
      const addend1 = addend(block, 1);
      const addend2 = addend(block, 2);
      const addend3 = addend(block, 3);
      const power0 = power(block, 0);
      const power1 = power(block, 1);
      const pixel0 = requantise8(low0, high0, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel1 = requantise8(low1, high1, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel2 = requantise8(low2, high2, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel3 = requantise8(low3, high3, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const result01 = clamp16(pixel0, pixel1, min, max);
      const result23 = clamp16(pixel2, pixel3, min, max);
      const to = target + <usize>x * targetPixel;
      storePixels(to, t1, t2, t3, result01, result23, left);
      if (x == lastStart) break;
    }
    target += 8;
    start += blockBytes;
    block = weights + tapPairs * PAIR_BYTES;
  }
}

/**
 * 3x3 in int8, stride 1 or 2; rows at their first column. Two output columns at a time, the last two overlapping those
 * before; of a single one the second, wrong one is written first. Sixteen bytes are two columns. Weights stay in registers:
 * pairs of taps [y, x] 00 10, 01 11, 02 12 (columns of two rows), 20 21, 22 alone, and for the second output of stride 1,
 * which takes the same pairs of row 2, nothing and 20, 21 22.
 */
function row3x3Pairs(command: usize, row0: usize, row1: usize, row2: usize, target: usize): void {
  if (word(command, STRIDE_X) == 1) row3x3Pairs1(command, row0, row1, row2, target);
  else row3x3Pairs2(command, row0, row1, row2, target);
}

function row3x3Pairs1(command: usize, row0: usize, row1: usize, row2: usize, target: usize): void {
  row3x3(command, row0, row1, row2, target, 1);
}

function row3x3Pairs2(command: usize, row0: usize, row1: usize, row2: usize, target: usize): void {
  row3x3(command, row0, row1, row2, target, 2);
}

// @ts-ignore: decorator
@inline
function row3x3(command: usize, row0: usize, row1: usize, row2: usize, target: usize, stride: i32): void {
  const channels = word(command, OUTPUT_CHANNELS);
  const width = word(command, OUTPUT_WIDTH);
  const targetPixel = address(command, TARGET_PIXEL);
  const step: usize = stride == 1 ? 8 : 16;
  const blockBytes = address(command, RING_COLUMNS) * 8;
  const zeroPoint = zeroPointOf(command);
  const min = minOf(command);
  const max = maxOf(command);
  const t1 = width > 1 ? targetPixel : 0;
  const lastStart = <usize>max32(width - 2, 0);
  let block = address(command, WEIGHTS);
  for (let channel = 0; channel < channels; channel += 8) {
    const left = channels - channel;
    const weights = block + headBytes();
    const bias0 = v128.load(block, BLOCK_BIAS);
    const bias1 = v128.load(block, BLOCK_BIAS + 16);
    const w0 = v128.load(weights);
    const w1 = v128.load(weights, 16);
    const w2 = v128.load(weights, 32);
    const w3 = v128.load(weights, 48);
    const w4 = v128.load(weights, 64);
    const w5 = v128.load(weights, 80);
    const w6 = v128.load(weights, 96);
    const factor0 = factor(block, 0);
    const factor1 = factor(block, 1);
    const addend0 = addend(block, 0);
    const addend1 = addend(block, 1);
    const addend2 = addend(block, 2);
    const addend3 = addend(block, 3);
    const power0 = power(block, 0);
    const power1 = power(block, 1);
    let a = row0;
    let b = row1;
    let c = row2;
    let to = target;
    const last = row0 + lastStart * step;
    for (;;) {
      const a01 = v128.load(a);
      const b01 = v128.load(b);
      const c01 = v128.load(c);
      const a23 = v128.load(a, 16);
      const b23 = v128.load(b, 16);
      const c23 = v128.load(c, 16);
      const v0 = zip(a01, b01);
      const v1 = zipHigh(a01, b01);
      const v2 = zip(a23, b23);
      const v3 = zipHigh(a23, b23);
      const h0 = zip(c01, v128.shuffle<i64>(c01, c01, 1, 0));
      const h2 = zip(c23, v128.shuffle<i64>(c23, c23, 1, 0));
      const low0 = add5Low(bias0, v0, w0, v1, w1, v2, w2, h0, w3, h2, w4);
      const high0 = add5High(bias1, v0, w0, v1, w1, v2, w2, h0, w3, h2, w4);
      let low1: v128;
      let high1: v128;
      if (stride == 1) {
        low1 = add5Low(bias0, v1, w0, v2, w1, v3, w2, h0, w5, h2, w6);
        high1 = add5High(bias1, v1, w0, v2, w1, v3, w2, h0, w5, h2, w6);
      } else {
        const v4 = zip(v128.load64_zero(a, 32), v128.load64_zero(b, 32));
        const c4 = v128.load64_zero(c, 32);
        const h4 = zip(c4, c4);
        low1 = add5Low(bias0, v2, w0, v3, w1, v4, w2, h2, w3, h4, w4);
        high1 = add5High(bias1, v2, w0, v3, w1, v4, w2, h2, w3, h4, w4);
      }
      const pixel0 = requantise8(low0, high0, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const pixel1 = requantise8(low1, high1, factor0, factor1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
      const result = clamp16(pixel0, pixel1, min, max);
      if (left >= 8) {
        v128.store_lane<i64>(to + t1, result, 1);
        v128.store_lane<i64>(to, result, 0);
      } else {
        storeSome(to + t1, i64x2.extract_lane(result, 1), left);
        storeSome(to, i64x2.extract_lane(result, 0), left);
      }
      if (a == last) break;
      if (a + 2 * step > last) {
        // One column is left: back by one.
        a -= step;
        b -= step;
        c -= step;
        to -= targetPixel;
      }
      a += 2 * step;
      b += 2 * step;
      c += 2 * step;
      to += 2 * targetPixel;
    }
    target += 8;
    row0 += blockBytes;
    row1 += blockBytes;
    row2 += blockBytes;
    block = weights + 7 * PAIR_BYTES;
  }
}

/** Sums of four channels and five pairs of taps. */
// @ts-ignore: decorator
@inline
function add5Low(sums: v128, t0: v128, w0: v128, t1: v128, w1: v128, t2: v128, w2: v128, t3: v128, w3: v128, t4: v128, w4: v128): v128 {
  const first = i16x8.add(i16x8.extmul_low_i8x16_s(t0, w0), i16x8.extmul_low_i8x16_s(t1, w1));
  const second = i16x8.add(i16x8.extmul_low_i8x16_s(t2, w2), i16x8.extmul_low_i8x16_s(t3, w3));
  const third = i16x8.extmul_low_i8x16_s(t4, w4);
  return i32x4.add(i32x4.add(i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(first)), i32x4.extadd_pairwise_i16x8_s(second)), i32x4.extadd_pairwise_i16x8_s(third));
}

// @ts-ignore: decorator
@inline
function add5High(sums: v128, t0: v128, w0: v128, t1: v128, w1: v128, t2: v128, w2: v128, t3: v128, w3: v128, t4: v128, w4: v128): v128 {
  const first = i16x8.add(i16x8.extmul_high_i8x16_s(t0, w0), i16x8.extmul_high_i8x16_s(t1, w1));
  const second = i16x8.add(i16x8.extmul_high_i8x16_s(t2, w2), i16x8.extmul_high_i8x16_s(t3, w3));
  const third = i16x8.extmul_high_i8x16_s(t4, w4);
  return i32x4.add(i32x4.add(i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(first)), i32x4.extadd_pairwise_i16x8_s(second)), i32x4.extadd_pairwise_i16x8_s(third));
}

/** Tap of the nth output column from here on; offsets of loads must be literals. */
// @ts-ignore: decorator
@inline
function cell(at: usize, n: i32, stride: i32, step: usize): v128 {
  if (stride == 0) return v128.load(at + <usize>n * step);
  if (n * stride == 1) return v128.load(at, 16);
  if (n * stride == 2) return v128.load(at, 32);
  if (n * stride == 3) return v128.load(at, 48);
  if (n * stride == 4) return v128.load(at, 64);
  return v128.load(at, 96);
}

// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Bytes of the lower halves, one by one. */
// @ts-ignore: decorator
@inline
function zip(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Of the upper halves. */
// @ts-ignore: decorator
@inline
function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
