/**
 * From the frame slot to a tensor, for models that do not read Y, U and V themselves: a copy of a plane, or a bilinear
 * resize of each plane and the conversion to RGB, row by row through a few rows of scratch.
 *
 * Bilinear with half-pixel centres (tf.image.resize without antialias), in whole numbers: a row is blended from two with
 * weights of 128ths (at most 255 x 128, which fits int16), then each value is one dot of two neighbours with two weights,
 * + 2^13 >> 14. Chroma planes are resized from their own half-size grid: chroma lies between luma pixels, as in JPEG.
 *
 * Colour: full-range BT.601 (JFIF 1.02), R = Y + 1.402 V, G = Y - 0.344136 U - 0.714136 V, B = Y + 1.772 U, each product
 * rounded once by q15mulr; ../pixels.ts has the same in plain numbers.
 */
import {
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_HEIGHT,
  OUTPUT_WIDTH,
  SOURCE,
  SOURCE_ROW,
  TARGET,
} from '../layout/command';
import {
  BLENDED,
  CHROMA_COLUMNS,
  CHROMA_ROWS,
  CHROMA_WIDTH,
  COLUMNS_BYTES,
  COLUMNS_STEP,
  CONVERTED,
  FLIP,
  LUMA_COLUMNS,
  LUMA_ROWS,
  ROWS_BYTES,
  SAMPLED,
  SAMPLED_BYTES,
  SOURCE_U,
  SOURCE_V,
  WEIGHT_ONE,
} from '../layout/pixels';
import { address, word } from './word';

export function feedPlane(command: usize): void {
  const height = word(command, INPUT_HEIGHT);
  const width = address(command, INPUT_WIDTH);
  const sourceRow = address(command, SOURCE_ROW);
  const flip = i8x16.splat(<i8>word(command, FLIP));
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    let x: usize = 0;
    for (; x + 16 <= width; x += 16) v128.store(target + x, v128.xor(v128.load(source + x), flip));
    for (; x < width; x++) store<u8>(target + x, load<u8>(source + x) ^ <u8>i8x16.extract_lane_s(flip, 0));
    source += sourceRow;
    target += width;
  }
}

export function feedGray(command: usize): void {
  const width = word(command, OUTPUT_WIDTH);
  const height = word(command, OUTPUT_HEIGHT);
  const sampled = address(command, SAMPLED);
  const converted = address(command, CONVERTED);
  const flip = i8x16.splat(<i8>word(command, FLIP));
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    sample(command, address(command, SOURCE), address(command, LUMA_ROWS), address(command, LUMA_COLUMNS), word(command, INPUT_WIDTH), y, width, sampled);
    for (let x = 0; x < width; x += COLUMNS_STEP) {
      const at = sampled + 2 * <usize>x;
      v128.store(converted + <usize>x, v128.xor(i8x16.narrow_i16x8_u(v128.load(at), v128.load(at, 16)), flip));
    }
    memory.copy(target, converted, <usize>width);
    target += <usize>width;
  }
}

export function feedRgb(command: usize): void {
  const width = word(command, OUTPUT_WIDTH);
  const height = word(command, OUTPUT_HEIGHT);
  const chromaWidth = word(command, CHROMA_WIDTH);
  const chromaRows = address(command, CHROMA_ROWS);
  const chromaColumns = address(command, CHROMA_COLUMNS);
  const luma = address(command, SAMPLED);
  const u = luma + address(command, SAMPLED_BYTES);
  const v = u + address(command, SAMPLED_BYTES);
  const converted = address(command, CONVERTED);
  const flip = i8x16.splat(<i8>word(command, FLIP));
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    sample(command, address(command, SOURCE), address(command, LUMA_ROWS), address(command, LUMA_COLUMNS), word(command, INPUT_WIDTH), y, width, luma);
    sample(command, address(command, SOURCE_U), chromaRows, chromaColumns, chromaWidth, y, width, u);
    sample(command, address(command, SOURCE_V), chromaRows, chromaColumns, chromaWidth, y, width, v);
    let to = converted;
    for (let x: usize = 0; x < 2 * <usize>width; x += 2 * COLUMNS_STEP) {
      const y0 = v128.load(luma + x);
      const y1 = v128.load(luma + x, 16);
      const u0 = i16x8.sub(v128.load(u + x), i16x8.splat(128));
      const u1 = i16x8.sub(v128.load(u + x, 16), i16x8.splat(128));
      const v0 = i16x8.sub(v128.load(v + x), i16x8.splat(128));
      const v1 = i16x8.sub(v128.load(v + x, 16), i16x8.splat(128));
      const red = v128.xor(i8x16.narrow_i16x8_u(redOf(y0, v0), redOf(y1, v1)), flip);
      const green = v128.xor(i8x16.narrow_i16x8_u(greenOf(y0, u0, v0), greenOf(y1, u1, v1)), flip);
      const blue = v128.xor(i8x16.narrow_i16x8_u(blueOf(y0, u0), blueOf(y1, u1)), flip);
      // Three planes of sixteen to 48 bytes r g b r g b …: two shuffles for each sixteen.
      v128.store(to, v128.shuffle<i8>(
        v128.shuffle<i8>(red, green, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5), blue,
        0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15,
      ));
      v128.store(to, v128.shuffle<i8>(
        v128.shuffle<i8>(red, green, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26), blue,
        0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15,
      ), 16);
      v128.store(to, v128.shuffle<i8>(
        v128.shuffle<i8>(red, green, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0), blue,
        26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31,
      ), 32);
      to += 3 * COLUMNS_STEP;
    }
    memory.copy(target, converted, 3 * <usize>width);
    target += 3 * <usize>width;
  }
}

/** 1.402 = 1 + 0.402 */
// @ts-ignore: decorator
@inline
function redOf(y: v128, v: v128): v128 {
  return i16x8.add(i16x8.add(y, v), i16x8.q15mulr_sat_s(v, i16x8.splat(13173)));
}

// @ts-ignore: decorator
@inline
function greenOf(y: v128, u: v128, v: v128): v128 {
  return i16x8.sub(i16x8.sub(y, i16x8.q15mulr_sat_s(u, i16x8.splat(11277))), i16x8.q15mulr_sat_s(v, i16x8.splat(23401)));
}

/** 1.772 = 1 + 0.772 */
// @ts-ignore: decorator
@inline
function blueOf(y: v128, u: v128): v128 {
  return i16x8.add(i16x8.add(y, u), i16x8.q15mulr_sat_s(u, i16x8.splat(25297)));
}

/** Output row y of one plane: `count` values 0..255 as int16, padded to COLUMNS_STEP. */
function sample(command: usize, plane: usize, rows: usize, columns: usize, planeWidth: i32, y: i32, count: i32, target: usize): void {
  const row = rows + <usize>y * ROWS_BYTES;
  const upper = plane + load<u32>(row);
  const lower = plane + load<u32>(row, 4);
  const weight = load<i32>(row, 8);
  const blended = address(command, BLENDED);
  const upperWeight = i16x8.splat(<i16>(WEIGHT_ONE - weight));
  const lowerWeight = i16x8.splat(<i16>weight);
  // Whole steps of sixteen: what is read beyond the row is blended too, and never sampled.
  for (let x: usize = 0; x < <usize>planeWidth; x += 16) {
    const a = v128.load(upper + x);
    const b = v128.load(lower + x);
    v128.store(blended + 2 * x, i16x8.add(i16x8.mul(i16x8.extend_low_i8x16_u(a), upperWeight), i16x8.mul(i16x8.extend_low_i8x16_u(b), lowerWeight)));
    v128.store(blended + 2 * x, i16x8.add(i16x8.mul(i16x8.extend_high_i8x16_u(a), upperWeight), i16x8.mul(i16x8.extend_high_i8x16_u(b), lowerWeight)), 16);
  }
  // The right neighbour of the last value is itself.
  store<i16>(blended + 2 * <usize>planeWidth, load<i16>(blended + 2 * <usize>planeWidth - 2));
  const half = i32x4.splat(1 << 13);
  for (let x = 0; x < count; x += 8) {
    const first = four(blended, columns);
    const second = four(blended, columns + 4 * COLUMNS_BYTES);
    const low = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(first, weightsOf(columns)), half), 14);
    const high = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(second, weightsOf(columns + 4 * COLUMNS_BYTES)), half), 14);
    v128.store(target + 2 * <usize>x, i16x8.narrow_i32x4_s(low, high));
    columns += 8 * COLUMNS_BYTES;
  }
}

/** Four pairs of neighbours, each from its own place. */
// @ts-ignore: decorator
@inline
function four(blended: usize, columns: usize): v128 {
  let pairs = v128.load32_zero(blended + load<u32>(columns));
  pairs = v128.load_lane<i32>(blended + load<u32>(columns, COLUMNS_BYTES), pairs, 1);
  pairs = v128.load_lane<i32>(blended + load<u32>(columns, 2 * COLUMNS_BYTES), pairs, 2);
  return v128.load_lane<i32>(blended + load<u32>(columns, 3 * COLUMNS_BYTES), pairs, 3);
}

/** The weights of four columns, which lie between their distances. */
// @ts-ignore: decorator
@inline
function weightsOf(columns: usize): v128 {
  return v128.shuffle<i32>(v128.load(columns), v128.load(columns, 16), 1, 3, 5, 7);
}
