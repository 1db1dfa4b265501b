/** A model ready to run on seeded bytes, without the engine's warm-up: under emulation that would take longer than the work. */

import { planEngine } from '../../runtime/eye/infer/engine.ts';
import { checkGraph, type Graph } from '../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../runtime/eye/infer/pixels.ts';
import { type Program, type ProgramChoice, prepareProgram } from '../../runtime/eye/infer/program.ts';
import { imageShape } from '../../runtime/eye/infer/tensor.ts';
import { readTflite } from '../../runtime/eye/infer/tflite.ts';
import type { FrameFormat } from '../../runtime/ports/camera.ts';

export type PreparedModel = { readonly graph: Graph; readonly program: Program };

/**
 * frame: the picture is converted from such a frame in the slot. Without one, a model with an input y reads frames of its
 * size; the inputs of any other lie in the arena.
 */
export function prepareModel(modelBytes: Uint8Array, choice: ProgramChoice, frame?: FrameFormat): PreparedModel {
  const graph = checkGraph(readTflite(modelBytes));
  const y = graph.inputs.get('y');
  const [, height = 0, width = 0] = (y && imageShape(y)) ?? [];
  const format = frame ?? (y && frameOf(width, height));
  if (format === undefined) return { graph, program: prepareProgram(graph, NO_PIXELS, choice) };
  return planEngine(modelBytes, format, choice);
}

export function frameOf(widthPx: number, heightPx: number): FrameFormat {
  return { widthPx, heightPx, strideBytes: widthPx, frameBytes: (widthPx * heightPx * 3) / 2, frameRateHz: 15 };
}

/** Fills bytes with noise (even seeds) or with a slanted ramp under a little noise (odd seeds), which has large equal areas. */
export function fillSeeded(bytes: Uint8Array, seed: number): void {
  let state = seed >>> 0;
  for (let i = 0; i < bytes.length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = seed % 2 === 0 ? state >>> 24 : (Math.floor(i / 97) + (state >>> 28)) & 255;
  }
}
