/** A golden case: a network, most often of one operator, and the inputs it is run on; both follow from its name. */
import { type OperatorName, TensorType } from '../../runtime/eye/infer/schema.ts';
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NetBuilder, type NetTensor } from '../nets/build.ts';
import { Random, seedOf } from '../nets/random.ts';

/** What a case is kept under: the operator it is about, or NETWORK for several at work together. */
export type CaseGroup = OperatorName | 'NETWORK';

export type GoldenCase = {
  /** Unique in its group. */
  readonly name: string;
  readonly group: CaseGroup;
  readonly model: TfliteModel;
  /** Bytes of each input, little endian, by name. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** Where the inputs y, u, v are the planes of a frame (q = pixel - 128). */
  readonly frame?: { readonly heightPx: number; readonly widthPx: number };
  /** Where work done in place is the point: how many tensors are copied nevertheless. */
  readonly copies?: number;
  /** Run by TFLite's reference kernels only, because the others crash on it or refuse it. */
  readonly referenceOnly?: boolean;
};

/**
 * `any`: uniform bytes. `ends`: -128 and 127 only. `every`: all 256 values in turn. `smooth`: a ramp with a little noise, more
 * like a picture. float32 inputs get reals within ±4, whatever is said here.
 */
export type InputBytes = 'any' | 'ends' | 'every' | 'smooth';

export type CaseOptions = Pick<GoldenCase, 'frame' | 'copies' | 'referenceOnly'> & { readonly inputs?: InputBytes };

/** build: makes the inputs and operators, and says which tensors are the outputs. */
export function defineCase(
  group: CaseGroup,
  name: string,
  build: (net: NetBuilder) => NetTensor | readonly NetTensor[],
  options: CaseOptions = {},
): GoldenCase {
  const net = new NetBuilder(seedOf(`${group} ${name}`));
  return caseOf(group, name, net.model(...[build(net)].flat()), options);
}

/** A case of a network that exists already. */
export function caseOf(group: CaseGroup, name: string, model: TfliteModel, options: CaseOptions = {}): GoldenCase {
  const { inputs = 'any', ...rest } = options;
  return { name, group, model, inputs: inputsOf(model, seedOf(`${group} ${name} inputs`), inputs), ...rest };
}

/** Bytes for every input of a model, by seed. */
export function inputsOf(model: TfliteModel, seed: number, kind: InputBytes = 'any'): Map<string, Uint8Array> {
  const random = new Random(seed);
  const byteAt = {
    any: () => random.uint32() >>> 24,
    ends: () => random.pick([0x80, 0x7f]),
    every: (i: number) => i & 255,
    smooth: (i: number) => (Math.floor(i / 97) + (random.uint32() >>> 28)) & 255,
  }[kind];
  return new Map(
    [...model.inputs].map(([name, index]) => {
      const { shape, type } = model.tensors[index]!;
      const count = shape.reduce((total, size) => total * size, 1);
      if (type !== TensorType.float32) return [name, Uint8Array.from({ length: count }, (_, i) => byteAt(i))];
      return [name, new Uint8Array(Float32Array.from({ length: count }, () => random.real(-4, 4)).buffer)];
    }),
  );
}
