/**
 * How far the engine's ways of rounding are from TFLite's reference kernels and from XNNPACK, in bytes that differ and in
 * the largest difference: of whole networks, of single operators, and of the operators inside of the networks.
 * The last is the telling one: every operator gets the very inputs that XNNPACK had, so that differences do not add up.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shapeOfMachine } from '../../runtime/eye/infer/engine.ts';
import { ROUNDINGS, type Rounding } from '../../runtime/eye/infer/quantize.ts';
import { operatorName } from '../../runtime/eye/infer/schema.ts';
import { readTflite, type TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NETS } from '../nets/nets.ts';
import { writeTflite } from '../nets/writer.ts';
import { inputsOf } from './case.ts';
import { GOLDEN_CASES } from './cases.ts';
import { prepareRun } from './engine.ts';
import { type Interpreted, interpret, repositoryRoot, type Tensors } from './interpreter.ts';
import { PERSON_FRAMES, personInputs } from './person.ts';
import { withEveryTensor } from './whole.ts';

/** Inputs of each network; half of them noise, half smooth. */
const RUN_COUNT = 8;

type Subject = { readonly name: string; readonly model: TfliteModel; readonly inputs: readonly Tensors[] };

/** Bytes compared, bytes that differ, and by how much at most. */
class Difference {
  bytes = 0;
  differing = 0;
  largest = 0;
  /** Why runs could not be made: an operator that the engine does not serve, or a form of it. */
  readonly errors = new Set<string>();
  add(actual: Uint8Array, expected: Uint8Array): void {
    for (let i = 0; i < expected.length; i += 1) {
      // Bytes of int8 and uint8 differ by the same steps once their sign is dealt with; -1 and 0 must be neighbours.
      const step = Math.abs(((actual[i]! << 24) >> 24) - ((expected[i]! << 24) >> 24));
      if (step > 0) this.differing += 1;
      this.largest = Math.max(this.largest, step);
    }
    this.bytes += expected.length;
  }
  addAll(actual: Tensors, expected: Tensors): void {
    for (const [name, data] of expected) this.add(actual.get(name)!, data);
  }
  toString(): string {
    if (this.bytes === 0) return this.errors.size > 0 ? 'not run' : '-';
    if (this.differing === 0) return 'same';
    const share = ((100 * this.differing) / this.bytes).toPrecision(2);
    return `${this.differing} (${share} %), by ${this.largest}`;
  }
}

type Row = {
  readonly name: string;
  readonly ways: Readonly<Record<Rounding, { readonly reference: Difference; readonly xnnpack: Difference }>>;
  /** XNNPACK against the reference. */
  readonly between: Difference;
};

function rowOf(name: string): Row {
  const way = () => ({ reference: new Difference(), xnnpack: new Difference() });
  return { name, ways: { double: way(), single: way(), fp32: way() }, between: new Difference() };
}

function compare(row: Row, { model, inputs }: Subject, { reference, xnnpack }: Interpreted): void {
  reference.forEach((expected, i) => {
    if (xnnpack[i] !== undefined) row.between.addAll(xnnpack[i], expected);
  });
  for (const rounding of ROUNDINGS) {
    const way = row.ways[rounding];
    try {
      const run = prepareRun(model, { shape: shapeOfMachine(), rounding });
      inputs.forEach((tensors, i) => {
        const { outputs } = run(tensors);
        way.reference.addAll(outputs, reference[i]!);
        if (xnnpack[i] !== undefined) way.xnnpack.addAll(outputs, xnnpack[i]);
      });
    } catch (error) {
      const text = error instanceof Error ? error.message.split('\n')[0]! : String(error);
      for (const difference of [way.reference, way.xnnpack]) difference.errors.add(text);
    }
  }
}

/** Each operator of a network alone, on the tensors of `values`, which has every tensor of the network by its index. */
function compareOperators(
  rows: Map<string, Row>,
  model: TfliteModel,
  values: Tensors,
  way: 'reference' | 'xnnpack',
): void {
  for (const operator of model.operators) {
    const name = operatorName(operator.code);
    const row = rows.get(name) ?? rowOf(name);
    rows.set(name, row);
    const computed = operator.inputs.filter((index) => index >= 0 && model.tensors[index]!.data === undefined);
    const inputs = new Map([...new Set(computed)].map((index) => [String(index), index]));
    const output = operator.outputs[0]!;
    const alone = {
      ...model,
      operators: [{ ...operator, index: 0 }],
      inputs,
      outputs: new Map([[String(output), output]]),
    };
    for (const rounding of ROUNDINGS) {
      const difference = row.ways[rounding][way];
      try {
        const run = prepareRun(alone, { shape: shapeOfMachine(), rounding });
        const given = new Map([...inputs.keys()].map((input) => [input, values.get(input)!]));
        difference.addAll(run(given).outputs, new Map([[String(output), values.get(String(output))!]]));
      } catch (error) {
        difference.errors.add(error instanceof Error ? error.message.split('\n')[0]! : String(error));
      }
    }
  }
}

function subjectOf(name: string, model: TfliteModel): Subject {
  const inputs = Array.from({ length: RUN_COUNT }, (_, i) => inputsOf(model, 1 + i, i % 2 === 0 ? 'any' : 'smooth'));
  return { name, model, inputs };
}

function networks(): Subject[] {
  const file = readFileSync(join(repositoryRoot(), 'models/person/person.tflite'));
  const person = readTflite(file);
  const nets = Object.entries(NETS).map(([name, make]) => subjectOf(name, make()));
  return [
    { name: 'person', model: person, inputs: PERSON_FRAMES.map((frame) => personInputs(person, frame)) },
    ...nets,
  ];
}

/** Runs TFLite and the engine, and gives the tables as text. files: paths of further models. */
export function measureDistance(files: readonly string[]): string {
  const nets = [...networks(), ...files.map((file) => subjectOf(basename(file), readTflite(readFileSync(file))))];
  const cases = GOLDEN_CASES.filter(({ referenceOnly = false }) => !referenceOnly);
  const { results, versions } = interpret([
    ...nets.map(({ name, model, inputs }) => ({ name, model: writeTflite(model), inputs })),
    ...nets.map(({ name, model, inputs }) => ({
      name,
      model: writeTflite(withEveryTensor(model)),
      inputs,
    })),
    ...cases.map(({ name, model, inputs }) => ({ name, model: writeTflite(model), inputs: [inputs] })),
  ]);
  const whole = nets.map((subject, i) => {
    const row = rowOf(subject.name);
    compare(row, subject, results[i]!);
    return row;
  });

  const inside = new Map<string, Row>();
  nets.forEach(({ model, inputs }, i) => {
    const { reference, xnnpack } = results[nets.length + i]!;
    inputs.forEach((given, run) => {
      const pixels = [...given].map(([name, data]): [string, Uint8Array] => [String(model.inputs.get(name)), data]);
      compareOperators(inside, model, new Map([...pixels, ...reference[run]!]), 'reference');
      compareOperators(inside, model, new Map([...pixels, ...xnnpack[run]!]), 'xnnpack');
    });
  });

  const single = new Map<string, Row>();
  cases.forEach(({ group, name, model, inputs }, i) => {
    const row = single.get(group) ?? rowOf(group);
    single.set(group, row);
    compare(row, { name, model, inputs: [inputs] }, results[2 * nets.length + i]!);
  });

  return [
    `Bytes that differ, by how much at most; TensorFlow ${versions['tensorflow']}, ${process.arch}.`,
    '',
    table('whole networks', whole),
    table('golden cases by operator', [...single.values()]),
    table('operators inside of the networks, each on the inputs it had there', [...inside.values()]),
  ].join('\n');
}

function table(title: string, rows: readonly Row[]): string {
  const head = [
    title,
    ...ROUNDINGS.flatMap((rounding) => [`${rounding} - reference`, `${rounding} - XNNPACK`]),
    'XNNPACK - reference',
  ];
  const lines = rows.map(({ name, ways, between }) => [
    name,
    ...ROUNDINGS.flatMap((rounding) => [ways[rounding].reference, ways[rounding].xnnpack]).map(String),
    String(between),
  ]);
  const errors = new Set(
    rows.flatMap(({ name, ways }) =>
      ROUNDINGS.flatMap((rounding) => [...ways[rounding].reference.errors].map((error) => `${name}: ${error}`)),
    ),
  );
  return [
    ...[head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`),
    ...[...errors].map((error) => `not run: ${error}`),
    '',
  ].join('\n');
}
