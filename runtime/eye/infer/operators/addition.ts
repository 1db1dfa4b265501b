/**
 * ADD: tensorflow/lite/kernels/add.cc (Prepare) and internal/reference/integer_ops/add.h; XNNPACK's way for rounding fp32
 * is in ../quantize.ts.
 */
import { strict as assert } from 'node:assert';
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import { type ActivationRange, addMultipliers, type FixedPoint, xnnpackRange, xnnpackSum } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import { type Broadcast, broadcast, swapped, writeOperands } from './broadcast.ts';
import { expectInputs, expectInt8, fusedRange, optionsOf, refuse, type Site } from './checking.ts';
import type { Command, Lowering } from './lowering.ts';

export type Addition = {
  readonly kind: 'addition';
  readonly index: number;
  readonly inputs: readonly [GraphTensor, GraphTensor];
  readonly output: GraphTensor;
  readonly loops: Broadcast;
  readonly factors: { readonly a: FixedPoint; readonly b: FixedPoint; readonly out: FixedPoint };
  /** Fused; schema.fbs, ActivationFunctionType. */
  readonly activation: number;
  readonly range: ActivationRange;
};

export function checkAddition(site: Site): Addition {
  expectInputs(site, 2);
  const { output } = site;
  const [a, b] = [site.input(0), site.input(1)];
  expectInt8(a, b, output);
  const loops = broadcast(a, b, output);
  const factors = addMultipliers(a.scale, b.scale, output.scale);
  // TFLite aborts there: quantization_util.cc, QuantizeMultiplierSmallerThanOneExp.
  if (factors.out.shift > 0) refuse(`has an output scale of ${output.scale}, too small for those of its inputs`);
  const { activation } = optionsOf(site, 'ADD');
  const range = fusedRange(activation, output);
  return { kind: 'addition', index: site.operator.index, inputs: [a, b], output, loops, factors, activation, range };
}

export function lowerAddition(operator: Addition, { rounding }: Lowering): readonly Command[] {
  const { inputs, output, loops, factors, activation } = operator;
  const sum = rounding === 'fp32' ? xnnpackSum(inputs[0], inputs[1], output) : undefined;
  const range = sum ? xnnpackRange(activation, output.scale, output.zeroPoint) : operator.range;
  // The kernel's first input is the one whose factor is one half exactly.
  const swap = sum === undefined && inputs[1].scale > inputs[0].scale;
  const [a, b] = swap ? [inputs[1], inputs[0]] : inputs;
  const [exact, other] = swap ? [factors.b, factors.a] : [factors.a, factors.b];
  assert.ok(sum || (exact.multiplier === 2 ** 30 && exact.shift === 0), 'the larger scale has factor one half');
  return [
    {
      kernel: 'add',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_ADD;
        writeOperands(words, address, [a, b], output, range, swap ? swapped(loops) : loops);
        if (sum) {
          words[layout.IS_XNNPACK] = 1;
          words[layout.MULTIPLIER_A] = sum.a;
          words[layout.MULTIPLIER_B] = sum.b;
          words[layout.BIAS] = sum.bias;
          words[layout.SHIFT_OUT] = sum.shift;
        } else {
          words[layout.MULTIPLIER_B] = other.multiplier;
          words[layout.SHIFT_B] = -other.shift;
          words[layout.MULTIPLIER_OUT] = factors.out.multiplier;
          words[layout.SHIFT_OUT] = -factors.out.shift;
        }
      },
    },
  ];
}
