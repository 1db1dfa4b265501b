/**
 * `bench residency`: how long pictures live in the eye at 5, 15 and 30 frames a second, against the marks of the project,
 * and what clearing them costs; beside it what the machine does to a program that reads no picture.
 *
 * Another process writes drawn pictures into a named pipe; the eye's own reader fills the slot, the eye's own loop looks,
 * erases, tracks and counts, with the shipped model. Every frame counts, the first ones with them: nothing is warmed up
 * but what the eye warms up itself. Each rate runs in a process of its own, so that no rate finds the code of another
 * compiled. In the middle between two frames a timer does a fixed piece of arithmetic in the same process; two busy loops
 * follow when the frames are over. Memory: see frames.ts and machine.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { arch, cpus } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ExitCode } from '../../runtime/errors.ts';
import { MS_PER_S } from '../../runtime/units.ts';
import { measureFirstReads, sendThroughPipe, WatchedLoop } from './frames.ts';
import { boardName, type LoopJitter, loadAverage, measureLoops, TimerControl } from './machine.ts';
import { type Spread, spreadOf } from './statistics.ts';

const HELP = `Measures how long pictures live in the eye, at several frame rates, and the machine's own jitter beside it.
  --rates A,B     frames per second (5,15,30)
  --frames N      frames at each rate (1200: twelve of them are above p99)
  --seconds N     how long busy loops measure the machine after each rate (10)
  --model FILE    manifest of another model
  --json          print JSON instead of the table
Exit 0: every mark is met; 1: one is not.
`;

/** What must be reached at this rate, milliseconds; and of the frame's time, at every rate. */
const MARK_RATE_HZ = 15;
const MARKS_MS = { pixels: { p50: 0.3, p99: 1 }, derived: { p50: 1.2, p99: 2 } } as const;
const CLEARING_SHARE_MAX = 0.03;
/** The piece of work that stands for a frame where the machine is measured. */
const WORK_MS = 1;
const FIRST_READS = 200;
const PROGRESS_MS = 10_000;

export type RateResult = {
  readonly rate_hz: number;
  readonly frames: number;
  /** The pipe could be widened (drivers/fifo.ts). */
  readonly pipe_holds_frame: boolean;
  readonly pixels_ms: Spread;
  readonly derived_ms: Spread;
  readonly whole_ms: Spread;
  /** Both erasures. */
  readonly clearing_ms: Spread;
  /** All erasures over all frames. */
  readonly clearing_share: number;
  /** What the clock does not see: the read that brings the first bytes. */
  readonly first_read_ms: Spread;
  readonly load: number;
  readonly work_after_timer_ms: Spread;
  readonly timer_late_ms: Spread;
} & LoopJitter;

const say = (sentence: string): void => void process.stderr.write(`bench: ${sentence}\n`);
const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

/** In a process of its own. */
async function measureRate(manifest: string, rateHz: number, frameCount: number, seconds: number): Promise<RateResult> {
  const loop = new WatchedLoop(manifest, frameCount);
  const control = new TimerControl(Math.round(MS_PER_S / rateHz / 2), frameCount, WORK_MS);
  loop.onFrame = () => control.set();
  const progress = setInterval(
    () => say(`${rateHz} Hz: ${loop.pipeline.loop.framesRead} of ${frameCount} frames`),
    PROGRESS_MS,
  );
  const { framesRead, holdsFrame } = await sendThroughPipe(loop, rateHz, frameCount);
  clearInterval(progress);
  const load = loadAverage();
  const { pixels, derived, whole, clearing } = loop.take();
  const { late_ms, work_ms } = control.end();
  say(`${rateHz} Hz: reads of a pipe, then busy loops of ${seconds} s`);
  return {
    rate_hz: rateHz,
    frames: framesRead,
    pipe_holds_frame: holdsFrame,
    pixels_ms: spreadOf(pixels),
    derived_ms: spreadOf(derived),
    whole_ms: spreadOf(whole),
    clearing_ms: spreadOf(clearing),
    clearing_share: sumOf(clearing) / sumOf(whole),
    first_read_ms: spreadOf(await measureFirstReads(rateHz, FIRST_READS)),
    load,
    work_after_timer_ms: work_ms,
    timer_late_ms: late_ms,
    ...measureLoops(seconds, WORK_MS),
  };
}

async function measureRateApart(words: readonly string[], rateHz: number): Promise<RateResult> {
  const bench = fileURLToPath(new URL('../bench.js', import.meta.url));
  const child = spawn(process.execPath, [bench, 'residency', ...words, '--only', String(rateHz)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const output = await text(child.stdout!);
  const [code] = await exited;
  if (code !== 0) throw new Error(`the measurement at ${rateHz} Hz ended with ${code}`);
  return JSON.parse(output) as RateResult;
}

export type Verdict = { readonly what: string; readonly found: number; readonly max: number };

/** What was found against what must be reached. */
export function verdicts(results: readonly RateResult[]): Verdict[] {
  const marked = results.find(({ rate_hz }) => rate_hz === MARK_RATE_HZ);
  const times =
    marked === undefined
      ? []
      : (['pixels', 'derived'] as const).flatMap((part) =>
          (['p50', 'p99'] as const).map((name) => ({
            what: `${part} ${name} at ${MARK_RATE_HZ} Hz, ms`,
            found: marked[`${part}_ms`][name],
            max: MARKS_MS[part][name],
          })),
        );
  const shares = results.map(({ rate_hz, clearing_share }) => ({
    what: `clearing at ${rate_hz} Hz, % of the frame`,
    found: 100 * clearing_share,
    max: 100 * CLEARING_SHARE_MAX,
  }));
  return [...times, ...shares];
}

export function table(results: readonly RateResult[]): string {
  const cell = (value: string): string => value.padStart(10);
  const row = (name: string, of: (result: RateResult) => string): string =>
    `${name.padEnd(45)}${results.map((result) => cell(of(result))).join('')}`;
  const spread = (name: string, of: (result: RateResult) => Spread, digits = 3): string[] =>
    (['p50', 'p99', 'max'] as const).map((part, index) =>
      row(`${(index === 0 ? name : '').padEnd(41)}${part}`, (result) => of(result)[part].toFixed(digits)),
    );
  return [
    `board   ${boardName()}, ${cpus().length} × ${arch()}, node ${process.version}`,
    '',
    row('milliseconds', ({ rate_hz }) => `${rate_hz} Hz`),
    row('frames', ({ frames }) => String(frames)),
    row('the pipe holds a whole frame', (result) => (result.pipe_holds_frame ? 'yes' : 'no')),
    ...spread('pixels: first byte → slot zero', (result) => result.pixels_ms),
    ...spread('derived: first byte → every tensor zero', (result) => result.derived_ms),
    ...spread('whole frame, tracked and counted', (result) => result.whole_ms),
    ...spread('clearing, slot and tensors', (result) => result.clearing_ms),
    row('clearing, % of the whole frame', ({ clearing_share }) => (100 * clearing_share).toFixed(2)),
    ...spread('first read, before the clock starts', (result) => result.first_read_ms),
    '',
    "the machine's own jitter",
    row('load while frames ran', ({ load }) => load.toFixed(1)),
    ...spread('idle loop, step from clock to clock', (result) => result.idle_step_ms, 5),
    ...spread(`${WORK_MS} ms of arithmetic, in a row`, (result) => result.work_in_a_row_ms),
    ...spread(`${WORK_MS} ms of arithmetic, after a timer`, (result) => result.work_after_timer_ms),
    ...spread('a timer comes late by', (result) => result.timer_late_ms),
    '',
    ...verdicts(results).map(
      ({ what, found, max }) =>
        `${found <= max ? 'met   ' : 'MISSED'}  ${what.padEnd(34)} ${found.toFixed(3)}, at most ${max.toFixed(1)}`,
    ),
    '',
  ].join('\n');
}

export async function benchResidency(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rates: { type: 'string', default: '5,15,30' },
      frames: { type: 'string', default: '1200' },
      seconds: { type: 'string', default: '10' },
      model: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const rates = values.rates.split(',').map(Number);
  const frameCount = Number(values.frames);
  const seconds = Number(values.seconds);
  const isGood =
    rates.every((rate) => rate >= 1 && rate <= 60) &&
    Number.isInteger(frameCount) &&
    frameCount >= 10 &&
    frameCount <= 1e6 &&
    seconds >= 1 &&
    seconds <= 600;
  if (!isGood) {
    process.stderr.write(`bench: expected rates of 1..60 Hz, 10..1000000 frames and 1..600 seconds\n\n${HELP}`);
    return ExitCode.usage;
  }
  if (values.only !== undefined) {
    const result = await measureRate(values.model, Number(values.only), frameCount, seconds);
    process.stdout.write(JSON.stringify(result));
    return ExitCode.ok;
  }
  const results: RateResult[] = [];
  for (const rate of rates) {
    say(`${rate} Hz, ${frameCount} frames, ${Math.ceil(frameCount / rate)} s`);
    results.push(
      await measureRateApart(['--frames', values.frames, '--seconds', values.seconds, '--model', values.model], rate),
    );
  }
  process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : table(results));
  return verdicts(results).every(({ found, max }) => found <= max) ? ExitCode.ok : ExitCode.failed;
}
