/**
 * `bench` without a word: how long pictures live, how fast frames go, how much memory the programs hold, on the machine
 * it runs on.
 *
 * What is measured:
 * - frame: drawn beforehand by the scene camera, then copied into the slot in pipe-sized pieces, as a pipe delivers it; the
 *   clock starts at the first piece. The drawing of the simulation, which no device does, is not counted.
 * - pipe: a child process writes the same frames into a FIFO at the camera's rate and FrameReader fills the slot, as on a
 *   device with rpicam-vid. Residency here includes waiting for the writer, and so the machine's other work.
 * - memory: resident set (VmRSS) of eye and voice under the real supervisor with the demo's broker.
 * - bytes per frame: slope of the heap (test/alloc/slope.ts), in a process of its own with a fixed young generation.
 * Other programs on the machine lengthen every time: rounds are repeated and the median round is given, with its spread.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Scene } from '../../drivers/camera/scene/scene.ts';
import { SystemClock } from '../../drivers/clock/system.ts';
import { FrameReader, makeFifo } from '../../drivers/fifo.ts';
import { boardModel } from '../../runtime/config/board.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { loadModel } from '../../runtime/eye/model.ts';
import { createPipeline, type Pipeline } from '../../runtime/eye/pipeline.ts';
import { COLLECTOR_FLAGS, slopeBytes } from '../../test/alloc/slope.ts';

const HELP = `Measures residency, speed and memory of the counter on this machine.
  --seconds N   length of the timed rounds together, and of each other part at least (10)
  --model FILE  manifest of another model
  --json        print JSON instead of the table
bench engine    measures the engine alone, against others that can be had from Node; --help after it says how.
bench tracker   measures the tracker at 1 to 60 people.
`;

/** A pipe of Linux holds 16 pages of 4 KiB; a reader gets at most that. */
const PIECE_BYTES = 65_536;
/** Different pictures, so that caches and branch predictors see what a door shows. */
const FRAME_COUNT = 150;
const ROUND_COUNT = 5;
/** Until V8 has compiled the loop for good, about the 5,000th frame, each addition of two numbers allocates one. */
const SLOPE_STEPS = { warmUpSteps: 10_000, shortSteps: 400, longSteps: 2400, repetitions: 4 };
/** Before this the programs still start. */
const SETTLE_MS = 20_000;
const FRAME_RATE_HZ = 15;
const FRAME_US = 1e6 / FRAME_RATE_HZ;

/** Milliseconds. */
type Spread = { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };

function spreadOf(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Each figure is the median of that figure over the rounds; max is the median of the rounds' longest. */
function medianSpread(rounds: readonly Spread[]): Spread {
  const of = (pick: (round: Spread) => number): number => median(rounds.map(pick));
  return { p50: of((r) => r.p50), p95: of((r) => r.p95), p99: of((r) => r.p99), max: of((r) => r.max) };
}

/** The board's own name where it has one. */
export function boardName(): string {
  return boardModel() || (cpus()[0]?.model ?? 'unknown');
}

/** Times of the three ends of every frame, taken by a clock that the loop itself asks. */
class Stopwatch {
  readonly pixels: number[] = [];
  readonly derived: number[] = [];
  readonly whole: number[] = [];
  readonly #pipeline: Pipeline;
  readonly #clock: WatchedClock;

  constructor(pipeline: Pipeline, clock: WatchedClock) {
    this.#pipeline = pipeline;
    this.#clock = clock;
  }

  get slot(): Uint8Array {
    return this.#pipeline.loop.slot;
  }

  beginFrame(): void {
    this.#clock.askedCount = 0;
    this.#pipeline.loop.beginFrame();
  }

  /** The loop asks the clock three times a frame: at its begin, after the pixels, after the tensors. */
  completeFrame(capturedAtUs: number): void {
    this.#pipeline.loop.completeFrame(capturedAtUs);
    const { us } = this.#clock;
    this.whole.push((this.#clock.monotonicUs() - us[0]!) / 1000);
    this.pixels.push((us[1]! - us[0]!) / 1000);
    this.derived.push((us[2]! - us[0]!) / 1000);
  }

  abandonFrame(): void {
    this.#pipeline.loop.abandonFrame();
  }

  /** Spreads since the last call. */
  take(): { pixels: Spread; derived: Spread; whole: Spread } {
    const spreads = { pixels: spreadOf(this.pixels), derived: spreadOf(this.derived), whole: spreadOf(this.whole) };
    this.pixels.length = 0;
    this.derived.length = 0;
    this.whole.length = 0;
    return spreads;
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

function makePipeline(manifest: string): {
  pipeline: Pipeline;
  clock: WatchedClock;
  model: ReturnType<typeof loadModel>;
} {
  const config = parseConfig({ camera: { frame_rate_hz: FRAME_RATE_HZ } });
  const model = loadModel(manifest);
  const clock = new WatchedClock();
  return { pipeline: createPipeline(config, model, config, clock, NO_EVENTS), clock, model };
}

/** Drawn in steps of a third of a second, so that people come and go. */
function drawFrames(frameBytes: number): Uint8Array[] {
  const scene = new Scene({ peoplePerMinute: 40 });
  return Array.from({ length: FRAME_COUNT }, (_, index) => {
    const frame = new Uint8Array(frameBytes);
    scene.step(60 + index * 5);
    scene.draw(frame);
    return frame;
  });
}

type Sink = { readonly slot: Uint8Array; beginFrame(): void; completeFrame(capturedAtUs: number): void };

/** One frame as a pipe delivers it: piece after piece, the clock running from the first. */
function deliver(frame: Uint8Array, pieces: readonly Uint8Array[], sink: Sink, capturedAtUs: number): void {
  sink.beginFrame();
  let offset = 0;
  for (const piece of pieces) {
    sink.slot.set(piece, offset);
    offset += piece.length;
  }
  if (offset !== frame.length) throw new Error('the pieces are not the frame');
  sink.completeFrame(capturedAtUs);
}

function measureFrames(manifest: string, seconds: number) {
  const { pipeline, clock, model } = makePipeline(manifest);
  const watch = new Stopwatch(pipeline, clock);
  const { format, macCount } = pipeline.engine;
  const frames = drawFrames(format.frameBytes);
  const pieces = frames.map((frame) =>
    Array.from({ length: Math.ceil(frame.length / PIECE_BYTES) }, (_, index) =>
      frame.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
    ),
  );
  let frameIndex = 0;
  const next = (): void => {
    const index = frameIndex % FRAME_COUNT;
    deliver(frames[index]!, pieces[index]!, watch, frameIndex * FRAME_US);
    frameIndex += 1;
  };
  for (let i = 0; i < 2 * FRAME_COUNT; i++) next();
  watch.take();
  const rounds: ReturnType<Stopwatch['take']>[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUND_COUNT; round++) {
    const beganMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const firstFrame = frameIndex;
    while (performance.now() - beganMs < (seconds * 1000) / ROUND_COUNT) next();
    const cpu = process.cpuUsage(cpuBefore);
    rates.push((frameIndex - firstFrame) / ((cpu.user + cpu.system) / 1e6));
    rounds.push(watch.take());
  }
  return {
    model: { name: model.manifest.name, version: model.manifest.version, sha256: model.manifest.sha256 },
    macs: macCount,
    frame: { width_px: format.widthPx, height_px: format.heightPx, bytes: format.frameBytes },
    frames_measured: frameIndex - 2 * FRAME_COUNT,
    pixels_ms: medianSpread(rounds.map((round) => round.pixels)),
    derived_ms: medianSpread(rounds.map((round) => round.derived)),
    whole_ms: medianSpread(rounds.map((round) => round.whole)),
    /** Frames per second of processor time: what one core does that has nothing else to do. */
    frames_per_core_second: median(rates),
    p50_of_rounds_ms: rounds.map((round) => round.pixels.p50),
  };
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

async function measurePipe(manifest: string, seconds: number) {
  const { pipeline, clock } = makePipeline(manifest);
  const watch = new Stopwatch(pipeline, clock);
  const { frameBytes } = pipeline.engine.format;
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  const path = join(folder, 'frames.fifo');
  const file = join(folder, 'frames.yuv');
  let child: ChildProcess | undefined;
  try {
    // Drawn pictures of people who do not exist; the only kind that this project ever writes to a file.
    writeFileSync(file, Buffer.concat(drawFrames(frameBytes)));
    makeFifo(path);
    const reader = new FrameReader({ path, frameBytes, sink: watch, fillMsMax: Number.POSITIVE_INFINITY });
    const frameCount = Math.max(2 * FRAME_RATE_HZ, Math.round(seconds * FRAME_RATE_HZ));
    const words = ['-e', WRITER, file, path, String(frameBytes), String(FRAME_RATE_HZ), String(frameCount)];
    child = spawn(process.execPath, words, { stdio: 'ignore' });
    child.on('exit', () => reader.drain());
    await reader.ended;
    reader.close();
    const { pixels, derived, whole } = watch.take();
    return {
      frames: reader.framesRead,
      rate_hz: FRAME_RATE_HZ,
      pixels_ms: pixels,
      derived_ms: derived,
      whole_ms: whole,
    };
  } finally {
    child?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kilobytes of a line such as `VmRSS:	  51234 kB`. */
function statusKb(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      return /^\d+$/.test(entry) &&
        /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] === String(parent)
        ? [Number(entry)]
        : [];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

async function measureMemory(manifest: string, seconds: number) {
  if (platform() !== 'linux') return undefined;
  const waitMs = Math.max(SETTLE_MS, seconds * 1000);
  const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
  const words = [main, 'run', '--demo', '--seconds', String(waitMs / 1000 + 10)];
  if (manifest !== '') words.push('--set', `model.manifest=${manifest}`);
  const supervisor = spawn(process.execPath, words, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  try {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const found: Record<string, { rss_mb: number; peak_mb: number }> = {};
    for (const pid of childrenOf(supervisor.pid!)) {
      const name = /\/(eye|voice)\/main\.js/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1];
      if (name !== undefined)
        found[name] = { rss_mb: statusKb(pid, 'VmRSS') / 1024, peak_mb: statusKb(pid, 'VmHWM') / 1024 };
    }
    return { after_s: waitMs / 1000, ...found };
  } finally {
    supervisor.kill('SIGINT');
    await ended;
  }
}

/** In a process of its own with the collector's flags: see measureBytesPerFrame. */
function printSlope(manifest: string): void {
  const { pipeline } = makePipeline(manifest);
  const { loop } = pipeline;
  const frames = drawFrames(pipeline.engine.format.frameBytes);
  let frameIndex = 0;
  const run = (frameCount: number): void => {
    for (let i = 0; i < frameCount; i++) {
      loop.beginFrame();
      loop.slot.set(frames[frameIndex % FRAME_COUNT]!);
      loop.completeFrame(frameIndex * FRAME_US);
      frameIndex += 1;
    }
  };
  const slope = slopeBytes(run, SLOPE_STEPS);
  process.stdout.write(`${slope}\n`);
}

function measureBytesPerFrame(manifest: string): number | undefined {
  const words = [
    ...COLLECTOR_FLAGS,
    fileURLToPath(new URL('../bench.js', import.meta.url)),
    '--slope',
    '--model',
    manifest,
  ];
  const child = spawnSync(process.execPath, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return child.status === 0 ? Number(child.stdout) : undefined;
}

function table(result: Awaited<ReturnType<typeof measure>>): string {
  const { machine, frame, pipe, memory, bytes_per_frame: bytes } = result;
  const row = (name: string, { p50, p95, p99, max }: Spread): string =>
    `${name.padEnd(34)}${[p50, p95, p99, max].map((ms) => ms.toFixed(2).padStart(9)).join('')}`;
  const megabytes = (part: { rss_mb: number; peak_mb: number } | undefined): string =>
    part === undefined ? 'not found' : `${part.rss_mb.toFixed(0)} MB (peak ${part.peak_mb.toFixed(0)})`;
  const programs = memory as Record<string, { rss_mb: number; peak_mb: number }> | undefined;
  return [
    `board   ${machine.board}, ${machine.cores} × ${machine.arch}, load ${machine.load.toFixed(1)}`,
    `node    ${machine.node}`,
    `model   ${frame.model.name} ${frame.model.version}, ${(frame.macs / 1e6).toFixed(2)} million multiply-adds`,
    `frame   ${frame.frame.width_px} × ${frame.frame.height_px} YUV420, ${frame.frame.bytes} bytes`,
    '',
    `${'milliseconds'.padEnd(34)}${['p50', 'p95', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`,
    row('pixels, frames in memory', frame.pixels_ms),
    row('derived, frames in memory', frame.derived_ms),
    row('whole frame (with track, count)', frame.whole_ms),
    row(`pixels, pipe at ${pipe.rate_hz} Hz`, pipe.pixels_ms),
    row(`derived, pipe at ${pipe.rate_hz} Hz`, pipe.derived_ms),
    row(`whole frame, pipe at ${pipe.rate_hz} Hz`, pipe.whole_ms),
    '',
    `frames per second, one core        ${frame.frames_per_core_second.toFixed(0)}`,
    `bytes allocated per frame          ${bytes === undefined ? 'not measured' : bytes.toFixed(1)}`,
    `resident, eye                      ${megabytes(programs?.['eye'])}`,
    `resident, voice                    ${megabytes(programs?.['voice'])}`,
    '',
    `pixels: first byte in the slot → slot zero. derived: → every tensor zero. ${frame.frames_measured} frames in ${ROUND_COUNT} rounds;`,
    `medians over the rounds, whose p50 was ${frame.p50_of_rounds_ms.map((ms) => ms.toFixed(2)).join(', ')} ms. Other programs on this machine`,
    'lengthen every time; the pipe is one round and includes waiting for its writer.',
    '',
  ].join('\n');
}

async function measure(manifest: string, seconds: number) {
  const step = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
  step(`frames in memory, ${seconds} s`);
  const frame = measureFrames(manifest, seconds);
  step(`frames through a pipe, ${seconds} s`);
  const pipe = await measurePipe(manifest, seconds);
  step('bytes per frame');
  const bytesPerFrame = measureBytesPerFrame(manifest);
  step(`memory of the running programs, ${Math.max(SETTLE_MS / 1000, seconds)} s`);
  const memory = await measureMemory(manifest, seconds);
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
  return {
    machine: { board: boardName(), cores: cpus().length, arch: arch(), node: process.version, load: Number(load) },
    frame,
    pipe,
    bytes_per_frame: bytesPerFrame,
    memory,
  };
}

export async function benchResidency(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seconds: { type: 'string', default: '10' },
      model: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      slope: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 600)) {
    process.stderr.write(`--seconds is ${values.seconds}; expected 1..600 s\n\n${HELP}`);
    return ExitCode.usage;
  }
  if (values.slope) {
    printSlope(values.model);
    return ExitCode.ok;
  }
  const result = await measure(values.model, seconds);
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
  return ExitCode.ok;
}
