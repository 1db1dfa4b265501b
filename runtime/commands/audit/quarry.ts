/**
 * What the audit looks for: the last frames that its camera sent, whole and halved, and what the engine made of the last few
 * of them. Filled anew for every look, since an older frame that has left no trace by then leaves none later.
 * Memory: for 100 frames of 256 × 192 about 350 MB, for each look the same.
 */

import type { Rounding } from '../../eye/infer/quantize.ts';
import type { Model } from '../../eye/model.ts';
import type { FrameFormat } from '../../ports/camera.ts';
import { Pattern } from '../../privacy/search/pattern.ts';
import { type Find, Scanner } from '../../privacy/search/scanner.ts';
import { WindowSet } from '../../privacy/search/windows.ts';
import { ReferenceRun } from './reference.ts';

/** Frames whose pixels are searched for. */
export const FRAMES_SOUGHT = 100;
/** Frames whose tensors are: what is derived from a frame is overwritten by the next one's at the same place. */
export const TENSOR_FRAMES_SOUGHT = 3;
/** Of a frame's tensors: all layers of the person detector write ten times its pixels. */
const TENSOR_BYTES_PER_PIXEL_BYTE = 24;

export class Quarry {
  readonly frameBytes: number;
  /** Finds of what is looked for. A field, so that it can be handed on. */
  readonly scan: (bytes: Uint8Array, onFind: (find: Find) => void) => void;
  /** Bytes of tensors that did not fit; 0 unless a model writes far more than it reads. */
  tensorBytesLeftOut = 0;
  readonly #pattern: Pattern;
  readonly #frames: WindowSet;
  readonly #halved: WindowSet;
  readonly #tensors: WindowSet;
  readonly #reference: ReferenceRun;
  readonly #frame: Uint8Array;

  constructor(key: Uint8Array, model: Model, format: FrameFormat, rounding: Rounding) {
    const { frameBytes } = format;
    this.#pattern = new Pattern(key);
    this.#frames = new WindowSet(FRAMES_SOUGHT * frameBytes);
    this.#halved = new WindowSet(FRAMES_SOUGHT * frameBytes);
    this.#tensors = new WindowSet(TENSOR_FRAMES_SOUGHT * TENSOR_BYTES_PER_PIXEL_BYTE * frameBytes);
    this.#reference = new ReferenceRun(model, format, rounding);
    this.#frame = new Uint8Array(frameBytes);
    this.frameBytes = frameBytes;
    const scanner = new Scanner({
      pattern: this.#pattern,
      frames: this.#frames,
      halved: this.#halved,
      tensors: this.#tensors,
    });
    this.scan = (bytes, onFind) => scanner.scan(bytes, onFind);
  }

  /** From now on the last frames before `endIndex` are looked for. */
  lookFor(endIndex: number): void {
    for (const set of [this.#frames, this.#halved, this.#tensors]) set.clear();
    for (let frameIndex = Math.max(0, endIndex - FRAMES_SOUGHT); frameIndex < endIndex; frameIndex++) {
      this.#pattern.fill(frameIndex, this.#frame);
      this.#frames.add(this.#frame);
      if (frameIndex >= endIndex - TENSOR_FRAMES_SOUGHT) this.#addTensors();
      for (let i = 0; i < this.#frame.length; i++) this.#frame[i]! >>= 1;
      this.#halved.add(this.#frame);
    }
    this.#frame.fill(0);
  }

  #addTensors(): void {
    this.#reference.run(this.#frame, (bytes) => {
      if (!this.#tensors.add(bytes)) this.tensorBytesLeftOut += bytes.length;
    });
  }
}
