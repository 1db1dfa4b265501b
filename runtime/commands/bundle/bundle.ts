/**
 * Bundle: the application as devices take it, as a folder for flashing or as one signed file for updates.
 * provisioning/bundle says what is in it and why.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { buildTree, type Release } from '../../../provisioning/bundle/build/tree.ts';
import { writeBundle } from '../../../provisioning/bundle/build/write.ts';
import { isVersion } from '../../../provisioning/bundle/manifest.ts';
import { ExitCode, LetheError } from '../../errors.ts';
import { PACKAGE_ROOT, PACKAGE_VERSION } from '../../package.ts';
import { MS_PER_S } from '../../units.ts';
import { makeReleaseKey, openReleaseKey, releaseKeyFile } from './key.ts';

export type BundleWords = {
  readonly tree: string | undefined;
  readonly out: string | undefined;
  readonly key: string | undefined;
  readonly node: string | undefined;
  readonly release: string | undefined;
  readonly fromMin: string;
  readonly hasPins: boolean;
  readonly print: (text: string) => void;
  readonly progress: (text: string) => void;
};

const MEGABYTE = 1e6;

/** Throws BundleError, and LetheError for words that do not go together. */
export async function bundleCommand(words: BundleWords): Promise<ExitCode> {
  const { tree, key, print, progress, fromMin, hasPins, node } = words;
  const version = words.release ?? PACKAGE_VERSION;
  checkVersions(version, fromMin);
  if (tree !== undefined && words.out === undefined) {
    const startedAtMs = Date.now();
    const release = buildTree(treeOptions(resolve(tree)));
    print(summary(release, tree, startedAtMs));
    return ExitCode.ok;
  }
  const target = resolve(words.out ?? `lethe-${version}-arm64.lethe`);
  // Before the minute that the rest takes.
  const privateKey = openReleaseKey(key ?? releaseKeyFile());
  mkdirSync(dirname(target), { recursive: true });
  const folder = tree === undefined ? mkdtempSync(join(tmpdir(), 'lethe-tree-')) : resolve(tree);
  const startedAtMs = Date.now();
  try {
    const release = buildTree(treeOptions(folder));
    progress('lethe: packing and signing\n');
    const manifest = await writeBundle({ tree: folder, release, fromMin, key: privateKey, target });
    print(summary(release, tree, startedAtMs));
    print(
      `${target}: ${megabytes(statSync(target).size)}, sha256 of its application ${manifest.sha256}, signed by ${manifest.key_id}\n`,
    );
  } finally {
    if (tree === undefined) rmSync(folder, { recursive: true, force: true });
  }
  return ExitCode.ok;

  function treeOptions(folderOfTree: string) {
    return {
      root: PACKAGE_ROOT,
      target: folderOfTree,
      version,
      node,
      hasPins,
      progress: (line: string) => progress(`lethe: ${line}\n`),
    };
  }
}

export function bundleKeyCommand(path: string | undefined, print: (text: string) => void): ExitCode {
  const file = path ?? releaseKeyFile();
  const { publicFile, keyId } = makeReleaseKey(file);
  print(
    `${file}: signs releases; keep it, and keep it to yourself.\n${publicFile}: key ${keyId}; goes into /etc/lethe/release/ of each device.\n`,
  );
  return ExitCode.ok;
}

function checkVersions(version: string, fromMin: string): void {
  const wrong = Object.entries({ '--release': version, '--from-min': fromMin }).filter(([, text]) => !isVersion(text));
  if (wrong.length === 0) return;
  throw new LetheError(
    'USAGE',
    wrong.map(([option, text]) => `${option} is ${text}; expected three numbers such as 1.4.0.`).join('\n'),
    ExitCode.usage,
    { op: 'read options', hint: 'Run `lethe bundle --help` for its options.' },
  );
}

function summary(release: Release, tree: string | undefined, startedAtMs: number): string {
  const { files, version, node, commit } = release;
  const groups = new Map<string, { count: number; bytes: number }>();
  for (const { path, bytes } of files) {
    const name = path.includes('/') ? path.slice(0, path.indexOf('/')) : 'other';
    const group = groups.get(name) ?? { count: 0, bytes: 0 };
    groups.set(name, { count: group.count + 1, bytes: group.bytes + bytes });
  }
  const rows = [...groups].sort((a, b) => b[1].bytes - a[1].bytes);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const seconds = ((Date.now() - startedAtMs) / MS_PER_S).toFixed(0);
  return [
    `release ${version} with Node ${node}, commit ${commit.slice(0, 12)}${commit.includes('+') ? ' with changes' : ''}${tree === undefined ? '' : `, in ${tree}`}`,
    ...rows.map(
      ([name, { count, bytes }]) =>
        `  ${name.padEnd(14)}${String(count).padStart(5)} files ${megabytes(bytes).padStart(9)}`,
    ),
    `  ${'all'.padEnd(14)}${String(files.length).padStart(5)} files ${megabytes(total).padStart(9)} (${seconds} s)`,
    '',
  ].join('\n');
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
