/**
 * The one native module of a device, epoll (under onoff: lamp and button), compiled here for arm64. Seven seconds.
 * node-gyp is the one that npm brings along; headers are those of the Node that goes into the bundle.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BundleError } from '../../../runtime/errors.ts';

const TOOLCHAIN = 'aarch64-linux-gnu';
const COMPILER = `${TOOLCHAIN}-g++`;
const MODULES = ['epoll', 'nan', 'bindings', 'file-uri-to-path'];

export function hasTool(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Writes epoll.node to `target`. Throws BundleError incomplete. */
export function buildPins(root: string, node: string, target: string): void {
  if (!hasTool(COMPILER))
    throw incomplete(
      `There is no ${COMPILER}, which compiles the driver of lamp and button for the device.`,
      'Install it: sudo apt-get install g++-aarch64-linux-gnu. Or give --without-pins for devices without lamp and button.',
    );
  const absent = MODULES.filter((name) => !existsSync(join(root, 'node_modules', name)));
  if (absent.length > 0)
    throw incomplete(
      `${absent.join(', ')} of onoff, an optional dependency, is not installed.`,
      'Run npm ci, or give --without-pins.',
    );
  const folder = mkdtempSync(join(tmpdir(), 'lethe-pins-'));
  try {
    for (const name of MODULES)
      cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), {
        recursive: true,
        filter: (path) => path !== join(root, 'node_modules', name, 'build'),
      });
    compile(join(folder, 'node_modules', 'epoll'), node);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(folder, 'node_modules', 'epoll', 'build', 'Release', 'epoll.node'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // Its symbols name the temporary folder of this build.
  spawnSync(`${TOOLCHAIN}-strip`, [target]);
}

/** A smaller program that behaves the same: 123 MB of Node become 103. → whether it was done. */
export function strip(path: string): boolean {
  return spawnSync(`${TOOLCHAIN}-strip`, [path], { stdio: 'ignore' }).status === 0;
}

function compile(folder: string, node: string): void {
  const words = [nodeGyp(), 'rebuild', '--arch=arm64', `--nodedir=${node}`];
  const cross = { CC: `${TOOLCHAIN}-gcc`, CXX: COMPILER, AR: `${TOOLCHAIN}-ar`, LINK: COMPILER };
  const done = spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...ownEnvironment(), ...cross },
  });
  if (done.status === 0) return;
  throw incomplete(
    `node-gyp could not build epoll: ${done.error?.message ?? done.stderr.trim().slice(-600)}`,
    'node-gyp needs Python 3 and make (apt-get install python3 make). Or give --without-pins.',
  );
}

/**
 * Without what this shell compiles with, and without npm's settings: under `npm run` node-gyp would take npm_config_nodedir,
 * the headers of the Node that runs here, over the ones it is told.
 */
function ownEnvironment(): NodeJS.ProcessEnv {
  const isForeign = (name: string) => /^npm_|^(C|CXX|CPP|LD)FLAGS$/i.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)));
}

function nodeGyp(): string {
  const npmRoot = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  const places = [
    join(npmRoot, 'npm', 'node_modules', 'node-gyp'),
    join(dirname(realpathSync(process.execPath)), '..', 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp'),
    // Debian's own npm.
    '/usr/share/nodejs/node-gyp',
  ];
  const found = places.map((place) => join(place, 'bin', 'node-gyp.js')).find((path) => existsSync(path));
  if (found === undefined)
    throw incomplete('npm brought no node-gyp along.', 'Install npm again, or give --without-pins.');
  return found;
}

function incomplete(message: string, hint: string): BundleError {
  return new BundleError('incomplete', message, { op: 'compile epoll for arm64', hint });
}
