/**
 * Operators that move bytes and compute nothing: CONCATENATION and RESIZE_NEAREST_NEIGHBOR.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/others.ts';
import type { GraphTensor } from '../tensor.ts';
import {
  expectInputs,
  expectSameScale,
  expectShape,
  imageOf,
  int32Values,
  optionsOf,
  refuse,
  type Site,
} from './checking.ts';
import type { Command, Lowering } from './lowering.ts';

/** Along channels; all tensors have one scale, so bytes are moved and not computed. */
export type Concatenation = {
  readonly kind: 'concatenation';
  readonly index: number;
  readonly inputs: readonly GraphTensor[];
  readonly output: GraphTensor;
};

/** Nearest neighbour to twice the height and width. */
export type Doubling = {
  readonly kind: 'doubling';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
};

export function checkConcatenation(site: Site): Concatenation {
  expectInputs(site, 1, 16);
  const { output } = site;
  const { axis, activation: fused } = optionsOf(site, 'CONCATENATION');
  if (axis !== 3 && axis !== -1) refuse(`joins along axis ${axis}; expected 3, channels`);
  if (fused !== 0) refuse(`has fused activation ${fused}; expected none`);
  const [, height, width] = imageOf(output);
  const inputs = Array.from({ length: site.inputCount }, (_, position) => site.input(position));
  const channels = inputs.reduce((sum, input) => sum + imageOf(input)[3], 0);
  for (const input of inputs) expectShape(input, [1, height, width, imageOf(input)[3]]);
  expectShape(output, [1, height, width, channels]);
  expectSameScale(inputs, output);
  return { kind: 'concatenation', index: site.operator.index, inputs, output };
}

export function checkResizeNearest(site: Site): Doubling {
  expectInputs(site, 2);
  const { output } = site;
  const input = site.input(0);
  const size = int32Values(site.constant(1), 2);
  const { alignCorners } = optionsOf(site, 'RESIZE_NEAREST_NEIGHBOR');
  const [, height, width, channels] = imageOf(input);
  // Doubling is the one factor at which every variant but align_corners picks the same neighbours, without
  // any float rounding (reference/resize_nearest_neighbor.h, GetNearestNeighbor).
  if (alignCorners) refuse('has align_corners; expected none');
  if (size[0] !== 2 * height || size[1] !== 2 * width) {
    refuse(`makes ${size[0]} x ${size[1]} of ${height} x ${width}; expected twice the height and width`);
  }
  expectShape(output, [1, 2 * height, 2 * width, channels]);
  expectSameScale([input], output);
  return { kind: 'doubling', index: site.operator.index, inputs: [input], output };
}

export function lowerConcatenation(operator: Concatenation, lowering: Lowering): readonly Command[] {
  let channelOffset = 0;
  return operator.inputs.flatMap((input) => {
    const offset = channelOffset;
    channelOffset += imageOf(input)[3];
    return lowering.isInPlace(input) ? [] : [move('copy', layout.KIND_COPY_CHANNELS, input, operator.output, offset)];
  });
}

export function lowerResizeNearest({ inputs, output }: Doubling): readonly Command[] {
  return [move('double', layout.KIND_DOUBLE, inputs[0], output, 0)];
}

function move(kernel: string, kind: number, input: GraphTensor, output: GraphTensor, channelOffset: number): Command {
  const [, inputHeight, inputWidth, inputChannels] = imageOf(input);
  const [, outputHeight, outputWidth, outputChannels] = imageOf(output);
  return {
    kernel,
    write: (words, address) => {
      words[command.KIND] = kind;
      words[command.SOURCE] = address.tensor(input);
      words[command.TARGET] = address.tensor(output) + channelOffset;
      words[command.INPUT_HEIGHT] = inputHeight;
      words[command.INPUT_WIDTH] = inputWidth;
      words[command.INPUT_CHANNELS] = inputChannels;
      words[command.OUTPUT_HEIGHT] = outputHeight;
      words[command.OUTPUT_WIDTH] = outputWidth;
      words[command.OUTPUT_CHANNELS] = outputChannels;
      words[command.TARGET_PIXEL] = outputChannels;
    },
  };
}
