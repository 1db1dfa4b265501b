/**
 * `bench engine`: our engine against every other that can be had from Node, and against native TFLite, on the same int8
 * nets in one run, one thread each.
 *
 * Every engine is a process of its own (child.ts, adapters/native.py). In each round all of them run a batch, one after
 * another, in an order that moves on from round to round: what else the machine does in these minutes meets them all.
 * That they run the same net is shown, not assumed: outputs are compared with ours, in quantisation steps.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { arch, cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ExitCode, explain, ModelError } from '../../runtime/errors.ts';
import { checkGraph, countMacs } from '../../runtime/eye/infer/graph.ts';
import { TensorType } from '../../runtime/eye/infer/schema.ts';
import { readTflite, type TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NETS } from '../nets/nets.ts';
import { writeTflite } from '../nets/writer.ts';
import { checkout, PeerMissing } from '../peers.ts';
import { type Port, valueCount } from './adapter.ts';
import {
  chooseEngines,
  ENGINES,
  type EngineRow,
  REFERENCE,
  readyEngine,
  startEngine,
  UsageError,
  YARDSTICK,
} from './engines.ts';
import { boardName } from './machine.ts';
import type { Child, Prepared } from './protocol.ts';
import { type Distance, distance, type Summary, summarise } from './statistics.ts';

/** Fresh processes for each row of --self. */
const SELF_REPETITIONS = 7;

/** The three public shapes (scripts/nets/nets.ts) and the model that is shipped. */
const NETS_DEFAULT = 'small,medium,large,person';

const HELP = `Measures the engine against other engines, on the same int8 nets, one thread each.
  --nets A,B       ${[...Object.keys(NETS), 'person'].join(', ')}, or .tflite files (${NETS_DEFAULT})
  --peers A,B      only these engines; ours are lethe fp32, lethe single, lethe double (all)
  --seconds N      timed seconds for each engine and net (2)
  --rounds N       batches they are cut into (5)
  --no-install     do not fetch engines that are missing
  --node-flags F   flags for the processes of the engines in Node, e.g. --node-flags=--experimental-wasm-relaxed-simd
  --self           only ours: load and first run in fresh processes, median of ${SELF_REPETITIONS}, and the size of the code
  --json           print JSON instead of the tables
Engines that are not installed are fetched with npm into .peers/. Native TFLite is run by $LETHE_PYTHON, or python3, with
one of the packages ai-edge-litert, tflite-runtime, tensorflow.
`;

const SAMPLE_COUNT = 4;
/** Before each batch: the caches and the processor's clock are those of the engine before. */
const WARM_UP_SHARE = 0.25;
/** Once after loading: V8 replaces code that runs often, within the first tenths of a second. */
const FIRST_WARM_UP_MS = 500;
/** TensorFlow takes some seconds to import, and a first run in plain JavaScript may take as many. */
const ANSWER_TIMEOUT_MS = 120_000;
/** Int8 engines round differently, here and there by one step, which later layers carry on; more on average is another net. */
const MEAN_STEPS_MAX = 2;

type Net = {
  readonly name: string;
  /** undefined where our engine refuses the net. */
  readonly macs: number | undefined;
  readonly bytes: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly modelPath: string;
  readonly samplesPath: string;
};

type Measured = {
  readonly engine: string;
  readonly arithmetic: EngineRow['arithmetic'];
  readonly version: string;
  readonly us: Summary;
  /** Of shortest and of median to those of `ratiosTo`. */
  readonly ratios: { readonly min: number; readonly median: number } | undefined;
  /** Processor time over time passed, median of the batches: above 1 it had more than one thread, below it had to wait. */
  readonly cores: number;
  /** To the outputs of `off_from`: REFERENCE, or the first engine where that is not asked for. */
  readonly steps: Distance;
  readonly load_ms: number;
  readonly first_run_ms: number;
  readonly rss_mb: number;
};

type Absent = { readonly engine: string; readonly reason: string };

type NetResult = {
  readonly net: string;
  readonly macs: number | undefined;
  readonly model_bytes: number;
  readonly ratios_to: string;
  readonly off_from: string;
  readonly measured: readonly Measured[];
  readonly failed: readonly Absent[];
  /** Engines whose outputs are the same to the bit. */
  readonly identical: readonly (readonly string[])[];
};

export async function benchEngine(words: readonly string[]): Promise<number> {
  try {
    return await bench(words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${HELP}`);
    return ExitCode.usage;
  }
}

async function bench(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      nets: { type: 'string', default: NETS_DEFAULT },
      peers: { type: 'string', default: '' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
      'no-install': { type: 'boolean', default: false },
      'node-flags': { type: 'string', default: '' },
      self: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const seconds = Number(values.seconds);
  const rounds = Number(values.rounds);
  if (!(seconds >= 0.1 && seconds <= 600)) throw new UsageError(`--seconds is ${values.seconds}; expected 0.1..600 s`);
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000))
    throw new UsageError(`--rounds is ${values.rounds}; expected 1..1000`);
  const rows = chooseEngines(listOf(values.peers, ','));
  const nodeFlags = listOf(values['node-flags'], ' ');
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  try {
    const nets = listOf(values.nets, ',').map((name, index) => prepareNet(name, index, folder));
    if (nets.length === 0) throw new UsageError('--nets names none');
    const machine = describeMachine(nodeFlags);
    if (values.self) {
      const result = { machine, wasm: wasmSizes(), ...(await measureSelf(nets, nodeFlags)) };
      process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : selfTable(result));
      return ExitCode.ok;
    }
    const { ready, absent } = readyEngines(rows, !values['no-install']);
    const results: NetResult[] = [];
    if (!values.json) process.stdout.write(`${machineLines(machine).join('\n')}\n`);
    for (const net of nets) {
      const measured = await measureNet(net, ready, { seconds, rounds, nodeFlags });
      results.push(measured);
      // At once: a run over all networks takes minutes.
      if (!values.json) process.stdout.write(`${netTable(measured).join('\n')}\n`);
    }
    const result = { machine, seconds, rounds, absent, nets: results };
    process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : closing(result));
    return ExitCode.ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function listOf(text: string, separator: string): string[] {
  return text.split(separator).filter((word) => word !== '');
}

function step(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

function describeMachine(nodeFlags: readonly string[]) {
  const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
  const node = [process.version, ...nodeFlags].join(' ');
  return { board: boardName(), cores: cpus().length, arch: arch(), node, load };
}

/** Writes the net and its samples into files that all processes read. */
function prepareNet(name: string, index: number, folder: string): Net {
  const file = modelFile(name);
  const model = readTflite(file);
  const inputs = portsOf(model, 'inputs');
  const outputs = portsOf(model, 'outputs');
  const modelPath = join(folder, `${index}.tflite`);
  const samplesPath = join(folder, `${index}.samples`);
  writeFileSync(modelPath, file);
  const samples = Array.from({ length: SAMPLE_COUNT }, (_, sample) => inputs.map((port) => picture(port, sample)));
  writeFileSync(samplesPath, Buffer.concat(samples.flat()));
  return {
    name: basename(name),
    macs: macsOf(model),
    bytes: file.length,
    inputs,
    outputs,
    modelPath,
    samplesPath,
  };
}

function macsOf(model: TfliteModel): number | undefined {
  try {
    return countMacs(checkGraph(model));
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

function millions(macs: number | undefined): string {
  return macs === undefined ? '?' : (macs / 1e6).toFixed(2);
}

function modelFile(name: string): Uint8Array {
  if (name.endsWith('.tflite')) return new Uint8Array(readFileSync(name));
  if (name === 'person') return new Uint8Array(readFileSync(join(checkout(), 'models', 'person', 'person.tflite')));
  const make = NETS[name];
  if (make !== undefined) return writeTflite(make());
  throw new UsageError(
    `there is no net ${name}; there are ${[...Object.keys(NETS), 'person'].join(', ')} and .tflite files`,
  );
}

function portsOf(model: TfliteModel, side: 'inputs' | 'outputs'): Port[] {
  return [...model[side]].map(([name, index]) => {
    const { shape, type, quantization } = model.tensors[index]!;
    const [scale] = quantization.scales;
    if (type !== TensorType.int8 || scale === undefined)
      throw new Error(`${name} is not int8; only nets with int8 inputs and outputs are compared`);
    return { name, index, shape, scale, zeroPoint: quantization.zeroPoints[0] ?? 0 };
  });
}

/** A made-up picture: slopes with noise, which fills the range of the activations better than noise alone. */
function picture(port: Port, seed: number): Uint8Array {
  let state = 1 + seed + 1000 * port.index;
  const phase = 40 * seed;
  return Uint8Array.from({ length: valueCount(port) }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(i / 61 + phase) + (state >>> 26);
  });
}

function readyEngines(rows: readonly EngineRow[], install: boolean) {
  const ready: EngineRow[] = [];
  const absent: Absent[] = [];
  for (const row of rows) {
    try {
      readyEngine(row, install);
      ready.push(row);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      step(`without ${row.name}: ${error.message}`);
      absent.push({ engine: row.name, reason: error.message });
    }
  }
  return { ready, absent };
}

type Choice = { readonly seconds: number; readonly rounds: number; readonly nodeFlags: readonly string[] };

async function measureNet(net: Net, rows: readonly EngineRow[], choice: Choice): Promise<NetResult> {
  const failed: Absent[] = [];
  let running: { row: EngineRow; child: Child; prepared: Prepared; us: number[]; cores: number[] }[] = [];
  const giveUp = async (row: EngineRow, child: Child, error: unknown): Promise<void> => {
    const absent = { engine: row.name, reason: explain(error) };
    step(failure(absent));
    failed.push(absent);
    await child.end();
  };
  try {
    for (const row of rows) {
      step(`${net.name}: loading ${row.name}`);
      const child = startEngine(row, choice.nodeFlags);
      try {
        const prepared = await prepare(child, row, net);
        await child.ask({ op: 'run', warmUpMs: FIRST_WARM_UP_MS, ms: 0 }, ANSWER_TIMEOUT_MS);
        running.push({ row, child, prepared, us: [], cores: [] });
      } catch (error) {
        await giveUp(row, child, error);
      }
    }
    const ms = (choice.seconds * 1000) / choice.rounds;
    step(`${net.name}: ${choice.rounds} rounds, ${choice.seconds} s each for ${running.length} engines`);
    for (let round = 0; round < choice.rounds; round += 1) {
      // Another first one each time, so that nobody always follows the same neighbour's load or idleness.
      const first = round % Math.max(1, running.length);
      for (const engine of [...running.slice(first), ...running.slice(0, first)]) {
        try {
          const { us, cores } = await engine.child.ask(
            { op: 'run', warmUpMs: ms * WARM_UP_SHARE, ms },
            ANSWER_TIMEOUT_MS,
          );
          for (const time of us) engine.us.push(time);
          engine.cores.push(cores);
        } catch (error) {
          running = running.filter((other) => other !== engine);
          await giveUp(engine.row, engine.child, error);
        }
      }
    }
  } finally {
    await Promise.all(running.map(({ child }) => child.end()));
  }
  const named = (name: string) => running.find(({ row }) => row.name === name);
  const yardstick = named(YARDSTICK) ?? named(REFERENCE) ?? running[0];
  const base = yardstick && summarise(yardstick.us);
  const groups = new Map<string, string[]>();
  for (const { row, prepared } of running) {
    const group = groups.get(prepared.steps);
    if (group === undefined) groups.set(prepared.steps, [row.name]);
    else group.push(row.name);
  }
  const reference = named(REFERENCE) ?? running[0];
  const expected = stepsOf(reference?.prepared);
  return {
    net: net.name,
    macs: net.macs,
    model_bytes: net.bytes,
    ratios_to: yardstick?.row.name ?? '',
    off_from: reference?.row.name ?? '',
    measured: running.map(({ row, prepared, us: times, cores }) => {
      const us = summarise(times);
      return {
        engine: row.name,
        arithmetic: row.arithmetic,
        version: prepared.version,
        us,
        ratios: base && { min: us.min / base.min, median: us.median / base.median },
        cores: summarise(cores).median,
        steps: distance(stepsOf(prepared), expected),
        load_ms: prepared.loadMs,
        first_run_ms: prepared.firstRunMs,
        rss_mb: prepared.rssMb,
      };
    }),
    failed,
    identical: [...groups.values()].filter((group) => group.length > 1),
  };
}

function prepare(child: Child, { variant, peers }: EngineRow, net: Net): Promise<Prepared> {
  const { modelPath, samplesPath, inputs, outputs } = net;
  const message = { op: 'prepare', variant, peers, modelPath, samplesPath, sampleCount: SAMPLE_COUNT } as const;
  return child.ask({ ...message, inputs, outputs }, ANSWER_TIMEOUT_MS);
}

function stepsOf(prepared: Prepared | undefined): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(prepared?.steps ?? '', 'base64'));
  return new Float32Array(bytes.buffer);
}

function wasmSizes() {
  const folder = fileURLToPath(new URL('../../runtime/eye/infer/kernels/', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
  return files.map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
}

/** Fresh processes, one after another: what a start of the eye waits for before its first frame. */
async function measureSelf(nets: readonly Net[], nodeFlags: readonly string[]) {
  const ours = ENGINES.filter(({ adapter }) => adapter === 'lethe');
  const measured = [];
  const failed: Absent[] = [];
  for (const net of nets) {
    for (const row of ours) {
      step(`${net.name}: ${SELF_REPETITIONS} fresh processes of ${row.name}`);
      const all: Prepared[] = [];
      for (let i = 0; i < SELF_REPETITIONS; i += 1) {
        const child = startEngine(row, nodeFlags);
        try {
          all.push(await prepare(child, row, net));
        } catch (error) {
          failed.push({ engine: `${row.name}, ${net.name}`, reason: explain(error) });
          break;
        } finally {
          await child.end();
        }
      }
      if (all.length < SELF_REPETITIONS) continue;
      const middle = (pick: (prepared: Prepared) => number): number => summarise(all.map(pick)).median;
      measured.push({
        net: net.name,
        macs: net.macs,
        engine: row.name,
        load_ms: middle(({ loadMs }) => loadMs),
        first_run_ms: middle(({ firstRunMs }) => firstRunMs),
        rss_mb: middle(({ rssMb }) => rssMb),
      });
    }
  }
  return { measured, failed };
}

type Machine = ReturnType<typeof describeMachine>;

function machineLines({ board, cores, arch: processor, node, load }: Machine): string[] {
  return [`board   ${board}, ${cores} × ${processor}, load ${load.toFixed(1)}`, `node    ${node}`];
}

/** A refusal has a line for each problem; the first one will do. */
function failure({ engine, reason }: Absent): string {
  return `${engine} failed: ${reason.split('\n')[0]}`;
}

/** Rows of cells in columns: the first to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

const HEAD = 'µs|type|min|median|p99|× min|× median|cores|off max|mean|load ms|first ms|MB'.split('|');

function netTable(net: NetResult): string[] {
  const rows = net.measured.map((row) => {
    const { min, median, p99, count } = row.us;
    return [
      row.engine,
      row.arithmetic,
      min.toFixed(0),
      median.toFixed(0),
      // The hundredth part of fewer is less than one.
      count < 100 ? '' : p99.toFixed(0),
      row.ratios?.min.toFixed(2) ?? '',
      row.ratios?.median.toFixed(2) ?? '',
      row.cores.toFixed(2),
      row.steps.max.toFixed(row.arithmetic === 'int8' ? 0 : 1),
      row.steps.mean.toFixed(3),
      row.load_ms.toFixed(0),
      row.first_run_ms.toFixed(1),
      row.rss_mb.toFixed(0),
    ];
  });
  return [
    '',
    `net     ${net.net}, ${millions(net.macs)} million multiply-adds, ${net.model_bytes} bytes; × is to ${net.ratios_to}, off from ${net.off_from}`,
    ...columns([HEAD, ...rows]),
    ...net.identical.map((group) => `same outputs to the bit: ${group.join(', ')}`),
    ...net.measured
      .filter(({ arithmetic, steps }) => arithmetic === 'int8' && !(steps.mean <= MEAN_STEPS_MAX))
      .map(({ engine, steps }) => `${engine} is off by ${steps.mean.toFixed(1)} steps on average: not the same net`),
    ...net.failed.map(failure),
  ];
}

function closing(result: {
  readonly seconds: number;
  readonly rounds: number;
  readonly absent: readonly Absent[];
  readonly nets: readonly NetResult[];
}): string {
  const measured = result.nets.flatMap((net) => net.measured).filter(({ version }) => version !== '');
  const versions = new Map(measured.map(({ engine, version }) => [engine, version]));
  return [
    '',
    ...[...versions].map(([engine, version]) => `version   ${engine}: ${version}`),
    ...result.absent.map(({ engine, reason }) => `absent    ${engine}: ${reason}`),
    `One thread each, one process each, ${result.rounds} interleaved rounds, ${result.seconds} s per engine and net. Timed: input bytes in, run,`,
    'outputs readable; for lethe also the erasing of every tensor. off: distance of the outputs, in steps',
    'of their quantisation, over 4 inputs. cores: processor time over time. load: code of the engine and model. MB: resident',
    'set after the first run.',
    '',
  ].join('\n');
}

function selfTable(
  result: {
    readonly machine: Machine;
    readonly wasm: ReturnType<typeof wasmSizes>;
  } & Awaited<ReturnType<typeof measureSelf>>,
): string {
  const rows = result.measured.map((row) => [
    `${row.engine}, ${row.net}`,
    millions(row.macs),
    row.load_ms.toFixed(1),
    row.first_run_ms.toFixed(1),
    row.rss_mb.toFixed(0),
  ]);
  return [
    ...machineLines(result.machine),
    '',
    ...columns([['fresh process', 'million MACs', 'load ms', 'first ms', 'MB'], ...rows]),
    ...result.failed.map(failure),
    '',
    ...result.wasm.map(({ name, bytes }) => `${name}  ${bytes} bytes`),
    '',
    `Medians of ${SELF_REPETITIONS} processes. load: code of the engine, model read, checked and prepared; first: the first run.`,
    '',
  ].join('\n');
}
