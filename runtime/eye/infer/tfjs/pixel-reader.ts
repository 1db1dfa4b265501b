/**
 * The frame slot of the second engine, and the way from its bytes to a model's inputs. Which input is a plane of the slot
 * and which a converted picture is settled by pixels.ts, as for our own engine; the conversion is done by the same kernels,
 * in a memory of their own: it is the network that is computed twice, not the picture.
 */
import type { FrameFormat } from '../../../ports/camera.ts';
import { loadProgram, type Machine, shapeOfMachine } from '../engine.ts';
import type { Graph } from '../graph.ts';
import type { PixelPlane } from '../operators/lowering.ts';
import { pixelSource } from '../pixels.ts';
import { type Program, prepareProgram } from '../program.ts';
import { type GraphTensor, imageShape } from '../tensor.ts';

type Input = {
  readonly tensor: GraphTensor;
  /** Where it lies in the slot; undefined for a converted picture. */
  readonly plane: PixelPlane | undefined;
  /** Its quantised values, for as long as they are handed over. */
  readonly values: Float32Array;
};

export class PixelReader {
  readonly slot: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #program: Program;
  readonly #machine: Machine;
  readonly #inputs: readonly Input[];

  /** Throws ModelError `MODEL_MISMATCH`. */
  constructor(graph: Graph, format: FrameFormat) {
    const { slotBytes, planes, feeds } = pixelSource(graph, format);
    const converted = new Map(feeds.map(({ target }) => [target.name, target]));
    this.#program = prepareProgram(
      { operators: [], inputs: converted, outputs: converted },
      { slotBytes, planes: new Map(), feeds },
      { shape: shapeOfMachine(), rounding: 'double' },
    );
    this.#machine = loadProgram(this.#program);
    this.#bytes = new Uint8Array(this.#machine.memory.buffer);
    const { slot } = this.#program.plan;
    this.slot = this.#bytes.subarray(slot.offsetBytes, slot.offsetBytes + slot.bytes);
    this.#inputs = [...graph.inputs.values()].map((tensor) => ({
      tensor,
      plane: planes.get(tensor.index),
      values: new Float32Array(tensor.count),
    }));
  }

  /** Hands every input over; `take` must copy the values, which are zeroed after it. */
  read(take: (input: GraphTensor, values: Float32Array) => void): void {
    this.#machine.kernels.run(this.#program.commandsOffset, 0, this.#program.commandCount);
    for (const { tensor, plane, values } of this.#inputs) {
      if (plane !== undefined) copyPlane(this.slot, plane, tensor, values);
      else copyConverted(this.#bytes, this.#program.regions.get(tensor.index)!.offsetBytes, tensor, values);
      take(tensor, values);
      values.fill(0);
    }
  }

  /** Zeroes the slot and the converted picture. */
  erase(): void {
    for (const { offsetBytes, bytes } of this.#program.pixelRegions) this.#machine.kernels.erase(offsetBytes, bytes);
  }
}

/** Pixel p is q - zeroPoint. */
function copyPlane(slot: Uint8Array, plane: PixelPlane, tensor: GraphTensor, values: Float32Array): void {
  const [, height, width] = imageShape(tensor)!;
  for (let y = 0; y < height; y += 1) {
    const row = plane.offsetBytes + y * plane.rowBytes;
    for (let x = 0; x < width; x += 1) values[y * width + x] = slot[row + x]! + tensor.zeroPoint;
  }
}

function copyConverted(bytes: Uint8Array, first: number, { kind, count }: GraphTensor, values: Float32Array): void {
  for (let i = 0; i < count; i += 1) {
    const byte = bytes[first + i]!;
    values[i] = kind === 'int8' ? (byte << 24) >> 24 : byte;
  }
}
