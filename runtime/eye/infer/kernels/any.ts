/**
 * Any convolution, one value at a time: the kernel that serves where the fast ones are not proved to be exact (factors of
 * one half and more, sums near the ends of int32), and the text to hold them against.
 * A transcription of tensorflow/lite/kernels/internal/reference/integer_ops/conv.h (ConvPerChannel) and
 * depthwise_conv.h (DepthwiseConvPerChannel).
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
  SOURCE_ROW,
  STRIDE_X,
  STRIDE_Y,
  TARGET,
  TARGET_PIXEL,
  WEIGHTS,
} from '../layout/command';
import {
  BIAS,
  DEPTH_MULTIPLIER,
  DILATION_X,
  DILATION_Y,
  INPUT_OFFSET,
  IS_PIXEL,
  KERNEL_X,
  KERNEL_Y,
  MULTIPLIERS,
  SHIFTS,
} from '../layout/convolution';
import { multiplyByQuantizedMultiplier } from './multiply';
import { address, word } from './word';

export function anyConvolution(command: usize): void {
  const inputHeight = word(command, INPUT_HEIGHT);
  const inputWidth = word(command, INPUT_WIDTH);
  const inputChannels = word(command, INPUT_CHANNELS);
  const outputHeight = word(command, OUTPUT_HEIGHT);
  const outputWidth = word(command, OUTPUT_WIDTH);
  const outputChannels = word(command, OUTPUT_CHANNELS);
  const kernelY = word(command, KERNEL_Y);
  const kernelX = word(command, KERNEL_X);
  const strideY = word(command, STRIDE_Y);
  const strideX = word(command, STRIDE_X);
  const dilationY = word(command, DILATION_Y);
  const dilationX = word(command, DILATION_X);
  const padTop = word(command, PAD_TOP);
  const padLeft = word(command, PAD_LEFT);
  const depthMultiplier = word(command, DEPTH_MULTIPLIER);
  const inputOffset = word(command, INPUT_OFFSET);
  const isPixel = word(command, IS_PIXEL) != 0;
  const outputZeroPoint = word(command, OUTPUT_ZERO_POINT);
  const outputMin = word(command, OUTPUT_MIN);
  const outputMax = word(command, OUTPUT_MAX);
  const source = address(command, SOURCE);
  const sourceRow = address(command, SOURCE_ROW);
  const targetPixel = address(command, TARGET_PIXEL);
  const weights = address(command, WEIGHTS);
  const bias = address(command, BIAS);
  const multipliers = address(command, MULTIPLIERS);
  const shifts = address(command, SHIFTS);
  let target = address(command, TARGET);

  for (let y = 0; y < outputHeight; y++) {
    for (let x = 0; x < outputWidth; x++) {
      for (let channel = 0; channel < outputChannels; channel++) {
        let sum = load<i32>(bias + (<usize>channel << 2));
        for (let ky = 0; ky < kernelY; ky++) {
          const inputY = y * strideY - padTop + ky * dilationY;
          if (inputY < 0 || inputY >= inputHeight) continue;
          for (let kx = 0; kx < kernelX; kx++) {
            const inputX = x * strideX - padLeft + kx * dilationX;
            if (inputX < 0 || inputX >= inputWidth) continue;
            const at = source + <usize>inputY * sourceRow + <usize>(inputX * inputChannels);
            const tap = ky * kernelX + kx;
            if (depthMultiplier != 0) {
              const value = valueAt(at + <usize>(channel / depthMultiplier), isPixel) + inputOffset;
              sum += value * <i32>load<i8>(weights + <usize>(tap * outputChannels + channel));
            } else {
              const w = weights + <usize>((channel * kernelY * kernelX + tap) * inputChannels);
              for (let c = 0; c < inputChannels; c++) {
                sum += (valueAt(at + <usize>c, isPixel) + inputOffset) * <i32>load<i8>(w + <usize>c);
              }
            }
          }
        }
        const o = <usize>channel << 2;
        const result = multiplyByQuantizedMultiplier(sum, load<i32>(multipliers + o), load<i32>(shifts + o)) + outputZeroPoint;
        store<i8>(target + <usize>channel, <i8>min<i32>(max<i32>(result, outputMin), outputMax));
      }
      target += targetPixel;
    }
  }
}

// @ts-ignore: decorator
@inline
function valueAt(at: usize, isPixel: bool): i32 {
  return isPixel ? <i32>load<u8>(at) : <i32>load<i8>(at);
}
