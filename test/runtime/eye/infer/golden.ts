/** Golden vectors of the engine, read from test/golden/infer, and frames built from them. */
import { readFileSync } from 'node:fs';
import type { FrameFormat } from '../../../../runtime/ports/camera.ts';

/** All data are base64: a .tflite file, int8 tensors, or uint8 pixels where there is a frame. */
export type GoldenCase = {
  readonly name: string;
  /** Kernels that the loader is expected to choose. */
  readonly kernels: readonly string[] | null;
  readonly frame?: { readonly width_px: number; readonly height_px: number };
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
};

/** Tests run from dist/test/runtime/eye/infer; golden files stay where they are committed. */
export const goldenFolder = new URL('../../../../../test/golden/infer/', import.meta.url);

export function goldenFile(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, goldenFolder), 'utf8'));
}

export function goldenCases(): readonly GoldenCase[] {
  return (goldenFile('operators.json') as { readonly cases: readonly GoldenCase[] }).cases;
}

/** The smallest network with every operator of the person detector; 48 x 32 px. */
export function smallDetector(): {
  readonly golden: GoldenCase;
  readonly model: Uint8Array;
  readonly format: FrameFormat;
} {
  const golden = goldenCases().find((candidate) => candidate.name === 'small detector')!;
  return { golden, model: uint8(golden.model), format: frameOf(48, 32, 48) };
}

export function uint8(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

export function int8(base64: string): Int8Array {
  return new Int8Array(uint8(base64).buffer);
}

export function frameOf(widthPx: number, heightPx: number, strideBytes: number): FrameFormat {
  return { widthPx, heightPx, strideBytes, frameBytes: (strideBytes * heightPx * 3) / 2, frameRateHz: 15 };
}

/** Writes the planes y, u, v into a slot, row by row at its stride. */
export function fillFrame(
  slot: Uint8Array,
  { widthPx, heightPx, strideBytes }: FrameFormat,
  plane: (name: 'y' | 'u' | 'v', bytes: number) => Uint8Array,
): void {
  let offset = 0;
  for (const name of ['y', 'u', 'v'] as const) {
    const half = name === 'y' ? 1 : 2;
    const [width, height] = [widthPx / half, heightPx / half];
    const bytes = plane(name, width * height);
    for (let row = 0; row < height; row += 1) {
      slot.set(bytes.subarray(row * width, (row + 1) * width), offset);
      offset += strideBytes / half;
    }
  }
}
