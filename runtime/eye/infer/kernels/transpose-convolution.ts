/**
 * TRANSPOSE_CONV: tensorflow/lite/kernels/internal/reference/integer_ops/transpose_conv.h. TFLite scatters every input
 * pixel over the outputs it touches; here every output gathers the inputs that touch it, which are the same products
 * summed up in another order, without a scratch of int32. Four output channels at a time share what they read of the
 * input, sixteen input channels of it; what is read behind a pixel meets weights of zero.
 * Sum of (value - zero point) x weight = sum of value x weight - a constant of the tap.
 */
import {
  INPUT_CHANNELS,
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_CHANNELS,
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
  WEIGHTS,
} from '../layout/command';
import {
  TAPS_X,
  TAPS_Y,
  TRANSPOSED_BIAS,
  TRANSPOSED_MULTIPLIERS,
  TRANSPOSED_SHIFTS,
  TRANSPOSED_SUMS,
  ZERO_TERMS,
} from '../layout/spatial';
import { multiplyByQuantizedMultiplier } from './multiply';
import { address, word } from './word';

export function transposeConvolution(command: usize): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const inputWidth = word(command, INPUT_WIDTH);
  const inputChannels = address(command, INPUT_CHANNELS);
  const outputHeight = word(command, OUTPUT_HEIGHT);
  const outputWidth = word(command, OUTPUT_WIDTH);
  const outputChannels = address(command, OUTPUT_CHANNELS);
  const tapsY = word(command, TAPS_Y);
  const tapsX = word(command, TAPS_X);
  const strideY = word(command, STRIDE_Y);
  const strideX = word(command, STRIDE_X);
  const padTop = word(command, PAD_TOP);
  const padLeft = word(command, PAD_LEFT);
  const zeroPoint = word(command, OUTPUT_ZERO_POINT);
  const least = word(command, OUTPUT_MIN);
  const most = word(command, OUTPUT_MAX);
  const source = address(command, SOURCE);
  const weights = address(command, WEIGHTS);
  const zeroTerms = address(command, ZERO_TERMS);
  const bias = address(command, TRANSPOSED_BIAS);
  const multipliers = address(command, TRANSPOSED_MULTIPLIERS);
  const shifts = address(command, TRANSPOSED_SHIFTS);
  const sums = address(command, TRANSPOSED_SUMS);
  const blockBytes = (inputChannels + 15) & ~15;
  const tapChannels = (outputChannels + 3) & ~3;
  const tapBytes = tapChannels * blockBytes;
  const inputRow = <usize>inputWidth * inputChannels;
  let target = address(command, TARGET);
  for (let y = 0; y < outputHeight; y++) {
    // Output y gets tap ky of input row (y + padTop - ky) / strideY, where that is whole.
    const firstTapY = (y + padTop) % strideY;
    const firstInputY = (y + padTop) / strideY;
    for (let x = 0; x < outputWidth; x++) {
      const firstTapX = (x + padLeft) % strideX;
      const firstInputX = (x + padLeft) / strideX;
      for (let channel: usize = 0; channel < outputChannels; channel += 4) {
        let sums0 = i32x4.splat(0);
        let sums1 = i32x4.splat(0);
        let sums2 = i32x4.splat(0);
        let sums3 = i32x4.splat(0);
        let constant = v128.load(bias + (channel << 2));
        let inputY = firstInputY + 1;
        for (let ky = firstTapY; ky < tapsY; ky += strideY) {
          inputY--;
          if (<u32>inputY >= <u32>inputHeight) continue;
          let inputX = firstInputX + 1;
          for (let kx = firstTapX; kx < tapsX; kx += strideX) {
            inputX--;
            if (<u32>inputX >= <u32>inputWidth) continue;
            const tap = <usize>(ky * tapsX + kx);
            const at = source + <usize>inputY * inputRow + <usize>inputX * inputChannels;
            const w0 = weights + tap * tapBytes + channel * blockBytes;
            const w1 = w0 + blockBytes;
            const w2 = w1 + blockBytes;
            const w3 = w2 + blockBytes;
            for (let c: usize = 0; c < blockBytes; c += 16) {
              const values = v128.load(at + c);
              sums0 = multiplyAdd(sums0, values, v128.load(w0 + c));
              sums1 = multiplyAdd(sums1, values, v128.load(w1 + c));
              sums2 = multiplyAdd(sums2, values, v128.load(w2 + c));
              sums3 = multiplyAdd(sums3, values, v128.load(w3 + c));
            }
            constant = i32x4.sub(constant, v128.load(zeroTerms + ((tap * tapChannels + channel) << 2)));
          }
        }
        const first = halves(sums0, sums1);
        const second = halves(sums2, sums3);
        const last = i32x4.add(
          v128.shuffle<i32>(first, second, 0, 1, 4, 5),
          v128.shuffle<i32>(first, second, 2, 3, 6, 7),
        );
        v128.store(sums, i32x4.add(constant, last));
        const count = min(outputChannels - channel, 4);
        for (let i: usize = 0; i < count; i++) {
          const o = (channel + i) << 2;
          const sum = load<i32>(sums + (i << 2));
          const scaled = multiplyByQuantizedMultiplier(sum, load<i32>(multipliers + o), load<i32>(shifts + o));
          store<i8>(target + channel + i, <i8>min(max(scaled + zeroPoint, least), most));
        }
      }
      target += outputChannels;
    }
  }
}

/** Products of 16 pairs, four to each int32. A sum of two products fits int32 but not int16. */
// @ts-ignore: decorator
@inline
function multiplyAdd(sums: v128, values: v128, weights: v128): v128 {
  return i32x4.add(
    sums,
    i32x4.add(
      i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(values, weights)),
      i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(values, weights)),
    ),
  );
}

/** Sums of lanes 0 and 2, and of 1 and 3, of both vectors: a02, b02, a13, b13. */
// @ts-ignore: decorator
@inline
function halves(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
}
