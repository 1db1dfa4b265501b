/**
 * CONCATENATION: tensorflow/lite/kernels/concatenation.cc. All tensors have one scale, as TFLite demands of int8, so
 * bytes are moved and not computed.
 */
import { type GraphTensor, valueBytes } from '../tensor.ts';
import { expectInputs, expectSameScale, expectShape, optionsOf, refuse, type Site } from './checking.ts';
import type { Command, Lowering } from './lowering.ts';
import { joinLoops, MOVE_RANK_MAX, moveCommand, stepsOf } from './moves.ts';

export type Concatenation = {
  readonly kind: 'concatenation';
  readonly index: number;
  readonly inputs: readonly GraphTensor[];
  readonly output: GraphTensor;
  /** 0 .. rank - 1 */
  readonly axis: number;
};

const INPUTS_MAX = 16;

export function checkConcatenation(site: Site): Concatenation {
  expectInputs(site, 1, INPUTS_MAX);
  const { output } = site;
  const { axis: written, activation: fused } = optionsOf(site, 'CONCATENATION');
  const rank = output.shape.length;
  if (rank < 1 || rank > MOVE_RANK_MAX) refuse(`joins tensors of rank ${rank}; expected 1 to ${MOVE_RANK_MAX}`);
  const axis = written < 0 ? written + rank : written;
  if (axis < 0 || axis >= rank) refuse(`joins along axis ${written} of ${rank}`);
  if (fused !== 0) refuse(`has fused activation ${fused}; expected none`);
  const inputs = Array.from({ length: site.inputCount }, (_, position) => site.input(position));
  const along = (size: number): number[] => output.shape.map((other, i) => (i === axis ? size : other));
  let sum = 0;
  for (const input of inputs) {
    const size = input.shape[axis] ?? 0;
    expectShape(input, along(size));
    sum += size;
  }
  expectShape(output, along(sum));
  expectSameScale(inputs, output);
  return { kind: 'concatenation', index: site.operator.index, inputs, output, axis };
}

export function lowerConcatenation(operator: Concatenation, lowering: Lowering): readonly Command[] {
  const { inputs, output, axis } = operator;
  const bytes = valueBytes(output.kind);
  const targetSteps = stepsOf(output.shape, bytes);
  let targetOffset = 0;
  return inputs.flatMap((input) => {
    const offset = targetOffset;
    targetOffset += input.shape[axis]! * targetSteps[axis]!;
    if (lowering.isInPlace(input, output)) return [];
    const sourceSteps = stepsOf(input.shape, bytes);
    const loops = input.shape.map((count, i) => ({
      count,
      sourceStep: sourceSteps[i]!,
      targetStep: targetSteps[i]!,
    }));
    return [moveCommand(input, output, { ...joinLoops(loops, bytes), sourceOffset: 0, targetOffset: offset })];
  });
}
