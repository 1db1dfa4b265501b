/**
 * Camera port: something that fills the one frame slot with planar YUV420 pictures.
 * Contract for implementations:
 * - pixels are written into `sink.slot` and nowhere else: no buffer of one's own, no `data` events (they allocate and
 *   leave pixels in the heap);
 * - `beginFrame` before or right at the first byte, then either `completeFrame` or `abandonFrame`; both return only when
 *   the slot is all zero again, so the driver may go on filling at once;
 * - nothing is called on the sink after `stop()` has resolved or after `onEnd`/`onError` has been called;
 * - a short, late or torn frame is abandoned; streams without markers are restarted (report `onError`), as the rest is lost.
 */
import type { DriverError } from '../errors.ts';

/** Geometry of one frame. Y plane: [heightPx, strideBytes] uint8; then U and V: [heightPx/2, strideBytes/2]. Full range. */
export type FrameFormat = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Bytes from one luma row to the next, >= widthPx; chroma rows are half of it. */
  readonly strideBytes: number;
  /** strideBytes × heightPx × 3/2 */
  readonly frameBytes: number;
  /** Frames per second the camera aims at; a file may deliver faster than real time. */
  readonly frameRateHz: number;
};

export interface FrameSink {
  /** The frame slot, frameBytes long; the same view for the life of the program. */
  readonly slot: Uint8Array;
  /** The first byte of a frame is in, or about to be. Starts the clock of the pixel residency. */
  beginFrame(): void;
  /**
   * The slot holds a whole frame. Detection, tracking and counting happen inside this call, and the slot is zero when
   * it returns. capturedAtUs: monotonic time of the picture in microseconds (for files: position in the clip).
   */
  completeFrame(capturedAtUs: number): void;
  /** The slot holds part of a frame that will not be completed: it is zeroed and counted as dropped. */
  abandonFrame(): void;
}

export type CameraEvents = {
  /** The source has no more frames (files only). */
  readonly onEnd: () => void;
  /** The camera failed after start; the owner decides on a restart. Called at most once per start. */
  readonly onError: (error: DriverError) => void;
  /** Only simulated cameras: a person truly crossed line `lineIndex` (0 = in, 1 = out). For showing counted against true. */
  readonly onTruth?: (lineIndex: number, direction: 0 | 1, capturedAtUs: number) => void;
};

export interface Camera {
  /** One word for logs: `scene`, `video`, `rpicam`. */
  readonly name: string;
  /** True where pictures are computed and not seen. */
  readonly simulated: boolean;
  readonly format: FrameFormat;
  /** Resolves once the source is open (frames may take longer); rejects with DriverError. */
  start(sink: FrameSink, events: CameraEvents): Promise<void>;
  /** Ends the stream, abandons a partial frame, leaves no process behind. Safe to call twice. */
  stop(): Promise<void>;
}
