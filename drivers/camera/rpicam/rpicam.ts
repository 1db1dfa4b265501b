/**
 * The camera of the Raspberry Pi: rpicam-vid writes planar YUV420 into a named pipe, we read it into the frame slot.
 * The stream has no header, no markers and no time stamps, so everything that could shift it by a byte ends it: another
 * size than we asked for, a picture cut short, a picture that has to wait for its rest. The owner then starts it again.
 * Life of one start: pipes → shim → rpicam-vid → `configuring streams` (start resolves) → frames → SIGINT or failure →
 * process gone → pipes removed, in this order: a writer whose pipe has been removed would create a file of pictures.
 * Read next: options.ts (what is asked for), messages.ts (what it answers), child.ts (the process).
 */
import { strict as assert } from 'node:assert';
import { DriverError } from '../../../runtime/errors.ts';
import type { Camera, CameraEvents, FrameFormat, FrameSink } from '../../../runtime/ports/camera.ts';
import { MS_PER_S } from '../../../runtime/units.ts';
import { FrameReader, LineReader, makeFifo, makePrivateFolder, removeFolder, settledWithin } from '../../fifo.ts';
import { type CameraPaths, cameraPaths, RpicamChild } from './child.ts';
import { failureInLine, failureOfExit, lossInLine, streamInLine } from './messages.ts';
import { checkRpicam, type RpicamOptions, type RpicamTiming, rpicamFlags, timingOf } from './options.ts';

export type { RpicamOptions, RpicamTiming } from './options.ts';

/**
 * A picture arrives in one go (milliseconds). One whose bytes were lost is completed by the next, one period later; three
 * quarters of a period tell the two apart even on a busy board.
 */
const FILL_PERIODS_MAX = 0.75;
/** One late frame may be a busy board and is dropped; three in a row mean that the stream is shifted for good. */
const LATE_FRAMES_MAX = 3;
/** Looks per limit of silence: it is noticed at most a quarter late. */
const WATCHDOG_LOOKS = 4;
/** After the exit of rpicam-vid the rest of its messages and pictures is already in the pipes. */
const DRAIN_MS = 500;

/** Throws ConfigError (all problems at once) when the options or the format cannot be used with rpicam-vid. */
export function createRpicamCamera(options: RpicamOptions, format: FrameFormat): Camera {
  checkRpicam(options, format);
  return new RpicamCamera(options, format);
}

class RpicamCamera implements Camera {
  readonly name = 'rpicam';
  readonly simulated = false;
  readonly format: FrameFormat;
  readonly #options: RpicamOptions;
  #capture: Capture | undefined;
  /** Counts starts and stops, so that a start that had to wait knows that it was stopped meanwhile. */
  #turn = 0;

  constructor(options: RpicamOptions, format: FrameFormat) {
    this.#options = options;
    this.format = format;
  }

  async start(sink: FrameSink, events: CameraEvents): Promise<void> {
    assert.ok(this.#capture?.isEnding ?? true, 'the camera is started once until it is stopped or has failed');
    this.#turn += 1;
    if (this.#capture !== undefined) {
      const turn = this.#turn;
      // A capture that failed may still be ending its process, which holds the camera.
      await this.#capture.stop();
      if (turn !== this.#turn) throw stoppedWhileStarting();
    }
    this.#capture = new Capture(this.#options, this.format, sink, events);
    await this.#capture.opened;
  }

  async stop(): Promise<void> {
    this.#turn += 1;
    await this.#capture?.stop();
  }
}

/** One run of rpicam-vid, from its start to its last trace. */
class Capture {
  /** Resolves when rpicam-vid has named the right picture size; rejects, with the process gone, when it failed before. */
  readonly opened: Promise<void>;
  /** Nothing will be called on the sink or the events any more. */
  isOver = false;
  readonly #format: FrameFormat;
  readonly #events: CameraEvents;
  readonly #timing: RpicamTiming;
  readonly #paths: CameraPaths;
  readonly #frames: FrameReader;
  readonly #messages: LineReader;
  readonly #child: RpicamChild;
  #isOpen = false;
  #isStopping = false;
  #settleOpened!: (error?: DriverError) => void;
  #watchdog: NodeJS.Timeout;
  /** The first line that explains a failure; acted on when the process exits, or when it goes silent instead. */
  #failure: DriverError | undefined;
  #lastLine = '';
  #gone: Promise<void> | undefined;

  constructor(options: RpicamOptions, format: FrameFormat, sink: FrameSink, events: CameraEvents) {
    this.#format = format;
    this.#events = events;
    this.#timing = timingOf(options, format);
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = (error) => (error === undefined ? resolve() : reject(error));
    });
    const folder = makePrivateFolder();
    const paths = cameraPaths(folder);
    this.#paths = paths;
    const opened: { close(): void }[] = [];
    try {
      const flags = rpicamFlags(options, format, paths.frames);
      makeFifo(paths.frames, paths.messages, paths.lifeline);
      this.#frames = new FrameReader({
        path: paths.frames,
        frameBytes: format.frameBytes,
        sink,
        fillMsMax: (FILL_PERIODS_MAX * MS_PER_S) / format.frameRateHz,
        onLate: (lateInRow) => this.#onLate(lateInRow),
      });
      opened.push(this.#frames);
      // Until the size is known to be right.
      this.#frames.hold();
      this.#messages = new LineReader(paths.messages, (line) => this.#onLine(line));
      opened.push(this.#messages);
      this.#child = new RpicamChild(flags, paths, options.program);
    } catch (error) {
      for (const reader of opened) reader.close();
      removeFolder(folder);
      throw error;
    }
    this.#watchdog = setTimeout(() => this.#onSilentStart(), this.#timing.startMs);
    void this.#child.exited.then((status) => this.#onExit(status));
  }

  /** Stopped or failed, though rpicam-vid may still have to end. */
  get isEnding(): boolean {
    return this.isOver || this.#isStopping;
  }

  /** Ends rpicam-vid gently; resolves when it is gone and the pipes are removed. */
  stop(): Promise<void> {
    if (this.#gone !== undefined) return this.#gone;
    this.#isStopping = true;
    clearTimeout(this.#watchdog);
    // Not closed yet: rpicam-vid obeys only after a completed picture, and would crash on a closed pipe.
    this.#frames.discard();
    this.#gone = this.#end(true).finally(() => {
      this.isOver = true;
      this.#settleOpened(stoppedWhileStarting());
    });
    return this.#gone;
  }

  #onLine(line: string): void {
    if (this.isEnding) return;
    this.#lastLine = line;
    this.#failure ??= failureInLine(line);
    const loss = lossInLine(line);
    if (loss !== undefined) {
      this.#fail(loss);
      return;
    }
    const stream = streamInLine(line);
    if (stream === undefined) return;
    const { widthPx, heightPx } = this.#format;
    if (stream.widthPx !== widthPx || stream.heightPx !== heightPx || stream.pixelFormat !== 'YUV420') {
      const got = `${stream.widthPx}x${stream.heightPx}-${stream.pixelFormat}`;
      const message = `the camera would deliver ${got}; expected ${widthPx}x${heightPx}-YUV420.`;
      const hint =
        'Choose a size that the camera can deliver, for example 256x192 or 640x480; see: rpicam-hello --list-cameras';
      this.#fail(new DriverError('other', message, { op: 'open camera', hint }));
      return;
    }
    this.#open();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#frames.release();
    clearTimeout(this.#watchdog);
    let framesSeen = this.#frames.framesRead;
    let silentLooks = 0;
    // The watchdog looks at a counter now and then: nothing is done per frame for it.
    this.#watchdog = setInterval(() => {
      silentLooks = this.#frames.framesRead === framesSeen ? silentLooks + 1 : 0;
      framesSeen = this.#frames.framesRead;
      if (silentLooks >= WATCHDOG_LOOKS) this.#onSilence();
    }, this.#timing.frameMs / WATCHDOG_LOOKS);
    this.#settleOpened();
  }

  #onSilentStart(): void {
    const message = `rpicam-vid did not open the camera within ${this.#timing.startMs} ms.`;
    const hint = 'Try it by hand: rpicam-vid --nopreview --timeout 2000 --codec yuv420 --output /dev/null';
    this.#fail(this.#failure ?? new DriverError('timeout', message, { op: 'open camera', hint }));
  }

  #onSilence(): void {
    const message = `the camera delivered no whole picture for ${this.#timing.frameMs} ms.`;
    const hint =
      'It is started again; if this repeats, check the ribbon cable and the power supply (vcgencmd get_throttled).';
    this.#fail(this.#failure ?? new DriverError('timeout', message, { op: 'read camera', hint }));
  }

  #onLate(lateInRow: number): void {
    if (this.#isStopping || lateInRow < LATE_FRAMES_MAX) return;
    const message = `${lateInRow} pictures in a row came in two parts: bytes were lost, and the stream has no markers to find back by.`;
    this.#fail(new DriverError('other', message, { op: 'read camera', hint: 'The camera is started again.' }));
  }

  async #onExit(status: number): Promise<void> {
    this.#messages.drain();
    this.#frames.drain();
    // Held until then, the reader would not see the end.
    if (!this.#isOpen) this.#frames.discard();
    let partialBytes = 0;
    void this.#frames.ended.then((bytes) => {
      partialBytes = bytes;
    });
    await settledWithin(DRAIN_MS, Promise.all([this.#messages.ended, this.#frames.ended]));
    this.#fail(this.#failure ?? failureOfExit(status, this.#lastLine, partialBytes));
  }

  /** Reports a failure once and ends what is left of the process. */
  #fail(error: DriverError): void {
    if (this.isEnding) return;
    this.isOver = true;
    clearTimeout(this.#watchdog);
    this.#frames.pause();
    this.#gone = this.#end(false);
    if (this.#isOpen) {
      // stop() reports what goes wrong here; without this a failed end would be an unhandled rejection before it.
      this.#gone.catch(() => {});
      this.#events.onError(error);
    } else {
      this.#gone.then(
        () => this.#settleOpened(error),
        () => this.#settleOpened(error),
      );
    }
  }

  async #end(gentle: boolean): Promise<void> {
    try {
      await this.#child.end(gentle, this.#timing);
    } finally {
      this.#frames.close();
      this.#messages.close();
      removeFolder(this.#paths.folder);
    }
  }
}

function stoppedWhileStarting(): DriverError {
  return new DriverError('other', 'the camera was stopped while it started.', { op: 'start camera' });
}
