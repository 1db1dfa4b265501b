/**
 * TRANSPOSE_CONV: tensorflow/lite/kernels/internal/reference/integer_ops/transpose_conv.h. TFLite scatters every input
 * pixel over the outputs it touches; here every output gathers the inputs that touch it, which are the same products
 * summed up in another order, without a scratch of int32. Sixteen input channels at a time: what is read behind a pixel
 * meets weights of zero. Sum of (value - zero point) x weight = sum of value x weight - a constant of the tap.
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
  const blockBytes = (inputChannels + 15) & ~15;
  const tapBytes = outputChannels * blockBytes;
  let target = address(command, TARGET);
  for (let y = 0; y < outputHeight; y++) {
    for (let x = 0; x < outputWidth; x++) {
      for (let channel: usize = 0; channel < outputChannels; channel++) {
        let sums = i32x4.splat(0);
        let sum = load<i32>(bias + (channel << 2));
        // Output y gets tap ky of input row (y + padTop - ky) / strideY, where that is whole.
        for (let ky = (y + padTop) % strideY; ky < tapsY; ky += strideY) {
          const inputY = (y + padTop - ky) / strideY;
          if (y + padTop < ky || inputY >= inputHeight) continue;
          for (let kx = (x + padLeft) % strideX; kx < tapsX; kx += strideX) {
            const inputX = (x + padLeft - kx) / strideX;
            if (x + padLeft < kx || inputX >= inputWidth) continue;
            const tap = <usize>(ky * tapsX + kx);
            const at = source + <usize>(inputY * inputWidth + inputX) * inputChannels;
            const w = weights + tap * tapBytes + channel * blockBytes;
            for (let c: usize = 0; c < blockBytes; c += 16) {
              const values = v128.load(at + c);
              const factors = v128.load(w + c);
              sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(values, factors)));
              sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(values, factors)));
            }
            sum -= load<i32>(zeroTerms + ((tap * outputChannels + channel) << 2));
          }
        }
        sum += i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
        sum += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
        const o = channel << 2;
        const scaled = multiplyByQuantizedMultiplier(sum, load<i32>(multipliers + o), load<i32>(shifts + o));
        store<i8>(target + channel, <i8>min(max(scaled + zeroPoint, least), most));
      }
      target += outputChannels;
    }
  }
}
