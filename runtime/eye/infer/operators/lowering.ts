/**
 * From a checked operator to commands: what a lowering has in hand, and what it gives back.
 * Constants are packed at once; addresses are not known before the memory is planned, so a command keeps a function that
 * writes its words when they are.
 */

import { ALIGNMENT_BYTES } from '../plan.ts';
import type { Rounding } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';

/** An input tensor that is not in the arena but in the frame slot: unsigned pixels, zero point -128. */
export type PixelPlane = {
  /** From the start of the slot. */
  readonly offsetBytes: number;
  /** From one row to the next. */
  readonly rowBytes: number;
};

/**
 * Which kernels a program may use; all of them give the same bytes.
 * `scalar`: the reference kernel everywhere, to hold the fast ones against. `pairs`: SIMD shaped for arm64 (smull, smlal,
 * sadalp). `dot`: SIMD shaped for x86-64 (pmaddwd). `relaxed-…`: four products at a time with relaxed SIMD, as the machine
 * does it (../relaxed.ts): with signed taps (sdot), or with unsigned ones (vpdpbusd). Only with the rounding fp32; with
 * another one they are `pairs` and `dot`, and so are depthwise convolutions.
 */
export const KERNEL_SHAPES = ['pairs', 'dot', 'relaxed-signed', 'relaxed-unsigned', 'scalar'] as const;
export type KernelShape = (typeof KERNEL_SHAPES)[number];
export type RelaxedShape = 'relaxed-signed' | 'relaxed-unsigned';

/** One module has these instructions, `relaxed`, for the rounding that is fast. */
export function isRelaxed(shape: KernelShape, rounding: Rounding): boolean {
  return rounding === 'fp32' && (shape === 'relaxed-signed' || shape === 'relaxed-unsigned');
}

/** Byte addresses in the linear memory, known when the plan is made. */
export type Addresses = {
  readonly tensor: (tensor: GraphTensor) => number;
  /** Bytes from pixel to pixel where the tensor lies: more than its channels where it is part of a concatenation. */
  readonly pixelBytes: (tensor: GraphTensor) => number;
  readonly constant: (offset: number) => number;
  /** Start of the scratch, scratchBytes of the command long; shared by all commands, so nothing survives in it. */
  readonly scratch: number;
};

export type Command = {
  /** Name of the kernel, for the plan that people read. */
  readonly kernel: string;
  readonly scratchBytes?: number;
  /** Fills the words of layout.ts; all of them are 0 before. */
  readonly write: (words: Int32Array, address: Addresses) => void;
};

export type Lowering = {
  readonly shape: KernelShape;
  readonly rounding: Rounding;
  /** Takes constants into the memory; gives what Addresses.constant wants. */
  readonly pack: (data: Uint8Array) => number;
  /** Where the tensor is a plane of the frame slot. Only convolutions are asked to read one. */
  readonly plane: (tensor: GraphTensor) => PixelPlane | undefined;
  /** True where the input lies in the output already: a part of a concatenation, or a tensor and its other shape. */
  readonly isInPlace: (input: GraphTensor, output: GraphTensor) => boolean;
};

export type Lower<Operator> = (operator: Operator, lowering: Lowering) => readonly Command[];

export function int32Bytes(values: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** A float32 as a word of a command. */
export function float32Bits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/** Constants one after another, each at a multiple of 16. */
export class Packer {
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
