/**
 * What the check of one operator has in hand: its tensors, its options, and the words to refuse it with.
 * A check returns a checked operator or refuses; graph.ts adds the operator's index, name and tensors to the refusal.
 */

import { type ActivationRange, activationRange } from '../quantize.ts';
import type { OperatorName, Options } from '../schema.ts';
import { TensorType } from '../schema.ts';
import { type GraphTensor, type ImageShape, imageShape } from '../tensor.ts';
import type { TfliteOperator, TfliteTensor } from '../tflite.ts';

/** Thrown by a check; caught by checkGraph, which goes on with the next operator. */
export class Unsupported extends Error {}

export function refuse(why: string): never {
  throw new Unsupported(why);
}

/** All a check may ask for. Every getter refuses what is not there. */
export type Site = {
  readonly operator: TfliteOperator;
  readonly output: GraphTensor;
  /** How many inputs the file names, absent ones (-1) at the end left out. */
  readonly inputCount: number;
  /** Input that was computed before, or a constant read like one. */
  readonly input: (position: number) => GraphTensor;
  /** Raw constant, of any type. */
  readonly constant: (position: number) => TfliteTensor;
};

export type Check<Operator> = (site: Site) => Operator;

/** The options by the name the schema gives them. Only for a check of that operator. */
export function optionsOf<Name extends OperatorName>({ operator }: Site, _name: Name): Options<Name> {
  return operator.options as Options<Name>;
}

export function expectInputs({ inputCount }: Site, least: number, most = least): void {
  if (inputCount < least || inputCount > most)
    refuse(`has ${inputCount} inputs; expected ${least === most ? least : `${least} to ${most}`}`);
}

/** Refuses types other than int8. */
export function expectInt8(...tensors: readonly GraphTensor[]): void {
  for (const { name, kind } of tensors) {
    if (kind !== 'int8') refuse(`has tensor ${name} of type ${kind}; expected int8`);
  }
}

/** [1, y, x, channel]; refuses other batches and ranks above 4. */
export function imageOf(tensor: GraphTensor): ImageShape {
  const shape = imageShape(tensor);
  if (shape === undefined || shape[0] !== 1)
    return refuse(`has tensor ${tensor.name} of shape [${tensor.shape}]; expected [1, y, x, channel]`);
  return shape;
}

export function expectShape(tensor: GraphTensor, expected: readonly number[]): void {
  if (tensor.shape.length !== expected.length || tensor.shape.some((size, i) => size !== expected[i])) {
    refuse(`has tensor ${tensor.name} of shape [${tensor.shape}]; expected [${expected}]`);
  }
}

export function expectSameScale(inputs: readonly GraphTensor[], output: GraphTensor): void {
  for (const input of inputs) {
    if (input.kind !== output.kind || input.scale !== output.scale || input.zeroPoint !== output.zeroPoint) {
      refuse(`would have to requantise ${input.name} for ${output.name}; expected the same scale and zero point`);
    }
  }
}

/** Int32 values of a constant; `count` undefined takes as many as there are, at most 64. */
export function int32Values(tensor: TfliteTensor, count?: number): Int32Array<ArrayBuffer> {
  const data = tensor.data ?? new Uint8Array(0);
  const found = data.length / 4;
  if (tensor.type !== TensorType.int32 || !Number.isInteger(found) || found !== (count ?? Math.min(found, 64))) {
    return refuse(
      `has tensor ${tensor.name} of type ${tensor.type} with ${data.length} bytes; expected ${count ?? 'at most 64'} int32`,
    );
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Int32Array.from({ length: found }, (_, i) => view.getInt32(4 * i, true));
}

/** Range of the fused activation in the output's units. */
export function fusedRange(fused: number, output: GraphTensor): ActivationRange {
  if (fused < 0 || fused > 3) refuse(`has fused activation ${fused}; expected none, RELU, RELU_N1_TO_1 or RELU6`);
  const range = activationRange(fused, output.scale, output.zeroPoint);
  if (range.minQ > range.maxQ) refuse('has an activation range without any value');
  return range;
}

/** tensorflow/lite/kernels/padding.h: ComputeOutSize and ComputePaddingWithOffset. padding: schema.ts, Padding. */
export function placeWindow(
  padding: number,
  inputSize: number,
  window: number,
  stride: number,
  dilation: number,
  stepMax = 16,
) {
  for (const step of [stride, dilation]) {
    if (!(step >= 1 && step <= stepMax)) refuse(`has a stride or dilation of ${step}; expected 1 to ${stepMax}`);
  }
  if (!(window >= 1 && window <= 1 << 16)) refuse(`has a window of ${window} cells`);
  const reach = (window - 1) * dilation + 1;
  if (padding !== 0 && padding !== 1) refuse(`has padding ${padding}; expected SAME (0) or VALID (1)`);
  const outputSize = Math.floor((padding === 0 ? inputSize + stride - 1 : inputSize + stride - reach) / stride);
  if (outputSize < 1) refuse(`has a window of ${reach} cells for an input of ${inputSize}`);
  const padBefore = Math.floor(Math.max(0, (outputSize - 1) * stride + reach - inputSize) / 2);
  return { outputSize, padBefore };
}
