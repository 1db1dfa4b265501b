/**
 * Writes an image to a card so that at no moment a card exists that starts but is not whole: first its first megabyte is
 * erased (with it the partition table and every old system), then all the rest is written and read back past the cache, and
 * only then the first megabyte is written and read back too.
 * Reading back goes through `dd iflag=direct`: Node has no O_DIRECT buffers, and what the page cache would give back is what
 * was written, not what the card has. Memory: one block of 4 MiB, and a SHA-256 per 16 MiB.
 */
import { createHash } from 'node:crypto';
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ImageError } from '../../../runtime/errors.ts';
import { megabytes, type Progress, type ProgressStart } from '../progress.ts';
import { ended, start } from '../tools.ts';

export const HEAD_BYTES = 1024 * 1024;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** A fault is told to this precision. A multiple of the block. */
const PIECE_BYTES = 16 * 1024 * 1024;
/** So often the data has to reach the card: else the kernel would take it all and the progress would lie. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** Throws ImageError; the card then has no first megabyte (or not all of it) and cannot start. */
export async function writeCard(imagePath: string, targetPath: string, progress: ProgressStart): Promise<void> {
  const image = await open(imagePath, 'r');
  try {
    const { size } = await image.stat();
    const target = await openTarget(targetPath);
    let hashes: string[];
    try {
      const written = { bytes: 0 };
      try {
        await writeThrough(target, Buffer.alloc(Math.min(HEAD_BYTES, size)), 0);
        await target.sync();
        hashes = await writeBody(image, target, size, written, progress('writing the card', size));
      } catch (error) {
        throw lost(error, targetPath, written.bytes, size);
      }
    } finally {
      await target.close().catch(() => {});
    }
    const shown = progress('reading the card back', size);
    await compare(targetPath, HEAD_BYTES, size, hashes, shown);
    await writeHead(image, targetPath, Math.min(HEAD_BYTES, size));
    shown.done(size);
  } finally {
    await image.close();
  }
}

/** O_EXCL on a block device without O_CREAT: refused (EBUSY) while it is mounted or held (open(2)). */
async function openTarget(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_WRONLY | constants.O_EXCL);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const hints: Readonly<Record<string, string>> = {
      EBUSY: 'Something uses it: unmount it, and close the file manager that opened it.',
      EACCES: 'You may not write it: run with sudo, or become a member of the group that owns it (often disk).',
      EPERM: 'You may not write it: run with sudo, or become a member of the group that owns it (often disk).',
      EROFS: 'It is write-protected: look for the small slider on the card or its adapter.',
      ENOMEDIUM: 'There is no card in the reader.',
      ENOENT: 'It was taken out.',
    };
    throw new ImageError('CARD_OPEN', `${path} cannot be opened for writing (${code}).`, {
      op: 'open card',
      hint: hints[code] ?? 'Nothing was written.',
      cause: error,
    });
  }
}

/** Everything but the head; returns the hash of each piece. */
async function writeBody(
  image: FileHandle,
  target: FileHandle,
  size: number,
  written: { bytes: number },
  shown: Progress,
): Promise<string[]> {
  const hashes: string[] = [];
  const block = Buffer.alloc(BLOCK_BYTES);
  let hash = createHash('sha256');
  let unsynced = 0;
  for (let at = HEAD_BYTES; at < size; ) {
    const wanted = Math.min(BLOCK_BYTES, size - at, PIECE_BYTES - ((at - HEAD_BYTES) % PIECE_BYTES));
    const { bytesRead } = await image.read(block, 0, wanted, at);
    if (bytesRead === 0) throw new Error('the image became shorter');
    const part = block.subarray(0, bytesRead);
    await writeThrough(target, part, at);
    hash.update(part);
    at += bytesRead;
    unsynced += bytesRead;
    if ((at - HEAD_BYTES) % PIECE_BYTES === 0 || at === size) {
      hashes.push(hash.digest('hex'));
      hash = createHash('sha256');
    }
    if (unsynced >= SYNC_BYTES) {
      await target.datasync();
      unsynced = 0;
    }
    written.bytes = at;
    shown.at(at);
  }
  await target.sync();
  shown.done(size);
  return hashes;
}

/** The last step: from here on the card can start. Read back as well; a head that is wrong is erased again. */
async function writeHead(image: FileHandle, targetPath: string, headBytes: number): Promise<void> {
  const head = Buffer.alloc(headBytes);
  await image.read(head, 0, headBytes, 0);
  const target = await openTarget(targetPath);
  try {
    await writeThrough(target, head, 0);
    await target.sync();
    await compare(targetPath, 0, headBytes, [createHash('sha256').update(head).digest('hex')]);
  } catch (error) {
    await writeThrough(target, Buffer.alloc(headBytes), 0).catch(() => {});
    await target.sync().catch(() => {});
    throw error instanceof ImageError ? error : lost(error, targetPath, 0, headBytes);
  } finally {
    await target.close().catch(() => {});
  }
}

async function writeThrough(target: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await target.write(bytes, done, bytes.length - done, at + done);
    // A device that is full writes nothing and says nothing.
    if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}

/** Reads `from`..`to` past the cache and compares each piece. */
async function compare(
  path: string,
  from: number,
  to: number,
  hashes: readonly string[],
  shown?: Progress,
): Promise<void> {
  let at = from;
  let piece = 0;
  let hash = createHash('sha256');
  const check = () => {
    if (hash.digest('hex') !== hashes[piece]) {
      const begin = from + piece * PIECE_BYTES;
      throw new ImageError(
        'CARD_DIFFERS',
        `${path} gives back something else than was written, at ${megabytes(begin)} to ${megabytes(Math.min(to, begin + PIECE_BYTES))}.`,
        {
          op: 'read card back',
          hint: 'The card is worn, or has less memory than it says. Its first megabyte was left empty: it does not start. Use another card.',
        },
      );
    }
    piece += 1;
    hash = createHash('sha256');
  };
  for await (const part of directBytes(path, from, to - from)) {
    for (let done = 0; done < part.length; ) {
      const left = PIECE_BYTES - ((at - from) % PIECE_BYTES);
      const bytes = part.subarray(done, done + left);
      hash.update(bytes);
      done += bytes.length;
      at += bytes.length;
      if ((at - from) % PIECE_BYTES === 0 || at === to) check();
    }
    shown?.at(at);
  }
  if (at !== to) throw lost(new Error('it ended early'), path, at, to);
}

/** A file system without O_DIRECT (a file as target in memory) is read as usual; a device never is. */
async function* directBytes(path: string, from: number, length: number): AsyncGenerator<Buffer> {
  const isDevice = await isBlockDevice(path);
  const flags = `fullblock,skip_bytes,count_bytes${isDevice || (await takesDirect(path)) ? ',direct' : ''}`;
  const child = start('dd', [
    `if=${path}`,
    'bs=4M',
    `skip=${from}`,
    `count=${length}`,
    `iflag=${flags}`,
    'status=none',
  ]);
  let said = '';
  child.stderr?.on('data', (part: Buffer) => {
    said = (said + part.toString('utf8')).slice(-300);
  });
  const code = ended(child);
  try {
    for await (const part of child.stdout ?? []) yield part as Buffer;
  } finally {
    child.kill();
  }
  if ((await code) !== 0)
    throw new ImageError('CARD_READ', `${path} cannot be read back: ${said.trim()}`, {
      op: 'read card back',
      hint: 'It was taken out, or is worn. Its first megabyte was left empty: it does not start. Begin again.',
    });
}

async function isBlockDevice(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    return fstatSync(handle.fd).isBlockDevice();
  } finally {
    await handle.close();
  }
}

async function takesDirect(path: string): Promise<boolean> {
  try {
    await (await open(path, constants.O_RDONLY | constants.O_DIRECT)).close();
    return true;
  } catch {
    return false;
  }
}

function lost(error: unknown, path: string, doneBytes: number, size: number): ImageError {
  if (error instanceof ImageError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const percent = Math.floor((100 * doneBytes) / Math.max(1, size));
  const isShort = code === 'ENOSPC';
  return new ImageError(
    isShort ? 'CARD_SHORT' : 'CARD_LOST',
    isShort
      ? `${path} was full at ${megabytes(doneBytes)} of ${megabytes(size)}: it has less memory than it says.`
      : `${path} went away or failed at ${percent} % (${code || message}).`,
    {
      op: 'write card',
      hint: `Its first megabyte is empty: it does not start. ${isShort ? 'Use another card.' : 'Plug it in again and begin again.'}`,
      cause: error,
    },
  );
}
