/**
 * Goal: what the writer of test models writes, the reader reads: the same tables, constants and numbers.
 * Method: arbitrary models (fast-check; FC_RUNS for longer), and the person model written anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { knownOperator, OPERATORS, type OperatorName, type OptionField } from '../../../runtime/eye/infer/schema.ts';
import { readTflite, type TfliteModel, type TfliteOperator } from '../../../runtime/eye/infer/tflite.ts';
import { writeTflite } from '../../../scripts/nets/writer.ts';
import { sourceRoot } from '../../fakes/root.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);

const record = <Value>(fields: { [Key in keyof Value]: fc.Arbitrary<Value[Key]> }): fc.Arbitrary<Value> =>
  fc.record(fields, { noNullPrototype: true }) as unknown as fc.Arbitrary<Value>;
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
/** The sum makes 0 of -0, which flatbuffers write like an absent field. */
const float32 = fc.float({ noNaN: true }).map((value) => value + 0);
const FIELDS = {
  int32,
  int8: fc.integer({ min: -128, max: 127 }),
  bool: fc.integer({ min: 0, max: 1 }),
  float32,
} as const;

const tensor = record({
  name: fc.string({ maxLength: 20, unit: 'grapheme' }),
  shape: fc.array(fc.nat(1 << 20), { maxLength: 8 }),
  type: fc.integer({ min: 0, max: 20 }),
  quantization: record({
    scales: fc.array(float32, { maxLength: 5 }),
    zeroPoints: fc.array(fc.maxSafeInteger(), { maxLength: 5 }),
    dimension: int32,
  }),
  data: fc.option(fc.uint8Array({ minLength: 1, maxLength: 70 }), { nil: undefined }),
});

function operatorOf(name: OperatorName, tensorCount: number): fc.Arbitrary<Omit<TfliteOperator, 'index'>> {
  const { code, options, fields } = OPERATORS[name];
  const entries = Object.entries(fields as Readonly<Record<string, OptionField>>);
  const absent = Object.fromEntries(entries.map(([field, [, , value]]) => [field, value]));
  const given = record(Object.fromEntries(entries.map(([field, [, kind]]) => [field, FIELDS[kind]])));
  return fc
    .record({
      code: fc.constant<number>(code),
      inputs: fc.array(fc.integer({ min: -1, max: tensorCount - 1 }), { maxLength: 4 }),
      outputs: fc.array(fc.nat(tensorCount - 1), { maxLength: 2 }),
      options: given,
      hasOptions: options === 0 ? fc.constant(false) : fc.boolean(),
    })
    .map((operator) => (operator.hasOptions ? operator : { ...operator, options: absent }));
}

function unknownOperator(tensorCount: number): fc.Arbitrary<Omit<TfliteOperator, 'index'>> {
  return record({
    code: fc.nat(250).filter((code) => knownOperator(code) === undefined && code !== 127),
    inputs: fc.array(fc.nat(tensorCount - 1), { maxLength: 4 }),
    outputs: fc.constant([]),
    options: fc.constant({}),
    hasOptions: fc.constant(false),
  });
}

const names = (tensorCount: number): fc.Arbitrary<Map<string, number>> =>
  fc
    .uniqueArray(fc.tuple(fc.string({ maxLength: 8 }), fc.nat(tensorCount - 1)), {
      maxLength: 3,
      selector: ([name]) => name,
    })
    .map((entries) => new Map(entries));

const anyModel: fc.Arbitrary<TfliteModel> = fc.array(tensor, { minLength: 1, maxLength: 6 }).chain((tensors) => {
  const known = (Object.keys(OPERATORS) as OperatorName[]).map((name) => operatorOf(name, tensors.length));
  return record({
    tensors: fc.constant(tensors.map((one, index) => ({ index, ...one }))),
    operators: fc
      .array(fc.oneof(...known, unknownOperator(tensors.length)), { maxLength: 8 })
      .map((operators) => operators.map((one, index) => ({ index, ...one }))),
    inputs: names(tensors.length),
    outputs: names(tensors.length),
  });
});

/** Maps keep their order, which uvu's comparison does not look at. */
function expectSame(actual: TfliteModel, expected: TfliteModel): void {
  const plain = (model: TfliteModel): unknown => ({
    ...model,
    tensors: model.tensors.map(({ data, ...rest }) => ({ ...rest, data: data && [...data] })),
    inputs: [...model.inputs],
    outputs: [...model.outputs],
  });
  assert.equal(plain(actual), plain(expected));
}

test('any model is read back as it was written', () => {
  fc.assert(
    fc.property(anyModel, (model) => expectSame(readTflite(writeTflite(model)), model)),
    { numRuns: RUNS },
  );
});

test('the person model is read back as it was written', () => {
  const model = readTflite(readFileSync(join(sourceRoot(), 'models/person/person.tflite')));
  const written = writeTflite(model);
  expectSame(readTflite(written), model);
});

test('a name as long as the converter makes them is read', () => {
  const name = 'mobilenet/conv/BiasAdd;'.repeat(40);
  const quantization = { scales: [], zeroPoints: [], dimension: 0 };
  const tensors = [{ index: 0, name, shape: [1], type: 9, quantization, data: undefined }];
  const file = writeTflite({ tensors, operators: [], inputs: new Map([[name, 0]]), outputs: new Map() });
  assert.is(readTflite(file).tensors[0]!.name, name);
});

test('constants begin at multiples of 16 in the file', () => {
  const bytes = (index: number) => new Uint8Array(5 + 3 * index).fill(index);
  const quantization = { scales: [], zeroPoints: [], dimension: 0 };
  const tensors = [1, 2, 3, 4].map((fill, index) => {
    return { index, name: 'x'.repeat(fill), shape: [1], type: 9, quantization, data: bytes(fill) };
  });
  const read = readTflite(writeTflite({ tensors, operators: [], inputs: new Map(), outputs: new Map() }));
  assert.equal(
    read.tensors.map(({ data }) => data!.byteOffset % 16),
    [0, 0, 0, 0],
  );
});

test.run();
