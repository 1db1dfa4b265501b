/**
 * Our engine on a whole net. Inputs lie in the arena, or, where they are the planes y, u and v of a camera's frame, in the
 * frame slot as in the product. Erasing the slot and every tensor belongs to the time: the engine never runs without.
 */

import type { Rounding } from '../../../runtime/eye/infer/quantize.ts';
import type { FrameFormat } from '../../../runtime/ports/camera.ts';
import type { Adapter, Port } from '../adapter.ts';

export const adapter: Adapter = ({ bytes, inputs, outputs, samples, variant }) => {
  const format = frameOf(inputs);
  // A plane of the slot has pixels 0..255 where the tensor has q = pixel - 128.
  const flip = format === undefined ? 0 : 128;
  const flipped = samples.map((sample) => sample.map((values) => Uint8Array.from(values, (q) => (q & 255) ^ flip)));
  return {
    load: async () => {
      // Imported here, so that loading its code is part of the load time as it is with the others.
      const { loadProgram, shapeOfMachine } = await import('../../../runtime/eye/infer/engine.ts');
      const { checkGraph } = await import('../../../runtime/eye/infer/graph.ts');
      const { NO_PIXELS, pixelSource } = await import('../../../runtime/eye/infer/pixels.ts');
      const { prepareProgram } = await import('../../../runtime/eye/infer/program.ts');
      const { readTflite } = await import('../../../runtime/eye/infer/tflite.ts');
      const graph = checkGraph(readTflite(bytes));
      const source = format === undefined ? NO_PIXELS : pixelSource(graph, format);
      const program = prepareProgram(graph, source, { shape: shapeOfMachine(), rounding: variant as Rounding });
      const { memory, kernels } = loadProgram(program);
      const { plan, commandsOffset, commandCount } = program;
      const whole = new Uint8Array(memory.buffer);
      let frameOffset = plan.slot.offsetBytes;
      const inputOffsets = inputs.map((port, i) => {
        if (format === undefined) return program.regions.get(graph.inputs.get(port.name)!.index)!.offsetBytes;
        frameOffset += samples[0]![i]!.length;
        return frameOffset - samples[0]![i]!.length;
      });
      const results = outputs.map(({ name }) => {
        const { index, bytes: count } = graph.outputs.get(name)!;
        return new Int8Array(memory.buffer, program.regions.get(index)!.offsetBytes, count);
      });
      const derivedBytes = plan.scratch.offsetBytes + plan.scratch.bytes - plan.arena.offsetBytes;
      let last = 0;
      const compute = (sampleIndex: number): void => {
        const sample = flipped[sampleIndex]!;
        for (let i = 0; i < sample.length; i += 1) whole.set(sample[i]!, inputOffsets[i]!);
        kernels.run(commandsOffset, 0, commandCount);
      };
      return {
        run: (sampleIndex) => {
          compute(sampleIndex);
          kernels.erase(plan.slot.offsetBytes, plan.slot.bytes);
          kernels.erase(plan.arena.offsetBytes, derivedBytes);
          last = sampleIndex;
          return undefined;
        },
        outputs: () => {
          // The run has erased them, so they are made once more.
          compute(last);
          return Float32Array.from(results.flatMap((values) => [...values]));
        },
      };
    },
  };
};

/** The frame whose planes the inputs are, in this order; undefined for all other inputs. */
function frameOf(inputs: readonly Port[]): FrameFormat | undefined {
  const [y] = inputs;
  if (inputs.map(({ name }) => name).join() !== 'y,u,v' || y === undefined) return undefined;
  const [, heightPx = 0, widthPx = 0] = y.shape;
  return { widthPx, heightPx, strideBytes: widthPx, frameBytes: (widthPx * heightPx * 3) / 2, frameRateHz: 1 };
}
