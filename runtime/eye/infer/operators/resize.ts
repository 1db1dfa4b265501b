/**
 * RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h and
 * resize_bilinear.h (ResizeBilinearInteger). Which source places an output place is made of depends on the sizes alone, so
 * it is settled here, in TFLite's own arithmetic.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/spatial.ts';
import type { Rounding } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import {
  expectInputs,
  expectInt8,
  expectSameScale,
  expectShape,
  imageOf,
  int32Values,
  optionsOf,
  refuse,
  type Site,
} from './checking.ts';
import { type Command, int32Bytes, type Lowering } from './lowering.ts';

export type Resize = {
  readonly kind: 'resize';
  readonly index: number;
  readonly inputs: readonly [GraphTensor];
  readonly output: GraphTensor;
  readonly isBilinear: boolean;
  readonly centers: Centers;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly channels: number;
};

export type Centers = { readonly alignCorners: boolean; readonly halfPixelCenters: boolean };

/** Two places of the input, the same one where only one counts, and their weights: 1024 together, or 2048 for XNNPACK. */
export type Neighbours = {
  readonly lower: number;
  readonly upper: number;
  readonly lowerWeight: number;
  readonly upperWeight: number;
};

/** Height and width, of input and output; every row and column of the output has an entry in a table. */
const SIDE_MAX = 4096;

export function checkResizeNearest(site: Site): Resize {
  return check(site, false);
}

export function checkResizeBilinear(site: Site): Resize {
  return check(site, true);
}

function check(site: Site, isBilinear: boolean): Resize {
  expectInputs(site, 2);
  const { output } = site;
  const input = site.input(0);
  expectInt8(input, output);
  const [outputHeight = 0, outputWidth = 0] = int32Values(site.constant(1), 2);
  const options = isBilinear ? optionsOf(site, 'RESIZE_BILINEAR') : optionsOf(site, 'RESIZE_NEAREST_NEIGHBOR');
  const centers = { alignCorners: options.alignCorners !== 0, halfPixelCenters: options.halfPixelCenters !== 0 };
  if (isBilinear && centers.alignCorners && centers.halfPixelCenters) {
    refuse('has both align_corners and half_pixel_centers; expected one of them');
  }
  const [, inputHeight, inputWidth, channels] = imageOf(input);
  expectShape(output, [1, outputHeight, outputWidth, channels]);
  expectSameScale([input], output);
  for (const [from, to] of [
    [inputHeight, outputHeight],
    [inputWidth, outputWidth],
  ] as const) {
    if (Math.max(from, to) > SIDE_MAX) refuse(`resizes ${from} cells to ${to}; at most ${SIDE_MAX} are taken`);
    // The scale is rounded to 1/1024, which adds up over many cells; there TFLite reads behind its input.
    if (isBilinear && linearNeighbours(to - 1, from, to, centers).lower >= from)
      refuse(`enlarges ${from} cells to ${to}, of which the last would be made of cells behind the input`);
  }
  return {
    kind: 'resize',
    index: site.operator.index,
    inputs: [input],
    output,
    isBilinear,
    centers,
    inputHeight,
    inputWidth,
    outputHeight,
    outputWidth,
    channels,
  };
}

/** GetNearestNeighbor, in float32. place: 0 .. outputSize - 1 */
export function nearestNeighbour(
  place: number,
  inputSize: number,
  outputSize: number,
  { alignCorners, halfPixelCenters }: Centers,
): number {
  const scale =
    alignCorners && outputSize > 1
      ? Math.fround((inputSize - 1) / (outputSize - 1))
      : Math.fround(inputSize / outputSize);
  const scaled = Math.fround((place + (halfPixelCenters ? 0.5 : 0)) * scale);
  // `Math.round` of what is not negative is C's round.
  return Math.min(alignCorners ? Math.round(scaled) : Math.floor(scaled), inputSize - 1);
}

/** ComputeInterpolationValuesInteger: places in units of 1/1024, all of them whole numbers below 2^31. */
export function linearNeighbours(
  place: number,
  inputSize: number,
  outputSize: number,
  { alignCorners, halfPixelCenters }: Centers,
): Neighbours {
  const divide = (a: number, b: number): number => Math.trunc(a / b);
  const [from, to] = alignCorners && outputSize > 1 ? [inputSize - 1, outputSize - 1] : [inputSize, outputSize];
  const scale = divide(1024 * from + divide(to, 2), to);
  const scaled = place * scale + (halfPixelCenters ? divide(scale, 2) - 512 : 0);
  const lower = Math.max(divide(scaled, 1024), 0);
  const upper = Math.min(divide(scaled + 1023, 1024), inputSize - 1);
  const upperWeight = scaled - 1024 * lower;
  return { lower, upper, lowerWeight: 1024 - upperWeight, upperWeight };
}

/**
 * The same as XNNPACK computes them, in float32 and then in units of 1/2048: src/indirection.c,
 * xnn_indirection_init_resize_bilinear2d_hwc_q11. For the fp32 rounding.
 */
export function xnnpackNeighbours(
  place: number,
  inputSize: number,
  outputSize: number,
  { alignCorners, halfPixelCenters }: Centers,
): Neighbours {
  const less = alignCorners && outputSize > 1 ? 1 : 0;
  const scale = Math.fround((inputSize - less) / (outputSize - less));
  const offset = halfPixelCenters ? Math.fround(Math.fround(0.5 * scale) - 0.5) : 0;
  const scaled = Math.fround(Math.fround(place * scale) + offset);
  const inside = Math.min(Math.max(scaled, 0), inputSize - 1);
  const lower = Math.floor(inside);
  const upper = Math.min(lower + 1, inputSize - 1);
  const upperWeight = roundToEven(Math.fround(inside - lower) * 2048);
  return { lower, upper, lowerWeight: 2048 - upperWeight, upperWeight };
}

/** C's lrintf for what is not negative. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export function lowerResize(operator: Resize, lowering: Lowering): readonly Command[] {
  const { inputs, output, isBilinear, inputHeight, inputWidth, outputHeight, outputWidth, channels } = operator;
  const isDoubling =
    !isBilinear && doubles(inputHeight, outputHeight, operator) && doubles(inputWidth, outputWidth, operator);
  const pack = (from: number, to: number, step: number): number =>
    isDoubling ? 0 : lowering.pack(int32Bytes(tableOf(from, to, step, operator, lowering.rounding)));
  const rows = pack(inputHeight, outputHeight, inputWidth * channels);
  const columns = pack(inputWidth, outputWidth, channels);
  const [kernel, kind] = isDoubling
    ? ['double', layout.KIND_DOUBLE]
    : isBilinear
      ? ['bilinear', layout.KIND_BILINEAR]
      : ['nearest', layout.KIND_NEAREST];
  return [
    {
      kernel,
      write: (words, address) => {
        words[command.KIND] = kind;
        words[command.SOURCE] = address.tensor(inputs[0]);
        words[command.TARGET] = address.tensor(output);
        words[command.INPUT_HEIGHT] = inputHeight;
        words[command.INPUT_WIDTH] = inputWidth;
        words[command.OUTPUT_HEIGHT] = outputHeight;
        words[command.OUTPUT_WIDTH] = outputWidth;
        words[command.OUTPUT_CHANNELS] = channels;
        if (isDoubling) return;
        words[layout.ROWS] = address.constant(rows);
        words[layout.COLUMNS] = address.constant(columns);
      },
    },
  ];
}

/** True where every place is taken twice, whatever the options. */
function doubles(inputSize: number, outputSize: number, { centers }: Resize): boolean {
  if (outputSize !== 2 * inputSize) return false;
  for (let place = 0; place < outputSize; place += 1) {
    if (nearestNeighbour(place, inputSize, outputSize, centers) !== place >> 1) return false;
  }
  return true;
}

/** Words of layout/spatial.ts, ROWS and COLUMNS. step: bytes from one place of the input to the next. */
function tableOf(
  inputSize: number,
  outputSize: number,
  step: number,
  { isBilinear, centers }: Resize,
  rounding: Rounding,
): number[] {
  const neighbours = rounding === 'fp32' ? xnnpackNeighbours : linearNeighbours;
  const table: number[] = [];
  for (let place = 0; place < outputSize; place += 1) {
    if (isBilinear) {
      const { lower, upper, lowerWeight, upperWeight } = neighbours(place, inputSize, outputSize, centers);
      table.push(lower * step, upper * step, lowerWeight, upperWeight);
    } else {
      table.push(nearestNeighbour(place, inputSize, outputSize, centers) * step);
    }
  }
  return table;
}
