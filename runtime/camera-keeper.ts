/**
 * Keeps a camera running: starts it, restarts it after a failure with a growing pause, gives up when that does not help.
 * Why give up: a process that ends is restarted by the service manager with everything fresh, and its failure is seen
 * there; one that retries for ever inside looks alive and counts nothing. The program that looks for a setup code has nobody
 * who reads numbers: it says so by its lamp and goes on for ever.
 */
import { DriverError, LetheError } from './errors.ts';
import type { Camera, FrameSink } from './ports/camera.ts';

/** First pause, doubled after each failure up to the last. A cable that is being plugged is back within seconds. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;
/** Starts without one whole frame before giving up: about a minute. */
export const FAILURES_MAX_DEFAULT = 8;

export type KeeperEvents = {
  /** Frames can be expected from now on. */
  readonly onRunning: () => void;
  /** The camera failed and will be tried again after pauseMs. */
  readonly onLost: (error: DriverError, pauseMs: number) => void;
  /** Not a failure: the file is at its end. */
  readonly onEnd: () => void;
  /** So many starts in a row as were allowed brought no frame, or an error that no restart can mend. */
  readonly onGivenUp: (error: LetheError) => void;
  /** The camera could not be stopped: a picture may still be on its way, and only the end of the process helps. */
  readonly onStuck: (error: unknown) => void;
  readonly onTruth: (lineIndex: number, direction: 0 | 1) => void;
};

export class CameraKeeper {
  readonly #camera: Camera;
  readonly #sink: FrameSink;
  readonly #events: KeeperEvents;
  /** Whole frames seen since boot; tells a start that worked from one that did not. */
  readonly #frameCount: () => number;
  readonly #failuresMax: number;
  #isWanted = false;
  #failureCount = 0;
  #frameCountAtStart = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Start and stop take time; each waits for the one before, so that pressing the button twice cannot cross them. */
  #queue: Promise<void> = Promise.resolve();

  /** failuresMax: starts without one whole frame before giving up; infinite: never. */
  constructor(
    camera: Camera,
    sink: FrameSink,
    frameCount: () => number,
    events: KeeperEvents,
    failuresMax = FAILURES_MAX_DEFAULT,
  ) {
    this.#camera = camera;
    this.#sink = sink;
    this.#frameCount = frameCount;
    this.#events = events;
    this.#failuresMax = failuresMax;
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  start(): void {
    this.#isWanted = true;
    this.#failureCount = 0;
    this.#enqueue(() => this.#tryStart());
  }

  /** Resolves when the camera has stopped and will not start by itself. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#enqueue(() => this.#stopCamera());
    await this.#queue;
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(task, task);
  }

  async #tryStart(): Promise<void> {
    if (!this.#isWanted) return;
    this.#frameCountAtStart = this.#frameCount();
    try {
      await this.#camera.start(this.#sink, {
        onEnd: () => this.#onEnd(),
        onError: (error) => this.#onFailure(error),
        onTruth: (lineIndex, direction) => this.#events.onTruth(lineIndex, direction),
      });
      this.#events.onRunning();
    } catch (error) {
      if (error instanceof LetheError && !(error instanceof DriverError)) {
        this.#isWanted = false;
        this.#events.onGivenUp(error);
        return;
      }
      const { name } = this.#camera;
      this.#onFailure(
        error instanceof DriverError
          ? error
          : new DriverError('other', `camera ${name}: ${String(error)}`, { op: 'start camera', cause: error }),
      );
    }
  }

  async #stopCamera(): Promise<void> {
    try {
      await this.#camera.stop();
    } catch (error) {
      this.#events.onStuck(error);
    }
  }

  #onEnd(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#events.onEnd();
  }

  #onFailure(error: DriverError): void {
    if (!this.#isWanted) return;
    const gaveFrames = this.#frameCount() > this.#frameCountAtStart;
    this.#failureCount = gaveFrames ? 1 : this.#failureCount + 1;
    if (this.#failureCount >= this.#failuresMax) {
      this.#isWanted = false;
      this.#events.onGivenUp(error);
      return;
    }
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (this.#failureCount - 1));
    this.#events.onLost(error, pauseMs);
    this.#timer = setTimeout(() => {
      this.#enqueue(async () => {
        await this.#stopCamera();
        await this.#tryStart();
      });
    }, pauseMs);
  }
}
