/**
 * RESHAPE: the same values in the same order under another shape (tensorflow/lite/kernels/reshape.cc). Input and output
 * share their bytes wherever they may (program.ts); otherwise they are copied.
 */
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectSameScale, refuse, type Site } from './checking.ts';
import type { Command, Lowering } from './lowering.ts';
import { moveCommand, wholeMove } from './moves.ts';

export type Reshape = {
  readonly kind: 'reshape';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
};

export function checkReshape(site: Site): Reshape {
  // The wanted shape is written a second time, as input 1 or as an option. Only the output tensor's own is looked at: it
  // must hold every value, and a shape that is computed comes from an operator that is refused.
  expectInputs(site, 1, 2);
  const { output } = site;
  const input = site.input(0);
  if (input.count !== output.count) {
    refuse(`makes ${output.count} values [${output.shape}] of ${input.count} values [${input.shape}]`);
  }
  expectSameScale([input], output);
  return { kind: 'reshape', index: site.operator.index, inputs: [input], output };
}

export function lowerReshape({ inputs, output }: Reshape, lowering: Lowering): readonly Command[] {
  return lowering.isInPlace(inputs[0], output) ? [] : [moveCommand(inputs[0], output, wholeMove(output))];
}
