/**
 * 3x3 depthwise convolution, any stride and padding, channels in blocks of eight.
 *
 * Two taps are interleaved byte by byte (zip1 on arm64), multiplied by weights that lie the same way, and added in
 * pairs: five zips, ten smull/smlal and six sadalp for 72 multiply-adds. The weights of a block stay in five registers
 * while a row is walked.
 * Padding in TFLite leaves taps out, which is the same as reading the zero point; rows and columns outside of the image
 * are therefore read from a row of zero points, and the zero point's share of the sum is in the bias for all taps alike.
 */
import {
  INPUT_CHANNELS,
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_HEIGHT,
  OUTPUT_MAX,
  OUTPUT_MIN,
  OUTPUT_WIDTH,
  OUTPUT_ZERO_POINT,
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
  BLOCK_ADDEND,
  BLOCK_BIAS,
  BLOCK_MULTIPLIER,
  BLOCK_POWER,
  BLOCK_WEIGHTS,
  DEPTHWISE_BYTES,
  INPUT_ZERO_POINT,
  PAD_ROW,
} from '../layout/convolution';
import { clamp16, requantise8 } from './requantise';
import { address, word } from './word';

export function depthwise(command: usize): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const inputWidth = word(command, INPUT_WIDTH);
  const channels = word(command, INPUT_CHANNELS);
  const outputHeight = word(command, OUTPUT_HEIGHT);
  const outputWidth = word(command, OUTPUT_WIDTH);
  const strideY = word(command, STRIDE_Y);
  const strideX = word(command, STRIDE_X);
  const padTop = word(command, PAD_TOP);
  const padLeft = word(command, PAD_LEFT);
  const padRow = address(command, PAD_ROW);
  const source = address(command, SOURCE);
  const targetPixel = address(command, TARGET_PIXEL);
  const zeroPoint = i16x8.splat(<i16>word(command, OUTPUT_ZERO_POINT));
  const min = i8x16.splat(<i8>word(command, OUTPUT_MIN));
  const max = i8x16.splat(<i8>word(command, OUTPUT_MAX));
  const pixelBytes = <usize>channels;
  const rowBytes = <usize>inputWidth * pixelBytes;
  memory.fill(padRow, <u8>word(command, INPUT_ZERO_POINT), rowBytes);

  let target = address(command, TARGET);
  for (let y = 0; y < outputHeight; y++) {
    const top = y * strideY - padTop;
    const row0 = rowAt(source, top, inputHeight, rowBytes, padRow);
    const row1 = rowAt(source, top + 1, inputHeight, rowBytes, padRow);
    const row2 = rowAt(source, top + 2, inputHeight, rowBytes, padRow);
    let block = address(command, WEIGHTS);
    for (let c: usize = 0; c < pixelBytes; c += 8) {
      const bias0 = v128.load(block, BLOCK_BIAS);
      const bias1 = v128.load(block, BLOCK_BIAS + 16);
      const w01 = v128.load(block, BLOCK_WEIGHTS);
      const w23 = v128.load(block, BLOCK_WEIGHTS + 16);
      const w45 = v128.load(block, BLOCK_WEIGHTS + 32);
      const w67 = v128.load(block, BLOCK_WEIGHTS + 48);
      const w8 = v128.load(block, BLOCK_WEIGHTS + 64);
      const multiplier0 = v128.load(block, BLOCK_MULTIPLIER);
      const multiplier1 = v128.load(block, BLOCK_MULTIPLIER + 16);
      const addend0 = v128.load(block, BLOCK_ADDEND);
      const addend1 = v128.load(block, BLOCK_ADDEND + 16);
      const addend2 = v128.load(block, BLOCK_ADDEND + 32);
      const addend3 = v128.load(block, BLOCK_ADDEND + 48);
      const power0 = v128.load(block, BLOCK_POWER);
      const power1 = v128.load(block, BLOCK_POWER + 16);
      let to = target + c;
      let left = -padLeft;
      for (let x = 0; x < outputWidth; x++) {
        let t0: v128, t1: v128, t2: v128, t3: v128, t4: v128, t5: v128, t6: v128, t7: v128, t8: v128;
        if (left >= 0 && left + 2 < inputWidth) {
          const first = <usize>left * pixelBytes + c;
          const a0 = row0 + first;
          const a1 = row1 + first;
          const a2 = row2 + first;
          t0 = v128.load64_zero(a0);
          t1 = v128.load64_zero(a0 + pixelBytes);
          t2 = v128.load64_zero(a0 + 2 * pixelBytes);
          t3 = v128.load64_zero(a1);
          t4 = v128.load64_zero(a1 + pixelBytes);
          t5 = v128.load64_zero(a1 + 2 * pixelBytes);
          t6 = v128.load64_zero(a2);
          t7 = v128.load64_zero(a2 + pixelBytes);
          t8 = v128.load64_zero(a2 + 2 * pixelBytes);
        } else {
          t0 = tap(row0, left, inputWidth, pixelBytes, c, padRow);
          t1 = tap(row0, left + 1, inputWidth, pixelBytes, c, padRow);
          t2 = tap(row0, left + 2, inputWidth, pixelBytes, c, padRow);
          t3 = tap(row1, left, inputWidth, pixelBytes, c, padRow);
          t4 = tap(row1, left + 1, inputWidth, pixelBytes, c, padRow);
          t5 = tap(row1, left + 2, inputWidth, pixelBytes, c, padRow);
          t6 = tap(row2, left, inputWidth, pixelBytes, c, padRow);
          t7 = tap(row2, left + 1, inputWidth, pixelBytes, c, padRow);
          t8 = tap(row2, left + 2, inputWidth, pixelBytes, c, padRow);
        }
        const a = zip(t0, t1);
        const b = zip(t2, t3);
        const d = zip(t4, t5);
        const e = zip(t6, t7);
        const f = zip(t8, t8);
        let sums0 = i32x4.add(bias0, i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_low_i8x16_s(a, w01), i16x8.extmul_low_i8x16_s(b, w23))));
        let sums1 = i32x4.add(bias1, i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_high_i8x16_s(a, w01), i16x8.extmul_high_i8x16_s(b, w23))));
        sums0 = i32x4.add(sums0, i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_low_i8x16_s(d, w45), i16x8.extmul_low_i8x16_s(e, w67))));
        sums1 = i32x4.add(sums1, i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.extmul_high_i8x16_s(d, w45), i16x8.extmul_high_i8x16_s(e, w67))));
        sums0 = i32x4.add(sums0, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(f, w8)));
        sums1 = i32x4.add(sums1, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(f, w8)));
        const result = requantise8(sums0, sums1, multiplier0, multiplier1, addend0, addend1, addend2, addend3, power0, power1, zeroPoint);
        v128.store_lane<i64>(to, clamp16(result, result, min, max), 0);
        to += targetPixel;
        left += strideX;
      }
      block += BLOCK_WEIGHTS + DEPTHWISE_BYTES;
    }
    target += <usize>outputWidth * targetPixel;
  }
}

// @ts-ignore: decorator
@inline
function zip(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function rowAt(source: usize, y: i32, height: i32, rowBytes: usize, padRow: usize): usize {
  return y >= 0 && y < height ? source + <usize>y * rowBytes : padRow;
}

// @ts-ignore: decorator
@inline
function tap(row: usize, x: i32, width: i32, pixelBytes: usize, c: usize, padRow: usize): v128 {
  return v128.load64_zero(x >= 0 && x < width ? row + <usize>x * pixelBytes + c : padRow);
}
