/**
 * Fixed-point constants exactly as TFLite computes them, and the reference arithmetic in plain numbers.
 * What is computed here once, the kernels apply blindly; a difference of one unit here changes output bytes.
 *
 * Sources in tensorflow/lite: kernels/internal/quantization_util.cc (QuantizeMultiplier), kernels/kernel_util.cc
 * (CalculateActivationRangeQuantized), kernels/add.cc (Prepare), kernels/internal/common.h. Of XNNPACK: the files named
 * beside its formulas; they were held against the interpreter that runs it, byte for byte.
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
  return rangeOf(activation, (real) => {
    const steps = Math.fround(real / scale);
    return zeroPoint + Math.sign(steps) * Math.round(Math.abs(steps));
  });
}

/**
 * The same as XNNPACK computes it, which differs on ties: it adds the zero point first and rounds half to even. Source:
 * XNNPACK, src/xnnpack/quantization.h, xnn_qs8_quantize.
 */
export function xnnpackRange(activation: number, scale: number, zeroPoint: number): ActivationRange {
  return rangeOf(activation, (real) => roundHalfToEven(Math.fround(Math.fround(real / scale) + zeroPoint)));
}

function rangeOf(activation: number, quantize: (real: number) => number): ActivationRange {
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

/** What the formulas below need of a tensor. */
type Scaled = { readonly scale: number; readonly zeroPoint: number };

/**
 * XNNPACK's ADD of int8: (bias + a × qA + b × qB) >> shift, in units of the output less its zero point; `bias` holds the
 * rounding (half up) and both zero points. Source: XNNPACK, src/microparams-init.c, xnn_init_qs8_add_minmax_scalar_params.
 * Undefined where TFLite keeps the operator for itself: an input scale below 1/1024 or from 256 times the output's
 * (delegates/xnnpack/xnnpack_delegate.cc, VisitAddNode).
 */
export function xnnpackSum(
  a: Scaled,
  b: Scaled,
  out: Scaled,
): { readonly a: number; readonly b: number; readonly bias: number; readonly shift: number } | undefined {
  const ratios = [a, b].map(({ scale }) => Math.fround(scale / out.scale));
  if (ratios.some((ratio) => ratio < 2 ** -10 || ratio >= 2 ** 8)) return undefined;
  // The larger factor gets 21 bits.
  const shift = 20 - (quantizeMultiplier(Math.max(...ratios)).shift - 1);
  const [factorA = 0, factorB = 0] = ratios.map((ratio) => roundHalfToEven(ratio * 2 ** shift));
  return { a: factorA, b: factorB, bias: 2 ** (shift - 1) - factorA * a.zeroPoint - factorB * b.zeroPoint, shift };
}

/**
 * XNNPACK's factor of a MUL of int8, a float32; products are multiplied by it and rounded half to even. Source: XNNPACK,
 * src/qs8-vmul/scalar.c.in. Undefined where TFLite keeps the operator for itself (xnnpack_delegate.cc, VisitMulNode).
 */
export function xnnpackProduct(a: Scaled, b: Scaled, out: Scaled): number | undefined {
  const factor = Math.fround(Math.fround(a.scale * b.scale) / out.scale);
  return factor < 2 ** -16 || factor >= 2 ** 8 ? undefined : factor;
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/**
 * TFLite's MultiplyByQuantizedMultiplier (kernels/internal/common.h), with two roundings, or one where it is built with
 * TFLITE_SINGLE_ROUNDING. value × 2^shift has to fit into int32. For tables made once: 64-bit numbers are slow here.
 */
export function multiplyByQuantizedMultiplier(
  value: number,
  { multiplier, shift }: FixedPoint,
  rounding: Rounding,
): number {
  if (rounding === 'single') {
    const total = BigInt(31 - shift);
    return Number((BigInt(value) * BigInt(multiplier) + (1n << (total - 1n))) >> total);
  }
  const high = highMultiply(value * 2 ** Math.max(0, shift), multiplier);
  return divideByPowerOfTwo(high, Math.max(0, -shift));
}

/** gemmlowp/fixedpoint/fixedpoint.h, SaturatingRoundingDoublingHighMul: a × b / 2^31, half up; never -2^31 twice. */
export function highMultiply(a: number, b: number): number {
  return Number((BigInt(a) * BigInt(b) + (1n << 30n)) >> 31n);
}

/** gemmlowp/fixedpoint/fixedpoint.h, RoundingDivideByPOT: value / 2^exponent, half away from zero. */
export function divideByPowerOfTwo(value: number, exponent: number): number {
  return Math.sign(value) * Math.round(Math.abs(value) / 2 ** exponent);
}
