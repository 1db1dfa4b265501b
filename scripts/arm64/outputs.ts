/**
 * Guest program of `arm64 hash`: runs models in every rounding and with every kernel shape, and prints one line of JSON per
 * case with the sha256 of all output bytes. The same program runs here and emulated; nothing in it depends on the machine, so
 * any difference between two machines is one of the kernels or of the compiler under them.
 * Usage: outputs ROUND_COUNT. What runs: the person detector on seeded frames, converted pictures, every golden case with its
 * own inputs first and with seeded ones after.
 *
 * All programs share one memory, laid out anew for each: under emulation the address space that V8 reserves around a memory
 * costs more time than what most cases do in it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelFile, type Machine } from '../../runtime/eye/infer/engine.ts';
import type { KernelShape } from '../../runtime/eye/infer/operators/lowering.ts';
import type { ProgramChoice } from '../../runtime/eye/infer/program.ts';
import { ROUNDINGS, type Rounding } from '../../runtime/eye/infer/quantize.ts';
import { loadProbe, shapeOf } from '../../runtime/eye/infer/relaxed.ts';
import { PACKAGE_ROOT } from '../../runtime/package.ts';
import type { FrameFormat } from '../../runtime/ports/camera.ts';
import { GOLDEN_CASES } from '../golden/cases.ts';
import { NetBuilder } from '../nets/build.ts';
import { writeTflite } from '../nets/writer.ts';
import { fillSeeded, frameOf, type PreparedModel, prepareModel } from './prepare.ts';

export type CaseHash = {
  readonly rounding: Rounding;
  readonly shape: KernelShape;
  readonly name: string;
  readonly outputBytes: number;
  readonly sha256: string;
};

const relaxed = shapeOf(loadProbe());
/** relaxed: where V8 has it, and as it has it there; the bytes are those of the others. */
const SHAPES: readonly KernelShape[] = ['scalar', 'pairs', 'dot', ...(relaxed ? [relaxed] : [])];
/** The person detector needs nine pages; engine.ts allows a thousand. */
const PAGES = 256;

type Case = {
  readonly name: string;
  readonly model: Uint8Array;
  /** Of inputs that lie in the arena; what is not here, and the frame slot, is filled from the seed. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** The picture is converted from such a frame. */
  readonly frame?: FrameFormat;
};

/** The picture as red, green and blue, or gray: sizes that divide by nothing, so that every edge of the conversion is run. */
function convertedPicture(channels: number): Case {
  const net = new NetBuilder(channels);
  const picture = net.input([1, 27, 35, channels], { name: 'picture' });
  const model = writeTflite(net.model(net.convolution(picture, { channels: 8, kernel: 3, stride: 2 })));
  return { name: `picture of ${channels} channels`, model, inputs: new Map(), frame: frameOf(58, 38) };
}

function cases(): Case[] {
  const person = readFileSync(join(PACKAGE_ROOT, 'models', 'person', 'person.tflite'));
  return [
    { name: 'person detector', model: person, inputs: new Map() },
    convertedPicture(3),
    convertedPicture(1),
    ...GOLDEN_CASES.map(({ group, name, model, inputs }) => ({
      name: `${group} ${name}`,
      model: writeTflite(model),
      inputs,
    })),
  ];
}

function machineOf(choice: ProgramChoice, memory: Machine['memory']): Machine {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(kernelFile(choice))), {
    env: { memory },
  });
  return { memory, kernels: instance.exports as unknown as Machine['kernels'] };
}

/** Views of the outputs, good until the next run. */
function run({ graph, program }: PreparedModel, machine: Machine, inputs: Case['inputs'], seed: number): Uint8Array[] {
  const { plan } = program;
  if (plan.pages > PAGES) throw new Error(`a case needs ${plan.pages} pages; there are ${PAGES}`);
  const bytes = new Uint8Array(machine.memory.buffer);
  bytes.set(program.constants, plan.constants.offsetBytes);
  // What a kernel reads beyond its inputs must not matter, so it is neither zero nor the same in two rounds.
  bytes.fill(0x55 + seed, plan.arena.offsetBytes, plan.scratch.offsetBytes + plan.scratch.bytes);
  fillSeeded(bytes.subarray(plan.slot.offsetBytes, plan.slot.offsetBytes + plan.slot.bytes), seed);
  for (const [name, tensor] of graph.inputs) {
    const region = program.regions.get(tensor.index);
    if (region === undefined) continue;
    const target = bytes.subarray(region.offsetBytes, region.offsetBytes + tensor.bytes);
    const given = inputs.get(name);
    // Random bytes make no sensible float32.
    if (given !== undefined && (seed === 0 || tensor.kind === 'float32')) target.set(given);
    else fillSeeded(target, seed);
  }
  machine.kernels.run(program.commandsOffset, 0, program.commandCount);
  return [...graph.outputs.values()].map((tensor) => {
    const { offsetBytes } = program.regions.get(tensor.index)!;
    return bytes.subarray(offsetBytes, offsetBytes + tensor.bytes);
  });
}

const roundCount = Number(process.argv[2]);
const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
const all = cases();
for (const rounding of ROUNDINGS) {
  const machines = new Map(SHAPES.map((shape) => [shape, machineOf({ rounding, shape }, memory)]));
  for (const { name, model, inputs, frame } of all) {
    for (const shape of SHAPES) {
      const prepared = prepareModel(model, { rounding, shape }, frame);
      const hash = createHash('sha256');
      let outputBytes = 0;
      for (let seed = 0; seed < roundCount; seed += 1) {
        for (const output of run(prepared, machines.get(shape)!, inputs, seed)) {
          hash.update(output);
          outputBytes += output.length;
        }
      }
      const line: CaseHash = { rounding, shape, name, outputBytes, sha256: hash.digest('hex') };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
}
