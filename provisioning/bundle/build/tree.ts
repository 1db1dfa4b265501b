/**
 * The tree of a release: what a slot on the device holds, as a folder. Everything that the bundle is made of passes here.
 * The same sources, Node and tools give the same bytes; release.json lists every file with its hash.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BundleError } from '../../../runtime/errors.ts';
import { TARGET } from '../manifest.ts';
import { type Closure, closureOf } from './closure.ts';
import {
  ASSETS,
  DEVICE_COMMANDS,
  DEVICE_FOLDER,
  isExecutable,
  LICENCE_NAMES,
  NATIVE_MODULE,
  OPTIONAL_PACKAGES,
  PINS_PACKAGE,
  PROGRAMS,
} from './contents.ts';
import { nodeFolder, versionOfNode } from './node.ts';
import { buildPins, strip } from './pins.ts';

export type TreeOptions = {
  /** Of the package: with dist/ and node_modules/. */
  readonly root: string;
  /** Has to be empty or not there. */
  readonly target: string;
  readonly version: string;
  /** Folder of an unpacked Node for arm64; without it the one that is known here is fetched. */
  readonly node: string | undefined;
  readonly hasPins: boolean;
  readonly progress: (line: string) => void;
};

export type ReleaseFile = { readonly path: string; readonly bytes: number; readonly sha256: string };
/** release.json: all files besides itself. */
export type Release = {
  readonly v: 1;
  readonly name: 'lethe';
  readonly version: string;
  /** Git's, with `+changes` when files differed from it; or `unknown`. */
  readonly commit: string;
  readonly made_at: string;
  readonly target: string;
  readonly node: string;
  readonly files: readonly ReleaseFile[];
};

/** Throws BundleError; a tree that was begun stays, for looking at it. */
export function buildTree(options: TreeOptions): Release {
  const { root, target, version, progress } = options;
  if (existsSync(target) && readdirSync(target).length > 0)
    throw incomplete(`${target} is not empty.`, 'Name a folder that is empty or not there.');
  const made = momentOf(root);
  const node = nodeFolder(options.node, progress);
  progress('collecting what device programs reach');
  const files = deviceFiles(root, options.hasPins);
  for (const path of files) place(root, path, target, path);
  place(node, 'bin/node', target, 'bin/node');
  place(node, 'LICENSE', target, 'bin/LICENSE');
  if (!strip(join(target, 'bin', 'node'))) progress('no aarch64-linux-gnu-strip here: Node stays 20 MB larger');
  if (options.hasPins) {
    progress('compiling epoll for arm64');
    buildPins(root, node, join(target, NATIVE_MODULE));
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(packageJson(version), undefined, 2)}\n`);
  const release: Release = {
    v: 1,
    name: 'lethe',
    version,
    commit: commitOf(root),
    made_at: made.toISOString().replace('.000Z', 'Z'),
    target: TARGET,
    node: versionOfNode(node),
    files: filesBelow(target).map((path) => releaseFile(target, path)),
  };
  writeFileSync(join(target, 'release.json'), `${JSON.stringify(release, undefined, 1)}\n`);
  openToAll(target);
  return release;
}

/** All that device programs reach in `root`, with the package.json and the licence of each package. */
export function deviceFiles(root: string, hasPins = true): string[] {
  const { files, packages } = deviceClosure(root, hasPins);
  const assets = ASSETS.flatMap((path) => (path.endsWith('/') ? filesBelow(root, path.slice(0, -1)) : [path]));
  const described = packages.flatMap((folder) => [`${folder}/package.json`, ...licencesOf(root, folder)]);
  const between = files
    .filter((file) => file.startsWith('node_modules/'))
    .flatMap((file) => packageFilesAbove(root, file));
  const all = new Set([...files, ...assets, ...described, ...between]);
  const absent = [...all].filter((path) => !existsSync(join(root, path)));
  if (absent.length > 0)
    throw incomplete(`${absent.join(', ')} is missing.`, 'Build and install again: npm ci, then npm run build.');
  // What was compiled here is for this machine.
  return [...all].filter((path) => !path.endsWith('.node')).sort();
}

export function deviceClosure(root: string, hasPins = true): Closure {
  const programs = existsSync(join(root, DEVICE_FOLDER))
    ? filesBelow(root, DEVICE_FOLDER).filter((path) => path.endsWith('/main.js'))
    : [];
  const helpers = ASSETS.filter((path) => path.startsWith('dist/runtime/commands/')).flatMap((path) =>
    filesBelow(root, path.slice(0, -1)),
  );
  const isFollowed = (from: string, file: string) =>
    !from.startsWith('dist/runtime/command-line/') ||
    !file.startsWith('dist/runtime/commands/') ||
    DEVICE_COMMANDS.some((wanted) => file.startsWith(wanted));
  const entries = [...PROGRAMS, ...programs, ...helpers];
  return closureOf({
    root,
    entries,
    isFollowed,
    optionalPackages: hasPins ? OPTIONAL_PACKAGES : [...OPTIONAL_PACKAGES, PINS_PACKAGE],
  });
}

/** dist/esm/package.json of a package says how the files beside it are read. */
function packageFilesAbove(root: string, file: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(file); !/(^|\/)node_modules$/.test(folder); folder = dirname(folder)) {
    const path = `${folder}/package.json`;
    if (existsSync(join(root, path))) found.push(path);
  }
  return found;
}

function licencesOf(root: string, folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => LICENCE_NAMES.test(name))
    .map((name) => `${folder}/${name}`);
}

/** Sorted paths relative to `root`. Throws BundleError incomplete on a link: a device gets none. */
export function filesBelow(root: string, folder = ''): string[] {
  const names = readdirSync(join(root, folder), { withFileTypes: true });
  const paths = names.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(root, path);
    if (entry.isFile()) return [path];
    throw incomplete(`${path} is neither a file nor a folder.`, 'Replace it by the file that it stands for.');
  });
  return paths.sort();
}

function place(from: string, path: string, to: string, name: string): void {
  const target = join(to, name);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(from, path), target);
}

/** Everybody may read a slot, whatever this shell's umask says. */
function openToAll(root: string): void {
  for (const path of filesBelow(root)) {
    chmodSync(join(root, path), isExecutable(path) ? 0o755 : 0o644);
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) chmodSync(join(root, folder), 0o755);
  }
  chmodSync(root, 0o755);
}

function releaseFile(root: string, path: string): ReleaseFile {
  const bytes = lstatSync(join(root, path)).size;
  return {
    path,
    bytes,
    sha256: createHash('sha256')
      .update(readFileSync(join(root, path)))
      .digest('hex'),
  };
}

/** What runtime/package.ts and Node ask of it. */
function packageJson(version: string): object {
  return { name: 'lethe', version, type: 'module', license: 'Apache-2.0', private: true };
}

/** SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), or the time of the commit. */
function momentOf(root: string): Date {
  const seconds = process.env['SOURCE_DATE_EPOCH'] ?? git(root, ['log', '-1', '--format=%ct']);
  if (seconds !== undefined && /^\d{1,10}$/.test(seconds)) return new Date(Number(seconds) * 1000);
  throw incomplete(
    'Neither git nor SOURCE_DATE_EPOCH says when these sources were made.',
    'Set SOURCE_DATE_EPOCH to Unix seconds.',
  );
}

function commitOf(root: string): string {
  const commit = git(root, ['rev-parse', 'HEAD']);
  if (commit === undefined) return 'unknown';
  return git(root, ['status', '--porcelain']) === '' ? commit : `${commit}+changes`;
}

function git(root: string, words: readonly string[]): string | undefined {
  const done = spawnSync('git', ['-C', root, ...words], { encoding: 'utf8' });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

function incomplete(message: string, hint: string): BundleError {
  return new BundleError('incomplete', message, { op: 'collect a release', hint });
}
