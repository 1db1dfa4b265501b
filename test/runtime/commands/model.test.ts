/**
 * Goal: what `lethe model` says about a file is what the engine does with it, in text, JSON and picture.
 * Method: the person model and a damaged one; the report is held against the plan's own rules, not against itself.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { modelCommand } from '../../../runtime/commands/model.ts';
import { ConfigError, ModelError } from '../../../runtime/errors.ts';
import { defaultManifestPath, loadModel } from '../../../runtime/eye/model.ts';

const test = suite('lethe model');
const folder = mkdtempSync(join(tmpdir(), 'lethe-model-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const person = join(dirname(defaultManifestPath()), 'person.tflite');

function report(path: string, more: { frame?: string; json?: boolean; svg?: string } = {}): string {
  let text = '';
  const out = (part: string): void => {
    text += part;
  };
  const code = modelCommand({
    path,
    publicKey: '',
    frame: more.frame,
    svg: more.svg,
    json: more.json ?? false,
    choice: {},
    out,
  });
  assert.is(code, 0);
  return text;
}

type Json = {
  readonly sha256: string;
  readonly multiply_adds: number;
  readonly memory_bytes: number;
  readonly regions: readonly { name: string; offset_bytes: number; bytes: number }[];
  readonly operators: readonly { operator: string; multiply_adds: number }[];
  readonly tensors: readonly {
    name: string;
    offset_bytes: number;
    bytes: number;
    alive: [number, number];
    shares_with: number[];
  }[];
};

test('the text names operators, kernels, multiply-adds and every region', () => {
  const text = report(person);
  // Counted by the training code, from the file as TFLite reads it.
  const { macs } = JSON.parse(readFileSync(defaultManifestPath(), 'utf8')) as { macs: number };
  assert.match(text, `work      ${macs.toLocaleString('en-US')} multiply-adds a frame in `);
  assert.match(text, /operators: \d+ CONV_2D/);
  assert.match(text, /^ *0 {2}CONV_2D +(patch|gather) +stem_y +\[1, 48, 64, 16\] +786,432/m);
  for (const region of ['frame slot', 'arena', 'scratch', 'commands', 'weights']) assert.match(text, region);
});

test('a manifest gives the same report as its file', () => {
  const strip = (text: string): string => text.split('\n').slice(1).join('\n');
  assert.is(strip(report(defaultManifestPath())), strip(report(person)));
});

test('in JSON, tensors that live at one time share no byte, and the list of sharers is complete', () => {
  const { tensors, operators, multiply_adds, sha256 } = JSON.parse(report(person, { json: true })) as Json;
  assert.is(sha256, loadModel('').manifest.sha256);
  assert.is(
    operators.reduce((sum, operator) => sum + operator.multiply_adds, 0),
    multiply_adds,
  );
  let shared = 0;
  tensors.forEach((a, i) => {
    tensors.forEach((b, j) => {
      if (i === j) return;
      const touches = a.offset_bytes < b.offset_bytes + b.bytes && b.offset_bytes < a.offset_bytes + a.bytes;
      assert.is(a.shares_with.includes(j), touches);
      if (touches) assert.ok(a.alive[1] < b.alive[0] || b.alive[1] < a.alive[0], `${i} and ${j} live at one time`);
      shared += Number(touches);
    });
  });
  assert.ok(shared > 100, 'the plan reuses memory');
});

test('regions follow one another inside of the memory', () => {
  const { regions, memory_bytes } = JSON.parse(report(person, { json: true })) as Json;
  let end = 0;
  for (const { offset_bytes, bytes } of regions) {
    assert.ok(offset_bytes >= end);
    end = offset_bytes + bytes;
  }
  assert.ok(end <= memory_bytes);
});

test('the picture has one rectangle for every tensor', () => {
  const svg = join(folder, 'plan.svg');
  assert.match(report(person, { svg }), svg);
  const { tensors } = JSON.parse(report(person, { json: true })) as Json;
  const drawn = readFileSync(svg, 'utf8');
  assert.is(drawn.split('<title>').length - 1, tensors.length);
  for (const { name, bytes } of tensors) assert.match(drawn, `<title>${name}: ${bytes} bytes`);
  assert.is(tensors.find(({ name }) => name === 'stem')?.bytes, 48 * 64 * 24, 'a byte for every value of 24 channels');
});

test('another frame size is refused where the model reads planes in place', () => {
  assert.throws(
    () => report(person, { frame: '128x96' }),
    (error: unknown) => error instanceof ModelError && error.message.includes('expected int8 [1, 96, 128, 1]'),
  );
});

test('a frame size that is none, a file that is none, and one that is not there are refused', () => {
  assert.throws(
    () => report(person, { frame: 'large' }),
    (error: unknown) => error instanceof ConfigError && error.message.includes('--frame is large'),
  );
  const broken = join(folder, 'broken.tflite');
  writeFileSync(broken, readFileSync(person).subarray(0, 5000));
  assert.throws(
    () => report(broken),
    (error: unknown) => error instanceof ModelError && error.code === 'MODEL_DAMAGED',
  );
  assert.throws(
    () => report(join(folder, 'none.tflite')),
    (error: unknown) => error instanceof ModelError && error.code === 'MODEL_MISSING',
  );
});

test.run();
