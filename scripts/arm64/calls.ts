/**
 * Guest program that trace.ts watches: runs every command of a model once, one call each, on a seeded frame, and writes into
 * a file which command belongs to which operator.
 * Usage: calls MODEL.tflite ROUNDING KERNELS RESULT_FILE. It must run with optimised code from the first call on (trace.ts sees to it).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadProgram } from '../../runtime/eye/infer/engine.ts';
import { operatorMacs } from '../../runtime/eye/infer/graph.ts';
import type { KernelShape } from '../../runtime/eye/infer/operators/lowering.ts';
import type { Rounding } from '../../runtime/eye/infer/quantize.ts';
import { fillSeeded, prepareModel } from './prepare.ts';

/** An operator of the graph, or a conversion of the picture before all operators. */
export type Step = {
  /** Index of the operator, or `in`. */
  readonly label: string;
  readonly kernels: readonly string[];
  readonly output: string;
  readonly shape: readonly number[];
  readonly macs: number;
};

export type Calls = {
  /** Index of the function in the module that every call enters; V8 prints code under it. */
  readonly functionIndex: number;
  /** In the order of the calls; `step` is an index into `steps`. */
  readonly commands: readonly { readonly step: number; readonly kernel: string }[];
  readonly steps: readonly Step[];
};

const [modelPath = '', rounding = '', kernels = '', resultPath = ''] = process.argv.slice(2);
const { graph, program } = prepareModel(readFileSync(modelPath), {
  rounding: rounding as Rounding,
  shape: kernels as KernelShape,
});
const machine = loadProgram(program);
const { slot, arena } = program.plan;
const bytes = new Uint8Array(machine.memory.buffer);
fillSeeded(bytes.subarray(slot.offsetBytes, slot.offsetBytes + slot.bytes), 1);
// Inputs of a model without pixels lie in the arena; what else is there is written before it is read.
fillSeeded(bytes.subarray(arena.offsetBytes, arena.offsetBytes + arena.bytes), 2);
for (let i = 0; i < program.commandCount; i += 1) machine.kernels.run(program.commandsOffset, i, i + 1);
const steps: Step[] = [
  ...program.feeds.map((kernel) => ({ label: 'in', kernels: [kernel], output: 'picture', shape: [], macs: 0 })),
  ...graph.operators.map((operator, i) => ({
    label: String(operator.index),
    kernels: program.kernels[i]!,
    output: operator.output.name,
    shape: operator.output.shape,
    macs: operatorMacs(operator),
  })),
];
const calls: Calls = {
  // https://webassembly.github.io/spec/js-api/#exported-function-exotic-objects: the name of an exported function is its index.
  functionIndex: Number(machine.kernels.run.name),
  commands: steps.flatMap(({ kernels }, step) => kernels.map((kernel) => ({ step, kernel }))),
  steps,
};
writeFileSync(resultPath, JSON.stringify(calls));
