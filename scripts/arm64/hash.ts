/**
 * `arm64 hash`: does arm64 give the same bytes as this machine? Runs outputs.ts here and emulated, and compares case by case;
 * then the kernel shapes with each other, since they promise the same bytes too.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ROUNDINGS } from '../../runtime/eye/infer/quantize.ts';
import { type Cpu, Emulator, type NodeMajor, runHere } from './emulator.ts';
import type { CaseHash } from './outputs.ts';

/** V8's two compilers of WebAssembly: `turbofan` is what runs after the warm-up, `liftoff` what runs in the first frames. */
export type Tier = 'turbofan' | 'liftoff';
export const TIERS: readonly Tier[] = ['turbofan', 'liftoff'];
export const TIER_FLAGS: Readonly<Record<Tier, readonly string[]>> = {
  turbofan: ['--no-liftoff', '--no-wasm-lazy-compilation'],
  liftoff: ['--liftoff-only'],
};

export type HashChoice = {
  readonly majors: readonly NodeMajor[];
  readonly cpus: readonly Cpu[];
  readonly tiers: readonly Tier[];
  readonly v8Flags: readonly string[];
  readonly roundCount: number;
};

export type HashRow = {
  readonly machine: string;
  readonly seconds: number;
  readonly caseCount: number;
  /** In the order of ROUNDINGS: over the hashes of all cases and shapes. */
  readonly sha256: readonly string[];
  /** Sentences; empty where everything is the same. */
  readonly differences: readonly string[];
};

const PROGRAM = fileURLToPath(new URL('./outputs.js', import.meta.url));

/** The first row is this machine; it is compared with itself, shape by shape, the others with it. Throws TOOL_MISSING. */
export function compareHashes(choice: HashChoice, progress: (line: string) => void = () => {}): HashRow[] {
  const { majors, cpus, tiers, v8Flags, roundCount } = choice;
  const emulators = majors.map((major) => new Emulator(major));
  const rows: HashRow[] = [];
  let expected: CaseHash[] | undefined;
  const add = (machine: string, run: () => string): void => {
    progress(`${machine} …`);
    const startedAtMs = Date.now();
    const actual = readCases(run());
    // Relaxed kernels are other ones on other machines, so they are compared with the scalar ones beside them.
    const common = actual.filter(({ shape }) => !shape.startsWith('relaxed'));
    rows.push({
      machine,
      seconds: (Date.now() - startedAtMs) / 1000,
      caseCount: actual.length,
      sha256: ROUNDINGS.map((rounding) => summary(common.filter((one) => one.rounding === rounding))),
      differences: [...differences(expected ?? common, common), ...unlikeShapes(actual)],
    });
    expected ??= common;
  };
  add(`this machine (${process.arch}, ${process.version})`, () => runHere([PROGRAM, String(roundCount)]));
  for (const emulator of emulators) {
    for (const cpu of cpus) {
      for (const tier of tiers) {
        add(`cortex-${cpu}, ${emulator.nodeVersion}, ${[tier, ...v8Flags].join(' ')}`, () =>
          emulator.run(cpu, [...TIER_FLAGS[tier], ...v8Flags, PROGRAM, String(roundCount)]),
        );
      }
    }
  }
  return rows;
}

export function readCases(output: string): CaseHash[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CaseHash);
}

function summary(cases: readonly CaseHash[]): string {
  const hash = createHash('sha256');
  for (const { name, sha256 } of cases) hash.update(`${name}\n${sha256}\n`);
  return hash.digest('hex');
}

export function differences(expected: readonly CaseHash[], actual: readonly CaseHash[]): string[] {
  const found = expected.flatMap((want, i) => {
    const have = actual[i];
    if (have?.name !== want.name || have.rounding !== want.rounding || have.shape !== want.shape)
      return [`${describe(want)} did not run`];
    return have.sha256 === want.sha256 ? [] : [`${describe(want)} gives other bytes than this machine`];
  });
  return actual.length > expected.length ? [...found, `${actual.length - expected.length} cases too many`] : found;
}

/** Cases whose shapes disagree on one machine. */
export function unlikeShapes(cases: readonly CaseHash[]): string[] {
  const scalar = new Map(
    cases.filter(({ shape }) => shape === 'scalar').map((one) => [`${one.rounding} ${one.name}`, one]),
  );
  return cases.flatMap((one) => {
    const reference = scalar.get(`${one.rounding} ${one.name}`);
    return reference?.sha256 === one.sha256 ? [] : [`${describe(one)} gives other bytes than the scalar kernels`];
  });
}

function describe({ name, rounding, shape }: CaseHash): string {
  return `${name} (rounding ${rounding}, kernels ${shape})`;
}

export function formatHashes(rows: readonly HashRow[]): string {
  const lines = ROUNDINGS.flatMap((rounding, i) => [
    `rounding ${rounding}`,
    ...rows.map(({ machine, sha256 }) => `  ${sha256[i]!}  ${machine}`),
  ]);
  const faults = rows.flatMap(({ machine, differences: found }) => found.map((text) => `${machine}: ${text}`));
  const outputs = `${rows[0]!.caseCount} cases on each of ${rows.length} machines`;
  return [
    ...lines,
    ...faults,
    faults.length === 0 ? `same bytes: ${outputs}` : `${faults.length} differences: ${outputs}`,
    '',
  ].join('\n');
}
