/**
 * Frames for a bench: pictures drawn beforehand by the scene camera, the eye's own pipeline with the parts of a frame timed
 * from outside, and a pipe through which another process sends the pictures, as rpicam-vid does.
 * Memory: the pictures, and one number per frame and part, taken before the first frame.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scene } from '../../drivers/camera/scene/scene.ts';
import { SystemClock } from '../../drivers/clock/system.ts';
import { FIRST_READ_BYTES, FrameReader, makeFifo } from '../../drivers/fifo.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { createEngine, type DescribedEngine } from '../../runtime/eye/infer/engine.ts';
import { loadModel, type Model } from '../../runtime/eye/model.ts';
import { createPipelineOf, frameFormatOf, type Pipeline } from '../../runtime/eye/pipeline.ts';
import type { FrameFormat, FrameSink } from '../../runtime/ports/camera.ts';
import type { OutputTensor } from '../../runtime/ports/engine.ts';
import { MS_PER_S, US_PER_MS } from '../../runtime/units.ts';

/** A pipe of Linux holds 16 pages of 4 KiB unless it is widened. */
export const PIPE_BYTES = 65_536;
/** Different pictures, so that caches and branch predictors see what a door shows. */
export const FRAME_COUNT = 150;

/** Drawn in steps of a third of a second, so that people come and go. */
export function drawFrames(frameBytes: number): Uint8Array[] {
  const scene = new Scene({ peoplePerMinute: 40 });
  return Array.from({ length: FRAME_COUNT }, (_, index) => {
    const frame = new Uint8Array(frameBytes);
    scene.step(60 + index * 5);
    scene.draw(frame);
    return frame;
  });
}

/** Passes everything on and adds up how long clearing took. */
class ClearingWatch implements DescribedEngine {
  readonly name: string;
  readonly format: FrameFormat;
  readonly slot: Uint8Array;
  readonly outputs: readonly OutputTensor[];
  readonly macCount: number;
  /** Of the present frame. */
  clearingMs = 0;
  readonly #engine: DescribedEngine;

  constructor(engine: DescribedEngine) {
    this.name = engine.name;
    this.format = engine.format;
    this.slot = engine.slot;
    this.outputs = engine.outputs;
    this.macCount = engine.macCount;
    this.#engine = engine;
  }

  describe(): string[] {
    return this.#engine.describe();
  }

  readPixels(): void {
    this.#engine.readPixels();
  }

  erasePixels(): void {
    const beganMs = performance.now();
    this.#engine.erasePixels();
    this.clearingMs = performance.now() - beganMs;
  }

  finish(): void {
    this.#engine.finish();
  }

  eraseTensors(): void {
    const beganMs = performance.now();
    this.#engine.eraseTensors();
    this.clearingMs += performance.now() - beganMs;
  }
}

/** Remembers its answers of the present frame: exact times, where the loop's histogram has steps of 10 µs. */
class WatchedClock extends SystemClock {
  readonly us = new Float64Array(8);
  askedCount = 0;
  override monotonicUs(): number {
    const us = super.monotonicUs();
    if (this.askedCount < this.us.length) this.us[this.askedCount] = us;
    this.askedCount += 1;
    return us;
  }
}

/** Milliseconds of each frame: first byte → slot zero, → every tensor zero, → counted; and of it both erasures. */
export type FrameTimes = {
  readonly pixels: Float64Array;
  readonly derived: Float64Array;
  readonly whole: Float64Array;
  readonly clearing: Float64Array;
};

/** The eye's loop with a watch on it: a sink for any camera. */
export class WatchedLoop implements FrameSink {
  readonly model: Model;
  readonly pipeline: Pipeline;
  readonly slot: Uint8Array;
  readonly #clock = new WatchedClock();
  readonly #engine: ClearingWatch;
  readonly #frameCountMax: number;
  /** Called after each frame. */
  onFrame: () => void = () => {};
  readonly #times: FrameTimes;
  #count = 0;

  /** manifest: path, or empty for the model that comes with Lethe. Times of frames beyond frameCountMax are not kept. */
  constructor(manifest: string, frameCountMax: number) {
    const config = parseConfig({});
    this.model = loadModel(manifest);
    this.#engine = new ClearingWatch(createEngine(this.model.bytes, frameFormatOf(config, this.model)));
    this.pipeline = createPipelineOf(this.#engine, config, this.model, config, this.#clock, NO_EVENTS);
    this.slot = this.pipeline.loop.slot;
    this.#frameCountMax = frameCountMax;
    const row = (): Float64Array => new Float64Array(frameCountMax);
    this.#times = { pixels: row(), derived: row(), whole: row(), clearing: row() };
  }

  beginFrame(): void {
    this.#clock.askedCount = 0;
    this.pipeline.loop.beginFrame();
  }

  /** The loop asks the clock three times a frame: at its begin, after the pixels, after the tensors. */
  completeFrame(capturedAtUs: number): void {
    this.pipeline.loop.completeFrame(capturedAtUs);
    const wholeUs = this.#clock.monotonicUs();
    this.onFrame();
    const { us } = this.#clock;
    const count = this.#count;
    if (count === this.#frameCountMax) return;
    this.#times.whole[count] = (wholeUs - us[0]!) / US_PER_MS;
    this.#times.pixels[count] = (us[1]! - us[0]!) / US_PER_MS;
    this.#times.derived[count] = (us[2]! - us[0]!) / US_PER_MS;
    this.#times.clearing[count] = this.#engine.clearingMs;
    this.#count = count + 1;
  }

  abandonFrame(): void {
    this.pipeline.loop.abandonFrame();
  }

  /** Of the frames since the last call. */
  take(): FrameTimes {
    const cut = (row: Float64Array): Float64Array => row.slice(0, this.#count);
    const { pixels, derived, whole, clearing } = this.#times;
    const times = { pixels: cut(pixels), derived: cut(derived), whole: cut(whole), clearing: cut(clearing) };
    this.#count = 0;
    return times;
  }
}

/** Writes frames from a file into a FIFO at a fixed rate, whole frames in one call, as rpicam-vid does. */
const WRITER = `
const fs = require('node:fs');
const [file, fifo, frameBytes, rate, count] = process.argv.slice(1);
const frames = fs.readFileSync(file);
const out = fs.openSync(fifo, 'w');
const frameCount = frames.length / Number(frameBytes);
const beganMs = performance.now();
let index = 0;
const next = () => {
  const at = (index % frameCount) * Number(frameBytes);
  let offset = 0;
  while (offset < Number(frameBytes)) offset += fs.writeSync(out, frames, at + offset, Number(frameBytes) - offset);
  index += 1;
  if (index < Number(count)) setTimeout(next, Math.max(0, beganMs + (index * 1000) / Number(rate) - performance.now()));
};
next();
`;

/** Another process sends frameCount pictures at rateHz. */
export async function sendThroughPipe(sink: FrameSink, rateHz: number, frameCount: number): Promise<FrameReader> {
  const frameBytes = sink.slot.length;
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  const path = join(folder, 'frames.fifo');
  const file = join(folder, 'frames.yuv');
  try {
    // Drawn pictures of people who do not exist; the only kind that this project ever writes to a file.
    writeFileSync(file, Buffer.concat(drawFrames(frameBytes)));
    makeFifo(path);
    const reader = new FrameReader({ path, frameBytes, sink, fillMsMax: Number.POSITIVE_INFINITY });
    const words = ['-e', WRITER, file, path, String(frameBytes), String(rateHz), String(frameCount)];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    child.on('exit', () => reader.drain());
    try {
      await reader.ended;
    } finally {
      reader.close();
      child.kill();
    }
    return reader;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * How long the first read of a frame takes, ms each: before it returns, the clock of a frame has not begun. An upper bound:
 * the way from JavaScript into the kernel and back is in it.
 */
export async function measureFirstReads(rateHz: number, count: number): Promise<Float64Array> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  const path = join(folder, 'frames.fifo');
  try {
    makeFifo(path);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const sent = new Uint8Array(PIPE_BYTES).fill(1);
    const slot = new Uint8Array(FIRST_READ_BYTES);
    const rest = new Uint8Array(PIPE_BYTES);
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      writeSync(fd, sent);
      await sleep(MS_PER_S / rateHz);
      const beganMs = performance.now();
      const byteCount = readSync(fd, slot);
      times[i] = performance.now() - beganMs;
      if (byteCount + readSync(fd, rest) !== PIPE_BYTES) throw new Error('the pipe did not give back what was sent');
    }
    closeSync(fd);
    return times;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
