/**
 * Operators of one quantised value to another, without neighbours: RELU, RELU6, LOGISTIC, HARD_SWISH, LEAKY_RELU, and
 * QUANTIZE from one scale to another. All of them are one look-up (../tables.ts).
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import { activationRange, quantizeMultiplier, type Rounding } from '../quantize.ts';
import { Activation } from '../schema.ts';
import {
  hardSwishTable,
  isHardSwishScale,
  leakyReluTable,
  logisticTable,
  reluTable,
  requantiseTable,
} from '../tables.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectShape, optionsOf, refuse, type Site } from './checking.ts';
import type { Command, Lowering } from './lowering.ts';

export type LookUp = {
  readonly kind: 'table';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** 256 entries, by the raw byte of the input. */
  readonly entries: (rounding: Rounding) => Uint8Array;
};

/** Differences of two bytes are below 2^8 in size: beyond a shift by 22 bits TFLite's int32 overflows. */
const SHIFT_MAX = 22;

export function checkRelu(site: Site): LookUp {
  return relu(site, Activation.relu);
}

export function checkRelu6(site: Site): LookUp {
  return relu(site, Activation.relu6);
}

function relu(site: Site, activation: number): LookUp {
  const [input, output] = sameShape(site);
  expectInt8(input, output);
  expectRatio(Math.fround(input.scale / output.scale));
  const range = activationRange(activation, output.scale, output.zeroPoint);
  return lookUp(site, input, (rounding) => reluTable(input, output, range, rounding));
}

export function checkLeakyRelu(site: Site): LookUp {
  const [input, output] = sameShape(site);
  expectInt8(input, output);
  const { alpha } = optionsOf(site, 'LEAKY_RELU');
  if (!(alpha >= 0 && Number.isFinite(alpha))) refuse(`has a slope (alpha) of ${alpha}; expected 0 or more`);
  expectRatio(Math.fround(input.scale / output.scale) * Math.max(1, alpha));
  return lookUp(site, input, (rounding) => leakyReluTable(input, output, alpha, rounding));
}

export function checkLogistic(site: Site): LookUp {
  const [input, output] = sameShape(site);
  expectInt8(input, output);
  // LogisticPrepare wants exactly this.
  if (output.scale !== 1 / 256 || output.zeroPoint !== -128) {
    refuse(`has an output scale of ${output.scale}, zero point ${output.zeroPoint}; expected 1/256 and -128`);
  }
  return lookUp(site, input, () => logisticTable(input, output));
}

export function checkHardSwish(site: Site): LookUp {
  const [input, output] = sameShape(site);
  expectInt8(input, output);
  if (!isHardSwishScale(input, output))
    refuse(`has scales of ${input.scale} and ${output.scale}, too far apart or too extreme`);
  return lookUp(site, input, () => hardSwishTable(input, output));
}

/** QUANTIZE of int8 or uint8; edges.ts has that of float32. */
export function checkRequantise(site: Site): LookUp {
  const [input, output] = sameShape(site);
  if (output.kind === 'float32') refuse(`makes ${output.name} of type float32; expected int8 or uint8`);
  expectRatio(input.scale / output.scale);
  return lookUp(site, input, (rounding) => requantiseTable(input, output, rounding));
}

export function lowerLookUp({ inputs, output, entries }: LookUp, lowering: Lowering): readonly Command[] {
  const offset = lowering.pack(entries(lowering.rounding));
  return [
    {
      kernel: 'table',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_TABLE;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[command.WEIGHTS] = address.constant(offset);
        words[layout.VALUE_COUNT] = output.count;
      },
    },
  ];
}

function lookUp(site: Site, input: GraphTensor, entries: LookUp['entries']): LookUp {
  return { kind: 'table', index: site.operator.index, inputs: [input], output: site.output, entries };
}

function sameShape(site: Site): readonly [GraphTensor, GraphTensor] {
  expectInputs(site, 1);
  const input = site.input(0);
  expectShape(site.output, input.shape);
  return [input, site.output];
}

function expectRatio(ratio: number): void {
  if (quantizeMultiplier(ratio).shift > SHIFT_MAX) refuse(`scales its values by more than ${2 ** SHIFT_MAX}`);
}
