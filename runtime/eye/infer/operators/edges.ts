/**
 * Where a model has float32 at its edges: QUANTIZE from float32 (tensorflow/lite/kernels/quantize.cc) and DEQUANTIZE to it
 * (dequantize.cc). QUANTIZE of what is quantised already is a table, in unary.ts.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectShape, refuse, type Site } from './checking.ts';
import { type Command, float32Bits } from './lowering.ts';
import { checkRequantise, type LookUp } from './unary.ts';

export type Edge = {
  readonly kind: 'edge';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  /** True from float32 to bytes, false from bytes to float32. */
  readonly isQuantize: boolean;
};

export function checkQuantize(site: Site): Edge | LookUp {
  expectInputs(site, 1);
  if (site.input(0).kind !== 'float32') return checkRequantise(site);
  if (site.output.kind === 'float32') refuse(`makes ${site.output.name} of type float32; expected int8 or uint8`);
  return edge(site, true);
}

export function checkDequantize(site: Site): Edge {
  expectInputs(site, 1);
  const [input, output] = [site.input(0), site.output];
  if (input.kind === 'float32') refuse(`reads ${input.name} of type float32; expected int8 or uint8`);
  if (output.kind !== 'float32') refuse(`makes ${output.name} of type ${output.kind}; expected float32`);
  return edge(site, false);
}

function edge(site: Site, isQuantize: boolean): Edge {
  const [input, output] = [site.input(0), site.output];
  expectShape(output, input.shape);
  return { kind: 'edge', index: site.operator.index, inputs: [input], output, isQuantize };
}

export function lowerEdge({ inputs, output, isQuantize }: Edge): readonly Command[] {
  const quantised = isQuantize ? output : inputs[0];
  return [
    {
      kernel: isQuantize ? 'quantize' : 'dequantize',
      write: (words, address) => {
        words[command.KIND] = isQuantize ? layout.KIND_QUANTIZE : layout.KIND_DEQUANTIZE;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[layout.VALUE_COUNT] = output.count;
        words[layout.SCALE] = float32Bits(quantised.scale);
        words[layout.ZERO_POINT] = quantised.zeroPoint;
        words[layout.IS_UNSIGNED] = quantised.kind === 'uint8' ? 1 : 0;
      },
    },
  ];
}
