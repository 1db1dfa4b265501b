// Goal: a run of eight pixels or more is found in whatever form and place it was kept, and nothing else is.
// Method: frames of a keyed pattern planted by an independent writer into noise, zeroes and text, at random places; properties.
import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Pattern } from '../../../../runtime/privacy/search/pattern.ts';
import { type Find, Scanner } from '../../../../runtime/privacy/search/scanner.ts';
import { DISTINCT_MIN, WINDOW_BYTES, WindowSet } from '../../../../runtime/privacy/search/windows.ts';

const FRAME_BYTES = 4096;
const FRAME_COUNT = 4;
const MEMORY_BYTES = 2 ** 15;

const pattern = new Pattern(Buffer.from('0123456789abcdef'));
const frames = Array.from({ length: FRAME_COUNT }, (_, index) => {
  const frame = new Uint8Array(FRAME_BYTES);
  pattern.fill(index, frame);
  return frame;
});
const tensor = randomFillSync(new Uint8Array(5000));
const scanner = scannerOf(frames);

function scannerOf(known: readonly Uint8Array[]): Scanner {
  const whole = new WindowSet(FRAME_COUNT * FRAME_BYTES);
  const halved = new WindowSet(FRAME_COUNT * FRAME_BYTES);
  const tensors = new WindowSet(tensor.length);
  for (const frame of known) {
    whole.add(frame);
    halved.add(frame.map((value) => value >> 1));
  }
  tensors.add(tensor);
  return new Scanner({ pattern, frames: whole, halved, tensors });
}

function findsIn(memory: Uint8Array, by = scanner): Find[] {
  const finds: Find[] = [];
  by.scan(memory, (find) => finds.push(find));
  return finds;
}

type Form = {
  readonly name: string;
  readonly bytesPerValue: number;
  readonly write: (view: DataView, at: number, value: number) => void;
};

const FORMS: readonly Form[] = [
  { name: 'uint8', bytesPerValue: 1, write: (view, at, value) => view.setUint8(at, value) },
  { name: 'int8', bytesPerValue: 1, write: (view, at, value) => view.setInt8(at, value - 128) },
  { name: 'halved', bytesPerValue: 1, write: (view, at, value) => view.setUint8(at, Math.floor(value / 2)) },
  { name: 'uint8, every 2nd byte', bytesPerValue: 2, write: (view, at, value) => view.setUint16(at, value, true) },
  { name: 'int8, every 2nd byte', bytesPerValue: 2, write: (view, at, value) => view.setInt16(at, value - 128, true) },
  { name: 'uint8, every 3rd byte', bytesPerValue: 3, write: (view, at, value) => view.setUint8(at, value) },
  { name: 'uint8, every 4th byte', bytesPerValue: 4, write: (view, at, value) => view.setInt32(at, value, true) },
  {
    name: 'uint8, every 8th byte',
    bytesPerValue: 8,
    write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  },
  ...[
    ['v', (value: number) => value],
    ['v/255', (value: number) => value / 255],
    ['v/128-1', (value: number) => value / 128 - 1],
    ['v/127.5-1', (value: number) => value / 127.5 - 1],
    ['v-128', (value: number) => value - 128],
  ].flatMap(([form, convert]): Form[] => [
    {
      name: `float32 ${form as string}`,
      bytesPerValue: 4,
      write: (view, at, value) => view.setFloat32(at, (convert as (value: number) => number)(value), true),
    },
    {
      name: `float64 ${form as string}`,
      bytesPerValue: 8,
      write: (view, at, value) => view.setFloat64(at, (convert as (value: number) => number)(value), true),
    },
  ]),
];

/** Any background: noise, emptiness, text. */
const background = fc.constantFrom('noise', 'zero', 'text').map((kind) => {
  const memory = new Uint8Array(MEMORY_BYTES);
  if (kind === 'noise') randomFillSync(memory);
  if (kind === 'text')
    memory.set(Buffer.from('{"in":128,"out":121} function at = 0x7fa0; '.repeat(1000)).subarray(0, MEMORY_BYTES));
  return memory;
});

function plant(memory: Uint8Array, form: Form, values: Uint8Array, at: number): void {
  const view = new DataView(memory.buffer);
  for (const [i, value] of values.entries()) form.write(view, at + i * form.bytesPerValue, value);
}

const isAlignedForm = ({ name }: Form): boolean => name.startsWith('float');
const distinctCount = (values: Uint8Array): number => new Set(values).size;

for (const form of FORMS) {
  test(`${form.name}: eight pixels or more are found wherever they lie`, () => {
    fc.assert(
      fc.property(
        background,
        fc.integer({ min: 0, max: FRAME_COUNT - 1 }),
        fc.integer({ min: 0, max: FRAME_BYTES - 64 }),
        fc.integer({ min: WINDOW_BYTES, max: 64 }),
        fc.integer({ min: 0, max: MEMORY_BYTES - 64 * 8 - 8 }),
        (memory, frameIndex, from, length, place) => {
          const values = frames[frameIndex]!.slice(from, from + length);
          fc.pre(distinctCount(values.subarray(0, WINDOW_BYTES)) >= DISTINCT_MIN);
          const at = isAlignedForm(form) ? place - (place % 8) : place;
          plant(memory, form, values, at);
          const find = findsIn(memory).find(({ form: name }) => name === form.name);
          assert.ok(find !== undefined, `${length} values at ${at}`);
          // Bytes of the background that continue the frame by chance may lengthen it.
          assert.ok(find.offset <= at && find.offset + find.spanBytes >= at + (length - 1) * form.bytesPerValue);
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 30) },
    );
  });
}

test('a whole frame is one find of its whole length', () => {
  const memory = new Uint8Array(MEMORY_BYTES);
  memory.set(frames[2]!, 1001);
  assert.equal(findsIn(memory), [{ offset: 1001, form: 'uint8', valueCount: FRAME_BYTES, spanBytes: FRAME_BYTES }]);
});

test('what an engine made of a frame is found, zeroes in it or not', () => {
  const memory = new Uint8Array(MEMORY_BYTES);
  memory.set(tensor.subarray(100, 120), 777);
  assert.equal(findsIn(memory), [{ offset: 777, form: 'tensor', valueCount: 20, spanBytes: 20 }]);
});

test('seven pixels are not a find, and neither is a frame that nobody asked for', () => {
  const memory = new Uint8Array(MEMORY_BYTES);
  memory.set(frames[0]!.subarray(40, 40 + WINDOW_BYTES - 1), 500);
  const stranger = new Uint8Array(FRAME_BYTES);
  pattern.fill(99, stranger);
  memory.set(stranger, 10_000);
  assert.equal(findsIn(memory), []);
});

test('noise, text and emptiness hold nothing', () => {
  fc.assert(
    fc.property(background, (memory) => assert.equal(findsIn(memory), [])),
    { numRuns: Number(process.env['FC_RUNS'] ?? 30) },
  );
});

test('after a look for other frames the old ones are forgotten', () => {
  const set = new WindowSet(FRAME_BYTES);
  set.add(frames[0]!);
  set.clear();
  assert.ok(set.add(frames[1]!));
  assert.not(set.add(frames[2]!), 'there is room for one');
  const by = new Scanner({ pattern, frames: set, halved: new WindowSet(8), tensors: new WindowSet(8) });
  const memory = new Uint8Array(MEMORY_BYTES);
  memory.set(frames[0]!, 64);
  memory.set(frames[1]!, 10_000);
  assert.equal(
    findsIn(memory, by).map(({ offset }) => offset),
    [10_000],
  );
});

test.run();
