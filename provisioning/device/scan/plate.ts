/**
 * Plate: the shared memory between the thread that has the camera and the thread that reads codes. One picture's brightness
 * and one text, both taken when the program starts and used again and again; there is no queue.
 *
 * Why not the camera's own slot: whoever fills it may go on as soon as it is zero again (ports/camera.ts), while reading a
 * code takes 5 to 100 ms. So the Y plane, the only part that matters for a code, is copied here and the slot is cleared at
 * once; the reading thread copies it on into the decoder's memory and clears it here before it looks at it.
 * Who may touch it when: the camera's thread from `isFree` on until it says `look`, the other one from then until it
 * answers. So no lock is needed, messages between threads are ordered (HTML, "message ports").
 * Memory: 640 × 480 + 1024 bytes.
 */
import { strict as assert } from 'node:assert';
import type { FrameFormat } from '../../../runtime/ports/camera.ts';
import { yuv420Bytes } from '../../../runtime/units.ts';

/** Fits every camera module; 128 divides the width, so rows are unpadded on every board. More pixels read no more codes. */
const WIDTH_PX = 640;
const HEIGHT_PX = 480;
/** Nobody holds a code still for less than a second; a slow board that takes 100 ms a picture just keeps up. */
const FRAME_RATE_HZ = 10;

export const SCAN_FORMAT: FrameFormat = {
  widthPx: WIDTH_PX,
  heightPx: HEIGHT_PX,
  strideBytes: WIDTH_PX,
  frameBytes: yuv420Bytes(WIDTH_PX, HEIGHT_PX),
  frameRateHz: FRAME_RATE_HZ,
};

const LUMA_BYTES = WIDTH_PX * HEIGHT_PX;
/** A code of ours has at most 300 characters; of longer texts the beginning is enough to refuse them. */
const TEXT_BYTES_MAX = 1024;

/** What the camera's thread says. */
export const Request = { look: 1 } as const;
/** What the reading thread answers: ready once, then one of the others for each `look`. */
export const Answer = { ready: 0, nothing: 1, unreadable: 2, text: 3 } as const;
export type Answer = (typeof Answer)[keyof typeof Answer];

export class Plate {
  readonly shared: SharedArrayBuffer;
  /** Brightness, [HEIGHT_PX, WIDTH_PX] uint8. */
  readonly luma: Uint8Array;
  readonly #text: Uint8Array;
  readonly #textBytes: Uint32Array;

  constructor(shared = new SharedArrayBuffer(LUMA_BYTES + TEXT_BYTES_MAX + Uint32Array.BYTES_PER_ELEMENT)) {
    assert.equal(LUMA_BYTES % Uint32Array.BYTES_PER_ELEMENT, 0);
    this.shared = shared;
    this.luma = new Uint8Array(shared, 0, LUMA_BYTES);
    this.#textBytes = new Uint32Array(shared, LUMA_BYTES, 1);
    this.#text = new Uint8Array(shared, LUMA_BYTES + Uint32Array.BYTES_PER_ELEMENT, TEXT_BYTES_MAX);
  }

  /** What does not fit is left out. */
  writeText(text: string): void {
    // Encoded into memory of its own first: encodeInto takes no shared memory.
    const bytes = new Uint8Array(TEXT_BYTES_MAX);
    this.#textBytes[0] = new TextEncoder().encodeInto(text, bytes).written;
    this.#text.set(bytes);
    bytes.fill(0);
  }

  /** The text, which is no more here afterwards. */
  takeText(): string {
    const bytes = Buffer.from(this.#text.subarray(0, Math.min(this.#textBytes[0] ?? 0, TEXT_BYTES_MAX)));
    const text = bytes.toString('utf8');
    bytes.fill(0);
    this.#text.fill(0);
    this.#textBytes[0] = 0;
    return text;
  }

  clear(): void {
    this.luma.fill(0);
    this.#text.fill(0);
    this.#textBytes[0] = 0;
  }
}
