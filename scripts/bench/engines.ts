/** The rows of `bench engine`: which engines there are, what they need, how their processes are started. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkout, ensurePeer, PeerMissing, type PeerName } from '../peers.ts';
import { Child } from './protocol.ts';

export type EngineRow = {
  /** As the table and --peers call it. */
  readonly name: string;
  readonly arithmetic: 'int8' | 'float32';
  /** Of child.ts, or `native` for the Python process. */
  readonly adapter: string;
  readonly variant: string;
  readonly peers: readonly PeerName[];
};

const lethe = (rounding: string): EngineRow => ({
  name: `lethe ${rounding}`,
  arithmetic: 'int8',
  adapter: 'lethe',
  variant: rounding,
  peers: [],
});

/** All others are compared with its outputs: it gives the bytes of TFLite's reference kernels. */
export const REFERENCE = 'lethe double';
/** All others are compared with its times, where it is there. */
export const YARDSTICK = 'tflite xnnpack';

export const ENGINES: readonly EngineRow[] = [
  lethe('fp32'),
  lethe('single'),
  lethe('double'),
  { name: YARDSTICK, arithmetic: 'int8', adapter: 'native', variant: 'xnnpack', peers: [] },
  { name: 'tflite', arithmetic: 'int8', adapter: 'native', variant: 'plain', peers: [] },
  {
    name: 'onnxruntime-node',
    arithmetic: 'int8',
    adapter: 'onnxruntime-node',
    variant: '',
    peers: ['onnxruntime-node'],
  },
  { name: 'onnxruntime-web', arithmetic: 'int8', adapter: 'onnxruntime-web', variant: '', peers: ['onnxruntime-web'] },
  { name: 'litert.js', arithmetic: 'int8', adapter: 'litert', variant: '', peers: ['@litertjs/core'] },
  {
    name: 'tfjs-wasm',
    arithmetic: 'float32',
    adapter: 'tfjs',
    variant: 'wasm',
    peers: ['@tensorflow/tfjs-backend-wasm'],
  },
  { name: 'tfjs-node', arithmetic: 'float32', adapter: 'tfjs', variant: 'node', peers: ['@tensorflow/tfjs-node'] },
  { name: 'tfjs', arithmetic: 'float32', adapter: 'tfjs', variant: 'cpu', peers: ['@tensorflow/tfjs'] },
];

/** Native libraries take as many threads as there are processors unless they are told. */
const ONE_THREAD = {
  OMP_NUM_THREADS: '1',
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  TF_CPP_MIN_LOG_LEVEL: '3',
};

/** What was asked for does not exist; the sentence says what does. */
export class UsageError extends Error {}

/** Rows that `words` ask for: a row's name, or the beginning of several (`lethe`, `tfjs`). Throws UsageError for a word that fits none. */
export function chooseEngines(words: readonly string[]): readonly EngineRow[] {
  for (const word of words) {
    if (!ENGINES.some(({ name }) => name.startsWith(word)))
      throw new UsageError(`there is no engine ${word}; there are ${ENGINES.map(({ name }) => name).join(', ')}`);
  }
  return ENGINES.filter(({ name }) => words.length === 0 || words.some((word) => name.startsWith(word)));
}

/** Asks without importing them, which takes seconds. */
const HAS_TFLITE = `
import importlib.util, sys
sys.exit(not any(importlib.util.find_spec(name) for name in ('ai_edge_litert', 'tflite_runtime', 'tensorflow')))
`;

/** Packages of Python are not fetched: they belong to an environment of the user's own. */
function requireTflite(): void {
  const { status, error } = spawnSync(python(), ['-c', HAS_TFLITE], { stdio: 'ignore' });
  if (error !== undefined) throw new PeerMissing(`${python()} cannot be run (${error.message})`);
  if (status !== 0) throw new PeerMissing(`${python()} has none of ai-edge-litert, tflite-runtime, tensorflow`);
}

function python(): string {
  return process.env['LETHE_PYTHON'] ?? 'python3';
}

/** Makes sure that a row can be started. Throws PeerMissing. */
export function readyEngine(row: EngineRow, install: boolean): void {
  if (row.adapter === 'native') requireTflite();
  for (const name of row.peers) {
    const { folder } = ensurePeer(name, { install });
    if (name === '@tensorflow/tfjs-node') requireAddOn(folder);
  }
}

/** npm brings tfjs-node without its native half: its install script fetches one that does not fit everywhere. */
function requireAddOn(folder: string): void {
  const lib = join(folder, 'lib');
  const isBuilt =
    existsSync(lib) && readdirSync(lib).some((entry) => existsSync(join(lib, entry, 'tfjs_binding.node')));
  if (!isBuilt)
    throw new PeerMissing('@tensorflow/tfjs-node is there, but its native add-on is not built (npm run -s tfjs-node)');
}

export function startEngine(row: EngineRow, nodeFlags: readonly string[]): Child {
  const env = { ...process.env, ...ONE_THREAD };
  if (row.adapter === 'native') {
    const script = join(checkout(), 'scripts', 'bench', 'adapters', 'native.py');
    return new Child(python(), [script], env);
  }
  const child = fileURLToPath(new URL('./child.js', import.meta.url));
  return new Child(process.execPath, [...nodeFlags, child, row.adapter], env);
}
