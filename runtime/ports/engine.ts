/**
 * Engine port: a detector network that was prepared once and is run blindly, once per frame.
 * The three steps are separate so that the frame loop, where a reader looks for it, shows when pixels die.
 */
import type { FrameFormat } from './camera.ts';

/**
 * One output tensor, values dense, last dimension first; data is kept for life. int8 and uint8: real = (q - zeroPoint) × scale;
 * float32: the real values themselves (scale 1, zero point 0).
 */
export type OutputTensor = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
  readonly data: Int8Array | Uint8Array | Float32Array;
};

export interface Engine {
  readonly name: string;
  readonly format: FrameFormat;
  /** The frame slot: frameBytes long, inside the engine's memory. */
  readonly slot: Uint8Array;
  readonly outputs: readonly OutputTensor[];
  /** Runs every layer up to and including the last one that reads pixels. */
  readPixels(): void;
  /** Zeroes the frame slot. Also right for a partial frame. */
  erasePixels(): void;
  /** Runs the other layers; afterwards `outputs` hold the result. */
  finish(): void;
  /** Zeroes every tensor that was derived from the picture, outputs included. */
  eraseTensors(): void;
}
