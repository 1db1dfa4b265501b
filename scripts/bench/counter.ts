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
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SystemClock } from '../../drivers/clock/system.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { loadModel } from '../../runtime/eye/model.ts';
import { createPipeline } from '../../runtime/eye/pipeline.ts';
import { COLLECTOR_FLAGS, slopeBytes } from '../../test/alloc/slope.ts';
import { drawFrames, FRAME_COUNT, PIPE_BYTES, sendThroughPipe, WatchedLoop } from './frames.ts';
import { boardName, loadAverage } from './machine.ts';
import { type Spread, spreadOf } from './statistics.ts';

const HELP = `Measures residency, speed and memory of the counter on this machine.
  --seconds N   length of the timed rounds together, and of each other part at least (10)
  --model FILE  manifest of another model
  --json        print JSON instead of the table
bench engine    measures the engine alone, against others that can be had from Node; --help after it says how.
bench tracker   measures the tracker at 1 to 60 people.
bench residency measures how long pictures live at 5, 15 and 30 frames a second, and the machine's own jitter.
`;

const ROUND_COUNT = 5;
/** Until V8 has compiled the loop for good, about the 5,000th frame, each addition of two numbers allocates one. */
const SLOPE_STEPS = { warmUpSteps: 10_000, shortSteps: 400, longSteps: 2400, repetitions: 4 };
/** Before this the programs still start. */
const SETTLE_MS = 20_000;
const FRAME_RATE_HZ = 15;
const FRAME_US = 1e6 / FRAME_RATE_HZ;
/** Ten minutes, the longest that may be asked for, in rounds of frames of 0.2 ms; later ones of a round are not kept. */
const FRAMES_PER_ROUND_MAX = 600_000;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Each figure is the median of that figure over the rounds; max is the median of the rounds' longest. */
function medianSpread(rounds: readonly Spread[]): Spread {
  const of = (pick: (round: Spread) => number): number => median(rounds.map(pick));
  return { p50: of((r) => r.p50), p95: of((r) => r.p95), p99: of((r) => r.p99), max: of((r) => r.max) };
}

type Spreads = { readonly pixels_ms: Spread; readonly derived_ms: Spread; readonly whole_ms: Spread };

/** Of the frames since the last call. */
function spreadsOf(loop: WatchedLoop): Spreads {
  const { pixels, derived, whole } = loop.take();
  return { pixels_ms: spreadOf(pixels), derived_ms: spreadOf(derived), whole_ms: spreadOf(whole) };
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
  const watch = new WatchedLoop(manifest, FRAMES_PER_ROUND_MAX);
  const { model } = watch;
  const { format, macCount } = watch.pipeline.engine;
  const frames = drawFrames(format.frameBytes);
  const pieces = frames.map((frame) =>
    Array.from({ length: Math.ceil(frame.length / PIPE_BYTES) }, (_, index) =>
      frame.subarray(index * PIPE_BYTES, (index + 1) * PIPE_BYTES),
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
  const rounds: Spreads[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUND_COUNT; round++) {
    const beganMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const firstFrame = frameIndex;
    while (performance.now() - beganMs < (seconds * 1000) / ROUND_COUNT) next();
    const cpu = process.cpuUsage(cpuBefore);
    rates.push((frameIndex - firstFrame) / ((cpu.user + cpu.system) / 1e6));
    rounds.push(spreadsOf(watch));
  }
  return {
    model: { name: model.manifest.name, version: model.manifest.version, sha256: model.manifest.sha256 },
    macs: macCount,
    frame: { width_px: format.widthPx, height_px: format.heightPx, bytes: format.frameBytes },
    frames_measured: frameIndex - 2 * FRAME_COUNT,
    pixels_ms: medianSpread(rounds.map((round) => round.pixels_ms)),
    derived_ms: medianSpread(rounds.map((round) => round.derived_ms)),
    whole_ms: medianSpread(rounds.map((round) => round.whole_ms)),
    /** Frames per second of processor time: what one core does that has nothing else to do. */
    frames_per_core_second: median(rates),
    p50_of_rounds_ms: rounds.map((round) => round.pixels_ms.p50),
  };
}

async function measurePipe(manifest: string, seconds: number) {
  const frameCount = Math.max(2 * FRAME_RATE_HZ, Math.round(seconds * FRAME_RATE_HZ));
  const loop = new WatchedLoop(manifest, frameCount);
  const { framesRead } = await sendThroughPipe(loop, FRAME_RATE_HZ, frameCount);
  return { frames: framesRead, rate_hz: FRAME_RATE_HZ, ...spreadsOf(loop) };
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
  const config = parseConfig({});
  const pipeline = createPipeline(config, loadModel(manifest), config, new SystemClock(), NO_EVENTS);
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
  return {
    machine: { board: boardName(), cores: cpus().length, arch: arch(), node: process.version, load: loadAverage() },
    frame,
    pipe,
    bytes_per_frame: bytesPerFrame,
    memory,
  };
}

export async function benchCounter(words: readonly string[]): Promise<number> {
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
