/** SOFTMAX along the last dimension: tensorflow/lite/kernels/activations.cc (SoftmaxPrepare), kernels/softmax.ts. */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import { softmaxExponentials } from '../tables.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectInputs, expectInt8, expectShape, optionsOf, refuse, type Site } from './checking.ts';
import { type Command, int32Bytes, type Lowering } from './lowering.ts';

export type Softmax = {
  readonly kind: 'softmax';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly beta: number;
};

/** Every value may add one whole to the sum, which has 12 bits before the point. */
const ROW_VALUES_MAX = 4095;

export function checkSoftmax(site: Site): Softmax {
  expectInputs(site, 1);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  expectShape(output, input.shape);
  const { beta } = optionsOf(site, 'SOFTMAX');
  const rank = input.shape.length;
  if (rank < 1 || rank > 4) refuse(`has an input of rank ${rank}; expected 1 to 4`);
  if (input.shape[rank - 1]! > ROW_VALUES_MAX) {
    refuse(`has rows of ${input.shape[rank - 1]} values; expected at most ${ROW_VALUES_MAX}`);
  }
  if (output.zeroPoint !== -128 || Math.abs(output.scale - 1 / 256) > 0.001 / 256) {
    refuse(`has an output scale of ${output.scale}, zero point ${output.zeroPoint}; expected 1/256 and -128`);
  }
  if (!(beta > 0) || softmaxExponentials(beta, input.scale, 'double') === undefined) {
    refuse(`has beta ${beta} for an input scale of ${input.scale}; their product is too small`);
  }
  return { kind: 'softmax', index: site.operator.index, inputs: [input], output, beta };
}

export function lowerSoftmax({ inputs, output, beta }: Softmax, { rounding, pack }: Lowering): readonly Command[] {
  const [input] = inputs;
  const exponentials = pack(int32Bytes(softmaxExponentials(beta, input.scale, rounding)!));
  const rowValues = input.shape.at(-1)!;
  return [
    {
      kernel: 'softmax',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_SOFTMAX;
        words[command.SOURCE] = address.tensor(input);
        words[command.TARGET] = address.tensor(output);
        words[layout.EXPONENTIALS] = address.constant(exponentials);
        words[layout.ROW_COUNT] = input.count / rowValues;
        words[layout.VALUE_COUNT] = rowValues;
      },
    },
  ];
}
