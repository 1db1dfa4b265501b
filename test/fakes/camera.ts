/** A camera that a test moves by hand: frames, failures, truth and the end come when the test says so. */
import { DriverError, type DriverErrorKind } from '../../runtime/errors.ts';
import type { Camera, CameraEvents, FrameFormat, FrameSink } from '../../runtime/ports/camera.ts';

export function fakeDriverError(kind: DriverErrorKind): DriverError {
  return new DriverError(kind, `the fake camera is ${kind}, as the test asked for.`, { op: 'start camera' });
}

export class FakeCamera implements Camera {
  readonly name = 'fake';
  readonly simulated = true;
  readonly format: FrameFormat;
  startCount = 0;
  stopCount = 0;
  readonly #failures: (DriverErrorKind | Error)[] = [];
  #sink: FrameSink | undefined;
  #events: CameraEvents | undefined;
  #held: Promise<void> | undefined;
  #release: () => void = () => {};

  constructor(format: FrameFormat) {
    this.format = format;
  }

  get isRunning(): boolean {
    return this.#sink !== undefined;
  }

  /** The next start fails like this; called again: the one after it. An Error is thrown as it is, like a bug would be. */
  failNext(...failures: (DriverErrorKind | Error)[]): void {
    this.#failures.push(...failures);
  }

  /** Starts wait from now on, as a slow camera does, until the returned function is called. */
  holdStarts(): () => void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
    return () => {
      this.#held = undefined;
      this.#release();
    };
  }

  async start(sink: FrameSink, events: CameraEvents): Promise<void> {
    this.startCount += 1;
    await this.#held;
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure instanceof Error ? failure : fakeDriverError(failure);
    this.#sink = sink;
    this.#events = events;
  }

  async stop(): Promise<void> {
    this.stopCount += 1;
    this.#sink = undefined;
    this.#events = undefined;
  }

  /** One whole grey frame; false when the camera is not running. whileItArrives: after its first byte. */
  frame(capturedAtUs: number, whileItArrives: () => void = () => {}): boolean {
    const sink = this.#sink;
    if (sink === undefined) return false;
    sink.beginFrame();
    sink.slot.fill(128);
    whileItArrives();
    sink.completeFrame(capturedAtUs);
    return true;
  }

  /** The first half of a frame that is never completed. */
  halfFrame(): void {
    this.#sink?.beginFrame();
    this.#sink?.slot.fill(128, 0, this.#sink.slot.length / 2);
  }

  /** Gives up the half frame, as a driver does whose frame came late. */
  abandon(): void {
    this.#sink?.abandonFrame();
  }

  fail(kind: DriverErrorKind): void {
    const events = this.#events;
    this.#sink = undefined;
    this.#events = undefined;
    events?.onError(fakeDriverError(kind));
  }

  end(): void {
    const events = this.#events;
    this.#sink = undefined;
    this.#events = undefined;
    events?.onEnd();
  }

  cross(lineIndex: number, direction: 0 | 1, capturedAtUs: number): void {
    this.#events?.onTruth?.(lineIndex, direction, capturedAtUs);
  }
}
