/** A frame sink for tests: holds the camera to the port's contract, shows each whole frame to the test, and zeroes the slot. */
import { strict as assert } from 'node:assert';
import type { DriverError } from '../../../runtime/errors.ts';
import type { CameraEvents, FrameFormat, FrameSink } from '../../../runtime/ports/camera.ts';
import { yuv420Bytes } from '../../../runtime/units.ts';

export function formatOf(widthPx: number, heightPx: number, frameRateHz: number, strideBytes = widthPx): FrameFormat {
  return { widthPx, heightPx, strideBytes, frameBytes: yuv420Bytes(strideBytes, heightPx), frameRateHz };
}

export class TestSink implements FrameSink, CameraEvents {
  readonly slot: Uint8Array;
  begunCount = 0;
  completeCount = 0;
  abandonedCount = 0;
  endCount = 0;
  /** Set by the test when nothing may be called any more. */
  isClosed = false;
  readonly errors: DriverError[] = [];
  readonly timesUs: number[] = [];
  readonly #onFrame: (slot: Uint8Array, frameIndex: number) => void;
  #isOpen = false;

  constructor(frameBytes: number, onFrame: (slot: Uint8Array, frameIndex: number) => void = () => {}) {
    // In the middle of a larger buffer, as in the eye: a driver that takes slot.buffer for the slot is found out.
    this.slot = new Uint8Array(new ArrayBuffer(frameBytes + 128), 64, frameBytes);
    this.#onFrame = onFrame;
  }

  get slotIsZero(): boolean {
    return this.slot.every((byte) => byte === 0);
  }

  beginFrame(): void {
    this.#check();
    assert.ok(!this.#isOpen, 'a frame begins after the one before it was completed or abandoned');
    this.#isOpen = true;
    this.begunCount += 1;
  }

  completeFrame(capturedAtUs: number): void {
    this.#check();
    assert.ok(this.#isOpen, 'only a begun frame is completed');
    this.#isOpen = false;
    this.timesUs.push(capturedAtUs);
    this.completeCount += 1;
    this.#onFrame(this.slot, this.completeCount - 1);
    this.slot.fill(0);
  }

  abandonFrame(): void {
    this.#check();
    assert.ok(this.#isOpen, 'only a begun frame is abandoned');
    this.#isOpen = false;
    this.abandonedCount += 1;
    this.slot.fill(0);
  }

  readonly onEnd = (): void => {
    this.#check();
    this.endCount += 1;
    this.isClosed = true;
  };

  readonly onError = (error: DriverError): void => {
    this.#check();
    this.errors.push(error);
    this.isClosed = true;
  };

  #check(): void {
    assert.ok(!this.isClosed, 'nothing is called after onEnd, onError or stop');
  }
}
