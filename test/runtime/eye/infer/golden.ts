/** Golden vectors of the engine: outputs stored in test/golden/infer, networks and inputs made anew from their seeds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelShape } from '../../../../runtime/eye/infer/operators/lowering.ts';
import { loadProbe, shapeOf } from '../../../../runtime/eye/infer/relaxed.ts';
import type { FrameFormat } from '../../../../runtime/ports/camera.ts';
import { SMALL_DETECTOR } from '../../../../scripts/golden/cases-network.ts';
import { bytes, type Tensors } from '../../../../scripts/golden/interpreter.ts';
import type { GoldenFile, StoredCase } from '../../../../scripts/golden/stored.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { sourceRoot } from '../../../fakes/root.ts';

/** name: below test/golden/infer. */
export function goldenFile<Case = StoredCase>(name: string): GoldenFile<Case> {
  return JSON.parse(readFileSync(join(sourceRoot(), 'test/golden/infer', name), 'utf8')) as GoldenFile<Case>;
}

const relaxed = shapeOf(loadProbe());

/** Every kernel shape gives the same bytes; relaxed ones only exist where V8 and the processor have them. */
export const SHAPES: readonly KernelShape[] = ['scalar', 'pairs', 'dot', ...(relaxed ? [relaxed] : [])];

/** The smallest network with every operator of the person detector; 48 x 32 px. */
export function smallDetector(): { readonly model: Uint8Array; readonly format: FrameFormat } {
  return { model: writeTflite(SMALL_DETECTOR.model), format: frameOf(48, 32, 48) };
}

/** Pixels of a plane on which the small detector has known outputs. */
export function smallDetectorPixels(plane: 'y' | 'u' | 'v'): Uint8Array {
  return SMALL_DETECTOR.inputs.get(plane)!.map((q) => q ^ 0x80);
}

/** Bytes of its outputs heat and box on these pixels, as TFLite computes them. */
export function smallDetectorOutputs(): Tensors {
  return bytes(goldenFile('operators/NETWORK.json').cases.find(({ name }) => name === SMALL_DETECTOR.name)!.outputs);
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
