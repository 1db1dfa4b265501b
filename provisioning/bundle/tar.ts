/**
 * Tar of regular files, written and read. This file owns the package `modern-tar` (no dependencies; streams both ways).
 * Written: names sorted by whoever calls, one time for all, root's, two modes; so the same files give the same bytes.
 * Read: nothing but plain files with plain relative names; links, devices, folders with other rights and the rest are refused
 * whole. Memory: pieces of a stream, whatever the size of a file.
 */
import { Readable } from 'node:stream';
import { createTarDecoder, createTarPacker } from 'modern-tar';
import { BundleError } from '../../runtime/errors.ts';

export type TarFile = {
  /** Relative, with slashes. */
  readonly name: string;
  readonly bytes: number;
  readonly isExecutable: boolean;
  readonly open: () => Readable;
};

export type TarMember = {
  readonly name: string;
  readonly bytes: number;
  readonly isExecutable: boolean;
  readonly content: AsyncIterable<Uint8Array>;
};

const NAME_CHARACTERS_MAX = 200;
/** Letters that need no quoting anywhere: these names also go through debugfs, and into units. */
const NAME = /^[A-Za-z0-9@_+.-][A-Za-z0-9@_+./-]*$/;
const MODE_PLAIN = 0o644;
const MODE_EXECUTABLE = 0o755;

/** Relative, no `.` or `..` on the way, no end of line and no quotes. */
export function isPlainName(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX || !NAME.test(name)) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** made: the one time of all members. */
export function writeTar(files: readonly TarFile[], made: Date): Readable {
  const { readable, controller } = createTarPacker();
  const add = async () => {
    for (const { name, bytes, isExecutable, open } of files) {
      if (!isPlainName(name)) throw new Error(`${name} is no name for a bundle`);
      const mode = isExecutable ? MODE_EXECUTABLE : MODE_PLAIN;
      const header = { name, size: bytes, mode, mtime: made, uid: 0, gid: 0, uname: 'root', gname: 'root' } as const;
      await Readable.toWeb(open()).pipeTo(controller.add({ ...header, type: 'file' }) as never);
    }
    controller.finalize();
  };
  add().catch((error: unknown) => controller.error(error));
  return Readable.fromWeb(readable as never);
}

/**
 * Hands every member to `take`, which has to read its content to the end. Throws BundleError damaged, and what `take` throws.
 * Bounds on count and sizes are the caller's: it knows what the manifest promised.
 */
export async function readTar(source: Readable, take: (member: TarMember) => Promise<void>): Promise<void> {
  const decoder = createTarDecoder({ strict: true });
  const reader = Readable.toWeb(source).pipeThrough(decoder as never) as unknown as AsyncIterable<{
    readonly header: {
      readonly name: string;
      readonly size: number;
      readonly type?: string;
      readonly mode?: number;
      readonly pax?: object;
    };
    readonly body: AsyncIterable<Uint8Array>;
  }>;
  for await (const { header, body } of reader) {
    const { name, size, type = 'file', mode = 0, pax } = header;
    if (type !== 'file' || pax !== undefined)
      throw strange(`it holds ${JSON.stringify(name.slice(0, 80))} of type ${type}`);
    if (!isPlainName(name)) throw strange(`it holds a file with the name ${JSON.stringify(name.slice(0, 80))}`);
    if (mode !== MODE_PLAIN && mode !== MODE_EXECUTABLE)
      throw strange(`${name} has the mode ${mode.toString(8)}, expected 644 or 755`);
    await take({ name, bytes: size, isExecutable: mode === MODE_EXECUTABLE, content: body });
  }
}

function strange(what: string): BundleError {
  return new BundleError('damaged', `This bundle is not as \`lethe bundle\` makes one: ${what}.`, {
    op: 'unpack bundle',
    hint: 'Do not use it; make it again.',
  });
}
