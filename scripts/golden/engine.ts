/** Our engine as a function of named tensors, for comparison with TFLite: no frame, no pixels, all inputs in the arena. */
import { loadProgram } from '../../runtime/eye/infer/engine.ts';
import { checkGraph } from '../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../runtime/eye/infer/pixels.ts';
import { type ProgramChoice, prepareProgram } from '../../runtime/eye/infer/program.ts';
import type { GraphTensor } from '../../runtime/eye/infer/tensor.ts';
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import type { Tensors } from './interpreter.ts';

export type Run = { readonly outputs: Tensors; readonly kernels: readonly string[] };

/** A network prepared once, to be run with its inputs in the arena: no frame, no pixels. */
export function prepareRun(model: TfliteModel, choice: ProgramChoice): (inputs: Tensors) => Run {
  const graph = checkGraph(model);
  const program = prepareProgram(graph, NO_PIXELS, choice);
  const machine = loadProgram(program);
  const memory = new Uint8Array(machine.memory.buffer);
  const bytesOf = ({ index }: GraphTensor): Uint8Array => {
    const { offsetBytes, bytes } = program.regions.get(index)!;
    return memory.subarray(offsetBytes, offsetBytes + bytes);
  };
  return (inputs) => {
    const { arena, scratch } = program.plan;
    // What a kernel reads beyond its inputs must not matter.
    memory.fill(0x55, arena.offsetBytes, scratch.offsetBytes + scratch.bytes);
    for (const [name, data] of inputs) bytesOf(graph.inputs.get(name)!).set(data);
    machine.kernels.run(program.commandsOffset, 0, program.commandCount);
    const outputs = [...graph.outputs].map(([name, tensor]): [string, Uint8Array] => [name, bytesOf(tensor).slice()]);
    return { outputs: new Map(outputs), kernels: program.kernels.flat() };
  };
}

/** Names of the kernels that a network would be run by. */
export function kernelsOf(model: TfliteModel, choice: ProgramChoice): string[] {
  return prepareProgram(checkGraph(model), NO_PIXELS, choice).kernels.flat();
}
