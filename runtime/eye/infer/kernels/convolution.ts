/**
 * Convolutions as strips of pixels for products.ts: where the rows of taps come from.
 *
 * - patch: windows of 4x4 or 2x2 that neither overlap nor leave gaps, on a plane of pixels: read where they lie.
 * - pointwise: 1x1, stride 1. pairs reads the taps where they lie, dot widens a strip of them into scratch, relaxed flips
 *   their top bits on the way there where the machine wants them unsigned.
 * - gather: any window, stride, padding, dilation and number of channels. The taps of each output pixel are copied into
 *   a row of scratch, the zero point where the window reaches outside of the image.
 *
 * A row of scratch has GROUPS x 4 taps; what follows the last tap meets weights of zero. Copies go sixteen taps at a time
 * and may write up to fifteen too many, into what is written next or behind the last row, where the loader leaves room.
 */
import {
  INPUT_CHANNELS,
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_HEIGHT,
  OUTPUT_WIDTH,
  PAD_LEFT,
  PAD_TOP,
  SOURCE,
  SOURCE_ROW,
  STRIDE_X,
  STRIDE_Y,
  TARGET,
  TARGET_PIXEL,
} from '../layout/command';
import {
  DILATION_X,
  DILATION_Y,
  FILL,
  FLIP,
  GROUPS,
  KERNEL_X,
  KERNEL_Y,
  SCRATCH,
  STRIP_PIXELS,
} from '../layout/convolution';
import {
  min32,
  productsDot,
  productsPairs,
  productsPatch2,
  productsPatch4,
  productsRelaxed,
  productsRelaxedPatch2,
  productsRelaxedPatch4,
} from './products';
import { address, word } from './word';

export function patch(command: usize): void {
  patches(command, false);
}

export function patchRelaxed(command: usize): void {
  patches(command, true);
}

/** isRelaxed is known when this is compiled into its callers. */
// @ts-ignore: decorator
@inline
function patches(command: usize, isRelaxed: bool): void {
  const height = word(command, OUTPUT_HEIGHT);
  const width = word(command, OUTPUT_WIDTH);
  const side = word(command, KERNEL_X);
  const patchRow = address(command, SOURCE_ROW) * <usize>side;
  const targetRow = <usize>width * address(command, TARGET_PIXEL);
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    if (isRelaxed) {
      if (side == 4) productsRelaxedPatch4(command, source, target, width);
      else productsRelaxedPatch2(command, source, target, width);
    } else if (side == 4) productsPatch4(command, source, target, width);
    else productsPatch2(command, source, target, width);
    source += patchRow;
    target += targetRow;
  }
}

export function pointwisePairs(command: usize): void {
  // Without a neighbourhood the whole image is one row.
  const pixelCount = word(command, OUTPUT_HEIGHT) * word(command, OUTPUT_WIDTH);
  const strip = word(command, STRIP_PIXELS);
  const sourcePixel = address(command, INPUT_CHANNELS);
  const targetPixel = address(command, TARGET_PIXEL);
  const source = address(command, SOURCE);
  const target = address(command, TARGET);
  for (let first = 0; first < pixelCount; first += strip) {
    const count = min32(strip, pixelCount - first);
    productsPairs(command, source + <usize>first * sourcePixel, sourcePixel, target + <usize>first * targetPixel, count);
  }
}

export function pointwiseDot(command: usize): void {
  const pixelCount = word(command, OUTPUT_HEIGHT) * word(command, OUTPUT_WIDTH);
  const strip = word(command, STRIP_PIXELS);
  const channels = address(command, INPUT_CHANNELS);
  const targetPixel = address(command, TARGET_PIXEL);
  const source = address(command, SOURCE);
  const target = address(command, TARGET);
  const scratch = address(command, SCRATCH);
  for (let first = 0; first < pixelCount; first += strip) {
    const count = min32(strip, pixelCount - first);
    const from = source + <usize>first * channels;
    const bytes = <usize>count * channels;
    for (let i: usize = 0; i < bytes; i += 16) {
      v128.store(scratch + 2 * i, v128.load_ext<i8>(from + i));
      v128.store(scratch + 2 * i, v128.load_ext<i8>(from + i, 8), 16);
    }
    productsDot(command, scratch, 2 * channels, target + <usize>first * targetPixel, count);
  }
}

export function pointwiseRelaxed(command: usize): void {
  const pixelCount = word(command, OUTPUT_HEIGHT) * word(command, OUTPUT_WIDTH);
  const strip = word(command, STRIP_PIXELS);
  const channels = address(command, INPUT_CHANNELS);
  const targetPixel = address(command, TARGET_PIXEL);
  const source = address(command, SOURCE);
  const target = address(command, TARGET);
  const scratch = address(command, SCRATCH);
  const isFlipped = word(command, FLIP) != 0;
  for (let first = 0; first < pixelCount; first += strip) {
    const count = min32(strip, pixelCount - first);
    let from = source + <usize>first * channels;
    if (isFlipped) {
      copyTaps(from, scratch, <usize>count * channels, i8x16.splat(-128), false);
      from = scratch;
    }
    productsRelaxed(command, from, channels, target + <usize>first * targetPixel, count);
  }
}

export function gatherPairs(command: usize): void {
  gathered(command, false, false);
}

export function gatherDot(command: usize): void {
  gathered(command, true, false);
}

export function gatherRelaxed(command: usize): void {
  gathered(command, false, true);
}

/** isWide: int16 taps for dot, else int8; both are known when this is compiled into its callers. */
// @ts-ignore: decorator
@inline
function gathered(command: usize, isWide: bool, isRelaxed: bool): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const inputWidth = word(command, INPUT_WIDTH);
  const channels = address(command, INPUT_CHANNELS);
  const width = word(command, OUTPUT_WIDTH);
  const pixelCount = word(command, OUTPUT_HEIGHT) * width;
  const kernelY = word(command, KERNEL_Y);
  const kernelX = word(command, KERNEL_X);
  const strideY = word(command, STRIDE_Y);
  const strideX = word(command, STRIDE_X);
  const dilationY = word(command, DILATION_Y);
  const dilationX = word(command, DILATION_X);
  const padTop = word(command, PAD_TOP);
  const padLeft = word(command, PAD_LEFT);
  const source = address(command, SOURCE);
  const sourceRow = address(command, SOURCE_ROW);
  const target = address(command, TARGET);
  const targetPixel = address(command, TARGET_PIXEL);
  const scratch = address(command, SCRATCH);
  const strip = word(command, STRIP_PIXELS);
  const fill = i8x16.splat(<i8>word(command, FILL));
  const flip = i8x16.splat(<i8>word(command, FLIP));
  const tapBytes: usize = isWide ? 2 : 1;
  const rowBytes = (<usize>4) * tapBytes * address(command, GROUPS);
  // A row of the window whose cells are neighbours is one run of bytes.
  const isRun = dilationX == 1;
  const run = <usize>kernelX * channels;
  let y = 0;
  let x = 0;
  for (let first = 0; first < pixelCount; first += strip) {
    const count = min32(strip, pixelCount - first);
    let row = scratch;
    for (let pixel = 0; pixel < count; pixel++) {
      const top = y * strideY - padTop;
      const left = x * strideX - padLeft;
      const isInside = isRun && left >= 0 && left + kernelX <= inputWidth;
      let to = row;
      for (let ky = 0; ky < kernelY; ky++) {
        const inputY = top + ky * dilationY;
        if (inputY < 0 || inputY >= inputHeight) {
          fillTaps(to, run, fill, isWide);
          to += run * tapBytes;
          continue;
        }
        const from = source + <usize>inputY * sourceRow;
        if (isInside) {
          copyTaps(from + <usize>left * channels, to, run, flip, isWide);
          to += run * tapBytes;
          continue;
        }
        for (let kx = 0; kx < kernelX; kx++) {
          const inputX = left + kx * dilationX;
          if (inputX < 0 || inputX >= inputWidth) fillTaps(to, channels, fill, isWide);
          else copyTaps(from + <usize>inputX * channels, to, channels, flip, isWide);
          to += channels * tapBytes;
        }
      }
      row += rowBytes;
      if (++x == width) {
        x = 0;
        y++;
      }
    }
    if (isWide) productsDot(command, scratch, rowBytes, target + <usize>first * targetPixel, count);
    else if (isRelaxed) productsRelaxed(command, scratch, rowBytes, target + <usize>first * targetPixel, count);
    else productsPairs(command, scratch, rowBytes, target + <usize>first * targetPixel, count);
  }
}

// @ts-ignore: decorator
@inline
function copyTaps(from: usize, to: usize, count: usize, flip: v128, isWide: bool): void {
  for (let i: usize = 0; i < count; i += 16) {
    const taps = v128.xor(v128.load(from + i), flip);
    if (isWide) {
      v128.store(to + 2 * i, i16x8.extend_low_i8x16_s(taps));
      v128.store(to + 2 * i, i16x8.extend_high_i8x16_s(taps), 16);
    } else {
      v128.store(to + i, taps);
    }
  }
}

// @ts-ignore: decorator
@inline
function fillTaps(to: usize, count: usize, fill: v128, isWide: bool): void {
  for (let i: usize = 0; i < count; i += 16) {
    if (isWide) {
      v128.store(to + 2 * i, i16x8.extend_low_i8x16_s(fill));
      v128.store(to + 2 * i, i16x8.extend_low_i8x16_s(fill), 16);
    } else {
      v128.store(to + i, fill);
    }
  }
}
