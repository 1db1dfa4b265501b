/**
 * MUL: tensorflow/lite/kernels/mul.cc (Prepare) and internal/reference/integer_ops/mul.h; XNNPACK's way for rounding fp32
 * is in ../quantize.ts.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import {
  type ActivationRange,
  type FixedPoint,
  quantizeMultiplier,
  xnnpackProduct,
  xnnpackRange,
} from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import { type Broadcast, broadcast, writeOperands } from './broadcast.ts';
import { expectInputs, expectInt8, fusedRange, optionsOf, refuse, type Site } from './checking.ts';
import { type Command, float32Bits, type Lowering } from './lowering.ts';

/**
 * Products of two int8 are below 2^16 in size, so a lift by 15 bits stays within int32; beyond, TFLite overflows. A product
 * that is lifted by 13 bits and then at least halved is 0 or above 2^12 in size, beyond int8 whatever the zero point: more
 * makes no difference, and the kernel needs one bit of the 32 for itself.
 */
const LIFT_MAX = 15;
const LIFT_ENOUGH = 13;

export type Multiplication = {
  readonly kind: 'multiplication';
  readonly index: number;
  readonly inputs: readonly [GraphTensor, GraphTensor];
  readonly output: GraphTensor;
  readonly loops: Broadcast;
  readonly factor: FixedPoint;
  /** Fused; schema.fbs, ActivationFunctionType. */
  readonly activation: number;
  readonly range: ActivationRange;
};

export function checkMultiplication(site: Site): Multiplication {
  expectInputs(site, 2);
  const { output } = site;
  const [a, b] = [site.input(0), site.input(1)];
  expectInt8(a, b, output);
  const loops = broadcast(a, b, output);
  // mul.cc multiplies and divides float32 numbers.
  const factor = quantizeMultiplier(Math.fround(Math.fround(a.scale * b.scale) / output.scale));
  if (factor.shift > LIFT_MAX) refuse(`scales its products by more than ${2 ** LIFT_MAX}`);
  const { activation } = optionsOf(site, 'MUL');
  const range = fusedRange(activation, output);
  return {
    kind: 'multiplication',
    index: site.operator.index,
    inputs: [a, b],
    output,
    loops,
    factor,
    activation,
    range,
  };
}

export function lowerMultiplication(operator: Multiplication, { rounding }: Lowering): readonly Command[] {
  const { inputs, output, loops, factor, activation } = operator;
  const [a, b] = inputs;
  const product = rounding === 'fp32' ? xnnpackProduct(a, b, output) : undefined;
  const isXnnpack = product !== undefined;
  const range = isXnnpack ? xnnpackRange(activation, output.scale, output.zeroPoint) : operator.range;
  return [
    {
      kernel: 'multiply',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_MULTIPLY;
        writeOperands(words, address, [a, b], output, range, loops);
        if (isXnnpack) {
          words[layout.IS_XNNPACK] = 1;
          words[layout.FACTOR] = float32Bits(product);
        } else {
          words[layout.MULTIPLIER_OUT] = factor.multiplier;
          words[layout.SHIFT_OUT] = Math.max(0, -factor.shift);
          words[layout.LIFT] = Math.min(Math.max(0, factor.shift), LIFT_ENOUGH);
        }
      },
    },
  ];
}
