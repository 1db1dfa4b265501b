/**
 * The read side of a bundle (manifest.ts says what one is): on a device before anything is replaced, and in a gateway that
 * only carries it. Order: size, manifest, signature; then the hash of the application over the whole file; only then is it
 * unpacked, hashed once more on the way, because whoever put the file there may still write into it.
 * Everything is bounded by the signed manifest before it is believed. Memory: pieces of a stream.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, createWriteStream, fstatSync, mkdirSync, openSync, read } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { BundleError } from '../../runtime/errors.ts';
import {
  APPLICATION_BYTES_MAX,
  APPLICATION_NAME,
  checkSignature,
  MANIFEST_BYTES_MAX,
  MANIFEST_NAME,
  type Manifest,
  parseManifest,
  type ReleaseKeys,
  SIGNATURE_NAME,
} from './manifest.ts';
import { readTar, type TarMember } from './tar.ts';

export type Bundle = {
  readonly manifest: Manifest;
  /** base64 */
  readonly signature: string;
  /** Size of the whole file. */
  readonly fileBytes: number;
  /** Reads all of it. Throws BundleError damaged. */
  check(): Promise<void>;
  /** Makes the folder and fills it; on an error what is there is to be thrown away. Throws BundleError. */
  unpackTo(folder: string): Promise<void>;
  close(): void;
};

const BLOCK_BYTES = 512;
const PIECE_BYTES = 65_536;
/** Heads, padding and end of the outer tar around the application, with the manifest: some thousand bytes. */
export const AROUND_BYTES_MAX = 32_768;
const SIGNATURE_BYTES_MAX = 100;
const SIGNATURE_LINE = /^([A-Za-z0-9+/]{86}==)\n$/;
/** Per file: its head and padding. */
const TAR_BYTES_PER_FILE = 2 * BLOCK_BYTES;

/** keys: undefined only for who carries a bundle and does not use it. Throws BundleError; on success `close` is the caller's. */
export async function readBundle(path: string, keys: ReleaseKeys | undefined): Promise<Bundle> {
  const fd = openFile(path);
  try {
    const fileBytes = fstatSync(fd).size;
    const head = await readHead(fd, path);
    const manifest = parseManifest(head.manifest);
    const signature = SIGNATURE_LINE.exec(head.signature)?.[1];
    if (signature === undefined) throw damaged(`${path} has a signature that is not one.`);
    if (keys !== undefined) checkSignature(manifest, signature, keys);
    const offset = BLOCK_BYTES * 3 + padded(head.manifest.length) + padded(Buffer.byteLength(head.signature));
    if (head.applicationBytes !== manifest.bytes) throw damaged(`${path} holds another application than it says.`);
    if (fileBytes < offset + manifest.bytes)
      throw damaged(`${path} is cut short: ${fileBytes} of ${offset + manifest.bytes} bytes.`);
    const application = () => piecesOf(fd, offset, manifest.bytes);
    return {
      manifest,
      signature,
      fileBytes,
      check: () => checkHash(application(), manifest),
      unpackTo: (folder) => unpack(application(), manifest, folder),
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openFile(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw new BundleError('not_a_bundle', `${path} cannot be opened (${(cause as NodeJS.ErrnoException).code}).`, {
      op: 'open bundle',
      hint: 'Name a file that `lethe bundle` made.',
      cause,
    });
  }
  const status = fstatSync(fd);
  if (status.isFile() && status.size >= BLOCK_BYTES && status.size <= APPLICATION_BYTES_MAX + AROUND_BYTES_MAX)
    return fd;
  closeSync(fd);
  throw notABundle(path);
}

type Head = { readonly manifest: Buffer; readonly signature: string; readonly applicationBytes: number };

class HeadIsRead extends Error {}

/** The three members in their order; the last one is not read. */
async function readHead(fd: number, path: string): Promise<Head> {
  const members: { readonly name: string; readonly content: Buffer; readonly bytes: number }[] = [];
  const limits: Readonly<Record<string, number>> = {
    [MANIFEST_NAME]: MANIFEST_BYTES_MAX,
    [SIGNATURE_NAME]: SIGNATURE_BYTES_MAX,
  };
  const order = [MANIFEST_NAME, SIGNATURE_NAME, APPLICATION_NAME];
  const source = piecesOf(fd, 0, AROUND_BYTES_MAX);
  try {
    await readTar(source, async ({ name, bytes, content }: TarMember) => {
      const limit = limits[name] ?? APPLICATION_BYTES_MAX;
      if (name !== order[members.length] || bytes > limit) throw notABundle(path);
      const isLast = members.length === order.length - 1;
      members.push({ name, bytes, content: isLast ? Buffer.alloc(0) : await bytesOf(content) });
      if (isLast) throw new HeadIsRead();
    });
  } catch (error) {
    if (!(error instanceof HeadIsRead)) throw error instanceof BundleError ? error : notABundle(path, error);
  } finally {
    source.destroy();
  }
  const [manifest, signature, application] = members;
  if (application === undefined) throw notABundle(path);
  return {
    manifest: manifest!.content,
    signature: signature!.content.toString('latin1'),
    applicationBytes: application.bytes,
  };
}

const readAt = promisify(read);

/** A part of an open file. Not a stream of node:fs: those close the file when they end, and it is read three times. */
function piecesOf(fd: number, offset: number, bytes: number): Readable {
  async function* pieces() {
    for (let at = offset; at < offset + bytes; ) {
      const length = Math.min(PIECE_BYTES, offset + bytes - at);
      const { bytesRead, buffer } = await readAt(fd, Buffer.alloc(length), 0, length, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function checkHash(application: Readable, manifest: Manifest): Promise<void> {
  const hash = createHash('sha256');
  for await (const piece of application) hash.update(piece as Buffer);
  if (hash.digest('hex') !== manifest.sha256)
    throw damaged(`The application of release ${manifest.version} is not the one that was signed.`);
}

async function unpack(application: Readable, manifest: Manifest, folder: string): Promise<void> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      done(undefined, piece);
    },
  });
  const limited = limit(manifest.unpacked_bytes + (manifest.file_count + 20) * TAR_BYTES_PER_FILE);
  const made = new Set<string>();
  let bytes = 0;
  let count = 0;
  try {
    mkdirSync(folder, { mode: 0o755 });
    const files = readTar(limited, async (member) => {
      bytes += member.bytes;
      count += 1;
      if (bytes > manifest.unpacked_bytes || count > manifest.file_count) throw tooMuch(manifest);
      makeFolders(folder, dirname(member.name), made);
      await writeMember(folder, member);
    });
    await Promise.all([pipeline(application, hashing, createGunzip(), limited), files]);
  } catch (error) {
    throw asBundleError(error, manifest);
  }
  if (hash.digest('hex') !== manifest.sha256 || bytes !== manifest.unpacked_bytes || count !== manifest.file_count)
    throw damaged(`The application of release ${manifest.version} changed while it was unpacked.`);
}

/** Parents of a member, each made by us: nothing that lies there is ever followed. */
function makeFolders(root: string, name: string, made: Set<string>): void {
  if (name === '.' || made.has(name)) return;
  makeFolders(root, dirname(name), made);
  mkdirSync(join(root, name), { mode: 0o755 });
  made.add(name);
}

async function writeMember(root: string, { name, isExecutable, content }: TarMember): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  // The type wants a word; a number is what open(2) takes, and only so can a link be refused.
  const flags = (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW) as unknown as string;
  await pipeline(content, createWriteStream(join(root, name), { flags, mode: isExecutable ? 0o755 : 0o644 }));
}

function limit(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes > bytesMax) done(damaged('The application unpacks to more than its manifest says.'));
      else done(undefined, piece);
    },
  });
}

/** The system's words become ours; what neither of us knows is damage of the archive. */
function asBundleError(error: unknown, { version }: Manifest): BundleError {
  if (error instanceof BundleError) return error;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new BundleError('no_room', `The disk became full while release ${version} was unpacked.`, {
      op: 'unpack bundle',
      hint: 'Make room below /opt/lethe; what runs was not touched.',
      cause: error,
    });
  if (syscall !== undefined)
    return new BundleError('disk', `Release ${version} cannot be written (${code}).`, {
      op: 'unpack bundle',
      hint: 'See the log of the kernel: a card that fails has to be replaced.',
      cause: error,
    });
  return damaged(`The application of release ${version} cannot be unpacked.`, error);
}

function tooMuch({ version }: Manifest): BundleError {
  return damaged(`The application of release ${version} holds more than its manifest says.`);
}

function notABundle(path: string, cause?: unknown): BundleError {
  return new BundleError('not_a_bundle', `${path} is no bundle of Lethe.`, {
    op: 'open bundle',
    hint: 'Name a file that `lethe bundle` made: lethe-<version>-arm64.lethe.',
    cause,
  });
}

function damaged(message: string, cause?: unknown): BundleError {
  return new BundleError('damaged', message, {
    op: 'read bundle',
    hint: 'It was cut short or changed on its way: copy it again from where it was made.',
    cause,
  });
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
