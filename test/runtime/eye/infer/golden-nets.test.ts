/**
 * Goal: whole networks of public shapes, and random graphs over all operators, give the very bytes of TFLite.
 * Method: hashes of what TFLite's reference kernels compute (`npm run golden -- --only nets`), of the outputs and, for one
 * input of each network, of every tensor; in every kernel shape.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTflite } from '../../../../runtime/eye/infer/tflite.ts';
import { GOLDEN_CASES } from '../../../../scripts/golden/cases.ts';
import { kernelsOf, prepareRun } from '../../../../scripts/golden/engine.ts';
import { hashesOf, resultsOf, sha256 } from '../../../../scripts/golden/stored.ts';
import { type StoredWhole, type WholeCase, wholeCases } from '../../../../scripts/golden/whole.ts';
import { NETS } from '../../../../scripts/nets/nets.ts';
import { writeTflite } from '../../../../scripts/nets/writer.ts';
import { goldenFile, SHAPES } from './golden.ts';

const file = goldenFile<StoredWhole>('nets.json');
const stored = new Map(file.cases.map((one) => [one.name, one]));
const cases = wholeCases();

/** The first differing tensor, in the order of computation, of the first run that has one. */
function firstDifference({ name, model, runs }: WholeCase): string | undefined {
  const expected = stored.get(name);
  const bytes = writeTflite(model);
  assert.is(
    sha256(bytes),
    expected?.model_sha256,
    `${name}: golden is of another model; run npm run golden -- --only nets`,
  );
  for (const shape of SHAPES) {
    const run = prepareRun(readTflite(bytes), { shape, rounding: 'double' });
    for (const { name: runName, inputs } of runs) {
      const wanted = expected!.runs[runName]!;
      const found = hashesOf(run(inputs).outputs);
      assert.equal(Object.keys(found).sort(), Object.keys(wanted).sort());
      const wrong = [...model.outputs.keys()].find((output) => found[output] !== wanted[output]);
      if (wrong !== undefined) return `${wrong}, shape ${shape}, inputs ${runName}`;
    }
  }
  return undefined;
}

test('what is stored is what its header says, of cases that there are', () => {
  assert.is(sha256(...file.cases.flatMap(resultsOf)), file.header.sha256);
  assert.equal(
    [...stored.keys()],
    cases.map(({ name }) => name),
  );
});

for (const whole of cases.filter(({ name }) => !name.startsWith('random'))) {
  test(`${whole.name}: equals TFLite`, () => assert.is(firstDifference(whole), undefined));
}

for (const kind of ['random graph', 'random convolutions']) {
  const graphs = cases.filter(({ name }) => name.startsWith(kind));
  test(`${kind}, ${graphs.length} times: equals TFLite`, () => {
    const wrong: string[] = [];
    assert.ok(graphs.length >= 40);
    for (const graph of graphs) {
      try {
        const difference = firstDifference(graph);
        if (difference !== undefined) wrong.push(`${graph.name}: ${difference}`);
      } catch (error) {
        wrong.push(`${graph.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
      }
    }
    assert.is(wrong.length, 0, `${wrong.length} of ${graphs.length} graphs:\n${wrong.join('\n')}`);
  });
}

test('every kernel that whole networks are run by has golden cases of single operators too', () => {
  for (const shape of SHAPES) {
    const choice = { shape, rounding: 'double' } as const;
    const counts = new Map<string, number>();
    for (const { model } of GOLDEN_CASES) {
      for (const kernel of new Set(kernelsOf(model, choice))) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
    }
    process.stdout.write(`\ncases by kernel, ${shape}: ${[...counts].map((entry) => entry.join(' ')).join(', ')}\n`);
    const used = new Set(Object.values(NETS).flatMap((make) => kernelsOf(make(), choice)));
    const few = [...used].filter((kernel) => (counts.get(kernel) ?? 0) < 3);
    assert.equal(few, [], `kernels of shape ${shape} with too few cases`);
  }
});

test.run();
