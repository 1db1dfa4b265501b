/**
 * Goal: sharing memory between tensors changes no result, for networks that nobody thought of.
 * Method: random graphs over all operators (seeded). The plan is read against lifetimes found anew from the graph, and the
 * whole program is held against its operators run one at a time, each in a memory of its own, where nothing can be shared.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProgram, type Machine } from '../../../../runtime/eye/infer/engine.ts';
import { checkGraph, type Graph } from '../../../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../../../runtime/eye/infer/pixels.ts';
import type { Region } from '../../../../runtime/eye/infer/plan.ts';
import { type Program, prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import type { GraphTensor } from '../../../../runtime/eye/infer/tensor.ts';
import { readTflite } from '../../../../runtime/eye/infer/tflite.ts';
import { randomGraph } from '../../../../scripts/nets/nets.ts';
import { Random } from '../../../../scripts/nets/random.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';

const GRAPHS = Number(process.env['FC_RUNS'] ?? 120);
const CHOICE = { shape: 'pairs', rounding: 'double' } as const;

function graphOf(seed: number): Graph {
  return checkGraph(readTflite(writeTflite(randomGraph(seed))));
}

function overlap(a: Region, b: Region): boolean {
  return a.offsetBytes < b.offsetBytes + b.bytes && b.offsetBytes < a.offsetBytes + a.bytes;
}

/** First and last operator that touch a tensor, -1 for before all, the count of operators for after all. */
function lifetimesOf(graph: Graph): Map<number, [first: number, last: number]> {
  const lives = new Map<number, [number, number]>();
  const touch = ({ index }: GraphTensor, when: number): void => {
    const life = lives.get(index);
    lives.set(index, life === undefined ? [when, when] : [Math.min(life[0], when), Math.max(life[1], when)]);
  };
  for (const input of graph.inputs.values()) touch(input, -1);
  graph.operators.forEach(({ inputs, output }, when) => {
    for (const tensor of [...inputs.filter(({ constant }) => constant === undefined), output]) touch(tensor, when);
  });
  for (const output of graph.outputs.values()) touch(output, graph.operators.length);
  return lives;
}

test(`in ${GRAPHS} random graphs no two tensors share a byte while both are needed`, () => {
  let sharedCount = 0;
  for (let seed = 1; seed <= GRAPHS; seed += 1) {
    const graph = graphOf(seed);
    const { regions, plan } = prepareProgram(graph, NO_PIXELS, CHOICE);
    const lives = lifetimesOf(graph);
    const placed = [...regions].map(([index, region]) => ({ region, life: lives.get(index)! }));
    for (const [i, a] of placed.entries()) {
      const { offsetBytes, bytes } = a.region;
      assert.ok(offsetBytes >= plan.arena.offsetBytes, `seed ${seed}: ${a.region.name} lies before the arena`);
      assert.ok(offsetBytes + bytes <= plan.arena.offsetBytes + plan.arena.bytes, `seed ${seed}: ${a.region.name}`);
      for (const b of placed.slice(0, i)) {
        const isTogether = a.life[0] <= b.life[1] && b.life[0] <= a.life[1];
        // Two names of the same bytes (a reshape in place) are one tensor.
        const isAlias = a.region === b.region;
        if (!overlap(a.region, b.region)) continue;
        assert.ok(!isTogether || isAlias, `seed ${seed}: ${a.region.name} over ${b.region.name}`);
        sharedCount += 1;
      }
    }
  }
  assert.ok(sharedCount > GRAPHS, `only ${sharedCount} pairs share memory: the plan would prove nothing`);
});

/** Puts values where the program reads them, runs it on dirty memory, and gives what it wrote. */
function run(
  { program, machine }: { program: Program; machine: Machine },
  inputs: Iterable<readonly [GraphTensor, Uint8Array]>,
  outputs: Iterable<GraphTensor>,
): Map<number, Uint8Array> {
  const { arena, scratch } = program.plan;
  const bytes = new Uint8Array(machine.memory.buffer);
  bytes.fill(0x5a, arena.offsetBytes, scratch.offsetBytes + scratch.bytes);
  for (const [{ index }, data] of inputs) {
    const region = program.regions.get(index);
    if (region !== undefined) bytes.set(data, region.offsetBytes);
  }
  machine.kernels.run(program.commandsOffset, 0, program.commandCount);
  return new Map(
    [...outputs].map(({ index, bytes: count }) => {
      const { offsetBytes } = program.regions.get(index)!;
      return [index, bytes.slice(offsetBytes, offsetBytes + count)];
    }),
  );
}

function prepared(graph: Graph): { program: Program; machine: Machine } {
  const program = prepareProgram(graph, NO_PIXELS, CHOICE);
  return { program, machine: loadProgram(program) };
}

test(`${GRAPHS} random graphs give what their operators give one at a time`, () => {
  for (let seed = 1; seed <= GRAPHS; seed += 1) {
    const graph = graphOf(seed);
    const random = new Random(seed);
    const values = new Map<number, Uint8Array>();
    for (const input of graph.inputs.values()) {
      const data =
        input.kind === 'float32'
          ? new Uint8Array(Float32Array.from({ length: input.count }, () => random.integer(-400, 400) / 100).buffer)
          : Uint8Array.from({ length: input.count }, () => random.integer(0, 255));
      values.set(input.index, data);
    }
    const inputs = [...graph.inputs.values()].map((input) => [input, values.get(input.index)!] as const);
    const whole = run(prepared(graph), inputs, graph.outputs.values());
    for (const operator of graph.operators) {
      const own = operator.inputs.filter(({ constant }) => constant === undefined);
      const alone: Graph = {
        operators: [operator],
        inputs: new Map(own.map((input) => [input.name, input])),
        outputs: new Map([['out', operator.output]]),
      };
      const given = own.map((input) => [input, values.get(input.index)!] as const);
      const result = run(prepared(alone), given, [operator.output]);
      values.set(operator.output.index, result.get(operator.output.index)!);
    }
    for (const { name, index } of graph.outputs.values())
      assert.equal(whole.get(index), values.get(index), `seed ${seed}: output ${name}`);
  }
});

test.run();
