/**
 * PAD and PADV2: tensorflow/lite/kernels/pad.cc. PAD fills with the output's zero point, PADV2 with a constant.
 */
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectSameScale, expectShape, int32Values, refuse, type Site } from './checking.ts';
import type { Command } from './lowering.ts';
import { fillCommand, joinLoops, MOVE_RANK_MAX, type Move, moveCommand, stepsOf } from './moves.ts';

export type Padding = {
  readonly kind: 'padding';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** Where the input goes in the output. */
  readonly move: Move;
  readonly fillQ: number;
};

export function checkPad(site: Site): Padding {
  expectInputs(site, 2);
  return check(site, site.output.zeroPoint);
}

export function checkPadV2(site: Site): Padding {
  expectInputs(site, 3);
  const { output } = site;
  const { name, data, quantization } = site.constant(2);
  if (data?.length !== 1) return refuse(`has ${data?.length ?? 0} bytes to pad with; expected one int8`);
  // TFLite refuses other units, too (pad.cc, EvalInt).
  if (quantization.scales[0] !== output.scale || quantization.zeroPoints[0] !== output.zeroPoint) {
    return refuse(`would have to requantise ${name} for ${output.name}; expected the same scale and zero point`);
  }
  return check(site, (data[0]! << 24) >> 24);
}

function check(site: Site, fillQ: number): Padding {
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  expectSameScale([input], output);
  const rank = input.shape.length;
  if (rank < 1 || rank > MOVE_RANK_MAX) refuse(`pads a tensor of rank ${rank}; expected 1 to ${MOVE_RANK_MAX}`);
  const paddings = int32Values(site.constant(1), 2 * rank);
  if (paddings.some((padding) => padding < 0)) refuse(`has paddings [${paddings}]; expected 0 or more`);
  const before = input.shape.map((_, i) => paddings[2 * i]!);
  expectShape(
    output,
    input.shape.map((size, i) => before[i]! + size + paddings[2 * i + 1]!),
  );
  const sourceSteps = stepsOf(input.shape, 1);
  const targetSteps = stepsOf(output.shape, 1);
  const loops = input.shape.map((count, i) => ({ count, sourceStep: sourceSteps[i]!, targetStep: targetSteps[i]! }));
  const targetOffset = before.reduce((sum, places, i) => sum + places * targetSteps[i]!, 0);
  const move = { ...joinLoops(loops, 1), sourceOffset: 0, targetOffset };
  return { kind: 'padding', index: site.operator.index, inputs: [input], output, move, fillQ };
}

export function lowerPadding({ inputs, output, move, fillQ }: Padding): readonly Command[] {
  const copy = moveCommand(inputs[0], output, move);
  return output.count === inputs[0].count ? [copy] : [fillCommand(output, fillQ), copy];
}
