/** Cases of CONV_2D and DEPTHWISE_CONV_2D. Shapes are [y, x, channel]; padding is SAME unless a name says VALID. */
import type { NetBuilder, Pair } from '../nets/build.ts';
import { type CaseOptions, defineCase, type GoldenCase } from './case.ts';

type Given = Pick<CaseOptions, 'inputs' | 'referenceOnly'> & {
  readonly inputScale?: number;
  readonly inputZeroPoint?: number;
};
type ConvolutionOptions = Parameters<NetBuilder['convolution']>[1] & Given;
type DepthwiseOptions = NonNullable<Parameters<NetBuilder['depthwise']>[1]> & Given;

/** Given scales, unlike chosen ones, keep the factors of cases apart: 0.005 to 0.03, with 60 quantised units of deviation. */
function scaleOf(net: NetBuilder, scale: number | undefined): number {
  return scale ?? net.random.real(0.005, 0.03);
}

function conv(name: string, shape: readonly [number, number, number], options: ConvolutionOptions): GoldenCase {
  const { inputs = 'any', referenceOnly = false, inputScale = 0.0173, inputZeroPoint = -128, ...rest } = options;
  return defineCase(
    'CONV_2D',
    name,
    (net) => {
      const input = net.input([1, ...shape], { scale: inputScale, zeroPoint: inputZeroPoint });
      return net.convolution(input, { name: 'out', zeroPoint: 0, ...rest, scale: scaleOf(net, rest.scale) });
    },
    { inputs, referenceOnly },
  );
}

function depth(name: string, shape: readonly [number, number, number], options: DepthwiseOptions): GoldenCase {
  const { inputs = 'any', referenceOnly = false, inputScale = 0.0173, inputZeroPoint = -128, ...rest } = options;
  return defineCase(
    'DEPTHWISE_CONV_2D',
    name,
    (net) => {
      const input = net.input([1, ...shape], { scale: inputScale, zeroPoint: inputZeroPoint });
      return net.depthwise(input, { name: 'out', zeroPoint: 0, ...rest, scale: scaleOf(net, rest.scale) });
    },
    { inputs, referenceOnly },
  );
}

/** Sums near the ends of int32 that scale to all of int8: both roundings and float32 part ways there. */
const HUGE_BIAS = (channel: number): number => (channel % 2 === 0 ? -1 : 1) * (2 ** 31 - 2 ** 24 * (1 + channel));
const POWER = { powersOfTwo: true, inputScale: 2 ** -5, inputZeroPoint: 0, scale: 2 ** -6, zeroPoint: 1 } as const;
const KERNELS = [1, 2, 3, 4, 5, 6, 7];
const SIDES: readonly Pair[] = [
  [3, 2],
  [1, 5],
  [7, 1],
];

const POINTWISE: readonly GoldenCase[] = [
  conv('1x1, 8 to 8, RELU6', [5, 3, 8], { channels: 8, activation: 'relu6', zeroPoint: -128 }),
  conv('1x1, 40 to 4, zero points 127', [7, 5, 40], { channels: 4, inputZeroPoint: 127, zeroPoint: 127 }),
  conv('1x1, 4 to 1, one pixel', [1, 1, 4], { channels: 1, inputZeroPoint: 17, zeroPoint: -3 }),
  conv('1x1, 12 to 20, two pixels, RELU', [2, 1, 12], {
    channels: 20,
    inputZeroPoint: -5,
    zeroPoint: -128,
    activation: 'relu',
  }),
  conv('1x1, 104 to 24, weights and inputs at their ends', [3, 3, 104], {
    channels: 24,
    weights: 'ends',
    inputs: 'ends',
  }),
  conv('1x1, 16 to 8, most outputs saturate', [6, 3, 16], {
    channels: 8,
    spreadQ: 900,
    inputs: 'ends',
    inputZeroPoint: 127,
  }),
  conv('1x1, 16 to 8, small factors', [3, 3, 16], { channels: 8, spreadQ: 1.5, inputZeroPoint: 3, zeroPoint: 100 }),
  conv('1x1, 8 to 16, powers of two: exact ties', [9, 7, 8], { channels: 16, ...POWER }),
  conv('1x1, 8 to 8, one scale for all channels', [3, 5, 8], { channels: 8, perTensor: true, inputZeroPoint: -20 }),
  conv('1x1, 8 to 8, zero bias, RELU_N1_TO_1', [3, 5, 8], {
    channels: 8,
    bias: false,
    activation: 'reluN1To1',
    inputZeroPoint: -20,
  }),
  conv('1x1, 6 to 5, odd channels', [3, 5, 6], { channels: 5, inputZeroPoint: 127, zeroPoint: -128 }),
  conv('1x1, 7 to 3, odd channels, one scale, RELU6', [4, 3, 7], {
    channels: 3,
    perTensor: true,
    activation: 'relu6',
    zeroPoint: -100,
  }),
  conv('1x1, 1 to 8', [4, 5, 1], { channels: 8 }),
  conv('1x1, 33 to 17', [3, 4, 33], { channels: 17, inputZeroPoint: 4 }),
  conv('1x1, 128 to 72, one row', [1, 5, 128], { channels: 72, activation: 'relu', zeroPoint: -128 }),
  conv('1x1, 8 to 8, weights of -128', [3, 5, 8], {
    channels: 8,
    weights: (i) => (i % 5 < 2 ? -128 : 127),
    inputs: 'ends',
  }),
  conv('1x1, 96 to 8, weights and inputs all -128, zero point 127', [2, 3, 96], {
    channels: 8,
    weights: () => -128,
    inputs: 'ends',
    inputZeroPoint: 127,
  }),
  conv('1x1, 8 to 8, factors of one and more', [3, 5, 8], {
    channels: 8,
    weights: (i) => (i % 3) - 1,
    factor: 2.7,
    bias: false,
    inputZeroPoint: 1,
  }),
  conv('1x1, 8 to 8, factors just below one', [3, 5, 8], {
    channels: 8,
    weights: (i) => (i % 3) - 1,
    factor: 0.97,
    bias: false,
    inputZeroPoint: 1,
  }),
  conv('1x1, 8 to 8, factors too small for any output', [2, 2, 8], {
    channels: 8,
    factor: 1e-9,
    bias: false,
    zeroPoint: 7,
  }),
  conv('1x1, 8 to 8, sums near the ends of int32', [3, 3, 8], { channels: 8, factor: 6e-8, bias: HUGE_BIAS }),
  conv('1x1, 8 to 8, stride 2', [5, 6, 8], { channels: 8, stride: 2, inputZeroPoint: 1 }),
  conv('1x1, 3 to 4, stride 3, VALID', [7, 8, 3], { channels: 4, stride: 3, padding: 'valid' }),
];

const WINDOWS: readonly GoldenCase[] = [
  ...KERNELS.slice(1).flatMap((kernel) => [
    conv(`${kernel}x${kernel}, stride 1, 3 to 5`, [8, 9, 3], { channels: 5, kernel, inputZeroPoint: 10 * kernel }),
    conv(`${kernel}x${kernel}, stride 2, VALID, 4 to 8, RELU6`, [9, 10, 4], {
      channels: 8,
      kernel,
      stride: 2,
      padding: 'valid',
      activation: 'relu6',
      zeroPoint: -128,
    }),
    conv(`${kernel}x${kernel}, stride 3, 2 to 3, RELU`, [10, 8, 2], {
      channels: 3,
      kernel,
      stride: 3,
      activation: 'relu',
      zeroPoint: -90,
    }),
  ]),
  ...SIDES.map((kernel) => conv(`${kernel}, 5 to 4`, [7, 8, 5], { channels: 4, kernel, inputZeroPoint: 127 })),
  conv('3x3 stride 2, zero point 127', [5, 7, 3], { channels: 5, kernel: 3, stride: 2, inputZeroPoint: 127 }),
  conv('3x3 of pixels, stride 2, 3 to 16, RELU6', [12, 10, 3], {
    channels: 16,
    kernel: 3,
    stride: 2,
    activation: 'relu6',
    zeroPoint: -128,
  }),
  conv('3x3, 8 to 16, stride 2 down and 1 across', [7, 6, 8], { channels: 16, kernel: 3, stride: [2, 1] }),
  conv('3x3, 16 to 24', [5, 6, 16], { channels: 24, kernel: 3, inputZeroPoint: -3 }),
  conv('3x3, 8 to 8, VALID, weights and inputs at their ends', [5, 6, 8], {
    channels: 8,
    kernel: 3,
    padding: 'valid',
    weights: 'ends',
    inputs: 'ends',
  }),
  conv('3x3, 4 to 8, powers of two: exact ties', [6, 6, 4], { channels: 8, kernel: 3, ...POWER }),
  conv('3x3, 3 to 4, one scale, RELU_N1_TO_1', [5, 5, 3], {
    channels: 4,
    kernel: 3,
    perTensor: true,
    activation: 'reluN1To1',
    zeroPoint: 5,
  }),
  conv('3x3, 3 to 4, weights of -128', [5, 5, 3], {
    channels: 4,
    kernel: 3,
    weights: () => -128,
    inputs: 'ends',
    inputZeroPoint: 127,
  }),
  conv('3x3 larger than its input', [2, 1, 5], { channels: 6, kernel: 3 }),
  conv('7x7 larger than its input', [3, 4, 4], { channels: 5, kernel: 7, inputZeroPoint: 100 }),
  conv('3x2 VALID dilation 2', [7, 6, 4], { channels: 3, kernel: [3, 2], dilation: 2, padding: 'valid' }),
  conv('3x3 dilation 2', [7, 6, 4], { channels: 5, kernel: 3, dilation: 2, inputZeroPoint: 30 }),
  conv('3x3 dilation 2, stride 2', [9, 8, 3], { channels: 4, kernel: 3, dilation: 2, stride: 2 }),
  conv('5x3 dilation 2 down and 1 across, VALID', [11, 6, 2], {
    channels: 3,
    kernel: [5, 3],
    dilation: [2, 1],
    padding: 'valid',
  }),
  conv('2x2 stride 2 of patches, VALID', [4, 6, 8], {
    channels: 8,
    kernel: 2,
    stride: 2,
    padding: 'valid',
    inputZeroPoint: 0,
  }),
  conv('4x4 stride 4 of patches, VALID, one channel', [8, 12, 1], {
    channels: 16,
    kernel: 4,
    stride: 4,
    padding: 'valid',
    activation: 'relu6',
    zeroPoint: -128,
  }),
  conv('8x8 stride 8 of patches, VALID, 3 channels', [16, 8, 3], {
    channels: 8,
    kernel: 8,
    stride: 8,
    padding: 'valid',
  }),
];

const DEPTHWISE: readonly GoldenCase[] = [
  depth('3x3, 8 channels, zero point 127, RELU6', [5, 7, 8], {
    inputZeroPoint: 127,
    zeroPoint: -128,
    activation: 'relu6',
  }),
  depth('3x3, 16 channels, stride 2, even sizes', [6, 8, 16], { stride: 2, zeroPoint: -16 }),
  depth('3x3, 24 channels, stride 2, odd sizes', [7, 9, 24], { stride: 2, inputZeroPoint: -3, zeroPoint: 127 }),
  // TFLite's optimised kernel reads the bias that is not there.
  depth('3x3, without bias', [3, 4, 8], { bias: false, inputZeroPoint: -50, referenceOnly: true }),
  depth('3x3, one pixel', [1, 1, 8], { inputZeroPoint: 50 }),
  depth('3x3, two columns, RELU', [3, 2, 8], { activation: 'relu', inputZeroPoint: -50 }),
  depth('3x3, VALID', [5, 4, 8], { padding: 'valid' }),
  depth('3x3, VALID, stride 2, RELU_N1_TO_1', [7, 6, 16], {
    padding: 'valid',
    stride: 2,
    activation: 'reluN1To1',
    zeroPoint: 20,
  }),
  depth('3x3, stride 2 down and 1 across', [6, 5, 8], { stride: [2, 1], inputZeroPoint: 2 }),
  depth('3x3, stride 3', [8, 7, 8], { stride: 3, inputZeroPoint: 9 }),
  depth('3x3, weights and inputs at their ends', [4, 5, 16], { weights: 'ends', inputs: 'ends' }),
  depth('3x3, weights of -128, zero point 127', [4, 5, 16], {
    weights: () => -128,
    inputs: 'ends',
    inputZeroPoint: 127,
  }),
  depth('3x3, weights of -128 among others', [4, 5, 8], { weights: (i) => (i % 7 === 0 ? -128 : i % 100) }),
  depth('3x3, most outputs saturate', [4, 5, 8], { spreadQ: 900, inputs: 'ends', inputZeroPoint: 127 }),
  depth('3x3, small factors', [4, 5, 8], { spreadQ: 1.5, zeroPoint: -100 }),
  depth('3x3, factors of one and more', [4, 4, 8], {
    weights: (i) => (i % 3) - 1,
    factor: 2.7,
    bias: () => 0,
    inputZeroPoint: 1,
  }),
  depth('3x3, sums near the ends of int32', [3, 3, 8], { factor: 6e-8, bias: HUGE_BIAS }),
  depth('3x3, powers of two: exact ties', [5, 5, 16], POWER),
  depth('3x3, one scale for all channels', [5, 5, 8], { perTensor: true, inputZeroPoint: -7 }),
  depth('3x3, 40 channels, wide', [3, 17, 40], { activation: 'relu6', zeroPoint: -128 }),
  depth('3x3, 1 channel', [5, 6, 1], { inputZeroPoint: 3 }),
  depth('3x3, 3 channels, stride 2', [7, 6, 3], { stride: 2 }),
  depth('3x3, 6 channels', [5, 4, 6], { inputZeroPoint: 127 }),
  depth('3x3, 9 channels, RELU6', [5, 4, 9], { activation: 'relu6', zeroPoint: -128 }),
  depth('3x3, 20 channels', [4, 4, 20], { inputZeroPoint: -128 }),
  depth('3x3, dilation 2', [6, 5, 8], { dilation: 2, inputZeroPoint: -100 }),
  depth('3x3, dilation 2, VALID, 5 channels', [7, 6, 5], { dilation: 2, padding: 'valid' }),
  depth('3x3, multiplier 2', [4, 5, 4], { multiplier: 2, inputZeroPoint: -100 }),
  depth('3x3, multiplier 2, 8 channels, stride 2', [6, 5, 8], { multiplier: 2, stride: 2 }),
  depth('3x3, multiplier 8 of 1 channel', [6, 5, 1], { multiplier: 8 }),
  depth('5x5, 8 channels', [6, 6, 8], { kernel: 5 }),
  depth('5x5, 16 channels, stride 2, RELU6', [9, 8, 16], {
    kernel: 5,
    stride: 2,
    activation: 'relu6',
    zeroPoint: -128,
    inputZeroPoint: 11,
  }),
  depth('5x5, 24 channels, VALID', [6, 7, 24], { kernel: 5, padding: 'valid', inputZeroPoint: 127 }),
  depth('5x5, 8 channels, stride 2, odd sizes', [7, 7, 8], { kernel: 5, stride: 2, inputZeroPoint: -5 }),
  depth('5x5, 7 channels', [5, 6, 7], { kernel: 5, inputZeroPoint: -60 }),
  depth('5x5, larger than its input', [2, 3, 8], { kernel: 5, inputZeroPoint: 60 }),
  depth('5x5, weights and inputs at their ends', [6, 5, 8], { kernel: 5, weights: 'ends', inputs: 'ends' }),
  depth('5x5, powers of two: exact ties', [5, 6, 8], { kernel: 5, ...POWER }),
  depth('5x5, multiplier 2, dilation 2', [8, 7, 4], { kernel: 5, multiplier: 2, dilation: 2 }),
  ...[1, 2, 4, 6, 7].flatMap((kernel) => [
    depth(`${kernel}x${kernel}, 8 channels`, [8, 7, 8], { kernel, inputZeroPoint: 5 * kernel }),
    depth(`${kernel}x${kernel}, 5 channels, VALID, stride 2`, [9, 8, 5], { kernel, stride: 2, padding: 'valid' }),
  ]),
  depth('1x3, 8 channels', [4, 6, 8], { kernel: [1, 3] }),
  depth('3x1, 8 channels, stride 2', [6, 5, 8], { kernel: [3, 1], stride: 2 }),
];

export const CONVOLUTION_CASES: readonly GoldenCase[] = [...POINTWISE, ...WINDOWS, ...DEPTHWISE];
