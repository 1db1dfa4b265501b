/**
 * From a checked graph to bytes that the kernels run: chooses a kernel for every operator, packs weights and
 * requantisation constants the way that kernel reads them, plans the memory, and writes the list of commands.
 * Pure: the same graph gives the same plan and the same bytes. All addresses are settled here, once.
 *
 * A fast kernel is chosen only where its arithmetic is proved to be exact for every possible picture (isSafe);
 * the scalar kernel serves the rest, so a model may be slow but never wrong.
 *
 * Inputs of a concatenation that nobody else reads are written straight into its output, so it costs nothing.
 */
import { strict as assert } from 'node:assert';
import { ModelError } from '../../errors.ts';
import type { Addition, Convolution, Graph, GraphOperator, GraphTensor } from './graph.ts';
import * as layout from './layout.ts';
import { ALIGNMENT_BYTES, alignUp, type Need, type Plan, planMemory, type Region } from './plan.ts';

/** An input tensor that is not in the arena but in the frame slot: unsigned pixels, zero point -128. */
export type PixelPlane = {
  /** From the start of the slot. */
  readonly offsetBytes: number;
  /** From one row to the next. */
  readonly rowBytes: number;
};

export type Program = {
  readonly plan: Plan;
  /** Commands and packed weights: the bytes of plan.constants. */
  readonly constants: Uint8Array;
  /** Parts of plan.constants, for the record. */
  readonly parts: readonly Region[];
  /** Address of the first command. */
  readonly commandsOffset: number;
  readonly commandCount: number;
  /** Commands before this one include all that read the frame slot. */
  readonly pixelCommandCount: number;
  /** Index of the tensor in the file → its piece of the arena (pixel planes are in the slot, joined tensors in another). */
  readonly regions: ReadonlyMap<number, Region>;
  /** One line per operator: index, kernel, output. */
  readonly kernels: readonly string[];
};

/** Where a tensor lies: at `channelOffset` of every pixel of the tensor `root`, which is most often itself. */
type Place = { readonly root: GraphTensor; readonly channelOffset: number };

type Command = {
  readonly operator: GraphOperator;
  readonly kernel: string;
  readonly write: (words: Int32Array, address: Addresses) => void;
};

type Addresses = {
  readonly tensor: (tensor: GraphTensor) => number;
  /** Bytes from pixel to pixel where the tensor lies. */
  readonly pixelBytes: (tensor: GraphTensor) => number;
  readonly constant: (offset: number) => number;
  readonly scratch: number;
};

/** `fast`: SIMD wherever it is proved exact. `scalar`: the reference kernel everywhere, to hold the fast ones against. */
export type KernelChoice = 'fast' | 'scalar';

/**
 * pixels: tensor index → plane, for the inputs that lie in the frame slot of slotBytes; other inputs get a place in the
 * arena. Throws ModelError `MODEL_UNSUPPORTED` where an operator cannot read pixels.
 */
export function prepareProgram(
  graph: Graph,
  pixels: ReadonlyMap<number, PixelPlane>,
  slotBytes: number,
  choice: KernelChoice = 'fast',
): Program {
  const places = joinConcatenations(graph, pixels);
  const weights = new Packer();
  let scratchBytes = 0;
  const commands: Command[] = [];
  const problems: string[] = [];
  for (const operator of graph.operators) {
    const readsPixels = operator.inputs.some((input) => pixels.has(input.index));
    if (operator.kind === 'convolution') {
      const plane = pixels.get(operator.inputs[0].index);
      const command = convolutionCommand(operator, plane, choice, weights);
      if (command.kernel === 'depthwise')
        scratchBytes = Math.max(scratchBytes, operator.inputs[0].shape[2] * operator.inputs[0].shape[3]);
      commands.push(command);
    } else if (readsPixels) {
      problems.push(
        `operator ${operator.index} (${operator.kind}, writes ${operator.output.name}) reads pixels; only convolutions can`,
      );
    } else if (operator.kind === 'addition') {
      commands.push(additionCommand(operator));
    } else {
      commands.push(...moveCommands(operator, places));
    }
  }
  if (problems.length > 0) throw new ModelError('MODEL_UNSUPPORTED', problems.join('\n'), { op: 'prepare model' });

  const { needs, roots } = lifetimes(graph, pixels, places);
  const commandBytes = alignUp(commands.length * layout.COMMAND_BYTES);
  const plan = planMemory({ slotBytes, tensors: needs, scratchBytes, constantBytes: commandBytes + weights.bytes });
  const regions = new Map(roots.map((root, i) => [root.index, plan.tensors[i]!]));
  const place = (tensor: GraphTensor): Place => places.get(tensor.index) ?? { root: tensor, channelOffset: 0 };
  const addresses: Addresses = {
    tensor: (tensor) => {
      const plane = pixels.get(tensor.index);
      if (plane) return plan.slot.offsetBytes + plane.offsetBytes;
      const { root, channelOffset } = place(tensor);
      return regions.get(root.index)!.offsetBytes + channelOffset;
    },
    pixelBytes: (tensor) => place(tensor).root.shape[3],
    constant: (offset) => plan.constants.offsetBytes + commandBytes + offset,
    scratch: plan.scratch.offsetBytes,
  };

  const constants = new Uint8Array(commandBytes + weights.bytes);
  weights.copyTo(constants.subarray(commandBytes));
  let pixelCommandCount = 0;
  commands.forEach((command, i) => {
    command.write(new Int32Array(constants.buffer, i * layout.COMMAND_BYTES, layout.COMMAND_WORDS), addresses);
    if (command.operator.inputs.some((input) => pixels.has(input.index))) pixelCommandCount = i + 1;
  });
  return {
    plan,
    constants,
    parts: [
      { name: 'commands', offsetBytes: plan.constants.offsetBytes, bytes: commandBytes },
      { name: 'weights', offsetBytes: plan.constants.offsetBytes + commandBytes, bytes: weights.bytes },
    ],
    commandsOffset: plan.constants.offsetBytes,
    commandCount: commands.length,
    pixelCommandCount,
    regions,
    kernels: describeKernels(graph, commands),
  };
}

/** Tensors that can be written in place: made by a convolution, read by one concatenation and by nothing else. */
function joinConcatenations(graph: Graph, pixels: ReadonlyMap<number, PixelPlane>): Map<number, Place> {
  const readers = new Map<number, number>();
  for (const operator of graph.operators) {
    for (const input of operator.inputs) readers.set(input.index, (readers.get(input.index) ?? 0) + 1);
  }
  const kept = new Set([...graph.outputs.values(), ...graph.inputs.values()].map((tensor) => tensor.index));
  const convolved = new Set(graph.operators.filter((o) => o.kind === 'convolution').map((o) => o.output.index));
  const places = new Map<number, Place>();
  for (const operator of graph.operators) {
    if (operator.kind !== 'concatenation') continue;
    let channelOffset = 0;
    for (const input of operator.inputs) {
      const free = readers.get(input.index) === 1 && !kept.has(input.index) && !pixels.has(input.index);
      if (free && convolved.has(input.index)) places.set(input.index, { root: operator.output, channelOffset });
      channelOffset += input.shape[3];
    }
  }
  return places;
}

/** First writer and last reader of every tensor that gets bytes of its own in the arena. */
function lifetimes(
  graph: Graph,
  pixels: ReadonlyMap<number, PixelPlane>,
  places: ReadonlyMap<number, Place>,
): { readonly needs: Need[]; readonly roots: GraphTensor[] } {
  const spans = new Map<number, { root: GraphTensor; first: number; last: number }>();
  const use = (tensor: GraphTensor, when: number): void => {
    if (pixels.has(tensor.index)) return;
    const root = places.get(tensor.index)?.root ?? tensor;
    const span = spans.get(root.index) ?? { root, first: when, last: when };
    spans.set(root.index, { root, first: Math.min(span.first, when), last: Math.max(span.last, when) });
  };
  for (const input of graph.inputs.values()) use(input, -1);
  graph.operators.forEach((operator, when) => {
    for (const tensor of [...operator.inputs, operator.output]) use(tensor, when);
  });
  // Outputs are read after the last operator.
  for (const output of graph.outputs.values()) use(output, graph.operators.length);
  const all = [...spans.values()];
  return {
    needs: all.map(({ root, first, last }) => ({ name: root.name, bytes: root.bytes, firstUse: first, lastUse: last })),
    roots: all.map(({ root }) => root),
  };
}

function convolutionCommand(
  operator: Convolution,
  plane: PixelPlane | undefined,
  choice: KernelChoice,
  weights: Packer,
): Command {
  const { inputs, output, range, kernelY, kernelX, strideY, strideX } = operator;
  const [input] = inputs;
  const [, inputHeight, inputWidth, inputChannels] = input.shape;
  const kernel = choice === 'fast' ? chooseKernel(operator, plane) : 'any';
  const rowBytes = plane?.rowBytes ?? inputWidth * inputChannels;
  const common = (words: Int32Array, address: Addresses): void => {
    words[layout.SOURCE] = address.tensor(input);
    words[layout.TARGET] = address.tensor(output);
    words[layout.TARGET_PIXEL] = address.pixelBytes(output);
    words[layout.OUTPUT_ZERO_POINT] = output.zeroPoint;
    words[layout.OUTPUT_MIN] = range.minQ;
    words[layout.OUTPUT_MAX] = range.maxQ;
    words[layout.INPUT_HEIGHT] = inputHeight;
    words[layout.INPUT_WIDTH] = inputWidth;
    words[layout.INPUT_CHANNELS] = inputChannels;
    words[layout.OUTPUT_HEIGHT] = output.shape[1];
    words[layout.OUTPUT_WIDTH] = output.shape[2];
    words[layout.OUTPUT_CHANNELS] = output.shape[3];
    words[layout.STRIDE_Y] = strideY;
    words[layout.STRIDE_X] = strideX;
    words[layout.PAD_TOP] = operator.padTop;
    words[layout.PAD_LEFT] = operator.padLeft;
    words[layout.SOURCE_ROW] = rowBytes;
  };

  if (kernel === 'any') {
    const offset = weights.add(new Uint8Array(operator.weights.slice().buffer));
    const bias = weights.add(int32Bytes(operator.bias));
    const multipliers = weights.add(int32Bytes(operator.factors.map((factor) => factor.multiplier)));
    const shifts = weights.add(int32Bytes(operator.factors.map((factor) => factor.shift)));
    return {
      operator,
      kernel,
      write: (words, address) => {
        common(words, address);
        words[layout.KIND] = layout.KIND_ANY_CONVOLUTION;
        words[layout.WEIGHTS] = address.constant(offset);
        // A pixel is q - zeroPoint already.
        words[layout.INPUT_OFFSET] = plane ? 0 : -input.zeroPoint;
        words[layout.IS_PIXEL] = plane ? 1 : 0;
        words[layout.KERNEL_Y] = kernelY;
        words[layout.KERNEL_X] = kernelX;
        words[layout.DILATION_Y] = operator.dilationY;
        words[layout.DILATION_X] = operator.dilationX;
        words[layout.DEPTH_MULTIPLIER] = operator.depthwise ? operator.depthMultiplier : 0;
        words[layout.BIAS] = address.constant(bias);
        words[layout.MULTIPLIERS] = address.constant(multipliers);
        words[layout.SHIFTS] = address.constant(shifts);
      },
    };
  }
  const offset = weights.add(kernel === 'depthwise' ? packDepthwise(operator) : packGroups(operator));
  if (kernel === 'depthwise') {
    return {
      operator,
      kernel,
      write: (words, address) => {
        common(words, address);
        words[layout.KIND] = layout.KIND_DEPTHWISE;
        words[layout.WEIGHTS] = address.constant(offset);
        words[layout.PAD_ROW] = address.scratch;
        words[layout.INPUT_ZERO_POINT] = input.zeroPoint;
      },
    };
  }
  const isPatch = kernel === 'patch';
  return {
    operator,
    kernel,
    write: (words, address) => {
      common(words, address);
      words[layout.KIND] = isPatch ? layout.KIND_PATCH : layout.KIND_POINTWISE;
      words[layout.WEIGHTS] = address.constant(offset);
      words[layout.GROUPS] = (kernelY * kernelX * inputChannels) / 4;
      // A group of a 4x4 patch is one of its rows; a 2x2 patch is one group, whose second pair is one row down.
      words[layout.GROUP_STEP] = isPatch ? rowBytes : 4;
      words[layout.SECOND_PAIR] = isPatch && kernelX === 2 ? rowBytes : 2;
      words[layout.SOURCE_PIXEL] = isPatch ? strideX : inputChannels;
      words[layout.SOURCE_ROW] = rowBytes * strideY;
    },
  };
}

function chooseKernel(
  operator: Convolution,
  plane: PixelPlane | undefined,
): 'patch' | 'pointwise' | 'depthwise' | 'any' {
  const { kernelY, kernelX, strideY, strideX, inputs, output } = operator;
  const inputChannels = inputs[0].shape[3];
  const plain = operator.dilationY === 1 && operator.dilationX === 1;
  const unpadded = operator.padTop === 0 && operator.padLeft === 0;
  if (!plain || !isSafe(operator)) return 'any';
  if (plane) {
    const square =
      kernelY === kernelX && strideY === kernelY && strideX === kernelX && (kernelX === 4 || kernelX === 2);
    const inside = output.shape[1] * strideY <= inputs[0].shape[1] && output.shape[2] * strideX <= inputs[0].shape[2];
    return square && unpadded && inside && inputChannels === 1 && !operator.depthwise ? 'patch' : 'any';
  }
  if (operator.depthwise) {
    return kernelY === 3 && kernelX === 3 && operator.depthMultiplier === 1 && inputChannels % 8 === 0
      ? 'depthwise'
      : 'any';
  }
  const single = kernelY === 1 && kernelX === 1 && strideY === 1 && strideX === 1;
  return single && inputChannels % 4 === 0 ? 'pointwise' : 'any';
}

/**
 * True where the fast kernels are exact for every input: sums fit, two products of int8 fit into int16, and
 * requantisation (kernels/requantise.ts) overflows nowhere. Real models pass by orders of magnitude.
 */
function isSafe(operator: Convolution): boolean {
  if (operator.weights.includes(-128)) return false;
  return operator.factors.every(({ multiplier, shift }, channel) => {
    const exponent = -shift;
    if (multiplier === 0 || exponent < 1 || exponent > 16) return false;
    const { sizes } = channelWeights(operator, channel);
    const { zeroPoint } = operator.inputs[0];
    const sumMax = Math.abs(operator.bias[channel]!) + sizes * Math.max(128 + zeroPoint, 127 - zeroPoint);
    const highMax = Math.ceil((sumMax * multiplier) / 2 ** 31) + 2 ** (exponent - 1) + 1;
    return sumMax < 2 ** 30 && highMax * 2 ** (16 - exponent) < 2 ** 31;
  });
}

/** Weights of one output channel in the order of the file, their sum, and the sum of their sizes. */
function channelWeights(operator: Convolution, channel: number) {
  const taps = operator.kernelY * operator.kernelX;
  const count = operator.depthwise ? taps : taps * operator.inputs[0].shape[3];
  const step = operator.depthwise ? operator.output.shape[3] : 1;
  const first = operator.depthwise ? channel : channel * count;
  const values = new Int8Array(count);
  let sum = 0;
  let sizes = 0;
  for (let i = 0; i < count; i += 1) {
    const weight = operator.weights[first + i * step]!;
    values[i] = weight;
    sum += weight;
    sizes += Math.abs(weight);
  }
  return { values, sum, sizes };
}

/** Blocks of 8 channels: head, then per group of four taps [8 channels x taps 0, 1][8 channels x taps 2, 3]. */
function packGroups(operator: Convolution): Uint8Array {
  const channels = operator.output.shape[3];
  const groups = (operator.kernelY * operator.kernelX * operator.inputs[0].shape[3]) / 4;
  const blockBytes = layout.BLOCK_WEIGHTS + groups * layout.GROUP_BYTES;
  const packed = new Uint8Array(Math.ceil(channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel);
    for (let tap = 0; tap < 4 * groups; tap += 1) {
      const group = block + layout.BLOCK_WEIGHTS + Math.floor(tap / 4) * layout.GROUP_BYTES;
      packed[group + (tap & 2 ? 16 : 0) + 2 * lane + (tap & 1)] = values[tap]!;
    }
  }
  return packed;
}

/** Blocks of 8 channels: head, then per pair of taps [8 channels x 2 taps]; the ninth tap's partner is zero. */
function packDepthwise(operator: Convolution): Uint8Array {
  const channels = operator.output.shape[3];
  const blockBytes = layout.BLOCK_WEIGHTS + layout.DEPTHWISE_BYTES;
  const packed = new Uint8Array((channels / 8) * blockBytes);
  for (let channel = 0; channel < channels; channel += 1) {
    const block = Math.floor(channel / 8) * blockBytes;
    const lane = channel % 8;
    const values = packHead(packed, block, lane, operator, channel);
    for (let tap = 0; tap < 9; tap += 1) {
      packed[block + layout.BLOCK_WEIGHTS + (tap >> 1) * 16 + 2 * lane + (tap & 1)] = values[tap]!;
    }
  }
  return packed;
}

/** Bias and requantisation of one channel; returns its weights. */
function packHead(packed: Uint8Array, block: number, lane: number, operator: Convolution, channel: number): Int8Array {
  const view = new DataView(packed.buffer, block);
  const { values, sum } = channelWeights(operator, channel);
  const { multiplier, shift } = operator.factors[channel]!;
  // sum of w x (q - zeroPoint) = sum of w x q - zeroPoint x sum of w. Wraps like the kernel's sums; the total fits.
  view.setInt32(layout.BLOCK_BIAS + 4 * lane, (operator.bias[channel]! - operator.inputs[0].zeroPoint * sum) | 0, true);
  view.setInt32(layout.BLOCK_MULTIPLIER + 4 * lane, multiplier, true);
  view.setBigInt64(layout.BLOCK_ADDEND + 8 * lane, 2n ** 31n + 2n ** BigInt(31 - shift), true);
  view.setInt32(layout.BLOCK_POWER + 4 * lane, 2 ** (16 + shift), true);
  return values;
}

function additionCommand(operator: Addition): Command {
  const { inputs, output, factors, range } = operator;
  // The kernel's first input is the one whose factor is one half exactly.
  const swap = inputs[1].scale > inputs[0].scale;
  const [a, b] = swap ? [inputs[1], inputs[0]] : inputs;
  const [exact, other] = swap ? [factors.b, factors.a] : [factors.a, factors.b];
  assert.ok(exact.multiplier === 2 ** 30 && exact.shift === 0, 'the larger scale has factor one half');
  return {
    operator,
    kernel: 'add',
    write: (words, address) => {
      words[layout.KIND] = layout.KIND_ADD;
      words[layout.SOURCE] = address.tensor(a);
      words[layout.SOURCE_B] = address.tensor(b);
      words[layout.TARGET] = address.tensor(output);
      words[layout.VALUE_COUNT] = output.bytes;
      words[layout.ZERO_POINT_A] = a.zeroPoint;
      words[layout.ZERO_POINT_B] = b.zeroPoint;
      words[layout.MULTIPLIER_B] = other.multiplier;
      words[layout.SHIFT_B] = -other.shift;
      words[layout.MULTIPLIER_OUT] = factors.out.multiplier;
      words[layout.SHIFT_OUT] = -factors.out.shift;
      words[layout.OUTPUT_ZERO_POINT] = output.zeroPoint;
      words[layout.OUTPUT_MIN] = range.minQ;
      words[layout.OUTPUT_MAX] = range.maxQ;
    },
  };
}

function moveCommands(
  operator: Exclude<GraphOperator, Convolution | Addition>,
  places: ReadonlyMap<number, Place>,
): Command[] {
  const { output } = operator;
  const write =
    (kind: number, input: GraphTensor, channelOffset: number): Command['write'] =>
    (words, address) => {
      words[layout.KIND] = kind;
      words[layout.SOURCE] = address.tensor(input);
      words[layout.TARGET] = address.tensor(output) + channelOffset;
      words[layout.INPUT_HEIGHT] = input.shape[1];
      words[layout.INPUT_WIDTH] = input.shape[2];
      words[layout.INPUT_CHANNELS] = input.shape[3];
      words[layout.OUTPUT_HEIGHT] = output.shape[1];
      words[layout.OUTPUT_WIDTH] = output.shape[2];
      words[layout.OUTPUT_CHANNELS] = output.shape[3];
      words[layout.TARGET_PIXEL] = output.shape[3];
    };
  if (operator.kind === 'doubling')
    return [{ operator, kernel: 'double', write: write(layout.KIND_DOUBLE, operator.inputs[0], 0) }];
  let channelOffset = 0;
  return operator.inputs.flatMap((input) => {
    const offset = channelOffset;
    channelOffset += input.shape[3];
    if (places.get(input.index)?.root === output) return [];
    return [{ operator, kernel: 'copy', write: write(layout.KIND_COPY_CHANNELS, input, offset) }];
  });
}

function describeKernels(graph: Graph, commands: readonly Command[]): string[] {
  return graph.operators.map((operator) => {
    const kernels = commands.filter((command) => command.operator === operator).map((command) => command.kernel);
    const what = kernels.length > 0 ? kernels.join(' + ') : 'in place';
    return `${String(operator.index).padStart(4)} ${what.padEnd(10)} ${operator.output.name} [${operator.output.shape.join(', ')}]`;
  });
}

function int32Bytes(values: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** Constants one after another, each at a multiple of 16. */
class Packer {
  bytes = 0;
  readonly #pieces: { readonly offset: number; readonly data: Uint8Array }[] = [];
  add(data: Uint8Array): number {
    const offset = this.bytes;
    this.#pieces.push({ offset, data });
    this.bytes += Math.ceil(data.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return offset;
  }
  copyTo(target: Uint8Array): void {
    for (const { offset, data } of this.#pieces) target.set(data, offset);
  }
}
