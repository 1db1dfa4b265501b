/**
 * STRIDED_SLICE: tensorflow/lite/kernels/strided_slice.cc (BuildStridedSliceParams, ResizeOutputTensor) and
 * internal/reference/strided_slice.h (StartForAxis, EndForAxis). Begin, end and strides are constants, so all that is
 * left for the frame is a move of bytes.
 */
import { type GraphTensor, valueBytes } from '../tensor.ts';
import { expectInputs, expectSameScale, expectShape, int32Values, optionsOf, refuse, type Site } from './checking.ts';
import type { Command } from './lowering.ts';
import { joinLoops, type Loop, MOVE_RANK_MAX, type Move, moveCommand, stepsOf } from './moves.ts';

export type StridedSlice = {
  readonly kind: 'slice';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly move: Move;
};

/** What becomes of one dimension: `shrunk` ones are left out of the output's shape. */
type Range = { readonly start: number; readonly stride: number; readonly count: number; readonly shrunk: boolean };

export function checkStridedSlice(site: Site): StridedSlice {
  expectInputs(site, 4);
  const { output } = site;
  const input = site.input(0);
  const rank = input.shape.length;
  if (rank < 1 || rank > MOVE_RANK_MAX) refuse(`slices a tensor of rank ${rank}; expected 1 to ${MOVE_RANK_MAX}`);
  const options = optionsOf(site, 'STRIDED_SLICE');
  if (options.offset !== 0) refuse('has the option offset; expected ends counted from the start of a dimension');
  const begin = int32Values(site.constant(1));
  const end = int32Values(site.constant(2), begin.length);
  const strides = int32Values(site.constant(3), begin.length);
  const has = (mask: number, entry: number): boolean => ((mask >> entry) & 1) === 1;
  const entries = Array.from(begin, (_, entry) => entry);
  const ellipses = entries.filter((entry) => has(options.ellipsisMask, entry));
  if (begin.length > 8 || ellipses.length > 1) {
    refuse(`has ${begin.length} entries, ${ellipses.length} of them ellipses; expected at most 8 and 1`);
  }
  if (options.newAxisMask >> begin.length !== 0) refuse('has new dimensions behind its last entry');
  // An entry is an ellipsis, or a new dimension of one, or it is about the next dimension of the input.
  const isNew = (entry: number): boolean => has(options.newAxisMask, entry) && !has(options.ellipsisMask, entry);
  const named = entries.filter((entry) => !isNew(entry) && !ellipses.includes(entry)).length;
  if (named > rank) refuse(`has ${named} entries for ${rank} dimensions`);

  const steps = stepsOf(input.shape, valueBytes(input.kind));
  const ranges: (Range & { readonly step: number })[] = [];
  let dimension = 0;
  const takeWhole = (): void => {
    ranges.push({ start: 0, stride: 1, count: input.shape[dimension]!, shrunk: false, step: steps[dimension]! });
    dimension += 1;
  };
  for (const entry of entries) {
    if (ellipses.includes(entry)) {
      for (let left = rank - named; left > 0; left -= 1) takeWhole();
    } else if (isNew(entry)) {
      ranges.push({ start: 0, stride: 1, count: 1, shrunk: false, step: 0 });
    } else {
      const range = rangeOf(input.shape[dimension]!, begin[entry]!, end[entry]!, strides[entry]!, {
        isFromFirst: has(options.beginMask, entry),
        isToLast: has(options.endMask, entry),
        shrunk: has(options.shrinkAxisMask, entry),
      });
      ranges.push({ ...range, step: steps[dimension]! });
      dimension += 1;
    }
  }
  while (dimension < rank) takeWhole();

  expectShape(
    output,
    ranges.filter(({ shrunk }) => !shrunk).map(({ count }) => count),
  );
  expectSameScale([input], output);
  const targetSteps = stepsOf(
    ranges.map(({ count }) => count),
    valueBytes(output.kind),
  );
  const loops = ranges.map(
    ({ count, stride, step }, i): Loop => ({ count, sourceStep: stride * step, targetStep: targetSteps[i]! }),
  );
  const sourceOffset = ranges.reduce((sum, { start, step }) => sum + start * step, 0);
  const move = { ...joinLoops(loops, valueBytes(output.kind)), sourceOffset, targetOffset: 0 };
  return { kind: 'slice', index: site.operator.index, inputs: [input], output, move };
}

function rangeOf(
  size: number,
  begin: number,
  end: number,
  stride: number,
  { isFromFirst, isToLast, shrunk }: { isFromFirst: boolean; isToLast: boolean; shrunk: boolean },
): Range {
  if (stride === 0) refuse('has a stride of 0');
  if (shrunk && stride < 0) refuse(`takes one place of a dimension with stride ${stride}; expected 1`);
  // Backwards, the places before which a range ends are -1 .. size - 1 instead of 0 .. size.
  const [least, most] = stride > 0 ? [0, size] : [-1, size - 1];
  const inside = (place: number): number => Math.min(Math.max(place < 0 ? place + size : place, least), most);
  const start = isFromFirst ? (stride > 0 ? 0 : size - 1) : inside(begin);
  if (shrunk) {
    if (start >= size) refuse(`takes place ${begin} of ${size}`);
    return { start, stride: 1, count: 1, shrunk };
  }
  const stop = isToLast ? (stride > 0 ? size : -1) : inside(end);
  const count = Math.ceil((stop - start) / stride);
  if (count < 1) refuse(`takes nothing from ${begin} to ${end} of ${size} with stride ${stride}`);
  return { start, stride, count, shrunk };
}

export function lowerStridedSlice({ inputs, output, move }: StridedSlice): readonly Command[] {
  return [moveCommand(inputs[0], output, move)];
}
