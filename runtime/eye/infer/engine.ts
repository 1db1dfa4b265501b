/**
 * The engine: runs an int8 `.tflite` detector on the frame slot, in one fixed linear memory. Start here; the other
 * files follow the model on its way: tflite (read) → graph (check) → program and plan (settle) → kernels (run).
 *
 * Why our own: every byte of pixels and of what is derived from them lies in a memory that can be named, zeroed and
 * searched. Prepare once, run blindly: all checks are made before the first frame; per frame there are four calls into
 * WebAssembly with whole numbers, and nothing is allocated.
 *
 * How the picture gets into the model (in place, or converted) is in pixels.ts.
 *
 * Memory: one WebAssembly.Memory with initial = maximum, not shared, laid out by plan.ts:
 * frame slot | arena | scratch | commands and weights. Growing is impossible.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { ModelError } from '../../errors.ts';
import type { FrameFormat } from '../../ports/camera.ts';
import type { Engine, OutputTensor } from '../../ports/engine.ts';
import { checkGraph, countMacs, type Graph } from './graph.ts';
import { isRelaxed, type KernelShape } from './operators/lowering.ts';
import type { GraphOperator } from './operators/operators.ts';
import { NO_PIXELS, pixelSource, withoutFloatInput } from './pixels.ts';
import { describePlan, PAGE_BYTES, type Region } from './plan.ts';
import { type Program, type ProgramChoice, prepareProgram } from './program.ts';
import type { Rounding } from './quantize.ts';
import { relaxedShape } from './relaxed.ts';
import type { GraphTensor } from './tensor.ts';
import { readTflite, type TfliteModel } from './tflite.ts';

/**
 * Frames of zeroes that are run before the first real one. V8 compiles WebAssembly twice, quickly at the first call and
 * well after some use; without this the first frame took 17 ms (7 ms of them with pixels in the slot) where later ones
 * take 0.8, and single frames up to about the fortieth took 4 to 8. Costs 60 frames' time at boot, or WARM_UP_MS_MAX.
 */
const WARM_UP_FRAMES = 60;
const WARM_UP_MS_MAX = 2000;

/** What a small board could not do in a frame's time anyway; the person detector has 10 million and 0.3 MiB. */
const MACS_MAX = 1_000_000_000;
const MEMORY_BYTES_MAX = 64 * 2 ** 20;

/**
 * What TFLite with XNNPACK computes, which is what most int8 models are run with and what their makers measured; and the
 * fastest of the three on every processor looked at. Context, figures and the other two: README, Engine.
 */
const ROUNDING_DEFAULT: Rounding = 'fp32';

export type EngineChoice = { readonly rounding?: Rounding; readonly shape?: KernelShape };

/** The kernels that suit this processor; the bytes they give are the same. */
export function shapeOfMachine(): KernelShape {
  return relaxedShape() ?? (process.arch === 'arm64' ? 'pairs' : 'dot');
}

/** Functions of kernels/index.ts. */
type Kernels = {
  readonly run: (commandsOffset: number, firstCommand: number, endCommand: number) => void;
  readonly erase: (offset: number, bytes: number) => void;
};

/** What logs need of any engine, beside the port. */
export type DescribedEngine = Engine & {
  /** Multiply-adds of one frame. */
  readonly macCount: number;
  /** Lines for the boot log; of this engine: the plan, then the kernel of each operator. */
  describe(): string[];
};

/** What only proofs need. */
export type PreparedEngine = DescribedEngine & {
  /** The whole memory of the engine: fixed size, the same object for life. */
  readonly memory: WebAssembly.Memory;
  /** Every named piece of it; tensors lie inside of `arena` and may share bytes, commands and weights inside of `constants`. */
  readonly regions: readonly Region[];
};

/**
 * modelBytes: a .tflite file; not needed any more afterwards. format: the camera's frames, even in width and height.
 * Throws ModelError: MODEL_DAMAGED (not readable), MODEL_UNSUPPORTED (one line per problem), MODEL_MISMATCH (inputs do
 * not fit the contract or the frame format), MODEL_TOO_LARGE.
 */
export function createEngine(modelBytes: Uint8Array, format: FrameFormat, choice: EngineChoice = {}): PreparedEngine {
  const { graph, program } = planEngine(modelBytes, format, choice);
  const machine = loadProgram(program);
  const engine = new WasmEngine(graph, program, machine, format);
  const warmUpEndMs = performance.now() + WARM_UP_MS_MAX;
  for (let frame = 0; frame < WARM_UP_FRAMES && performance.now() < warmUpEndMs; frame += 1) {
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    engine.eraseTensors();
  }
  return engine;
}

/** Everything about an engine that is settled before it takes its memory. */
export type EnginePlan = {
  readonly model: TfliteModel;
  readonly graph: Graph;
  readonly program: Program;
  readonly choice: ProgramChoice;
};

/**
 * The first half of createEngine, for those who want to look at the plan; throws what createEngine throws.
 * format undefined: no camera; all inputs lie in the arena, where the caller writes them.
 */
export function planEngine(
  modelBytes: Uint8Array,
  format: FrameFormat | undefined,
  { rounding = ROUNDING_DEFAULT, shape = shapeOfMachine() }: EngineChoice = {},
): EnginePlan {
  if (format !== undefined) checkFormat(format);
  const model = readTflite(modelBytes);
  const checked = checkGraph(model);
  const graph = format === undefined ? checked : withoutFloatInput(checked);
  const choice = { rounding, shape };
  refuseWork(graph);
  const program = prepareProgram(graph, format === undefined ? NO_PIXELS : pixelSource(graph, format), choice);
  refuseMemory(program);
  return { model, graph, program, choice };
}

function checkFormat({ widthPx, heightPx, strideBytes, frameBytes }: FrameFormat): void {
  assert.ok(
    widthPx > 0 && heightPx > 0 && widthPx % 2 === 0 && heightPx % 2 === 0,
    `frame of ${widthPx} x ${heightPx} px; expected even sizes`,
  );
  assert.ok(
    strideBytes >= widthPx && strideBytes % 2 === 0,
    `stride of ${strideBytes} bytes for ${widthPx} px; expected even and no less`,
  );
  assert.equal(frameBytes, (strideBytes * heightPx * 3) / 2, 'frameBytes is strideBytes x heightPx x 3/2');
}

/** The module that has the kernels of a program. Relaxed ones are right only where relaxed.ts found them to be. */
export function kernelFile({ shape, rounding }: ProgramChoice): URL {
  const name = isRelaxed(shape, rounding) ? 'relaxed' : rounding;
  return new URL(`./kernels/${name}.wasm`, import.meta.url);
}

/** A program in its memory: what an engine is made of, and all that a test of single operators needs. */
export type Machine = { readonly memory: WebAssembly.Memory; readonly kernels: Kernels };

/** Takes the memory, once and for all, and writes commands and weights into it. */
export function loadProgram(program: Program): Machine {
  const { pages, constants } = program.plan;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Uint8Array(memory.buffer).set(program.constants, constants.offsetBytes);
  const module = new WebAssembly.Module(readFileSync(kernelFile(program.choice)));
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, kernels: instance.exports as unknown as Kernels };
}

/** Work is refused before it is prepared, memory when its plan is known. */
function refuseWork(graph: Graph): void {
  const macs = countMacs(graph);
  if (macs > MACS_MAX) tooLarge(`the model needs ${macs} multiply-adds per frame; at most ${MACS_MAX} are run`);
}

function refuseMemory({ plan }: Program): void {
  const bytes = plan.pages * PAGE_BYTES;
  if (bytes > MEMORY_BYTES_MAX)
    tooLarge(`the model needs ${bytes} bytes of memory; at most ${MEMORY_BYTES_MAX} are taken`);
}

function tooLarge(problem: string): never {
  throw new ModelError('MODEL_TOO_LARGE', problem, { op: 'prepare model', hint: 'Use a smaller model.' });
}

class WasmEngine implements PreparedEngine {
  readonly name = 'wasm';
  readonly format: FrameFormat;
  readonly memory: WebAssembly.Memory;
  readonly slot: Uint8Array;
  readonly outputs: readonly OutputTensor[];
  readonly regions: readonly Region[];
  readonly macCount: number;
  readonly #program: Program;
  readonly #graph: Graph;
  // Kept as fields of small integers: calls with them allocate nothing.
  readonly #run: Kernels['run'];
  readonly #erase: Kernels['erase'];
  readonly #commands: number;
  readonly #pixelEnd: number;
  readonly #end: number;
  /** Offset and size of each region that holds pixels, one after another. */
  readonly #pixelRanges: Int32Array;
  readonly #derivedOffset: number;
  readonly #derivedBytes: number;

  constructor(graph: Graph, program: Program, { memory, kernels }: Machine, format: FrameFormat) {
    const { plan } = program;
    this.format = format;
    this.memory = memory;
    this.slot = new Uint8Array(memory.buffer, plan.slot.offsetBytes, plan.slot.bytes);
    this.outputs = [...graph.outputs].map(([name, tensor]) => ({
      name,
      shape: tensor.shape,
      scale: tensor.scale,
      zeroPoint: tensor.zeroPoint,
      data: viewOf(memory, program.regions.get(tensor.index)!.offsetBytes, tensor),
    }));
    this.regions = [plan.slot, plan.arena, ...plan.tensors, plan.scratch, plan.constants, ...program.parts];
    this.macCount = countMacs(graph);
    this.#program = program;
    this.#graph = graph;
    this.#run = kernels.run;
    this.#erase = kernels.erase;
    this.#commands = program.commandsOffset;
    this.#pixelEnd = program.pixelCommandCount;
    this.#end = program.commandCount;
    this.#pixelRanges = Int32Array.from(program.pixelRegions.flatMap(({ offsetBytes, bytes }) => [offsetBytes, bytes]));
    // Arena and scratch are one stretch by the plan.
    this.#derivedOffset = plan.arena.offsetBytes;
    this.#derivedBytes = plan.scratch.offsetBytes + plan.scratch.bytes - plan.arena.offsetBytes;
  }

  readPixels(): void {
    this.#run(this.#commands, 0, this.#pixelEnd);
  }

  erasePixels(): void {
    const ranges = this.#pixelRanges;
    for (let i = 0; i < ranges.length; i += 2) this.#erase(ranges[i]!, ranges[i + 1]!);
  }

  finish(): void {
    this.#run(this.#commands, this.#pixelEnd, this.#end);
  }

  eraseTensors(): void {
    this.#erase(this.#derivedOffset, this.#derivedBytes);
  }

  describe(): string[] {
    const { plan, kernels } = this.#program;
    const mib = (plan.pages * PAGE_BYTES) / 2 ** 20;
    return [
      `engine ${this.name}: ${(this.macCount / 1e6).toFixed(2)} million multiply-adds, ${mib.toFixed(2)} MiB, ${this.#end} commands, ${this.#pixelEnd} of them read pixels`,
      ...describePlan(plan),
      'operator  kernel, output',
      ...kernels.map((names, i) => describeKernel(this.#graph.operators[i]!, names)),
    ];
  }
}

function viewOf(
  { buffer }: WebAssembly.Memory,
  offsetBytes: number,
  { kind, count }: GraphTensor,
): Int8Array | Uint8Array | Float32Array {
  if (kind === 'int8') return new Int8Array(buffer, offsetBytes, count);
  return kind === 'uint8' ? new Uint8Array(buffer, offsetBytes, count) : new Float32Array(buffer, offsetBytes, count);
}

function describeKernel({ index, output }: GraphOperator, names: readonly string[]): string {
  const what = names.length > 0 ? names.join(' + ') : 'in place';
  return `${String(index).padStart(4)} ${what.padEnd(10)} ${output.name} [${output.shape.join(', ')}]`;
}
