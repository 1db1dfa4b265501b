/**
 * From a checked graph to bytes that the kernels run: lowers every operator to commands, plans the memory, and writes
 * commands and packed constants. Pure: the same graph gives the same plan and the same bytes. All addresses are settled
 * here, once.
 *
 * Inputs of a concatenation that nobody else reads are written straight into its output, and a reshape shares the bytes
 * of its input, so both cost nothing.
 */
import type { Graph } from './graph.ts';
import { COMMAND_BYTES, COMMAND_WORDS } from './layout/command.ts';
import { type Addresses, type KernelShape, Packer, type PixelPlane } from './operators/lowering.ts';
import { type GraphOperator, lower } from './operators/operators.ts';
import { type PixelSource, picturesOf } from './pixels.ts';
import { alignUp, type Need, type Plan, planMemory, type Region } from './plan.ts';
import type { Rounding } from './quantize.ts';
import { type GraphTensor, valueBytes } from './tensor.ts';

/** How a program is made; the bytes that come out depend on the rounding alone. */
export type ProgramChoice = { readonly shape: KernelShape; readonly rounding: Rounding };

export type Program = {
  readonly choice: ProgramChoice;
  readonly plan: Plan;
  /** Commands and packed weights: the bytes of plan.constants. */
  readonly constants: Uint8Array;
  /** Parts of plan.constants, for the record. */
  readonly parts: readonly Region[];
  /** Address of the first command. */
  readonly commandsOffset: number;
  readonly commandCount: number;
  /** Commands before this one include all that read the frame slot or a converted picture. */
  readonly pixelCommandCount: number;
  /** What holds pixels and nothing that is needed later once these commands are done: slot, converted pictures, scratch. */
  readonly pixelRegions: readonly Region[];
  /** Kernels that convert the picture, before all operators. */
  readonly feeds: readonly string[];
  /** Index of the tensor in the file → its piece of the arena (pixel planes are in the slot, joined tensors in another). */
  readonly regions: ReadonlyMap<number, Region>;
  /** Kernels of each operator of the graph, in their order; none where its work is done in place. */
  readonly kernels: readonly (readonly string[])[];
  /** Packed weights and tables of each operator. */
  readonly constantBytes: readonly number[];
};

/** Where a tensor lies: in the tensor `root`, which is most often itself. */
type Place = {
  readonly root: GraphTensor;
  /** From the start of the root to the tensor's first byte. */
  readonly offsetBytes: number;
  /** From a pixel to the next. */
  readonly pixelBytes: number;
};

/** Never fails: what a checked graph asks for is laid out, whatever its size; the caller bounds that. */
export function prepareProgram(graph: Graph, source: PixelSource, choice: ProgramChoice): Program {
  const { planes, feeds, slotBytes } = source;
  const place = placeTensors(graph);
  const packer = new Packer();
  const lowering = {
    ...choice,
    pack: (data: Uint8Array) => packer.add(data),
    plane: (tensor: GraphTensor) => planes.get(tensor.index),
    isInPlace: (input: GraphTensor, output: GraphTensor) => place(input).root === place(output).root,
  };
  let slotOffset = 0;
  const fed = feeds.map((feed) => feed.lower(lowering.pack, () => slotOffset));
  const constantBytes: number[] = [];
  const lowered = graph.operators.map((operator) => {
    const before = packer.bytes;
    const commands = lower(operator, lowering);
    constantBytes.push(packer.bytes - before);
    return commands;
  });
  const constantOffsets = packConstants(graph, packer);

  const pictures = picturesOf(
    graph,
    feeds.map(({ target }) => target),
  );
  const pixelEnd = lastPixelReader(graph, planes, pictures);
  const { needs, roots } = lifetimes(graph, planes, place, (tensor) => (pictures.has(tensor.index) ? pixelEnd : -1));
  const commands = [...fed, ...lowered.flat()];
  const scratchBytes = commands.reduce((most, { scratchBytes: bytes = 0 }) => Math.max(most, bytes), 0);
  const commandBytes = alignUp(commands.length * COMMAND_BYTES);
  const plan = planMemory({ slotBytes, tensors: needs, scratchBytes, constantBytes: commandBytes + packer.bytes });
  slotOffset = plan.slot.offsetBytes;
  const regions = new Map(roots.map((root, i) => [root.index, plan.tensors[i]!]));
  const constantAddress = (offset: number): number => plan.constants.offsetBytes + commandBytes + offset;
  const addresses: Addresses = {
    tensor: (tensor) => {
      const constant = constantOffsets.get(tensor.index);
      if (constant !== undefined) return constantAddress(constant);
      const plane = planes.get(tensor.index);
      if (plane) return plan.slot.offsetBytes + plane.offsetBytes;
      const { root, offsetBytes } = place(tensor);
      return regions.get(root.index)!.offsetBytes + offsetBytes;
    },
    pixelBytes: (tensor) => place(tensor).pixelBytes,
    constant: constantAddress,
    scratch: plan.scratch.offsetBytes,
  };

  const pictureRegions = new Set([...pictures.values()].map((picture) => regions.get(place(picture).root.index)!));
  const constants = new Uint8Array(commandBytes + packer.bytes);
  packer.copyTo(constants.subarray(commandBytes));
  commands.forEach((command, i) => {
    command.write(new Int32Array(constants.buffer, i * COMMAND_BYTES, COMMAND_WORDS), addresses);
  });
  return {
    choice,
    plan,
    constants,
    parts: [
      { name: 'commands', offsetBytes: plan.constants.offsetBytes, bytes: commandBytes },
      { name: 'weights', offsetBytes: plan.constants.offsetBytes + commandBytes, bytes: packer.bytes },
    ],
    commandsOffset: plan.constants.offsetBytes,
    commandCount: commands.length,
    pixelCommandCount: fed.length + lowered.slice(0, pixelEnd + 1).flat().length,
    pixelRegions: [plan.slot, ...pictureRegions, plan.scratch],
    regions,
    feeds: fed.map(({ kernel }) => kernel),
    constantBytes,
    kernels: lowered.map((some) => some.map(({ kernel }) => kernel)),
  };
}

/** The last operator that reads a plane or a picture; -1 where none does. */
function lastPixelReader(
  graph: Graph,
  planes: ReadonlyMap<number, PixelPlane>,
  pictures: ReadonlyMap<number, GraphTensor>,
): number {
  return graph.operators.findLastIndex(({ inputs }) =>
    inputs.some(({ index }) => planes.has(index) || pictures.has(index)),
  );
}

/** Constants that operators read like tensors: index → offset. */
function packConstants(graph: Graph, packer: Packer): Map<number, number> {
  const offsets = new Map<number, number>();
  for (const { inputs } of graph.operators) {
    for (const { index, constant } of inputs) {
      if (constant !== undefined && !offsets.has(index)) offsets.set(index, packer.add(constant));
    }
  }
  return offsets;
}

/**
 * Tensors that lie in another one:
 * - made by a convolution, read by one concatenation of channels and by nothing else: written in place;
 * - input and output of a reshape: the same bytes. Whoever is an output of the graph is the root. Inputs of the graph
 *   keep their bytes for themselves, because a converted picture is erased while what was made of it is still read.
 */
function placeTensors(graph: Graph): (tensor: GraphTensor) => Place {
  const readers = new Map<number, number>();
  for (const operator of graph.operators) {
    for (const input of operator.inputs) readers.set(input.index, (readers.get(input.index) ?? 0) + 1);
  }
  const inputs = new Set([...graph.inputs.values()].map((tensor) => tensor.index));
  const outputs = new Set([...graph.outputs.values()].map((tensor) => tensor.index));
  const convolved = new Set(graph.operators.filter((o) => o.kind === 'convolution').map((o) => o.output.index));
  const links = new Map<number, Place>();
  for (const operator of graph.operators) {
    if (operator.kind !== 'concatenation' || operator.axis !== operator.output.shape.length - 1) continue;
    const pixelBytes = lastBytes(operator.output);
    let offsetBytes = 0;
    for (const input of operator.inputs) {
      const isFree = readers.get(input.index) === 1 && !outputs.has(input.index);
      if (isFree && convolved.has(input.index))
        links.set(input.index, { root: operator.output, offsetBytes, pixelBytes });
      offsetBytes += lastBytes(input);
    }
  }
  const place = (tensor: GraphTensor): Place => {
    let found: Place = { root: tensor, offsetBytes: 0, pixelBytes: lastBytes(tensor) };
    for (let link = links.get(tensor.index); link !== undefined; link = links.get(link.root.index)) {
      const isFirst = found.root === tensor;
      found = {
        root: link.root,
        offsetBytes: found.offsetBytes + link.offsetBytes,
        pixelBytes: isFirst ? link.pixelBytes : found.pixelBytes,
      };
    }
    return found;
  };
  for (const operator of graph.operators) {
    if (operator.kind !== 'reshape') continue;
    const { output } = operator;
    const { root } = place(operator.inputs[0]);
    if (root.constant !== undefined || inputs.has(root.index)) continue;
    if (!outputs.has(output.index)) links.set(output.index, { root, offsetBytes: 0, pixelBytes: lastBytes(output) });
    else if (!outputs.has(root.index))
      links.set(root.index, { root: output, offsetBytes: 0, pixelBytes: lastBytes(root) });
  }
  return place;
}

/** Bytes of a pixel, or of whatever the last dimension counts. */
function lastBytes({ shape, kind }: GraphTensor): number {
  return (shape.at(-1) ?? 1) * valueBytes(kind);
}

/** First writer and last reader of every tensor that gets bytes of its own in the arena. leastEnd: it lives till then at least. */
function lifetimes(
  graph: Graph,
  planes: ReadonlyMap<number, PixelPlane>,
  place: (tensor: GraphTensor) => Place,
  leastEnd: (tensor: GraphTensor) => number,
): { readonly needs: Need[]; readonly roots: GraphTensor[] } {
  const spans = new Map<number, { root: GraphTensor; first: number; last: number }>();
  const use = (tensor: GraphTensor, when: number): void => {
    if (planes.has(tensor.index) || tensor.constant !== undefined) return;
    const { root } = place(tensor);
    const span = spans.get(root.index) ?? { root, first: when, last: when };
    const last = Math.max(span.last, when, leastEnd(tensor));
    spans.set(root.index, { root, first: Math.min(span.first, when), last });
  };
  for (const input of graph.inputs.values()) use(input, -1);
  graph.operators.forEach((operator: GraphOperator, when) => {
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
