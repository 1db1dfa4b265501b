/** Inputs on which the delivered person model is compared: bytes of noise, and a ramp with a little of it. */
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';

export type PersonFrame = { readonly name: string; readonly seed: number; readonly smooth: boolean };

export const PERSON_FRAMES: readonly PersonFrame[] = [
  { name: 'noise', seed: 1, smooth: false },
  { name: 'ramp', seed: 2, smooth: true },
];

/** Pixels of one plane: a linear congruential generator (Numerical Recipes, ranqd1). */
export function personPlane({ seed, smooth }: PersonFrame, plane: 'y' | 'u' | 'v', count: number): Uint8Array {
  let state = 10 * seed + 'yuv'.indexOf(plane);
  return Uint8Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const byte = state >>> 24;
    return smooth ? (Math.floor(i / 97) + (byte >> 4)) & 255 : byte;
  });
}

/** The model's int8 inputs: q = pixel - 128. */
export function personInputs(model: TfliteModel, frame: PersonFrame): Map<string, Uint8Array> {
  return new Map(
    [...model.inputs].map(([name, index]) => {
      const count = model.tensors[index]!.shape.reduce((total, size) => total * size, 1);
      return [name, personPlane(frame, name as 'y' | 'u' | 'v', count).map((pixel) => pixel ^ 0x80)];
    }),
  );
}
