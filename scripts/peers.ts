/**
 * Other engines, for comparison: the one place that knows which packages they come in, in which version, and where they lie.
 *
 * None of them is a dependency of this project: they are hundreds of megabytes that no device needs. They are fetched when
 * a bench or a test asks for them, each into a folder of its own, .peers/<name>@<version>/, which git ignores. npm runs
 * none of their install scripts: those download libraries (for graphics cards, or for the wrong processor).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Package → its version, and the packages that npm must put beside it. */
export const PEERS = {
  '@litertjs/core': { version: '2.5.3', beside: [] },
  '@tensorflow/tfjs': { version: '4.22.0', beside: [] },
  '@tensorflow/tfjs-backend-wasm': { version: '4.22.0', beside: ['@tensorflow/tfjs-core@4.22.0'] },
  '@tensorflow/tfjs-node': { version: '4.22.0', beside: [] },
  'onnxruntime-node': { version: '1.30.0', beside: [] },
  'onnxruntime-web': { version: '1.30.0', beside: [] },
} as const satisfies Readonly<Record<string, { readonly version: string; readonly beside: readonly string[] }>>;

export type PeerName = keyof typeof PEERS;

export type Peer = {
  readonly name: PeerName;
  /** What its package.json says. */
  readonly version: string;
  /** Absolute folder of the package. */
  readonly folder: string;
  /** Resolves names as a file inside of the package would; packages that are ECMAScript modules come through it too. */
  readonly require: NodeJS.Require;
};

/** Says in one line why a peer cannot be had; the bench goes on without it. */
export class PeerMissing extends Error {}

const NPM_TIMEOUT_MS = 600_000;

/** The checkout, seen from dist/ or from the sources. */
export function checkout(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'tsconfig.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no tsconfig.json above ${start}`);
  }
}

/** Where ensurePeer installs it. */
export function peerFolder(name: PeerName): string {
  return join(checkout(), '.peers', `${name}@${PEERS[name].version}`);
}

/** The peer beside the product or in .peers/, whichever is found first; undefined where it is in neither. */
export function findPeer(name: PeerName): Peer | undefined {
  for (const home of [checkout(), peerFolder(name)]) {
    const folder = join(home, 'node_modules', name);
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return { name, version, folder, require: createRequire(manifest) };
  }
  return undefined;
}

/** Finds the peer, or installs it if `install` allows that. Throws PeerMissing. */
export function ensurePeer(name: PeerName, { install = true }: { readonly install?: boolean } = {}): Peer {
  const found = findPeer(name);
  if (found !== undefined) return found;
  const { version, beside } = PEERS[name];
  if (!install) throw new PeerMissing(`${name} ${version} is not installed`);
  const folder = peerFolder(name);
  // Made under another name and then renamed: an install that is cut off must not look like a finished one.
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  // Without one, npm would look for a project in the folders above.
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n');
  process.stderr.write(`peers: installing ${name} ${version}\n`);
  const words = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', [...words, `${name}@${version}`, ...beside], {
    cwd: unfinished,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: NPM_TIMEOUT_MS,
  });
  if (npm.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new PeerMissing(`npm could not fetch ${name} ${version} (${npmReason(npm)})`);
  }
  renameSync(unfinished, folder);
  const installed = findPeer(name);
  if (installed === undefined) throw new PeerMissing(`npm installed ${name} ${version} without its package.json`);
  return installed;
}

function npmReason(npm: { readonly error?: Error; readonly signal: string | null; readonly stderr: string }): string {
  if (npm.error !== undefined) return npm.error.message;
  if (npm.signal !== null) return `ended by ${npm.signal}`;
  return /^npm error code (\S+)/m.exec(npm.stderr)?.[1] ?? npm.stderr.trim().split('\n')[0] ?? 'no reason given';
}
