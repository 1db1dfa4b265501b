/**
 * TFLite's own interpreter as a function: networks and inputs out to scripts/golden/interpreter.py, outputs back.
 * Python is $LETHE_PYTHON, else python3; it needs tensorflow and numpy. Everything passes through a temporary folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bytes by name of the tensor. */
export type Tensors = ReadonlyMap<string, Uint8Array>;

export type Job = {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Tensors[];
  /** Where XNNPACK or an optimised kernel of TFLite is known to crash. */
  readonly referenceOnly?: boolean;
};

/** One entry per entry of the job's inputs. */
export type Interpreted = {
  /** TFLite's reference kernels. */
  readonly reference: readonly Tensors[];
  /** The default of TFLite: XNNPACK, and optimised kernels where it has none; empty where only the reference was wanted. */
  readonly xnnpack: readonly Tensors[];
};

export type Versions = Readonly<Record<string, string>>;

/** The Python program did not run; the message says what to do. */
export class InterpreterError extends Error {}

/** Results in the order of the jobs. Throws InterpreterError, with a line for every job that TFLite refuses. */
export function interpret(jobs: readonly Job[]): {
  readonly versions: Versions;
  readonly results: readonly Interpreted[];
} {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-golden-'));
  try {
    jobs.forEach(({ model }, i) => void writeFileSync(join(folder, `${i}.tflite`), model));
    const wanted = jobs.map(({ name, inputs, referenceOnly }, i) => ({
      name,
      model: `${i}.tflite`,
      ways: referenceOnly ? ['reference'] : ['reference', 'xnnpack'],
      inputs: inputs.map(texts),
    }));
    writeFileSync(join(folder, 'jobs.json'), JSON.stringify(wanted));
    try {
      runPython(join(repositoryRoot(), 'scripts/golden/interpreter.py'), [folder]);
    } catch (error) {
      const running = join(folder, 'running');
      if (!(error instanceof InterpreterError) || !existsSync(running)) throw error;
      throw new InterpreterError(`${error.message} It ran: ${readFileSync(running, 'utf8')}.`);
    }
    const { versions, results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as {
      readonly versions: Versions;
      readonly results: readonly Answer[];
    };
    const errors = results.flatMap(({ name, error }) => (error === undefined ? [] : [`${name}: ${error}`]));
    if (errors.length > 0) throw new InterpreterError(`TFLite does not run:\n${errors.join('\n')}`);
    return {
      versions,
      results: results.map(({ reference, xnnpack }) => ({
        reference: reference.map(bytes),
        xnnpack: (xnnpack ?? []).map(bytes),
      })),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a script of this folder that needs tensorflow; its output goes to our stderr. */
export function runPython(script: string, args: readonly string[]): void {
  const python = process.env['LETHE_PYTHON'] ?? 'python3';
  const hint = 'Set LETHE_PYTHON to a Python with tensorflow (2.21 was used) and numpy: pip install tensorflow.';
  const probe = spawnSync(python, ['-c', 'import tensorflow, numpy'], {
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  if (probe.error) throw new InterpreterError(`${python} cannot be started (${probe.error.message}). ${hint}`);
  if (probe.status !== 0) {
    throw new InterpreterError(`${python} lacks tensorflow: ${probe.stderr.trim().split('\n').at(-1)}. ${hint}`);
  }
  const done = spawnSync(python, [script, ...args], { stdio: ['ignore', 2, 2] });
  if (done.status !== 0)
    throw new InterpreterError(
      `${basename(script)} failed (${done.signal ?? `exit ${done.status}`}); its messages are above.`,
    );
}

/** Scripts run from dist/; Python and committed results are in the checkout itself. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'tsconfig.json'))) folder = dirname(folder);
  return folder;
}

type Texts = Readonly<Record<string, string>>;
type Answer = {
  readonly name: string;
  readonly reference: readonly Texts[];
  readonly xnnpack?: readonly Texts[];
  readonly error?: string;
};

export function texts(tensors: Tensors): Texts {
  return Object.fromEntries([...tensors].map(([name, data]) => [name, Buffer.from(data).toString('base64')]));
}

export function bytes(values: Texts): Tensors {
  return new Map(Object.entries(values).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))]));
}
