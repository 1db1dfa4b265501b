/**
 * The image as it was downloaded, copied or unpacked into a file of our own: the given file is only read. What it is, its
 * first bytes say; its name is not asked. Blocks of zeroes become holes, so that a copy of 2.7 GB takes the room of its
 * contents. Memory: one block of 1 MiB.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ImageError } from '../../runtime/errors.ts';
import { megabytes, type ProgressStart } from './progress.ts';
import { ended, run, start } from './tools.ts';

const HOLE_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;
/** No image of this system is larger; a packed file that claims more is a bomb. */
export const IMAGE_BYTES_MAX = 64 * 1024 ** 3;
const SECTOR_BYTES = 512;

export type Packing = 'none' | 'xz' | 'gzip' | 'zstd';

/** First bytes (hex, at an offset) of what people give by mistake, and what to tell them. */
const STRANGERS: readonly {
  readonly at: number;
  readonly hex: string;
  readonly what: string;
  readonly hint: string;
}[] = [
  { at: 0, hex: '504b0304', what: 'a ZIP archive', hint: 'Unpack it (unzip FILE.zip) and give the .img inside.' },
  { at: 0, hex: '377abcaf271c', what: 'a 7-Zip archive', hint: 'Unpack it (7z x FILE) and give the .img inside.' },
  {
    at: 0,
    hex: '514649fb',
    what: 'a QEMU disk (qcow2)',
    hint: 'qemu-img convert -O raw FILE OUT.img makes a raw one.',
  },
  { at: 0, hex: '7f454c46', what: 'a program', hint: 'Give the image of Raspberry Pi OS Lite (64-bit).' },
  { at: 0, hex: '89504e47', what: 'a picture', hint: 'Give the image of Raspberry Pi OS Lite (64-bit).' },
  { at: 0, hex: '3c21444f', what: 'a web page: the download was an error page', hint: 'Download the image again.' },
  { at: 0, hex: '3c68746d', what: 'a web page: the download was an error page', hint: 'Download the image again.' },
  { at: 0, hex: '425a68', what: 'packed with bzip2', hint: 'Unpack it: bunzip2 -k FILE' },
  {
    at: 0x8001,
    hex: '4344303031',
    what: 'a CD image (ISO 9660), which is for PCs',
    hint: 'Give the image of Raspberry Pi OS Lite (64-bit).',
  },
];

/** How it is packed; throws when it is something else than an image. */
export function packingOf(path: string): Packing {
  const head = firstBytes(path, 0x8001 + 5);
  const startsWith = (hex: string, at = 0) => head.subarray(at, at + hex.length / 2).toString('hex') === hex;
  if (head.length < SECTOR_BYTES && !startsWith('fd377a585a00') && !startsWith('1f8b') && !startsWith('28b52ffd'))
    throw new ImageError('TOO_SMALL', `${path} has ${head.length} bytes; expected an image of a card.`, {
      op: 'read image',
      hint: 'Download the image again.',
    });
  const stranger = STRANGERS.find(({ hex, at }) => startsWith(hex, at));
  if (stranger !== undefined)
    throw new ImageError(
      'WRONG_KIND',
      `${path} is ${stranger.what}; expected an image (.img, .img.xz, .img.gz, .img.zst).`,
      {
        op: 'read image',
        hint: stranger.hint,
      },
    );
  if (startsWith('fd377a585a00')) return 'xz';
  if (startsWith('1f8b')) return 'gzip';
  if (startsWith('28b52ffd')) return 'zstd';
  return 'none';
}

/** Copies or unpacks into the open file `target`, and returns the image's length in bytes. `sha256`: of the given file. */
export async function copyImage(options: {
  readonly source: string;
  readonly packing: Packing;
  readonly target: number;
  readonly targetPath: string;
  readonly sha256?: string | undefined;
  readonly progress: ProgressStart;
}): Promise<number> {
  const { source, packing, target, progress } = options;
  await requireRoom(options);
  const hash = createHash('sha256');
  const fd = openSync(source, 'r');
  const sourceBytes = fstatSync(fd).size;
  const shown = progress(packing === 'none' ? 'copying the image' : 'unpacking the image', sourceBytes);
  let readBytes = 0;
  const meter = new Transform({
    transform(part: Buffer, _encoding, next) {
      readBytes += part.length;
      hash.update(part);
      shown.at(readBytes);
      next(null, part);
    },
  });
  const sink = sparseSink(target);
  const input = createReadStream(source, { fd, highWaterMark: READ_BYTES });
  try {
    if (packing === 'none') await pipeline(input, meter, sink.stream);
    else if (packing === 'gzip') await pipeline(input, meter, createGunzip(), sink.stream);
    else await throughTool(packing, input, meter, sink.stream);
  } catch (error) {
    throw readFault(error, source, packing, options.targetPath);
  }
  const length = sink.finish();
  shown.done(length);
  const digest = hash.digest('hex');
  if (options.sha256 !== undefined && options.sha256.toLowerCase() !== digest)
    throw new ImageError('CHECKSUM', `${source} has the SHA-256 ${digest}; expected ${options.sha256.toLowerCase()}.`, {
      op: 'check image',
      hint: 'The download is damaged, or another one. Download it again, and take the checksum from the same page.',
    });
  return length;
}

async function throughTool(
  tool: 'xz' | 'zstd',
  input: NodeJS.ReadableStream,
  meter: Transform,
  sink: NodeJS.WritableStream,
) {
  const child = start(tool, ['-d', '-c', ...(tool === 'xz' ? ['-T0'] : ['-q'])]);
  let said = '';
  child.stderr?.on('data', (part: Buffer) => {
    said = (said + part.toString('utf8')).slice(-400);
  });
  const code = ended(child);
  const results = await Promise.allSettled([
    pipeline(input, meter, child.stdin as NodeJS.WritableStream),
    pipeline(child.stdout as NodeJS.ReadableStream, sink),
  ]);
  const status = await code;
  const sinkFault = results[1].status === 'rejected' ? results[1].reason : undefined;
  if (isDiskFault(sinkFault)) throw sinkFault;
  if (status !== 0) throw new Unpacking(said.trim().split('\n').at(-1) ?? '');
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** What the unpacking program said. */
class Unpacking extends Error {}

function readFault(error: unknown, source: string, packing: Packing, targetPath: string): unknown {
  if (error instanceof ImageError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (isDiskFault(error))
    return new ImageError('NO_ROOM', `${targetPath} could not be written (${code}).`, {
      op: 'write image',
      hint: 'Make room on that disk, or choose another with --out.',
      cause: error,
    });
  if (error instanceof Unpacking || code.startsWith('Z_'))
    return new ImageError(
      'DAMAGED',
      `${source} cannot be unpacked (${packing}: ${message.slice(0, 200)}): it is cut short or damaged.`,
      {
        op: 'unpack image',
        hint: 'Download it again and compare its checksum: --sha256 does that.',
        cause: error,
      },
    );
  return error;
}

function isDiskFault(error: unknown): boolean {
  return ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** Writes what arrives; blocks of zeroes are left out. `finish` sets the length. */
function sparseSink(fd: number): { readonly stream: Transform; readonly finish: () => number } {
  let at = 0;
  const zeroes = Buffer.alloc(HOLE_BYTES);
  const take = (part: Buffer) => {
    for (let from = 0; from < part.length; ) {
      // Blocks begin at multiples of their size in the file, whatever the pieces that arrive.
      const to = Math.min(part.length, from + HOLE_BYTES - (at % HOLE_BYTES));
      const block = part.subarray(from, to);
      if (!block.equals(zeroes.subarray(0, block.length))) writeAll(fd, block, at);
      at += block.length;
      from = to;
    }
    if (at > IMAGE_BYTES_MAX)
      throw new ImageError('TOO_LARGE', `the image is larger than ${megabytes(IMAGE_BYTES_MAX)}.`, {
        op: 'unpack image',
        hint: 'Give the image of Raspberry Pi OS Lite (64-bit): about 3 GB.',
      });
  };
  const stream = new Transform({
    transform(part: Buffer, _encoding, next) {
      try {
        take(part);
        next();
      } catch (error) {
        next(error as Error);
      }
    },
  });
  stream.resume();
  return {
    stream,
    finish: () => {
      ftruncateSync(fd, at);
      return at;
    },
  };
}

export function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, at + written);
}

/** Up to `count` bytes from the beginning of a file. */
export function firstBytes(path: string, count: number, at = 0): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(count);
    let length = 0;
    for (let got = -1; got !== 0 && length < count; length += got)
      got = readSync(fd, bytes, length, count - length, at + length);
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** The length that it will have, where the packed file says so; 0 where not. */
export async function unpackedBytes(source: string, packing: Packing, sourceBytes: number): Promise<number> {
  if (packing === 'none') return sourceBytes;
  if (packing !== 'xz') return 0;
  const { code, out } = await run('xz', ['--robot', '--list', '--', source], { codes: [0, 1] });
  const totals = out.split('\n').find((line) => line.startsWith('totals\t'));
  const bytes = Number(totals?.split('\t')[4]);
  if (code !== 0 || !Number.isSafeInteger(bytes))
    throw new ImageError('DAMAGED', `${source} has no end that xz knows: it is cut short or damaged.`, {
      op: 'unpack image',
      hint: 'Download it again and compare its checksum: --sha256 does that.',
    });
  return bytes;
}

/** The full length is asked for, though holes take none: contents are added, and a disk that fills up midway is no answer. */
async function requireRoom(options: { source: string; packing: Packing; targetPath: string }): Promise<void> {
  const fd = openSync(options.source, 'r');
  const sourceBytes = fstatSync(fd).size;
  closeSync(fd);
  const needed = await unpackedBytes(options.source, options.packing, sourceBytes);
  const { bavail, bsize } = statfsSync(dirname(options.targetPath));
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new ImageError(
    'NO_ROOM',
    `${dirname(options.targetPath)} has ${megabytes(free)} left; expected ${megabytes(needed)} for the image.`,
    { op: 'write image', hint: 'Make room on that disk, or choose another with --out (for --device alone: TMPDIR).' },
  );
}
