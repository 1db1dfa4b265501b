/**
 * Frames: what a camera fills while a code is looked for. A whole picture is offered to the reading thread, which takes its
 * brightness or not; either way the slot is zero when `completeFrame` returns. A torn or late one is cleared and counted.
 * Memory: one slot.
 */
import type { FrameSink } from '../../../runtime/ports/camera.ts';
import { SCAN_FORMAT } from './plate.ts';

export class ScanFrames implements FrameSink {
  readonly slot = new Uint8Array(SCAN_FORMAT.frameBytes);
  /** Since the start; each was cleared. */
  framesRead = 0;
  framesDropped = 0;
  readonly #offer: (frame: Uint8Array) => void;

  constructor(offer: (frame: Uint8Array) => void) {
    this.#offer = offer;
  }

  /** Nothing is measured here: how long a picture lives is decided by the reading thread. */
  beginFrame(): void {}

  completeFrame(): void {
    this.framesRead += 1;
    this.#offer(this.slot);
    this.slot.fill(0);
  }

  abandonFrame(): void {
    this.framesDropped += 1;
    this.slot.fill(0);
  }

  /** The camera failed in the middle of a frame and may not have said so. */
  clear(): void {
    this.slot.fill(0);
  }
}
