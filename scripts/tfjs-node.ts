/**
 * Builds the native add-on of @tensorflow/tfjs-node from its source, against a libtensorflow that is already here, for
 * machines where the package's installer cannot: it downloads a library of 2022 for x86-64, and on arm64 takes the add-on
 * of the wrong processor. Nothing of this is part of the product: it lands in .peers/, which git ignores.
 *
 * Steps: the package without its install scripts → links from its deps/ to the library → node-pre-gyp (which is how the
 * package builds itself) → one addition in a process of its own. No source is changed. All programs are run by argument
 * array. Tried with the libraries of the Python package tensorflow-cpu 2.21; the add-on speaks the C interface, which is
 * the same in all versions since 2.9.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ExitCode, explain } from '../runtime/errors.ts';
import { checkout, ensurePeer, type Peer } from './peers.ts';

const HELP = `usage: npm run -s tfjs-node -- --libtensorflow DIR [--nodedir DIR] [--link]

Builds the native half of @tensorflow/tfjs-node in .peers/, for Node 20 or 22. Needs make, a C++ compiler, Python 3, a network.

  --libtensorflow DIR  folder with include/tensorflow/c/c_api.h and the library, either
                       libtensorflow_cc.so.2 and libtensorflow_framework.so.2, as in the Python package:
                         python3 -m venv tf && tf/bin/pip install tensorflow-cpu   (arm64: tensorflow)
                         DIR is tf/lib/python3.*/site-packages/tensorflow
                       or lib/libtensorflow.so.2 and lib/libtensorflow_framework.so.2, as in the archives of TensorFlow for C
  --nodedir DIR        folder with include/node/node_api.h; where the running Node has none beside it, node-gyp downloads it
  --link               also node_modules/@tensorflow/tfjs-node, so that model.engine tfjs finds it (until the next npm ci)
`;

const BUILD_TIMEOUT_MS = 900_000;
const TRY_TIMEOUT_MS = 60_000;

/** Names under which the add-on and the linker ask for the two libraries; the version is the package's own. */
const CORE_NAMES = ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow.so.2.9.1'];
const FRAMEWORK_NAMES = [
  'libtensorflow_framework.so',
  'libtensorflow_framework.so.2',
  'libtensorflow_framework.so.2.9.1',
];

/** What the built add-on must be able to do; prints the versions. */
const TRIAL = `
const tf = require(process.argv[1]);
const sum = tf.add(tf.tensor([1, 2]), 1).dataSync();
if (tf.getBackend() !== 'tensorflow' || sum[0] !== 2 || sum[1] !== 3) throw new Error('1 + 1 is not 2');
console.log('backend ' + tf.getBackend() + ', libtensorflow ' + tf.backend().binding.TF_Version);
`;

class BuildError extends Error {}

type Libraries = { readonly include: string; readonly core: string; readonly framework: string };

/** Throws BuildError that names what was looked for. */
export function findLibraries(folder: string): Libraries {
  const first = (what: string, candidates: readonly string[]): string => {
    const found = candidates.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found === undefined) throw new BuildError(`${folder} has no ${what}: looked for ${candidates.join(', ')}.`);
    return realpathSync(found);
  };
  first('headers', ['include/tensorflow/c/c_api.h']);
  return {
    include: join(folder, 'include'),
    core: first('library', ['libtensorflow_cc.so.2', 'lib/libtensorflow.so.2', 'lib/libtensorflow.so']),
    framework: first('framework library', [
      'libtensorflow_framework.so.2',
      'lib/libtensorflow_framework.so.2',
      'lib/libtensorflow_framework.so',
    ]),
  };
}

/** deps/ as the package's build expects it. */
function linkLibraries(peer: Peer, { include, core, framework }: Libraries): void {
  const deps = join(peer.folder, 'deps');
  rmSync(deps, { recursive: true, force: true });
  mkdirSync(join(deps, 'lib'), { recursive: true });
  symlinkSync(include, join(deps, 'include'));
  // The Python package's library asks to be found under its own name, too.
  for (const name of new Set([...CORE_NAMES, 'libtensorflow_cc.so.2'])) symlinkSync(core, join(deps, 'lib', name));
  for (const name of FRAMEWORK_NAMES) symlinkSync(framework, join(deps, 'lib', name));
}

function build(peer: Peer, nodedir: string | undefined): void {
  const words = [peer.require.resolve('@mapbox/node-pre-gyp/bin/node-pre-gyp'), 'install', '--build-from-source'];
  if (nodedir !== undefined) words.push(`--nodedir=${nodedir}`);
  run('the build', words, peer.folder, BUILD_TIMEOUT_MS);
}

function run(what: string, words: readonly string[], cwd: string, timeoutMs: number): string {
  const done = spawnSync(process.execPath, words, { cwd, encoding: 'utf8', timeout: timeoutMs });
  if (done.status !== 0) {
    const said = `${done.stdout ?? ''}${done.stderr ?? ''}`.trim().split('\n').slice(-25).join('\n');
    const end = done.error?.message ?? done.signal ?? `exit ${done.status}`;
    throw new BuildError(`${said}\n${what} failed (${end}); its last lines are above.`);
  }
  return done.stdout;
}

/** Headers beside the running Node, as distributions and nodejs.org's archives have them. */
function ownHeaders(): string | undefined {
  const folder = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined;
}

function linkIntoProduct(peer: Peer): string {
  const link = join(checkout(), 'node_modules', '@tensorflow', 'tfjs-node');
  mkdirSync(dirname(link), { recursive: true });
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSymbolicLink())
    throw new BuildError(`${link} is installed already; remove it to have a link to the one built here.`);
  rmSync(link, { force: true });
  symlinkSync(peer.folder, link);
  return link;
}

function main(): ExitCode {
  const { values } = parseArgs({
    options: {
      libtensorflow: { type: 'string' },
      nodedir: { type: 'string' },
      link: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  if (values.libtensorflow === undefined) {
    process.stderr.write(`--libtensorflow is missing; expected the folder of a libtensorflow.\n\n${HELP}`);
    return ExitCode.usage;
  }
  const libraries = findLibraries(resolve(values.libtensorflow));
  const nodedir = values.nodedir === undefined ? ownHeaders() : resolve(values.nodedir);
  const step = (text: string): void => void process.stderr.write(`tfjs-node: ${text}\n`);
  step('fetching the package without its install scripts');
  const peer = ensurePeer('@tensorflow/tfjs-node');
  step(`${peer.name} ${peer.version} in ${peer.folder}`);
  linkLibraries(peer, libraries);
  step(`deps/lib -> ${libraries.core}`);
  step(`building, headers of Node ${nodedir === undefined ? 'from nodejs.org' : `in ${nodedir}`}`);
  build(peer, nodedir);
  step(`it runs: ${run('the trial', ['-e', TRIAL, peer.folder], peer.folder, TRY_TIMEOUT_MS).trim()}`);
  if (values.link) step(`linked as ${linkIntoProduct(peer)}`);
  return ExitCode.ok;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`tfjs-node: ${explain(error)}\n`);
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.exitCode = isUsage ? ExitCode.usage : ExitCode.failed;
}
