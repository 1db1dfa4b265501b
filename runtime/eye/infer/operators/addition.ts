/**
 * ADD: tensorflow/lite/kernels/add.cc (Prepare) and internal/reference/integer_ops/add.h.
 */
import { strict as assert } from 'node:assert';
import * as command from '../layout/command.ts';
import * as layout from '../layout/others.ts';
import { type ActivationRange, addMultipliers, type FixedPoint } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectShape, fusedRange, optionsOf, refuse, type Site } from './checking.ts';
import type { Command } from './lowering.ts';

export type Addition = {
  readonly kind: 'addition';
  readonly index: number;
  readonly inputs: readonly [GraphTensor, GraphTensor];
  readonly output: GraphTensor;
  readonly factors: { readonly a: FixedPoint; readonly b: FixedPoint; readonly out: FixedPoint };
  readonly range: ActivationRange;
};

export function checkAddition(site: Site): Addition {
  expectInputs(site, 2);
  const { output } = site;
  const [a, b] = [site.input(0), site.input(1)];
  expectInt8(a, b, output);
  expectShape(output, a.shape);
  expectShape(output, b.shape);
  const factors = addMultipliers(a.scale, b.scale, output.scale);
  // add.cc refuses the same (QuantizeMultiplierSmallerThanOneExp); shift 0 would need another rounding rule.
  if (factors.out.shift >= 0) refuse(`has an output scale too small for its inputs`);
  const range = fusedRange(optionsOf(site, 'ADD').activation, output);
  return { kind: 'addition', index: site.operator.index, inputs: [a, b], output, factors, range };
}

export function lowerAddition(operator: Addition): readonly Command[] {
  const { inputs, output, factors, range } = operator;
  // The kernel's first input is the one whose factor is one half exactly.
  const swap = inputs[1].scale > inputs[0].scale;
  const [a, b] = swap ? [inputs[1], inputs[0]] : inputs;
  const [exact, other] = swap ? [factors.b, factors.a] : [factors.a, factors.b];
  assert.ok(exact.multiplier === 2 ** 30 && exact.shift === 0, 'the larger scale has factor one half');
  return [
    {
      kernel: 'add',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_ADD;
        words[command.SOURCE] = address.tensor(a);
        words[layout.SOURCE_B] = address.tensor(b);
        words[command.TARGET] = address.tensor(output);
        words[layout.VALUE_COUNT] = output.bytes;
        words[layout.ZERO_POINT_A] = a.zeroPoint;
        words[layout.ZERO_POINT_B] = b.zeroPoint;
        words[layout.MULTIPLIER_B] = other.multiplier;
        words[layout.SHIFT_B] = -other.shift;
        words[layout.MULTIPLIER_OUT] = factors.out.multiplier;
        words[layout.SHIFT_OUT] = -factors.out.shift;
        words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
        words[command.OUTPUT_MIN] = range.minQ;
        words[command.OUTPUT_MAX] = range.maxQ;
      },
    },
  ];
}
