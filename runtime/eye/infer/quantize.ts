/**
 * Fixed-point constants exactly as TFLite computes them, and the reference arithmetic in plain numbers.
 * What is computed here once, the kernels apply blindly; a difference of one unit here changes output bytes.
 *
 * Sources in tensorflow/lite: kernels/internal/quantization_util.cc (QuantizeMultiplier), kernels/kernel_util.cc
 * (CalculateActivationRangeQuantized), kernels/add.cc (Prepare).
 */

/**
 * How sums become int8 again; kernels/requantise.ts has the arithmetic.
 * `double`: TFLite's reference, two roundings. `single`: TFLite built with TFLITE_SINGLE_ROUNDING. `fp32`: XNNPACK, a float32
 * factor and one rounding to the nearest even.
 */
export type Rounding = 'double' | 'single' | 'fp32';
export const ROUNDINGS: readonly Rounding[] = ['double', 'single', 'fp32'];

/** A real factor as multiplier × 2^(shift - 31), multiplier in 2^30 .. 2^31-1, or 0 for a factor that vanishes. */
export type FixedPoint = { readonly multiplier: number; readonly shift: number };

/** Clamp of an output in quantised units, both ends included; within -128..127. */
export type ActivationRange = { readonly minQ: number; readonly maxQ: number };

/** factor: >= 0 and finite. Same result as TFLite's QuantizeMultiplier (without TFLITE_SINGLE_ROUNDING). */
export function quantizeMultiplier(factor: number): FixedPoint {
  if (factor === 0) return { multiplier: 0, shift: 0 };
  // frexp: factor = mantissa × 2^shift, mantissa in [0.5, 1). log2 may be off by one near powers of two; scaling by
  // powers of two is exact, so the loops put that right.
  let shift = Math.floor(Math.log2(factor)) + 1;
  let mantissa = factor / 2 ** shift;
  for (; mantissa >= 1; shift += 1) mantissa /= 2;
  for (; mantissa < 0.5; shift -= 1) mantissa *= 2;
  let multiplier = Math.round(mantissa * 2 ** 31);
  if (multiplier === 2 ** 31) {
    multiplier = 2 ** 30;
    shift += 1;
  }
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

/** activation: schema.fbs ActivationFunctionType, 0..3. scale and zeroPoint are those of the output. */
export function activationRange(activation: number, scale: number, zeroPoint: number): ActivationRange {
  // TFLite divides in float32 and rounds half away from zero; all our numerators are whole, and `fround` of a double
  // quotient of two float32 is the float32 quotient.
  const quantize = (real: number): number => {
    const steps = Math.fround(real / scale);
    return zeroPoint + Math.sign(steps) * Math.round(Math.abs(steps));
  };
  let minQ = -128;
  let maxQ = 127;
  if (activation === 1 || activation === 3) minQ = Math.max(minQ, quantize(0));
  if (activation === 3) maxQ = Math.min(maxQ, quantize(6));
  if (activation === 2) {
    minQ = Math.max(minQ, quantize(-1));
    maxQ = Math.min(maxQ, quantize(1));
  }
  return { minQ, maxQ };
}

/** Bits by which ADD lifts its inputs before scaling them (add.cc: left_shift for int8). */
export const ADD_LEFT_SHIFT = 20;

/** Scales of the three tensors of an ADD → its three factors; the larger input's factor is always one half. */
export function addMultipliers(
  scaleA: number,
  scaleB: number,
  scaleOut: number,
): { readonly a: FixedPoint; readonly b: FixedPoint; readonly out: FixedPoint } {
  const twiceMax = 2 * Math.max(scaleA, scaleB);
  return {
    a: quantizeMultiplier(scaleA / twiceMax),
    b: quantizeMultiplier(scaleB / twiceMax),
    out: quantizeMultiplier(twiceMax / (2 ** ADD_LEFT_SHIFT * scaleOut)),
  };
}
