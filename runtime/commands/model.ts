/**
 * Model: what the engine would do with a `.tflite` file, before it does it: operators, kernels, multiply-adds, and where
 * every byte lies; as text, as JSON, and as a picture of the arena over time (SVG). Nothing is run.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError, ExitCode, ModelError } from '../errors.ts';
import { type EngineChoice, type EnginePlan, planEngine } from '../eye/infer/engine.ts';
import { checkGraph, countMacs, operatorMacs } from '../eye/infer/graph.ts';
import { PAGE_BYTES, type Region } from '../eye/infer/plan.ts';
import { operatorName } from '../eye/infer/schema.ts';
import { type GraphTensor, imageShape } from '../eye/infer/tensor.ts';
import { readTflite } from '../eye/infer/tflite.ts';
import { loadModel } from '../eye/model.ts';
import type { FrameFormat } from '../ports/camera.ts';
import { yuv420Bytes } from '../units.ts';

export type ModelOptions = {
  /** A .tflite file or a manifest.json. */
  readonly path: string;
  /** Key that is trusted besides the built-in ones, as model.public_key is. */
  readonly publicKey: string;
  /** `256x192`; undefined takes the model's own size. */
  readonly frame: string | undefined;
  readonly choice: EngineChoice;
  readonly json: boolean;
  /** File to write the picture of the plan into. */
  readonly svg: string | undefined;
  readonly out: (text: string) => void;
};

type TensorReport = {
  readonly name: string;
  readonly offset_bytes: number;
  readonly bytes: number;
  /** Operators from its writer to its last reader; -1: before all, operator count: after all. */
  readonly alive: readonly [number, number];
  /** Positions in this list of the tensors that have some of these bytes at another time. */
  readonly shares_with: readonly number[];
};

export function modelCommand({ path, publicKey, frame, choice, json, svg, out }: ModelOptions): ExitCode {
  const bytes = path.endsWith('.json') ? loadModel(path, publicKey).bytes : readModel(path);
  const format = formatOf(bytes, frame);
  const plan = planEngine(bytes, format, choice);
  const report = reportOf(path, bytes, format, plan, signatureOf(path, bytes, publicKey));
  if (svg !== undefined) writeFileSync(svg, drawPlan(report));
  if (json) out(`${JSON.stringify(report, null, 2)}\n`);
  else out(textOf(report) + (svg === undefined ? '' : `\npicture of the arena over time: ${svg}\n`));
  return ExitCode.ok;
}

function readModel(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ModelError('MODEL_MISSING', `${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      op: 'read model',
      cause,
      hint: 'Give a .tflite file, or the manifest.json beside one: lethe model models/person/person.tflite',
    });
  }
}

/** What the eye would say to a model: who signed it, or why it would refuse it. Any .tflite may be looked at all the same. */
function signatureOf(path: string, bytes: Uint8Array, publicKey: string): string {
  const manifest = path.endsWith('.json') ? path : join(dirname(path), 'manifest.json');
  if (!existsSync(manifest)) return 'no manifest.json beside it: the eye would not load it';
  try {
    const model = loadModel(manifest, publicKey);
    if (!Buffer.from(model.bytes).equals(bytes)) return 'not the file that the manifest.json beside it names';
    return `with key ${model.signer.id} (${model.signer.name}), version ${model.manifest.version}`;
  } catch (error) {
    if (error instanceof ModelError) return `refused: ${error.message}`;
    throw error;
  }
}

/** The frame given, else the size of the input y, else that of the only input, made even. */
function formatOf(bytes: Uint8Array, frame: string | undefined): FrameFormat {
  const given = /^(\d{1,4})x(\d{1,4})$/.exec(frame ?? '');
  if (frame !== undefined && given === null) {
    throw new ConfigError([`--frame is ${frame}; expected width x height in pixels, such as 256x192.`], {
      op: 'read options',
    });
  }
  const { inputs } = checkGraph(readTflite(bytes));
  const image = inputs.get('y') ?? [...inputs.values()][0];
  const [, height = 2, width = 2] = (image && imageShape(image)) ?? [];
  const even = (size: number): number => Math.max(2, size + (size % 2));
  const widthPx = even(given ? Number(given[1]) : width);
  const heightPx = even(given ? Number(given[2]) : height);
  return { widthPx, heightPx, strideBytes: widthPx, frameBytes: yuv420Bytes(widthPx, heightPx), frameRateHz: 1 };
}

function describeTensor(name: string, { kind, shape, scale, zeroPoint }: GraphTensor): string {
  const values = kind === 'float32' ? '' : `, real = ${Number(scale.toPrecision(6))} x (q - ${zeroPoint})`;
  return `${name} ${kind} [${shape.join(', ')}]${values}`;
}

function overlap(a: Region, b: Region): boolean {
  return a.offsetBytes < b.offsetBytes + b.bytes && b.offsetBytes < a.offsetBytes + a.bytes;
}

type Report = ReturnType<typeof reportOf>;

function reportOf(
  path: string,
  bytes: Uint8Array,
  format: FrameFormat,
  { model, graph, program, choice }: EnginePlan,
  signature: string,
) {
  const { plan } = program;
  const region = ({ name, offsetBytes, bytes: size }: Region) => ({ name, offset_bytes: offsetBytes, bytes: size });
  const tensors = plan.tensors.map(
    (tensor): TensorReport => ({
      ...region(tensor),
      alive: tensor.lifetime!,
      shares_with: plan.tensors.flatMap((other, i) => (other !== tensor && overlap(tensor, other) ? [i] : [])),
    }),
  );
  return {
    file: path,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    signature,
    inputs: [...graph.inputs].map(([name, tensor]) => describeTensor(name, tensor)),
    outputs: [...graph.outputs].map(([name, tensor]) => describeTensor(name, tensor)),
    frame: {
      width_px: format.widthPx,
      height_px: format.heightPx,
      read: program.feeds.length === 0 ? 'in place' : `converted (${program.feeds.join(', ')})`,
    },
    kernels: choice.shape,
    rounding: choice.rounding,
    multiply_adds: countMacs(graph),
    commands: program.commandCount,
    pixel_commands: program.pixelCommandCount,
    memory_bytes: plan.pages * PAGE_BYTES,
    regions: [plan.slot, plan.arena, plan.scratch, ...program.parts].map(region),
    operators: graph.operators.map((operator, i) => ({
      index: operator.index,
      operator: operatorName(model.operators[operator.index]!.code),
      kernels: program.kernels[i]!,
      output: operator.output.name,
      shape: operator.output.shape,
      multiply_adds: operatorMacs(operator),
      constant_bytes: program.constantBytes[i]!,
      arena_bytes_alive: tensors
        .filter(({ alive }) => alive[0] <= i && i <= alive[1])
        .reduce((sum, { bytes: size }) => sum + size, 0),
    })),
    tensors,
  };
}

/** Columns as wide as their widest cell; numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = (cell: string | number): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => text(row[i]!).length)));
  const isNumber = head.map((_, i) => rows.every((row) => typeof row[i] === 'number'));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map((row) => line(row.map(text)))].join('\n');
}

function textOf(report: Report): string {
  const { frame, regions, operators, tensors } = report;
  const number = (value: number): string => value.toLocaleString('en-US');
  const counts = new Map<string, number>();
  for (const { operator } of operators) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  return [
    `file      ${report.file}, ${number(report.bytes)} bytes, sha256 ${report.sha256}`,
    `signed    ${report.signature}`,
    ...report.inputs.map((input, i) => `${i === 0 ? 'inputs ' : '       '}   ${input}`),
    ...report.outputs.map((output, i) => `${i === 0 ? 'outputs' : '       '}   ${output}`),
    `frame     ${frame.width_px} x ${frame.height_px} px YUV420, ${frame.read}`,
    `work      ${number(report.multiply_adds)} multiply-adds a frame in ${operators.length} operators: ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}`,
    `kernels   ${report.kernels}, rounding ${report.rounding}; ${report.commands} commands, the first ${report.pixel_commands} of them see pixels`,
    `memory    ${number(report.memory_bytes)} bytes, taken once, never more`,
    '',
    table(
      ['offset', 'bytes', 'region'],
      regions.map((region) => [region.offset_bytes, region.bytes, region.name]),
    ),
    '',
    'operators (arena: bytes of tensors that are alive while it runs)',
    table(
      ['index', 'operator', 'kernel', 'output', 'shape', 'multiply-adds', 'constants', 'arena'],
      operators.map((operator) => [
        operator.index,
        operator.operator,
        operator.kernels.length > 0 ? operator.kernels.join(' + ') : 'in place',
        operator.output,
        `[${operator.shape.join(', ')}]`,
        operator.multiply_adds,
        operator.constant_bytes,
        operator.arena_bytes_alive,
      ]),
    ),
    '',
    'tensors of the arena (alive: from the operator that writes it to the last that reads it; shares: numbers of the',
    'tensors that have some of its bytes at another time)',
    table(
      ['number', 'offset', 'bytes', 'tensor', 'alive', 'shares bytes with'],
      tensors.map((tensor, i) => [
        i,
        tensor.offset_bytes,
        tensor.bytes,
        tensor.name,
        tensor.alive.join(' to '),
        ranges(tensor.shares_with),
      ]),
    ),
    '',
  ].join('\n');
}

/** 1, 2, 3, 7 → `1 to 3, 7`; numbers rise. */
function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  if (runs.length === 0) return 'none';
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ');
}

/** Operators to the right, offsets downwards: one rectangle per tensor, so that what overlaps can be seen at a glance. */
function drawPlan({ operators, tensors, regions, file }: Report): string {
  const [column, left, top, height] = [26, 70, 34, 520];
  const arena = regions.find(({ name }) => name === 'arena')!;
  const columns = operators.length + 2;
  const width = left + columns * column + 10;
  const y = (offset: number): number => top + ((offset - arena.offset_bytes) / Math.max(1, arena.bytes)) * height;
  const escaped = (text: string): string =>
    text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`).slice(0, 60);
  const rectangles = tensors.map((tensor, i) => {
    const [first, last] = tensor.alive;
    const x = left + (first + 1) * column;
    const from = y(tensor.offset_bytes);
    const tall = Math.max(1, y(tensor.offset_bytes + tensor.bytes) - from);
    const hue = (i * 137) % 360;
    const label =
      tall > 9 ? `<text x="${x + 3}" y="${from + Math.min(tall / 2 + 3, 11)}">${escaped(tensor.name)}</text>` : '';
    return `<g><title>${escaped(tensor.name)}: ${tensor.bytes} bytes at ${tensor.offset_bytes}, operators ${first} to ${last}</title><rect x="${x}" y="${from.toFixed(1)}" width="${(last - first + 1) * column - 2}" height="${tall.toFixed(1)}" fill="hsl(${hue} 60% 72%)" stroke="hsl(${hue} 45% 40%)"/>${label}</g>`;
  });
  const ticks = operators.map(
    ({ index }, i) =>
      `<text x="${left + (i + 1) * column + column / 2}" y="${top - 6}" text-anchor="middle">${index}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top + height + 20}" font-family="sans-serif" font-size="9">
<rect width="100%" height="100%" fill="white"/>
<text x="8" y="14" font-size="12">Arena of ${escaped(file)}: ${arena.bytes} bytes (down) over ${operators.length} operators (right)</text>
<text x="${left - 6}" y="${top + 8}" text-anchor="end">${arena.offset_bytes}</text>
<text x="${left - 6}" y="${top + height}" text-anchor="end">${arena.offset_bytes + arena.bytes}</text>
<rect x="${left}" y="${top}" width="${columns * column}" height="${height}" fill="none" stroke="#999"/>
${ticks.join('\n')}
${rectangles.join('\n')}
</svg>
`;
}
