/**
 * MEAN: tensorflow/lite/kernels/reduce.cc (PrepareMeanOrSum) and internal/reference/reduce.h (QuantizedMeanOrSum), which
 * the reference kernels use for every choice of dimensions.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/spatial.ts';
import { type FixedPoint, quantizeMultiplier } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectShape, int32Values, optionsOf, refuse, type Site } from './checking.ts';
import type { Command, Lowering } from './lowering.ts';
import { stepsOf } from './moves.ts';

export type Mean = {
  readonly kind: 'mean';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** At most two each, outermost first. */
  readonly kept: readonly Loop[];
  readonly summed: readonly Loop[];
  readonly summedCount: number;
  /** Sum → output units: input scale / output scale / summedCount. */
  readonly factor: FixedPoint;
  /** The same in float32, for the fp32 rounding. */
  readonly scale: number;
};

type Loop = { readonly count: number; readonly step: number };

const RANK_MAX = 4;

export function checkMean(site: Site): Mean {
  expectInputs(site, 2);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  const { shape } = input;
  if (shape.length < 1 || shape.length > RANK_MAX) {
    refuse(`averages a tensor of rank ${shape.length}; expected 1 to ${RANK_MAX}`);
  }
  const axes = new Set<number>();
  for (const axis of int32Values(site.constant(1))) {
    if (axis < -shape.length || axis >= shape.length) refuse(`averages along axis ${axis} of ${shape.length}`);
    axes.add(axis < 0 ? axis + shape.length : axis);
  }
  const { keepDims } = optionsOf(site, 'MEAN');
  expectShape(
    output,
    shape.flatMap((size, i) => (axes.has(i) ? (keepDims ? [1] : []) : [size])),
  );

  const summedCount = input.count / output.count;
  const factor = quantizeMultiplier(input.scale / output.scale);
  // The largest sum must survive being multiplied by a power of two in int32, as TFLite does it.
  if (255 * summedCount * 2 ** Math.max(0, factor.shift) >= 2 ** 31) {
    refuse(`averages ${summedCount} values scaled by ${input.scale / output.scale}; their sum would overflow`);
  }
  return {
    kind: 'mean',
    index: site.operator.index,
    inputs: [input],
    output,
    ...loopsOf(shape, axes),
    summedCount,
    factor: divideFactor(factor, summedCount),
    scale: Math.fround(Math.fround(input.scale / output.scale) * Math.fround(1 / summedCount)),
  };
}

/** Neighbouring dimensions with the same fate are one loop; four dimensions alternate at most twice. */
function loopsOf(shape: readonly number[], axes: ReadonlySet<number>): Pick<Mean, 'kept' | 'summed'> {
  const steps = stepsOf(shape, 1);
  const loops: (Loop & { readonly isSummed: boolean })[] = [];
  shape.forEach((count, i) => {
    if (count === 1) return;
    const isSummed = axes.has(i);
    const before = loops.at(-1);
    if (before?.isSummed === isSummed)
      loops[loops.length - 1] = { isSummed, count: before.count * count, step: steps[i]! };
    else loops.push({ isSummed, count, step: steps[i]! });
  });
  return { kept: loops.filter(({ isSummed }) => !isSummed), summed: loops.filter(({ isSummed }) => isSummed) };
}

/** QuantizedMeanOrSum: the multiplier is lifted as far as the division will lower it, and cut off. */
function divideFactor({ multiplier, shift }: FixedPoint, count: number): FixedPoint {
  const lift = Math.min(31 - Math.clz32(count), 32, 31 + shift);
  return { multiplier: Number((BigInt(multiplier) << BigInt(lift)) / BigInt(count)), shift: shift - lift };
}

export function lowerMean(operator: Mean, lowering: Lowering): readonly Command[] {
  const { inputs, output, factor, scale, summedCount } = operator;
  const [innerKept, kept] = [...operator.kept].reverse();
  const [innerSummed, summed] = [...operator.summed].reverse();
  const [scaleBits = 0] = new Int32Array(Float32Array.of(scale).buffer);
  return [
    {
      kernel: 'mean',
      scratchBytes: layout.SUMS_BYTES,
      write: (words, address) => {
        words[command.KIND] = layout.KIND_MEAN;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
        words[layout.KEPT_COUNT] = kept?.count ?? 1;
        words[layout.KEPT_STEP] = kept?.step ?? 0;
        words[layout.INNER_KEPT_COUNT] = innerKept?.count ?? 1;
        words[layout.INNER_KEPT_STEP] = innerKept?.step ?? 0;
        words[layout.SUMMED_COUNT] = summed?.count ?? 1;
        words[layout.SUMMED_STEP] = summed?.step ?? 0;
        words[layout.INNER_SUMMED_COUNT] = innerSummed?.count ?? 1;
        words[layout.INNER_SUMMED_STEP] = innerSummed?.step ?? 0;
        words[layout.MEAN_OFFSET] = inputs[0].zeroPoint * summedCount;
        words[layout.MEAN_MULTIPLIER] = lowering.rounding === 'fp32' ? scaleBits : factor.multiplier;
        words[layout.MEAN_SHIFT] = factor.shift;
        words[layout.SUMS] = address.scratch;
      },
    },
  ];
}
