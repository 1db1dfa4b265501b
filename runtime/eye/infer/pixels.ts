/**
 * How the picture gets into a model: in place, or through a conversion inside of the same memory.
 *
 * - A model with int8 inputs y, u, v of the frame's own size (zero point -128, so that q - zeroPoint is the pixel) reads
 *   the planar YUV420 slot where it lies, with its stride, and no copy of the picture ever exists. A plane that anything
 *   but a convolution reads is copied into the arena first.
 * - Any other model has one input [1, height, width, 3] (red first) or [1, height, width, 1], int8 or uint8, or float32
 *   that is quantised at once: the frame is resized (stretched to the model's size) and converted. Byte q stands for pixel
 *   q + 128 (int8) or q (uint8): the whole range of the input is taken for the whole range of pixels, which is what
 *   Keras, Edge Impulse and tflite-micro's person_detect do, whether they call it 0..1 or -1..1.
 *
 * A converted picture is a picture, and so is what value-wise operators, pools and moves make of it (PICTURE_KEEPING): the
 * engine erases all of them together with the slot, as soon as the last operator that reads one is done. No output of a
 * model may be such a picture.
 */
import { ModelError } from '../../errors.ts';
import type { FrameFormat } from '../../ports/camera.ts';
import type { Graph } from './graph.ts';
import * as command from './layout/command.ts';
import * as layout from './layout/pixels.ts';
import { type Command, int32Bytes, type Lowering, type PixelPlane } from './operators/lowering.ts';
import type { GraphOperator } from './operators/operators.ts';
import { alignUp } from './plan.ts';
import { type GraphTensor, imageShape } from './tensor.ts';

/** Of a converted picture; bounds the tables that a hostile file can ask for. */
const SIDE_PX_MAX = 4096;

/** A command that writes `target`, a tensor of the arena, from the frame slot; it runs before all operators. */
export type Feed = {
  readonly target: GraphTensor;
  /** slotOffset: address of the slot, known when the command is written. */
  readonly lower: (pack: Lowering['pack'], slotOffset: () => number) => Command;
};

/**
 * Operators whose output still looks like their input. Everything else mixes all channels or all places of it: a feature
 * map of a convolution is derived from the picture, and is erased with the tensors.
 */
const PICTURE_KEEPING: ReadonlySet<GraphOperator['kind']> = new Set([
  'addition',
  'concatenation',
  'edge',
  'multiplication',
  'padding',
  'pooling',
  'reshape',
  'resize',
  'slice',
  'softmax',
  'table',
]);

/** The tensors that are pictures, by index: the inputs given and what keeps their look. */
export function picturesOf(graph: Graph, inputs: readonly GraphTensor[]): ReadonlyMap<number, GraphTensor> {
  const pictures = new Map(inputs.map((input) => [input.index, input]));
  for (const { kind, inputs: read, output } of graph.operators) {
    if (PICTURE_KEEPING.has(kind) && read.some(({ index }) => pictures.has(index))) pictures.set(output.index, output);
  }
  return pictures;
}

/** Where the inputs of a graph come from; what is in none of the two is written into the arena by the caller. */
export type PixelSource = {
  readonly slotBytes: number;
  /** Tensor index → plane, for inputs that are read where they lie, by convolutions only. */
  readonly planes: ReadonlyMap<number, PixelPlane>;
  readonly feeds: readonly Feed[];
};

export const NO_PIXELS: PixelSource = { slotBytes: 0, planes: new Map(), feeds: [] };

/** Planes of a frame in the slot. */
type Plane = PixelPlane & { readonly heightPx: number; readonly widthPx: number };

function planesOf({ widthPx, heightPx, strideBytes }: FrameFormat): { y: Plane; u: Plane; v: Plane } {
  const lumaBytes = strideBytes * heightPx;
  const half = { heightPx: heightPx / 2, widthPx: widthPx / 2, rowBytes: strideBytes / 2 };
  return {
    y: { heightPx, widthPx, rowBytes: strideBytes, offsetBytes: 0 },
    u: { ...half, offsetBytes: lumaBytes },
    v: { ...half, offsetBytes: (lumaBytes * 5) / 4 },
  };
}

/**
 * The graph without the QUANTIZE that a float32 input goes through at once, if it has such a one: the picture is written
 * where that operator would write it. Exports with float32 edges do this; everything else is given back as it is.
 */
export function withoutFloatInput(graph: Graph): Graph {
  const [first, ...others] = [...graph.inputs];
  if (first === undefined || others.length > 0 || first[1].kind !== 'float32') return graph;
  const [name, input] = first;
  const readers = graph.operators.filter(({ inputs }) => inputs.some(({ index }) => index === input.index));
  const reader = readers[0];
  if (readers.length !== 1 || reader?.kind !== 'edge') return graph;
  return {
    ...graph,
    operators: graph.operators.filter((operator) => operator !== reader),
    inputs: new Map([[name, reader.output]]),
  };
}

/** Throws ModelError `MODEL_MISMATCH` with a line per input that does not fit. */
export function pixelSource(graph: Graph, format: FrameFormat): PixelSource {
  const inputs = [...graph.inputs];
  const first = inputs[0];
  const isForeign = inputs.length === 1 && first !== undefined && first[0] !== 'y';
  const problems: string[] = [];
  const source = isForeign ? convertedSource(first[1], format, problems) : planarSource(graph, format, problems);
  if (graph.outputs.size === 0) problems.push('the model has no outputs');
  const pictures = picturesOf(graph, [...graph.inputs.values()]);
  for (const [name, { index }] of graph.outputs) {
    if (pictures.has(index))
      problems.push(`output ${name} would hand out the picture: no convolution or matrix made it`);
  }
  if (problems.length > 0) {
    throw new ModelError('MODEL_MISMATCH', problems.join('\n'), {
      op: 'fit model to camera',
      hint: 'Set the camera to the size the model was made for, or export the model for this size.',
    });
  }
  return source;
}

function planarSource(graph: Graph, format: FrameFormat, problems: string[]): PixelSource {
  const expected = planesOf(format);
  const planes = new Map<number, PixelPlane>();
  const feeds: Feed[] = [];
  const seen = new Set<number>();
  for (const [name, plane] of Object.entries(expected)) {
    const tensor = graph.inputs.get(name);
    if (tensor === undefined) {
      problems.push(`the model has no input ${name}`);
      continue;
    }
    const { heightPx, widthPx } = plane;
    const [batch, y, x, channels] = imageShape(tensor) ?? [];
    if (batch !== 1 || y !== heightPx || x !== widthPx || channels !== 1 || tensor.kind !== 'int8') {
      problems.push(
        `input ${name} is ${tensor.kind} [${tensor.shape.join(', ')}]; expected int8 [1, ${heightPx}, ${widthPx}, 1] for a frame of ${format.widthPx} x ${format.heightPx} px`,
      );
    }
    if (tensor.zeroPoint !== -128)
      problems.push(
        `input ${name} has zero point ${tensor.zeroPoint}; expected -128, so that q - zero point is the pixel`,
      );
    if (seen.has(tensor.index)) problems.push(`input ${name} is the same tensor as another input`);
    seen.add(tensor.index);
    const isConvolved = graph.operators.every(
      ({ kind, inputs }) => kind === 'convolution' || inputs.every(({ index }) => index !== tensor.index),
    );
    if (isConvolved) planes.set(tensor.index, plane);
    else feeds.push(copiedPlane(tensor, plane));
  }
  for (const name of graph.inputs.keys()) {
    if (!Object.hasOwn(expected, name))
      problems.push(`the model has an input ${name}; expected y, u and v only, or one input of red, green and blue`);
  }
  return { slotBytes: format.frameBytes, planes, feeds };
}

function copiedPlane(target: GraphTensor, plane: Plane): Feed {
  return {
    target,
    lower: (_pack, slotOffset) => ({
      kernel: 'plane',
      write: (words, address) => {
        words[command.KIND] = layout.KIND_FEED_PLANE;
        words[command.SOURCE] = slotOffset() + plane.offsetBytes;
        words[command.SOURCE_ROW] = plane.rowBytes;
        words[command.TARGET] = address.tensor(target);
        words[command.INPUT_HEIGHT] = plane.heightPx;
        words[command.INPUT_WIDTH] = plane.widthPx;
        words[layout.FLIP] = 0x80;
      },
    }),
  };
}

function convertedSource(target: GraphTensor, format: FrameFormat, problems: string[]): PixelSource {
  const [batch, height = 0, width = 0, channels = 0] = imageShape(target) ?? [];
  const isImage = batch === 1 && (channels === 3 || channels === 1) && Math.max(height, width) <= SIDE_PX_MAX;
  if (!isImage || target.kind === 'float32') {
    problems.push(
      `input ${target.name} is ${target.kind} [${target.shape.join(', ')}]; expected int8 or uint8 [1, height, width, 3 or 1] of at most ${SIDE_PX_MAX} px`,
    );
  }
  const { y, u, v } = planesOf(format);
  const isColour = channels === 3;
  const feed: Feed = {
    target,
    lower: (pack, slotOffset) => {
      const rows = (plane: Plane): number => pack(int32Bytes(rowTable(plane, height)));
      const columns = (plane: Plane): number => pack(int32Bytes(columnTable(plane, width)));
      const [lumaRows, lumaColumns, chromaRows, chromaColumns] = [rows(y), columns(y), rows(u), columns(u)];
      const step = layout.COLUMNS_STEP;
      const paddedWidth = Math.ceil(width / step) * step;
      // One value more than the row: the right neighbour of the last.
      const blendedBytes = alignUp(2 * (Math.ceil(y.widthPx / step) * step + 1));
      const sampledBytes = 2 * paddedWidth;
      const sampledRows = isColour ? 3 : 1;
      return {
        kernel: isColour ? 'rgb' : 'gray',
        scratchBytes: blendedBytes + sampledRows * sampledBytes + channels * paddedWidth,
        write: (words, address) => {
          words[command.KIND] = isColour ? layout.KIND_FEED_RGB : layout.KIND_FEED_GRAY;
          words[command.SOURCE] = slotOffset() + y.offsetBytes;
          words[layout.SOURCE_U] = slotOffset() + u.offsetBytes;
          words[layout.SOURCE_V] = slotOffset() + v.offsetBytes;
          words[command.TARGET] = address.tensor(target);
          words[command.INPUT_WIDTH] = y.widthPx;
          words[layout.CHROMA_WIDTH] = u.widthPx;
          words[command.OUTPUT_HEIGHT] = height;
          words[command.OUTPUT_WIDTH] = width;
          words[layout.FLIP] = target.kind === 'int8' ? 0x80 : 0;
          words[layout.LUMA_ROWS] = address.constant(lumaRows);
          words[layout.LUMA_COLUMNS] = address.constant(lumaColumns);
          words[layout.CHROMA_ROWS] = address.constant(chromaRows);
          words[layout.CHROMA_COLUMNS] = address.constant(chromaColumns);
          words[layout.BLENDED] = address.scratch;
          words[layout.SAMPLED] = address.scratch + blendedBytes;
          words[layout.SAMPLED_BYTES] = sampledBytes;
          words[layout.CONVERTED] = address.scratch + blendedBytes + sampledRows * sampledBytes;
        },
      };
    },
  };
  return { slotBytes: format.frameBytes, planes: new Map(), feeds: [feed] };
}

/** Source coordinate of output `index`: the left or upper neighbour, and the other one's weight in 128ths, rounded. */
export function neighbour(index: number, outputSize: number, inputSize: number): { first: number; weight: number } {
  // tensorflow/core/kernels/image/image_resizer_state.h, HalfPixelScaler: (index + 0.5) × scale - 0.5
  const at = Math.min(Math.max(((index + 0.5) * inputSize) / outputSize - 0.5, 0), inputSize - 1);
  const first = Math.floor(at);
  const weight = Math.round((at - first) * layout.WEIGHT_ONE);
  // A weight of one whole is the next value itself, which keeps weights within 0..127.
  return weight === layout.WEIGHT_ONE ? { first: first + 1, weight: 0 } : { first, weight };
}

function rowTable({ heightPx, rowBytes }: Plane, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const { first, weight } = neighbour(index, count, heightPx);
    return [first * rowBytes, Math.min(first + 1, heightPx - 1) * rowBytes, weight];
  }).flat();
}

function columnTable({ widthPx }: Plane, count: number): number[] {
  const padded = Math.ceil(count / layout.COLUMNS_STEP) * layout.COLUMNS_STEP;
  return Array.from({ length: padded }, (_, index) => {
    // Columns of the padding repeat the last one; nobody reads what they give.
    const { first, weight } = neighbour(Math.min(index, count - 1), count, widthPx);
    return [2 * first, (layout.WEIGHT_ONE - weight) | (weight << 16)];
  }).flat();
}
