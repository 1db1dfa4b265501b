/**
 * Operators of one byte to one byte as tables of 256, and the exponentials of SOFTMAX: computed when a model is loaded, with
 * the arithmetic of TFLite's reference kernels, so that the kernels only look up. A table's index is the raw byte: an int8
 * of -1 is entry 255.
 */

import {
  type ActivationRange,
  divideByPowerOfTwo,
  highMultiply,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  type Rounding,
} from './quantize.ts';
import type { TensorKind } from './tensor.ts';

/** What a table needs to know of a tensor; `kind` is int8 or uint8. */
export type Bytes = { readonly kind: TensorKind; readonly scale: number; readonly zeroPoint: number };

const f = Math.fround;

/** quantise: from a value to the value in units of the output, not yet clamped. */
function tableOf(input: Bytes, output: Bytes, quantise: (q: number) => number, range = rangeOf(output)): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, raw) => {
    const q = input.kind === 'int8' ? (raw << 24) >> 24 : raw;
    return Math.min(Math.max(quantise(q), range.minQ), range.maxQ) & 255;
  });
}

function rangeOf({ kind }: Bytes): ActivationRange {
  return kind === 'int8' ? { minQ: -128, maxQ: 127 } : { minQ: 0, maxQ: 255 };
}

/**
 * XNNPACK (src/qs8-vcvt, src/qs8-vlrelu): the factor in 256ths, and one rounding, half up. Undefined where XNNPACK leaves the
 * operator to TFLite (src/subgraph/unary.c: factors from 2^-8 to 2^7).
 */
function xnnpackFactor(factor: number): ((value: number) => number) | undefined {
  if (!(factor >= 2 ** -8 && factor <= 2 ** 7)) return undefined;
  const multiplier = roundHalfToEven(f(256 * factor));
  return (value) => (value * multiplier + 128) >> 8;
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** kernels/internal/reference/requantize.h, Requantize: QUANTIZE of what is quantised already. */
export function requantiseTable(input: Bytes, output: Bytes, rounding: Rounding): Uint8Array {
  const xnnpack = rounding === 'fp32' ? xnnpackFactor(f(input.scale / output.scale)) : undefined;
  if (xnnpack) return tableOf(input, output, (q) => xnnpack(q - input.zeroPoint) + output.zeroPoint);
  const factor = quantizeMultiplier(input.scale / output.scale);
  const scaled = (q: number): number => multiplyByQuantizedMultiplier(q - input.zeroPoint, factor, rounding);
  return tableOf(input, output, (q) => scaled(q) + output.zeroPoint);
}

/** kernels/activations.cc, ReluPrepare and QuantizedReluX. range: of the activation, in the output's units. */
export function reluTable(input: Bytes, output: Bytes, range: ActivationRange, rounding: Rounding): Uint8Array {
  const factor = quantizeMultiplier(f(input.scale / output.scale));
  const scaled = (q: number): number => multiplyByQuantizedMultiplier(q - input.zeroPoint, factor, rounding);
  return tableOf(input, output, (q) => scaled(q) + output.zeroPoint, range);
}

/** activations.cc, LeakyReluPrepare; reference/leaky_relu.h, QuantizeLeakyRelu. alpha: >= 0. */
export function leakyReluTable(input: Bytes, output: Bytes, alpha: number, rounding: Rounding): Uint8Array {
  const positive = rounding === 'fp32' ? xnnpackFactor(f(input.scale / output.scale)) : undefined;
  const negative = positive && xnnpackFactor(f(f(input.scale / output.scale) * alpha));
  if (positive && negative) {
    return tableOf(input, output, (q) => {
      const value = q - input.zeroPoint;
      return (value >= 0 ? positive(value) : negative(value)) + output.zeroPoint;
    });
  }
  const identity = quantizeMultiplier(f(input.scale / output.scale));
  const slope = quantizeMultiplier(f(f(input.scale * alpha) / output.scale));
  return tableOf(input, output, (q) => {
    const value = q - input.zeroPoint;
    return output.zeroPoint + multiplyByQuantizedMultiplier(value, value >= 0 ? identity : slope, rounding);
  });
}

/** activations.cc, LogisticPrepare; internal/common.h, LUTPopulate: float32 throughout. */
export function logisticTable(input: Bytes, output: Bytes): Uint8Array {
  const inverseScale = f(1 / output.scale);
  return tableOf(input, output, (q) => {
    const value = f(input.scale * (q - input.zeroPoint));
    const result = f(1 / f(1 + f(Math.exp(-value))));
    // Never negative, so half up is half away from zero.
    return Math.round(f(result * inverseScale)) + output.zeroPoint;
  });
}

/** activations.cc, HardSwishPrepare; reference/hard_swish.h, HardSwish: 16-bit fixed point. */
export function hardSwishTable(input: Bytes, output: Bytes): Uint8Array {
  const { outputFactor, reluFactor } = hardSwishFactors(input, output);
  const [outputMultiplier, reluMultiplier] = [half(outputFactor.multiplier), half(reluFactor.multiplier)];
  return tableOf(input, output, (q) => {
    const value = (q - input.zeroPoint) * 128;
    const scaled = highMultiply16(value, outputMultiplier);
    // -3 .. 3 as -32768 .. 32767; the last bit of a shift to the left comes after the product, to saturate there.
    let relu = reluFactor.shift > 0 ? int16(value * 2 ** (reluFactor.shift - 1)) : value;
    relu = highMultiply16(relu, reluMultiplier);
    if (reluFactor.shift > 0) relu = int16(relu * 2);
    if (reluFactor.shift < 0) relu = divideByPowerOfTwo(relu, -reluFactor.shift);
    // 0 .. 1 as 0 .. 32767.
    relu = (relu + 32768) >> 1;
    // SaturatingDoublingHighMul rounds towards zero.
    const product = Math.trunc((relu * scaled) / 32768);
    return divideByPowerOfTwo(product, -outputFactor.shift) + output.zeroPoint;
  });
}

/**
 * Whether TFLite's HARD_SWISH takes the scales: HardSwishPrepare wants the output's factor below one, and shifts of 16 bits
 * and more make nonsense of its int16.
 */
export function isHardSwishScale(input: Bytes, output: Bytes): boolean {
  const { outputFactor, reluFactor } = hardSwishFactors(input, output);
  return outputFactor.shift <= 0 && outputFactor.shift > -16 && Math.abs(reluFactor.shift) < 16;
}

function hardSwishFactors(input: Bytes, output: Bytes) {
  const scale = f(input.scale / 128);
  return {
    outputFactor: quantizeMultiplier(f(scale / output.scale)),
    reluFactor: quantizeMultiplier(f(scale / f(3 / 32768))),
  };
}

/** activations.cc, DownScaleInt32ToInt16Multiplier */
function half(multiplier: number): number {
  return Math.min((multiplier + 2 ** 15) / 2 ** 16, 32767) | 0;
}

/** gemmlowp/fixedpoint/fixedpoint.h, SaturatingRoundingDoublingHighMul of int16; b is a multiplier, so never -32768. */
function highMultiply16(a: number, b: number): number {
  return Math.floor((a * b + 2 ** 14) / 2 ** 15);
}

function int16(value: number): number {
  return Math.min(Math.max(value, -32768), 32767);
}

/** Bits before the point of what SOFTMAX takes the exponential of, sign apart. */
const DIFFERENCE_BITS = 5;
const FRACTION_BITS = 31 - DIFFERENCE_BITS;

/**
 * e^(beta × scale × difference) for differences -255 to 0 of two int8, as int32 with 31 bits behind the point; 0 where the
 * difference is too large to be scaled. activations.cc (SoftmaxPrepare), internal/quantization_util.cc
 * (PreprocessSoftmaxScaling, CalculateInputRadius), reference/softmax.h. Undefined where TFLite aborts: beta × scale is too
 * small for the shifts.
 */
export function softmaxExponentials(beta: number, scale: number, rounding: Rounding): Int32Array | undefined {
  const most = rounding === 'single' ? 2 ** 30 - 1 : 2 ** 31 - 1;
  const factor = quantizeMultiplier(Math.min(beta * scale * 2 ** FRACTION_BITS, most));
  // QuantizeMultiplierGreaterThanOne
  if (factor.multiplier === 0 || factor.shift < 1) return undefined;
  const radius = Math.floor(((2 ** DIFFERENCE_BITS - 1) * 2 ** FRACTION_BITS) / 2 ** factor.shift);
  return Int32Array.from({ length: 256 }, (_, i) => {
    const difference = i - 255;
    return difference < -radius ? 0 : exponential(multiplyByQuantizedMultiplier(difference, factor, rounding));
  });
}

/** e^(1/4 × 2^n) for the bits of a difference from 1/4 to 16, as int32 with 31 bits behind the point. */
const POWERS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242] as const;
const QUARTER = 2 ** (FRACTION_BITS - 2);

/** gemmlowp/fixedpoint/fixedpoint.h, exp_on_negative_values. a: <= 0, FRACTION_BITS behind the point. */
function exponential(a: number): number {
  if (a === 0) return 2 ** 31 - 1;
  const rest = (a & (QUARTER - 1)) - QUARTER;
  const quarters = (rest - a) / QUARTER;
  return POWERS.reduce(
    (product, power, bit) => ((quarters >> bit) & 1 ? highMultiply(product, power) : product),
    // Rescale to no bits before the point; -1/4 at the most, so nothing saturates.
    exponentialOfQuarter(rest * 2 ** DIFFERENCE_BITS),
  );
}

/** exp_on_interval_between_negative_one_quarter_and_0_excl: Taylor's series around -1/8, 31 bits behind the point. */
function exponentialOfQuarter(a: number): number {
  const expOfMinusEighth = 1895147668;
  const third = 715827883;
  const x = a + 2 ** 28;
  const x2 = highMultiply(x, x);
  const x3 = highMultiply(x2, x);
  const x4 = highMultiply(x2, x2);
  const quarterOfX4 = divideByPowerOfTwo(x4, 2);
  const tail = divideByPowerOfTwo(highMultiply(quarterOfX4 + x3, third) + x2, 1);
  return expOfMinusEighth + highMultiply(expOfMinusEighth, x + tail);
}
