/**
 * Goal: the compiled kernels need nothing but the memory, carry no data, and the fast ones equal the scalar one.
 * Method: the module's own tables; fast-check over random layers, both kernels on the same bytes.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProgram } from '../../../../runtime/eye/infer/engine.ts';
import type { Graph } from '../../../../runtime/eye/infer/graph.ts';
import type { Convolution } from '../../../../runtime/eye/infer/operators/convolution.ts';
import type { KernelShape } from '../../../../runtime/eye/infer/operators/lowering.ts';
import { NO_PIXELS } from '../../../../runtime/eye/infer/pixels.ts';
import { prepareProgram } from '../../../../runtime/eye/infer/program.ts';
import { quantizeMultiplier } from '../../../../runtime/eye/infer/quantize.ts';
import type { GraphTensor } from '../../../../runtime/eye/infer/tensor.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 150);
const wasm = readFileSync(new URL('../../../../runtime/eye/infer/kernels/double.wasm', import.meta.url));

/** Ids of the sections of a module (WebAssembly core specification, 5.5.2): id, size in LEB128, content. */
function sectionIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at]!);
    let size = 0;
    let shift = 0;
    for (at += 1; ; at += 1, shift += 7) {
      size += (bytes[at]! & 127) * 2 ** shift;
      if (bytes[at]! < 128) break;
    }
    at += 1 + size;
  }
  return ids;
}

test('the module imports one memory and exports two functions', () => {
  const module = new WebAssembly.Module(wasm);
  assert.equal(WebAssembly.Module.imports(module), [{ module: 'env', name: 'memory', kind: 'memory' }]);
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
  assert.equal(functions.map(({ name }) => name).sort(), ['erase', 'run']);
});

test('the module has no data section: it puts nothing into the memory by itself', () => {
  const ids = sectionIds(wasm);
  assert.ok(ids.includes(10), 'a code section was found, so the walk is right');
  assert.not(ids.includes(11));
});

function tensor(index: number, shape: readonly [number, number, number, number], zeroPoint: number): GraphTensor {
  const count = shape[1] * shape[2] * shape[3];
  return { index, name: `t${index}`, kind: 'int8', shape, count, bytes: count, scale: 0.01, zeroPoint };
}

/** A random layer that has a fast kernel; arithmetic at its ends is as likely as anything else. */
const layers = fc
  .record({
    depthwise: fc.boolean(),
    height: fc.integer({ min: 1, max: 6 }),
    width: fc.integer({ min: 1, max: 6 }),
    inputBlocks: fc.integer({ min: 1, max: 4 }),
    outputChannels: fc.integer({ min: 1, max: 20 }),
    stride: fc.integer({ min: 1, max: 2 }),
    zeroPointIn: fc.integer({ min: -128, max: 127 }),
    zeroPointOut: fc.integer({ min: -128, max: 127 }),
    shift: fc.integer({ min: -16, max: -1 }),
    fractions: fc.array(fc.double({ min: 0.5, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    }),
    biasMax: fc.constantFrom(0, 100, 100_000, 1_000_000),
    weightMax: fc.constantFrom(1, 20, 127),
    seed: fc.nat(),
  })
  .map((layer) => {
    let state = layer.seed >>> 0;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.round((state / 2 ** 32) * 2 * limit - limit);
    };
    const { depthwise, height, width, stride } = layer;
    const inputChannels = depthwise ? 8 * layer.inputBlocks : 4 * layer.inputBlocks;
    const outputChannels = depthwise ? inputChannels : layer.outputChannels;
    const size = (cells: number): number => (depthwise ? Math.ceil(cells / stride) : cells);
    const padding = (cells: number): number =>
      depthwise ? Math.floor(Math.max(0, (size(cells) - 1) * stride + 3 - cells) / 2) : 0;
    const kernel = depthwise ? 3 : 1;
    const input = tensor(0, [1, height, width, inputChannels], layer.zeroPointIn);
    const output = tensor(1, [1, size(height), size(width), outputChannels], layer.zeroPointOut);
    const factors = Array.from({ length: outputChannels }, (_, channel) => {
      // Neighbouring channels differ in exponent, as they do in real layers.
      const exponent = Math.max(-16, layer.shift - (channel % 3));
      return Math.fround(layer.fractions[channel % 20]! * 2 ** exponent);
    });
    const convolution: Convolution = {
      kind: 'convolution',
      index: 0,
      inputs: [input],
      output,
      depthwise,
      depthMultiplier: 1,
      inputHeight: height,
      inputWidth: width,
      inputChannels,
      outputHeight: size(height),
      outputWidth: size(width),
      outputChannels,
      weights: Int8Array.from({ length: outputChannels * (depthwise ? 9 : inputChannels) }, () =>
        random(layer.weightMax),
      ),
      kernelY: kernel,
      kernelX: kernel,
      strideY: depthwise ? stride : 1,
      strideX: depthwise ? stride : 1,
      dilationY: 1,
      dilationX: 1,
      padTop: padding(height),
      padLeft: padding(width),
      bias: Int32Array.from({ length: outputChannels }, () => random(layer.biasMax)),
      factors: factors.map(quantizeMultiplier),
      scales: factors,
      range: { minQ: Math.max(-128, layer.zeroPointOut - 90), maxQ: Math.min(127, layer.zeroPointOut + 100) },
    };
    const values = Int8Array.from({ length: input.bytes }, () => random(128));
    return { convolution, values };
  });

function result(convolution: Convolution, values: Int8Array, choice: KernelShape): Int8Array {
  const [input] = convolution.inputs;
  const graph: Graph = {
    operators: [convolution],
    inputs: new Map([['x', input]]),
    outputs: new Map([['out', convolution.output]]),
  };
  const program = prepareProgram(graph, NO_PIXELS, { shape: choice, rounding: 'double' });
  const { memory, kernels } = loadProgram(program);
  const bytes = new Int8Array(memory.buffer);
  bytes.set(values, program.regions.get(input.index)!.offsetBytes);
  kernels.run(program.commandsOffset, 0, program.commandCount);
  const { offsetBytes } = program.regions.get(convolution.output.index)!;
  return bytes.slice(offsetBytes, offsetBytes + convolution.output.bytes);
}

test('fast kernels equal the scalar kernel bit for bit', () => {
  let fastCount = 0;
  fc.assert(
    fc.property(layers, ({ convolution, values }) => {
      const graph = { operators: [convolution], inputs: new Map(), outputs: new Map() };
      if (!prepareProgram(graph, NO_PIXELS, { shape: 'pairs', rounding: 'double' }).kernels[0]!.includes('any'))
        fastCount += 1;
      assert.equal(result(convolution, values, 'pairs'), result(convolution, values, 'scalar'));
    }),
    { numRuns: RUNS },
  );
  assert.ok(fastCount > RUNS / 3, `only ${fastCount} of ${RUNS} layers were served by a fast kernel`);
});

test.run();
