/**
 * Any file or stream as a camera: ffmpeg decodes, scales and writes planar YUV420 into a named pipe, we read it into the
 * frame slot. For evaluation on recorded clips and for cameras that are reached over a network.
 * Why ffmpeg as a child process: Debian maintains it, it knows every format, and a damaged clip crashes it and not us.
 * Pictures are full range BT.601, as the Pi's camera delivers them, stretched to the frame (what the model was trained on).
 * Times: position in the clip for a file read as fast as we can, monotonic arrival for whatever comes at its own pace.
 * Read next: probe.ts (what the source is, and which sources are allowed).
 */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { DriverError } from '../../../runtime/errors.ts';
import type { Camera, CameraEvents, FrameFormat, FrameSink } from '../../../runtime/ports/camera.ts';
import { MS_PER_S, US_PER_S } from '../../../runtime/units.ts';
import { FrameReader, makeFifo, makePrivateFolder, readLines, removeFolder, settledWithin } from '../../fifo.ts';
import {
  ffmpegMissing,
  inputArguments,
  openProbe,
  type Probe,
  parseSource,
  type Source,
  tidyMessage,
} from './probe.ts';

export { probeVideo, type VideoInfo } from './probe.ts';

export type VideoOptions = {
  /** A file, or an address: http, https, rtsp, rtsps, rtmp, rtmps, srt, tcp, udp, rtp. */
  readonly source: string;
  /** True: at the source's own pace. False: as fast as the sink consumes (files only; a live stream has its pace). */
  readonly realtime: boolean;
  /** Longest silence of a live stream. Default 10 s. */
  readonly silenceMsMax?: number;
};

const SILENCE_MS_MAX = 10_000;
const WATCHDOG_LOOKS = 4;
/** After SIGTERM; ffmpeg ends at once unless its input hangs. */
const TERMINATE_MS = 1000;
/** After its exit the rest of the pictures is already in the pipe. */
const DRAIN_MS = 5000;
/** A clip that gives this part less than its header promises was cut; headers are a few frames off without harm. */
const SHORT_PART = 0.02;
const SHORT_FRAMES = 3;
/** ffmpeg's closing remarks, which say that it failed but not why. */
const REMARKS =
  /^(Conversion failed|Error opening (in|out)put file|At least one output|Nothing was written|Output file is empty|Exiting)/;

/** Throws DriverError when the source cannot be one (empty, begins with `-`, unknown scheme); it is opened by `start`. */
export function createVideoCamera(options: VideoOptions, format: FrameFormat): Camera {
  return new VideoCamera(options, parseSource(options.source), format);
}

class VideoCamera implements Camera {
  readonly name = 'video';
  readonly simulated = false;
  readonly format: FrameFormat;
  readonly #options: VideoOptions;
  readonly #source: Source;
  #playback: Playback | undefined;

  constructor(options: VideoOptions, source: Source, format: FrameFormat) {
    assert.ok(format.strideBytes >= format.widthPx, 'rows overlap');
    this.#options = options;
    this.#source = source;
    this.format = format;
  }

  async start(sink: FrameSink, events: CameraEvents): Promise<void> {
    const previous = this.#playback;
    assert.ok(previous?.isOver ?? true, 'the camera is started once until it is stopped, has failed or has ended');
    const playback = new Playback(this.#options, this.#source, this.format, sink, events);
    // Set before the first wait, so that a stop during the start finds it.
    this.#playback = playback;
    await previous?.stop();
    await playback.open();
  }

  async stop(): Promise<void> {
    await this.#playback?.stop();
  }
}

/** One run of ffmpeg, from the look at the source to its last trace. */
class Playback {
  /** Nothing will be called on the sink or the events any more. */
  isOver = false;
  readonly #options: VideoOptions;
  readonly #source: Source;
  readonly #format: FrameFormat;
  readonly #sink: FrameSink;
  readonly #events: CameraEvents;
  readonly #abort = new AbortController();
  #probe: Probe | undefined;
  #folder: string | undefined;
  #frames: FrameReader | undefined;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #watchdog: NodeJS.Timeout | undefined;
  #lastMessage = '';
  #gone: Promise<void> | undefined;

  constructor(options: VideoOptions, source: Source, format: FrameFormat, sink: FrameSink, events: CameraEvents) {
    this.#options = options;
    this.#source = source;
    this.#format = format;
    this.#sink = sink;
    this.#events = events;
  }

  async open(): Promise<void> {
    try {
      if (this.isOver) throw stoppedWhileStarting();
      const probe = await openProbe(this.#source, this.#abort.signal);
      // Widened on purpose: stop() may have come while we waited.
      if (this.isOver as boolean) throw stoppedWhileStarting();
      this.#probe = probe;
      await this.#launch(probe);
    } catch (error) {
      await this.stop();
      throw this.#abort.signal.aborted && !(error instanceof DriverError) ? stoppedWhileStarting() : error;
    }
    if (this.isOver as boolean) throw stoppedWhileStarting();
  }

  /** Ends ffmpeg and resolves when it is gone and the pipe is removed. */
  stop(): Promise<void> {
    this.isOver = true;
    this.#gone ??= this.#end();
    return this.#gone;
  }

  async #launch(probe: Probe): Promise<void> {
    const folder = makePrivateFolder();
    this.#folder = folder;
    const path = join(folder, 'frames.fifo');
    makeFifo(path);
    const { frameBytes, frameRateHz } = this.#format;
    const rateHz = Math.min(probe.frameRateHz, frameRateHz);
    const hasOwnPace = this.#options.realtime || probe.isLive;
    const frames = new FrameReader({
      path,
      sink: this.#sink,
      frameBytes,
      fillMsMax: Number.POSITIVE_INFINITY,
      ...(hasOwnPace ? {} : { capturedAtUs: (frameIndex) => (frameIndex * US_PER_S) / rateHz }),
    });
    this.#frames = frames;
    const pace = this.#options.realtime && !probe.isLive ? ['-re'] : [];
    const child = spawn(
      'ffmpeg',
      [
        ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...pace],
        ...[...inputArguments(this.#source), '-map', '0:v:0', '-an', '-sn', '-dn'],
        // -y because the pipe exists already; the folder is private, so nothing else can lie there.
        ...['-vf', filterOf(this.#format, probe), '-f', 'rawvideo', '-y', `file:${path}`],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    const killAtExit = (): void => void child.kill('SIGKILL');
    process.once('exit', killAtExit);
    readLines(child.stderr!, (line) => {
      const message = tidyMessage(line);
      if (!REMARKS.test(message)) this.#lastMessage = message;
    });
    // `close` comes after `exit` and after the last message.
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    void this.#exited.then(() => process.off('exit', killAtExit));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(ffmpegMissing(cause)));
    });
    void this.#exited.then(() => this.#onExit(frames, child));
    if (probe.isLive) this.#watch(frames);
  }

  #watch(frames: FrameReader): void {
    const silenceMs = Math.max(
      this.#options.silenceMsMax ?? SILENCE_MS_MAX,
      (10 * MS_PER_S) / this.#format.frameRateHz,
    );
    let framesSeen = frames.framesRead;
    let silentLooks = 0;
    this.#watchdog = setInterval(() => {
      silentLooks = frames.framesRead === framesSeen ? silentLooks + 1 : 0;
      framesSeen = frames.framesRead;
      if (silentLooks < WATCHDOG_LOOKS) return;
      const message = `${this.#source.shown} sent no whole picture for ${silenceMs} ms.`;
      this.#finish(
        new DriverError('timeout', message, { op: 'read video', hint: 'Check the camera and the network to it.' }),
      );
    }, silenceMs / WATCHDOG_LOOKS);
  }

  async #onExit(frames: FrameReader, child: ChildProcess): Promise<void> {
    if (this.isOver) return;
    frames.drain();
    let partialBytes = 0;
    const drained = frames.ended.then((bytes) => {
      partialBytes = bytes;
    });
    await settledWithin(DRAIN_MS, drained);
    this.#finish(this.#verdict(frames.framesRead, partialBytes, child));
  }

  /** What the end of ffmpeg means: undefined when all is well. */
  #verdict(frameCount: number, partialBytes: number, child: ChildProcess): DriverError | undefined {
    const { shown } = this.#source;
    const probe = this.#probe!;
    const says = this.#lastMessage === '' ? '' : ` ffmpeg says: ${this.#lastMessage}`;
    const failed = child.exitCode !== 0;
    if (probe.isLive) {
      const message = `the stream ${shown} ended after ${frameCount} frames.${says}`;
      return new DriverError('disconnected', message, {
        op: 'read video',
        hint: 'Check the camera and the network to it.',
      });
    }
    const fix =
      'What was counted until there stands. Repair the file, for example: ffmpeg -i damaged.mp4 -c copy repaired.mp4';
    if (frameCount === 0) {
      const how = child.signalCode ? `signal ${child.signalCode}` : `exit code ${child.exitCode}`;
      const message = `not one picture could be decoded from ${shown} (${how}).${says}`;
      return new DriverError('other', message, { op: 'read video', hint: `See for yourself: ffplay ${shown}` });
    }
    const rateHz = Math.min(probe.frameRateHz, this.#format.frameRateHz);
    const expectedCount = Math.round((probe.durationS ?? 0) * rateHz);
    const isShort = frameCount < expectedCount * (1 - SHORT_PART) - SHORT_FRAMES;
    // A short count alone is no proof, as headers round and audio may outlast the pictures; with a complaint it is.
    if (!failed && partialBytes === 0 && !(isShort && this.#lastMessage !== '')) return undefined;
    const of = expectedCount > frameCount ? ` of about ${expectedCount}` : '';
    const message = `the video ${shown} broke off after ${frameCount} frames${of}.${says}`;
    return new DriverError('other', message, { op: 'read video', hint: fix });
  }

  /** Reports the end once, after everything of ours is closed on the sink. */
  #finish(error: DriverError | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    // Begins with closing the pipe, so a partial frame is abandoned before the owner hears of it.
    this.#gone = this.#end();
    if (error === undefined) this.#events.onEnd();
    else this.#events.onError(error);
  }

  async #end(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#watchdog);
    this.#frames?.close();
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      // child.kill signals this process id, and only while it is not reaped, so no other can be hit.
      child.kill('SIGTERM');
      if (!(await settledWithin(TERMINATE_MS, this.#exited))) child.kill('SIGKILL');
      await this.#exited;
    }
    // Last: a writer whose pipe had been removed would find a place to create a file of pictures.
    if (this.#folder !== undefined) removeFolder(this.#folder);
  }
}

/**
 * `area` averages all pixels of a source that is larger, as the image processor of the Pi does; the range is stretched to
 * full and the matrix made BT.601, whatever the source has. Rows are padded where the format asks for it.
 */
function filterOf(format: FrameFormat, probe: Probe): string {
  const { widthPx, heightPx, strideBytes, frameRateHz } = format;
  const rate = probe.frameRateHz <= frameRateHz ? probe.frameRate : String(frameRateHz);
  const scale = `scale=${widthPx}:${heightPx}:flags=area:out_range=pc:out_color_matrix=bt601`;
  const pad = strideBytes > widthPx ? `,pad=${strideBytes}:${heightPx}:0:0` : '';
  return `fps=${rate},${scale},format=yuv420p${pad}`;
}

function stoppedWhileStarting(): DriverError {
  return new DriverError('other', 'the video was stopped while it started.', { op: 'open video' });
}
