/**
 * Golden: computes the golden vectors of the engine with TFLite's interpreter and stores them in test/golden/infer.
 * Usage: golden [--only GROUP…] | --distance [MODEL…]
 * GROUP is an operator of cases.ts, NETWORK, person or nets; without it all are made anew.
 * --distance stores nothing: it prints how far each way of rounding is from TFLite's kernels and from XNNPACK, for our
 * networks and for the .tflite files named.
 *
 * Stored are outputs and hashes, never models or inputs: those follow from seeds (scripts/nets), the test builds them
 * again and compares the hashes. One file per operator, so that a change of one shows in one place.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readTflite } from '../../runtime/eye/infer/tflite.ts';
import { writeTflite } from '../nets/writer.ts';
import { GOLDEN_CASES } from './cases.ts';
import { measureDistance } from './distance.ts';
import {
  type Interpreted,
  InterpreterError,
  interpret,
  type Job,
  repositoryRoot,
  texts,
  type Versions,
} from './interpreter.ts';
import { PERSON_FRAMES, personInputs } from './person.ts';
import { type GoldenHeader, hashesOf, resultsOf, type StoredCase, sha256, sha256Of } from './stored.ts';
import { type StoredWhole, wholeCases } from './whole.ts';

const folder = join(repositoryRoot(), 'test/golden/infer');

type Stored = StoredCase | StoredWhole;
type Work = { readonly job: Job; readonly store: (result: Interpreted) => Stored };

function operatorWork(group: string): Work[] {
  return GOLDEN_CASES.filter((one) => one.group === group).map(({ name, model, inputs, referenceOnly = false }) => {
    const file = writeTflite(model);
    return {
      job: { name: `${group} ${name}`, model: file, inputs: [inputs], referenceOnly },
      store: (result) => ({
        name,
        model_sha256: sha256(file),
        inputs_sha256: sha256Of(inputs),
        ...outputsOf(result, 0),
      }),
    };
  });
}

function personWork(): Work[] {
  const file = readFileSync(join(repositoryRoot(), 'models/person/person.tflite'));
  const model = readTflite(file);
  return PERSON_FRAMES.map((frame) => {
    const inputs = personInputs(model, frame);
    return {
      job: { name: frame.name, model: file, inputs: [inputs] },
      store: (result) => ({
        name: frame.name,
        model_sha256: sha256(file),
        inputs_sha256: sha256Of(inputs),
        ...outputsOf(result, 0),
      }),
    };
  });
}

function wholeWork(): Work[] {
  return wholeCases().map(({ name, model, runs }) => {
    const file = writeTflite(model);
    return {
      job: { name, model: file, inputs: runs.map(({ inputs }) => inputs), referenceOnly: true },
      store: ({ reference }) => ({
        name,
        model_sha256: sha256(file),
        runs: Object.fromEntries(runs.map((run, i) => [run.name, hashesOf(reference[i]!)])),
      }),
    };
  });
}

function outputsOf({ reference, xnnpack }: Interpreted, run: number): Pick<StoredCase, 'outputs' | 'xnnpack'> {
  const [outputs, others] = [texts(reference[run]!), texts(xnnpack[run] ?? reference[run]!)];
  const differs = Object.entries(outputs).some(([name, text]) => others[name] !== text);
  return { outputs, ...(differs ? { xnnpack: others } : {}) };
}

function store(file: string, cases: readonly Stored[], versions: Versions, args: readonly string[]): void {
  const header: GoldenHeader = {
    origin: "TFLite's interpreter: outputs of its reference kernels, and of XNNPACK where they differ",
    command: ['npm run -s golden --', ...args].join(' '),
    versions,
    sha256: sha256(...cases.flatMap(resultsOf)),
    sha256_of: 'the texts of all outputs of the reference kernels, one after another',
  };
  mkdirSync(join(folder, 'operators'), { recursive: true });
  const text = `${JSON.stringify({ header, cases }, null, 2)}\n`;
  writeFileSync(join(folder, file), text);
  const differing = cases.filter((one) => 'xnnpack' in one).length;
  process.stdout.write(
    `${file.padEnd(40)} ${String(cases.length).padStart(3)} cases, ${differing} differ in XNNPACK, ${text.length} bytes\n`,
  );
}

/** Groups that are not operators; each has a file of its own. */
const WHOLE: Readonly<Record<string, () => Work[]>> = { person: personWork, nets: wholeWork };

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string', multiple: true }, distance: { type: 'boolean', default: false } },
  });
  if (values.distance) {
    process.stdout.write(measureDistance(positionals));
    return;
  }
  const known = [...new Set<string>(GOLDEN_CASES.map(({ group }) => group)), ...Object.keys(WHOLE)];
  const groups = values.only ?? known;
  const unknown = groups.filter((group) => !known.includes(group));
  if (unknown.length > 0) {
    process.stderr.write(`golden: no cases for ${unknown.join(', ')}; known are ${known.join(', ')}\n`);
    process.exit(64);
  }
  const work = groups.map((group) => ({ group, items: WHOLE[group]?.() ?? operatorWork(group) }));
  // One Python process for all: tensorflow takes seconds to load.
  const { versions, results } = interpret(work.flatMap(({ items }) => items.map(({ job }) => job)));
  let done = 0;
  for (const { group, items } of work) {
    const cases = items.map((item, i) => item.store(results[done + i]!));
    done += items.length;
    store(group in WHOLE ? `${group}.json` : `operators/${group}.json`, cases, versions, ['--only', group]);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof InterpreterError)) throw error;
  process.stderr.write(`golden: ${error.message}\n`);
  process.exitCode = 69;
}
