/**
 * Fuzz: damaged model files by the hundred thousand. Each is refused with a reason, or runs without harm; see
 * test/fuzz/engine.ts for what is promised. The summary counts outcomes; the first broken promise ends it with its seed.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExitCode } from '../runtime/errors.ts';
import { defaultManifestPath } from '../runtime/eye/model.ts';
import { type FuzzSeed, fuzzCase } from '../test/fuzz/engine.ts';
import { fuzzSeeds } from '../test/fuzz/seeds.ts';
import { frameOf } from '../test/runtime/eye/infer/golden.ts';

const HELP = `Feeds damaged model files to the engine's loader, and runs those it accepts.
  --cases N   how many (100000)
  --first N   seed of the first case (1); a broken promise names the seed to repeat it with
  --person    damage the person model too (slower: it is 107 kB)
`;

/** A case that takes longer than this is a promise broken: refusing must be cheap. */
const CASE_MS_MAX = 2000;
const PROGRESS_EVERY_MS = 10_000;

function main(): ExitCode {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '100000' },
      first: { type: 'string', default: '1' },
      person: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const [cases, first] = [Number(values.cases), Number(values.first)];
  if (!(Number.isInteger(cases) && cases >= 1 && Number.isInteger(first) && first >= 1)) {
    process.stderr.write(`--cases ${values.cases} --first ${values.first}: expected whole numbers from 1\n\n${HELP}`);
    return ExitCode.usage;
  }
  const person: FuzzSeed = {
    name: 'person',
    bytes: readFileSync(join(dirname(defaultManifestPath()), 'person.tflite')),
    format: frameOf(256, 192, 256),
  };
  const seeds = values.person ? [...fuzzSeeds(), person] : fuzzSeeds();
  const outcomes = new Map<string, number>();
  const reasons = new Map<string, number>();
  let slowest = { ms: 0, seed: 0, name: '' };
  const beganMs = performance.now();
  let saidMs = beganMs;
  for (let seed = first; seed < first + cases; seed += 1) {
    const model = seeds[seed % seeds.length]!;
    const startedMs = performance.now();
    const { kind, detail } = fuzzCase(model, seed);
    const nowMs = performance.now();
    if (nowMs - startedMs > slowest.ms) slowest = { ms: nowMs - startedMs, seed, name: model.name };
    outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    if (kind.startsWith('refused')) {
      const reason = detail
        .split('\n')[0]!
        .replaceAll(/[-\d.]+/g, 'n')
        .slice(0, 70);
      // Names of tensors make endless reasons; what is counted is their variety up to a bound.
      if (reasons.size < 5000 || reasons.has(reason)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (nowMs - saidMs > PROGRESS_EVERY_MS) {
      saidMs = nowMs;
      const done = seed - first + 1;
      const perSecond = (done / (nowMs - beganMs)) * 1000;
      process.stderr.write(
        `fuzz: ${done} of ${cases}, ${perSecond.toFixed(0)} a second, ${((cases - done) / perSecond / 60).toFixed(1)} min left\n`,
      );
    }
  }
  const rows = [...outcomes].sort((a, b) => b[1] - a[1]);
  process.stdout.write(
    [
      `${cases} damaged files of ${seeds.length} models (seeds ${first} to ${first + cases - 1}) in ${((performance.now() - beganMs) / 1000).toFixed(0)} s, no promise broken`,
      ...rows.map(([kind, count]) => `${String(count).padStart(9)}  ${kind}`),
      `${String(reasons.size).padStart(9)}  different reasons for refusing`,
      `slowest case ${slowest.ms.toFixed(0)} ms (seed ${slowest.seed}, ${slowest.name}); at most ${CASE_MS_MAX}`,
      '',
    ].join('\n'),
  );
  return slowest.ms > CASE_MS_MAX ? ExitCode.failed : ExitCode.ok;
}

process.exitCode = main();
