/**
 * Goal: no damaged model file does anything but be refused with a reason or run without harm.
 * Method: a quick set of scripts/fuzz.ts, the same damage on every machine; FUZZ_CASES makes it longer.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FuzzSeed, fuzzCase, tryModel } from './engine.ts';
import { damaged } from './mutate.ts';
import { fuzzSeeds } from './seeds.ts';

const CASES = Number(process.env['FUZZ_CASES'] ?? 3000);
const seeds = fuzzSeeds();

test('the models that are damaged are good ones', () => {
  for (const { name, bytes, format } of seeds) assert.is(tryModel(bytes, format).kind, 'ran', name);
});

test(`${CASES} damaged files are refused with a reason, or run without harm`, () => {
  const kinds = new Map<string, number>();
  for (let seed = 1; seed <= CASES; seed += 1) {
    const { kind } = fuzzCase(seeds[seed % seeds.length]!, seed);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  // The damage is of all kinds: some files cannot be read, some ask for what is not there, some still run.
  for (const kind of ['ran', 'refused MODEL_DAMAGED', 'refused MODEL_UNSUPPORTED'])
    assert.ok((kinds.get(kind) ?? 0) > CASES / 20, `${kind}: ${kinds.get(kind) ?? 0} of ${CASES}`);
});

test('a broken promise is reported with model and seed', () => {
  const wrong = { ...seeds[0]!, format: null } as unknown as FuzzSeed;
  assert.throws(() => fuzzCase(wrong, 1), /^model small detector, seed 1: /);
});

test('damage is decided by its seed', () => {
  const { bytes } = seeds[0]!;
  const before = bytes.slice();
  assert.equal(damaged(bytes, 41), damaged(bytes, 41));
  assert.not.equal(damaged(bytes, 41), damaged(bytes, 42));
  assert.equal(bytes, before);
});

test.run();
