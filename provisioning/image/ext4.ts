/**
 * The root file system inside an image, read and written in place by debugfs, which needs neither root nor a mount.
 * debugfs takes a script of commands, goes on after a mistake and ends with 0: so whatever it says on its standard error
 * is a fault here, everything is read back (verify.ts), and e2fsck has the last word.
 * A name with a quote, a backslash or a control character would be another command: such names are refused. Files from this
 * machine go in by links with plain names in a folder of our own.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import { run, runForBytes } from './tools.ts';

/** Printable ASCII without quote and backslash; a path begins with a slash and has no empty or dotted part. */
const PATH = /^(\/(?!\.{1,2}(\/|$))[ !#-.0-[\]-~]+)+$/;
const TARGET = /^[ !#-[\]-~]+$/;
const SUPER_BLOCK_OFFSET = 1024;
/** More is not read into memory: what is edited are short texts. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024;

type Owned = { readonly path: string; readonly mode: number; readonly uid: number; readonly gid: number };
export type Folder = Owned & { readonly kind: 'folder' };
export type File = Owned & {
  readonly kind: 'file';
  /** Its bytes, or the file of this machine that has them. */
  readonly from: Buffer | { readonly file: string; readonly bytes: number };
};
export type Link = { readonly kind: 'link'; readonly path: string; readonly target: string };
/** One thing to put in; what lies there already is replaced, a folder kept. */
export type Entry = Folder | File | Link;

export type Stat = {
  readonly kind: 'regular' | 'directory' | 'symlink' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: number;
};

export type Room = {
  readonly blockBytes: number;
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly totalInodes: number;
  readonly totalBytes: number;
};

export function isPlainPath(path: string): boolean {
  return PATH.test(path) && path.length < 4096;
}

export function bytesOf(file: File): number {
  return Buffer.isBuffer(file.from) ? file.from.length : file.from.bytes;
}

export class Ext4 {
  readonly #image: string;
  /** `image` may hold any character: debugfs takes what follows the last `?`. */
  constructor(imagePath: string, offsetBytes: number) {
    this.#image = `${resolve(imagePath)}?offset=${offsetBytes}`;
  }

  async room(): Promise<Room> {
    const { out } = await run('dumpe2fs', ['-h', this.#image]);
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(out)?.[1]);
    const blockBytes = field('Block size');
    return {
      blockBytes,
      freeBytes: (field('Free blocks') - field('Reserved block count')) * blockBytes,
      freeInodes: field('Free inodes'),
      totalInodes: field('Inode count'),
      totalBytes: field('Block count') * blockBytes,
    };
  }

  /** What stands at each path; the last part is not followed when it is a link. */
  async stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    const found = new Map<string, Stat>();
    for (const [path, piece] of await this.#stats(paths)) {
      const stat = statOf(piece);
      if (stat !== undefined) found.set(path, stat);
    }
    return found;
  }

  /** What debugfs says of each path; it repeats the command before each answer. */
  async #stats(paths: readonly string[]): Promise<[string, string][]> {
    if (paths.length === 0) return [];
    const { out } = await this.#script(paths.map((path) => `stat ${quoted(path)}`));
    const pieces = out.split(/^debugfs: stat "/m).slice(1);
    return pieces.map((piece) => [piece.slice(0, piece.indexOf('"')), piece]);
  }

  async has(path: string): Promise<boolean> {
    return (await this.stat([path])).has(path);
  }

  /** Contents of a file or, for a link, its target. Empty where there is none: ask `stat` first. */
  async read(path: string, bytesMax = TEXT_BYTES_MAX): Promise<Buffer> {
    return runForBytes('debugfs', ['-R', `cat ${quoted(path)}`, this.#image], bytesMax);
  }

  /** Contents, following a link at the end; undefined where there is nothing. At most eight links, as the kernel. */
  async text(path: string): Promise<string | undefined> {
    let at = path;
    for (let links = 0; links < 8; links += 1) {
      const stat = (await this.stat([at])).get(at);
      if (stat === undefined) return undefined;
      if (stat.kind !== 'symlink') return (await this.read(at)).toString('utf8');
      at = posix.resolve(posix.dirname(at), await this.linkTarget(at));
    }
    return undefined;
  }

  async linkTarget(path: string): Promise<string> {
    return (await this.linkTargets([path])).get(path) ?? '';
  }

  /** Where links lead; a path that is no link is left out. */
  async linkTargets(paths: readonly string[]): Promise<Map<string, string>> {
    const targets = new Map<string, string>();
    for (const [path, piece] of await this.#stats(paths)) {
      if (statOf(piece)?.kind !== 'symlink') continue;
      const fast = /^Fast link dest: "(.*)"$/m.exec(piece)?.[1];
      // A target of 60 bytes and more has a block of its own (ext4, i_block).
      targets.set(path, fast ?? (await this.read(path)).toString('utf8'));
    }
    return targets;
  }

  async names(folder: string): Promise<string[]> {
    const { out } = await run('debugfs', ['-R', `ls -p ${quoted(folder)}`, this.#image]);
    return out
      .split('\n')
      .map((line) => line.split('/')[5] ?? '')
      .filter((name) => name !== '' && name !== '.' && name !== '..');
  }

  /** Puts `entries` in, in their order; folders on the way have to be among them or there already. */
  async write(entries: readonly Entry[]): Promise<void> {
    refuseNames(entries);
    const before = await this.stat(entries.map(({ path }) => path));
    const staging = mkdtempSync(join(tmpdir(), 'lethe-image-'));
    try {
      const commands = entries.flatMap((entry, index) =>
        commandsOf(entry, before.get(entry.path), stage(entry, index, staging)),
      );
      const { err } = await this.#script(commands, { isWriting: true, folder: staging });
      if (err !== '')
        throw new ImageError(
          'WRITE',
          `debugfs could not write into the image: ${err.split('\n').slice(0, 3).join(' | ')}`,
          {
            op: 'write image',
            hint: 'The image may be damaged: download it again.',
          },
        );
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  }

  /** Copies files out, each to `folder`/its index; returns nothing about them: look at what arrived. */
  async dump(paths: readonly string[], folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await this.#script(
      paths.map((path, index) => `dump ${quoted(path)} ${index}`),
      { folder },
    );
  }

  /** What e2fsck finds, without changing anything; none when it is clean. */
  async faults(): Promise<readonly string[]> {
    const { code, out, err } = await run('e2fsck', ['-fn', this.#image], { codes: [0, 1, 2, 4, 8, 12] });
    return code === 0 ? [] : `${out}\n${err}`.trim().split('\n').slice(0, 6);
  }

  /** To all of its partition. */
  async grow(): Promise<void> {
    await run('resize2fs', ['-f', this.#image]);
  }

  async #script(
    commands: readonly string[],
    { isWriting = false, folder }: { readonly isWriting?: boolean; readonly folder?: string } = {},
  ): Promise<{ readonly out: string; readonly err: string }> {
    const ours = folder ?? mkdtempSync(join(tmpdir(), 'lethe-image-'));
    const script = join(ours, 'commands');
    try {
      writeFileSync(script, `${commands.join('\n')}\n`);
      const { out, err } = await run('debugfs', [...(isWriting ? ['-w'] : []), '-f', script, this.#image], {
        folder: ours,
      });
      return { out, err: err.split('\n').slice(1).join('\n').trim() };
    } finally {
      if (folder === undefined) rmSync(ours, { recursive: true, force: true });
      else rmSync(script, { force: true });
    }
  }
}

/** Magic of the super block and whether its journal holds what was not written yet (Documentation/filesystems/ext4/super.rst). */
export function superBlock(bytes: Buffer): { readonly isExt: boolean; readonly isOpen: boolean } {
  const at = SUPER_BLOCK_OFFSET;
  if (bytes.length < at + 0x68 || bytes.readUInt16LE(at + 0x38) !== 0xef53) return { isExt: false, isOpen: false };
  const INCOMPAT_RECOVER = 0x4;
  return { isExt: true, isOpen: (bytes.readUInt32LE(at + 0x60) & INCOMPAT_RECOVER) !== 0 };
}

/** One stat of debugfs, as text. */
function statOf(text: string): Stat | undefined {
  const head = /^Inode: \d+\s+Type: (\S+)\s+Mode:\s+(\d+)/m.exec(text);
  const owner = /^User:\s+(\d+)\s+Group:\s+(\d+)(?:\s+Project:\s+\d+)?\s+Size: (\d+)/m.exec(text);
  if (head === null || owner === null) return undefined;
  const kind = head[1]!;
  return {
    kind: kind === 'regular' || kind === 'directory' || kind === 'symlink' ? kind : 'other',
    mode: Number.parseInt(head[2]!, 8),
    uid: Number(owner[1]),
    gid: Number(owner[2]),
    bytes: Number(owner[3]),
  };
}

function refuseNames(entries: readonly Entry[]): void {
  const problems = entries
    .filter((entry) => !isPlainPath(entry.path) || (entry.kind === 'link' && !TARGET.test(entry.target)))
    .map(
      (entry) =>
        `${JSON.stringify(entry.path)} cannot be written; expected letters, digits and signs of ASCII but no quote, backslash or line break.`,
    );
  if (problems.length > 0)
    throw new ImageError('NAME', problems.slice(0, 20), { op: 'write image', hint: 'Rename it, or leave it out.' });
}

function quoted(path: string): string {
  if (!isPlainPath(path))
    throw new ImageError('NAME', `${JSON.stringify(path)} cannot be asked for.`, { op: 'read image' });
  return `"${path}"`;
}

/** Name in the staging folder through which debugfs reads the contents. */
function stage(entry: Entry, index: number, folder: string): string {
  const name = `f${index}`;
  if (entry.kind !== 'file') return name;
  if (Buffer.isBuffer(entry.from)) writeFileSync(join(folder, name), entry.from);
  else symlinkSync(resolve(entry.from.file), join(folder, name));
  return name;
}

function commandsOf(entry: Entry, before: Stat | undefined, staged: string): string[] {
  const path = quoted(entry.path);
  const isFolderThere = before?.kind === 'directory';
  if (isFolderThere && entry.kind !== 'folder')
    throw new ImageError('WRITE', `${entry.path} is a folder in this image; expected a file or nothing.`, {
      op: 'write image',
      hint: 'Take the image as it was downloaded.',
    });
  const removal = before !== undefined && !isFolderThere ? [`rm ${path}`] : [];
  if (entry.kind === 'link') return [...removal, `symlink ${path} "${entry.target}"`];
  // The folders on the list are ours; those on the way to a file are not on it when they are there.
  if (entry.kind === 'folder')
    return [...removal, ...(isFolderThere ? [] : [`mkdir ${path}`]), ...rightsOf(entry, 0o040000)];
  return [
    ...removal,
    // `write` takes a name in the current folder, not a path.
    `cd ${quotedFolder(entry.path)}`,
    `write ${staged} "${posix.basename(entry.path)}"`,
    ...rightsOf(entry, 0o100000),
  ];
}

function quotedFolder(path: string): string {
  const folder = posix.dirname(path);
  return folder === '/' ? '/' : quoted(folder);
}

function rightsOf({ path, mode, uid, gid }: Owned, type: number): string[] {
  return [
    `set_inode_field ${quoted(path)} mode 0${(type | mode).toString(8)}`,
    `set_inode_field ${quoted(path)} uid ${uid}`,
    `set_inode_field ${quoted(path)} gid ${gid}`,
  ];
}
