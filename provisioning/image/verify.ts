/**
 * Reads everything back out of the image and compares it with what was meant: contents byte by byte (SHA-256), rights, owners,
 * targets of links, files of the boot partition; then both file systems are checked by their own programs, and the partition
 * table must be the one it was. debugfs says nothing when it fails: without this nobody would know.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import type { Contents } from './contents.ts';
import { bytesOf, type Entry, type Ext4, type File, type Link, type Stat } from './ext4.ts';
import type { Layout } from './layout.ts';
import type { ProgressStart } from './progress.ts';
import type { Volumes } from './system.ts';

/** Read back in portions, so that the temporary folder never holds more than about this. */
const PORTION_BYTES = 64 * 1024 * 1024;
const PORTION_FILES = 500;

export type Verified = { readonly files: number; readonly bytes: number };

export async function verify(options: {
  readonly volumes: Volumes;
  readonly contents: Contents;
  readonly before: Layout;
  readonly after: Layout;
  /** Of the boot partition as it came. */
  readonly bootFaults: readonly string[];
  readonly progress: ProgressStart;
}): Promise<Verified> {
  const { volumes, contents, before, after } = options;
  const { entries } = contents;
  const files = entries.filter((entry): entry is File => entry.kind === 'file');
  const problems = [
    ...rightsProblems(entries, await volumes.root.stat(entries.map(({ path }) => path))),
    ...(await linkProblems(volumes.root, entries)),
    ...(await fileProblems(volumes.root, files, options.progress)),
    ...(await bootProblems(volumes, contents)),
    ...layoutProblems(before, after),
    ...faults('system', await volumes.root.faults(), []),
    ...faults('boot', await volumes.boot.faults(), options.bootFaults),
  ];
  if (problems.length > 0)
    throw new ImageError('VERIFY', problems.slice(0, 20), {
      op: 'read image back',
      hint: 'What was written is not what was meant; the image is removed. Please report it with these lines.',
    });
  return { files: files.length, bytes: files.reduce((sum, file) => sum + bytesOf(file), 0) };
}

function rightsProblems(entries: readonly Entry[], stats: ReadonlyMap<string, Stat>): string[] {
  const kinds = { file: 'regular', folder: 'directory', link: 'symlink' } as const;
  return entries.flatMap((entry) => {
    const stat = stats.get(entry.path);
    if (stat === undefined) return [`${entry.path} is not there.`];
    if (stat.kind !== kinds[entry.kind]) return [`${entry.path} is a ${stat.kind}; expected a ${entry.kind}.`];
    if (entry.kind === 'link') return [];
    const is = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid}`;
    const meant = `${entry.mode.toString(8)} ${entry.uid}:${entry.gid}`;
    return is === meant ? [] : [`${entry.path} has ${is}; expected ${meant}.`];
  });
}

async function linkProblems(root: Ext4, entries: readonly Entry[]): Promise<string[]> {
  const links = entries.filter((entry): entry is Link => entry.kind === 'link');
  const targets = await root.linkTargets(links.map(({ path }) => path));
  return links
    .filter(({ path, target }) => targets.get(path) !== target)
    .map(({ path, target }) => `${path} leads to ${targets.get(path) ?? 'nothing'}; expected ${target}.`);
}

async function fileProblems(root: Ext4, files: readonly File[], progress: ProgressStart): Promise<string[]> {
  const total = files.reduce((sum, file) => sum + bytesOf(file), 0);
  const shown = progress('reading the image back', total);
  const problems: string[] = [];
  let doneBytes = 0;
  for (const portion of portionsOf(files)) {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-verify-'));
    try {
      await root.dump(
        portion.map(({ path }) => path),
        folder,
      );
      portion.forEach((file, index) => {
        if (digestAt(join(folder, String(index))) !== digestOf(file))
          problems.push(`${file.path} has other contents than were written.`);
        doneBytes += bytesOf(file);
        shown.at(doneBytes);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  shown.done(total);
  return problems;
}

function portionsOf(files: readonly File[]): File[][] {
  const portions: File[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const last = portions.at(-1);
    if (last === undefined || bytes + bytesOf(file) > PORTION_BYTES || last.length >= PORTION_FILES) {
      portions.push([file]);
      bytes = bytesOf(file);
    } else {
      last.push(file);
      bytes += bytesOf(file);
    }
  }
  return portions;
}

function digestOf({ from }: File): string {
  return Buffer.isBuffer(from) ? digest(from) : digestAt(from.file);
}

function digestAt(path: string): string {
  try {
    return digest(readFileSync(path));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function bootProblems({ boot }: Volumes, { boot: files }: Contents): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, bytes] of files)
    if (!(await boot.read(name)).equals(bytes))
      problems.push(`${name} of the boot partition has other contents than were written.`);
  return problems;
}

function layoutProblems(before: Layout, after: Layout): string[] {
  const fixed = ({ diskId, boot, root }: Layout) => JSON.stringify([diskId, boot, root.startBytes, root.type]);
  return fixed(before) === fixed(after) && after.root.lengthBytes >= before.root.lengthBytes
    ? []
    : ['The partition table is another one than before.'];
}

function faults(what: string, found: readonly string[], known: readonly string[]): string[] {
  const added = found.filter((line) => !known.includes(line));
  return added.length === 0 ? [] : [`The ${what} partition is not clean: ${added.join(' | ')}`];
}
