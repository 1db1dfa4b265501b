/**
 * MAX_POOL_2D and AVERAGE_POOL_2D: tensorflow/lite/kernels/pooling.cc (Prepare) and
 * internal/reference/integer_ops/pooling.h.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/spatial.ts';
import type { ActivationRange } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import {
  expectInputs,
  expectInt8,
  expectSameScale,
  expectShape,
  fusedRange,
  imageOf,
  optionsOf,
  placeWindow,
  refuse,
  type Site,
} from './checking.ts';
import type { Command } from './lowering.ts';

export type Pooling = {
  readonly kind: 'pooling';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly isAverage: boolean;
  readonly windowY: number;
  readonly windowX: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly range: ActivationRange;
};

/** The kernel's float32 division is exact up to here (kernels/pooling.ts). */
const AVERAGED_MAX = 1 << 16;
/** Values that a pool reads per frame, at most: more than a large convolution takes. */
const READS_MAX = 1 << 28;

export function checkMaxPool(site: Site): Pooling {
  return check(site, false);
}

export function checkAveragePool(site: Site): Pooling {
  return check(site, true);
}

function check(site: Site, isAverage: boolean): Pooling {
  expectInputs(site, 1);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  expectSameScale([input], output);
  const options = isAverage ? optionsOf(site, 'AVERAGE_POOL_2D') : optionsOf(site, 'MAX_POOL_2D');
  const [, height, width, channels] = imageOf(input);
  const { padding, filterY, filterX, strideY, strideX } = options;
  // Global pools have a stride of the whole image.
  const vertical = placeWindow(padding, height, filterY, strideY, 1, Math.max(16, height));
  const horizontal = placeWindow(padding, width, filterX, strideX, 1, Math.max(16, width));
  expectShape(output, [1, vertical.outputSize, horizontal.outputSize, channels]);
  const reach = Math.min(filterY, height) * Math.min(filterX, width);
  if (isAverage && reach > AVERAGED_MAX) refuse(`averages ${reach} cells; at most ${AVERAGED_MAX} are taken`);
  const reads = reach * output.count;
  if (reads > READS_MAX) refuse(`reads ${reads} values; at most ${READS_MAX} are read`);
  return {
    kind: 'pooling',
    index: site.operator.index,
    inputs: [input],
    output,
    isAverage,
    windowY: filterY,
    windowX: filterX,
    strideY,
    strideX,
    padTop: vertical.padBefore,
    padLeft: horizontal.padBefore,
    range: fusedRange(options.activation, output),
  };
}

export function lowerPooling(operator: Pooling): readonly Command[] {
  const { inputs, output, isAverage, range } = operator;
  const [, inputHeight, inputWidth, channels] = imageOf(inputs[0]);
  const [, outputHeight, outputWidth] = imageOf(output);
  return [
    {
      kernel: isAverage ? 'average' : 'max',
      scratchBytes: isAverage ? layout.SUMS_BYTES : 0,
      write: (words, address) => {
        words[command.KIND] = isAverage ? layout.KIND_AVERAGE_POOL : layout.KIND_MAX_POOL;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[command.INPUT_HEIGHT] = inputHeight;
        words[command.INPUT_WIDTH] = inputWidth;
        words[command.OUTPUT_HEIGHT] = outputHeight;
        words[command.OUTPUT_WIDTH] = outputWidth;
        words[command.OUTPUT_CHANNELS] = channels;
        words[command.STRIDE_Y] = operator.strideY;
        words[command.STRIDE_X] = operator.strideX;
        words[command.PAD_TOP] = operator.padTop;
        words[command.PAD_LEFT] = operator.padLeft;
        words[command.OUTPUT_MIN] = range.minQ;
        words[command.OUTPUT_MAX] = range.maxQ;
        words[layout.WINDOW_Y] = operator.windowY;
        words[layout.WINDOW_X] = operator.windowX;
        words[layout.SUMS] = address.scratch;
      },
    },
  ];
}
