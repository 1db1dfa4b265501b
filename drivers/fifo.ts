/**
 * Pictures and words out of a child process: named pipes, the reader that fills the frame slot from one, line splitting.
 * Why a named pipe: the programs that know cameras and files (rpicam-vid, ffmpeg) write to a path, and a socket opened on
 * the pipe reads straight into memory that we name. `data` events and child.stdout would allocate 64 KiB per read and
 * leave the picture in the heap of the process.
 * Memory: nothing besides one view per page of the frame, made at the start. A picture is never anywhere but in the slot:
 * every read is limited to what is missing of the present frame.
 * Not here: what the bytes mean, when to restart; that is the driver's.
 */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { DriverError } from '../runtime/errors.ts';
import type { FrameSink } from '../runtime/ports/camera.ts';
import { US_PER_MS } from '../runtime/units.ts';

/** A pipe hands out whole pages except at the end of a write, so nearly every read starts at a multiple of this. */
const PAGE_BYTES = 4096;
/**
 * Of a frame's first read. Node says that bytes came when they are in memory already: a read of a whole pipe lies before that
 * word with all its copying (0.07 ms), and the clock of the residency would begin so late. A page is copied in a few µs.
 */
export const FIRST_READ_BYTES = PAGE_BYTES;
/** Longest line kept of a child's messages; the rest of a longer one is dropped, so a flood costs no memory. */
export const LINE_CHARS_MAX = 400;

/** Folders to remove when the program ends without having stopped its camera. */
const privateFolders = new Set<string>();
process.on('exit', () => {
  for (const folder of privateFolders) removeFolder(folder);
});

/** A fresh folder that only this user can enter (0700), under systemd's RUNTIME_DIRECTORY where there is one. */
export function makePrivateFolder(): string {
  const parent = process.env['RUNTIME_DIRECTORY']?.split(':')[0] || tmpdir();
  try {
    const folder = mkdtempSync(join(parent, 'lethe-camera-'));
    privateFolders.add(folder);
    return folder;
  } catch (cause) {
    throw new DriverError('other', `no folder for the camera pipe can be made in ${parent}.`, {
      op: 'make folder',
      hint: 'Make that folder writable for this user, or set TMPDIR to one that is.',
      cause,
    });
  }
}

/** Never throws: a folder that is already gone is as good. Only after the writer has ended, or it may create a file. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  privateFolders.delete(path);
}

/** Makes named pipes with mode 0600. Node has no call for it, so coreutils' mkfifo does it. */
export function makeFifo(...paths: string[]): void {
  const result = spawnSync('mkfifo', ['-m', '600', ...paths], { encoding: 'utf8', timeout: 5000 });
  if (result.status === 0) return;
  const missing = (result.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
  throw new DriverError(
    missing ? 'absent' : 'other',
    missing
      ? 'the program mkfifo was not found in PATH.'
      : `mkfifo could not make ${paths.join(', ')}: ${(result.stderr ?? '').trim() || result.error?.message || `exit ${result.status}`}.`,
    {
      op: 'make pipe',
      hint: missing
        ? 'Install it: apt install coreutils'
        : 'The folder must be on a file system that knows named pipes.',
      cause: result.error,
    },
  );
}

/** F_SETPIPE_SZ of Linux on every architecture (fcntl(2)); the kernel rounds up to a power of two of pages. */
const SET_PIPE_SIZE = 1031;
const SET_PIPE_SIZE_TEXT =
  'sysopen(my $pipe, $ARGV[0], O_RDONLY | O_NONBLOCK) or exit 1; fcntl($pipe, $ARGV[1] + 0, $ARGV[2] + 0) or exit 1';
/** What a pipe of Linux holds that nobody has changed: 16 pages. */
const PIPE_BYTES_DEFAULT = 65_536;

/**
 * Lets an open pipe hold a whole frame, if it does not; false: it could not be had. Best effort: without it frames come
 * just as well, only their residency has a longer tail.
 * Why: a frame of 256 × 192 has 72 KiB and a pipe holds 64. The writer had to be woken in the middle of each frame, while
 * the picture lay in our memory; on a busy machine that takes milliseconds. Three pairs of runs of 300 frames at 15 Hz on a
 * shared server with 2 cores (load 2): pixels p50 0.25 → 0.19 ms, p99 1.7 to 3.6 → 0.24 to 0.36 ms. The price: if the eye
 * is late, up to 1.8 frames wait in the kernel instead of 0.9.
 * Node has no fcntl. perl-base is on every Debian; by the path, since a child that is given our descriptor as its input
 * would make it blocking.
 */
function widenPipe(path: string, frameBytes: number): boolean {
  if (frameBytes <= PIPE_BYTES_DEFAULT) return true;
  const words = ['-MFcntl', '-e', SET_PIPE_SIZE_TEXT, path, String(SET_PIPE_SIZE), String(frameBytes)];
  return spawnSync('perl', words, { stdio: 'ignore', timeout: 5000 }).status === 0;
}

/** Opens a named pipe for reading without waiting for its writer, and makes sure that it is one. */
function openFifo(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  assert.ok(fstatSync(fd).isFIFO(), `${path} is not a named pipe`);
  return fd;
}

/**
 * Lets a pipe end that no writer ever opened (the child failed before it got there). The kernel reports the end of a
 * pipe only after a writer has come and gone, so we come and go; bytes still in the pipe are read first.
 */
function endFifo(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch {
    // ENXIO: we closed our own end already; ENOENT: it is removed. Both mean that nobody waits any more.
  }
}

export type FrameReaderOptions = {
  readonly path: string;
  readonly frameBytes: number;
  readonly sink: FrameSink;
  /**
   * Longest time from a frame's first byte to its last. Writers send a frame in one go; one that waits for its rest lost
   * bytes on the way and is completed by its successor's: it is abandoned. Infinity where the writer may be slow.
   */
  readonly fillMsMax: number;
  /** Position of frame `frameIndex` in the clip; without it the monotonic time of the frame's first byte is given. */
  readonly capturedAtUs?: (frameIndex: number) => number;
  /** A frame was abandoned for `fillMsMax`; `lateInRow` counts how many without a good one between. */
  readonly onLate?: (lateInRow: number) => void;
};

/** Fills `sink.slot` from a named pipe. Must exist before the writer starts. */
export class FrameReader {
  /** Whole frames handed to the sink. */
  framesRead = 0;
  /** A writer can put a whole frame into the pipe before we read the first byte of it. */
  readonly holdsFrame: boolean;
  /** Resolves with the bytes of an unfinished frame (0 = clean) when the writer closed the pipe, or at `close()`. */
  readonly ended: Promise<number>;
  readonly #path: string;
  readonly #sink: FrameSink;
  readonly #frameBytes: number;
  readonly #fillMsMax: number;
  readonly #capturedAtUs: ((frameIndex: number) => number) | undefined;
  readonly #onLate: ((lateInRow: number) => void) | undefined;
  readonly #socket: Socket;
  /** The slot from byte 4096 × index on; index 0 is its first page alone. */
  readonly #views: readonly Uint8Array[];
  #mode: 'deliver' | 'discard' | 'closed' = 'deliver';
  #offset = 0;
  #beganAtMs = 0;
  #lateInRow = 0;
  #resolveEnded!: (partialBytes: number) => void;

  constructor(options: FrameReaderOptions) {
    const slot = options.sink.slot;
    assert.equal(slot.length, options.frameBytes, 'the frame slot has exactly the size of one frame');
    this.#path = options.path;
    this.#sink = options.sink;
    this.#frameBytes = options.frameBytes;
    this.#fillMsMax = options.fillMsMax;
    this.#capturedAtUs = options.capturedAtUs;
    this.#onLate = options.onLate;
    this.#views = Array.from({ length: Math.ceil(slot.length / PAGE_BYTES) }, (_, index) =>
      index === 0 ? slot.subarray(0, FIRST_READ_BYTES) : slot.subarray(index * PAGE_BYTES),
    );
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    // `onread` works with a descriptor on Node 20, 22 and 24, but the types know it for connections only; a variable is not
    // checked for surplus properties as a literal is.
    const socketOptions = {
      fd: openFifo(options.path),
      readable: true,
      writable: false,
      onread: { buffer: () => this.#missing(), callback: (byteCount: number) => this.#arrived(byteCount) },
    };
    this.holdsFrame = widenPipe(options.path, options.frameBytes);
    this.#socket = new Socket(socketOptions);
    this.#socket.on('end', () => this.#finish());
    this.#socket.on('error', () => this.#finish());
  }

  /** Leaves everything in the pipe until `release()`: what comes is not yet known to be what was asked for. */
  hold(): void {
    this.#socket.pause();
  }

  release(): void {
    if (this.#mode !== 'closed') this.#socket.resume();
  }

  /** From now on frames are read and erased, not delivered: a writer that is asked to stop must not block on us. */
  discard(): void {
    if (this.#mode !== 'deliver') return;
    this.#mode = 'discard';
    this.#abandonPartial();
    this.release();
  }

  /** Abandons a partial frame and reads no more, but keeps the pipe open: a writer blocks instead of crashing. */
  pause(): void {
    if (this.#mode === 'closed') return;
    this.#mode = 'closed';
    this.#socket.pause();
    this.#abandonPartial();
  }

  /** The writer has exited: reads what is left in the pipe, then `ended` resolves. */
  drain(): void {
    endFifo(this.#path);
  }

  /** Abandons a partial frame and closes the pipe. Safe to call twice and from inside the sink. */
  close(): void {
    this.#mode = 'closed';
    this.#socket.destroy();
    this.#abandonPartial();
    this.#resolveEnded(0);
  }

  /** Where the next bytes go: the first page of a frame, then its rest, never more. */
  #missing(): Uint8Array {
    const offset = this.#offset;
    const view = offset % PAGE_BYTES === 0 ? this.#views[offset / PAGE_BYTES] : undefined;
    return view ?? this.#sink.slot.subarray(offset);
  }

  #arrived(byteCount: number): boolean {
    const sink = this.#sink;
    if (this.#mode === 'closed') {
      sink.slot.fill(0, this.#offset, this.#offset + byteCount);
      return false;
    }
    if (this.#offset === 0) {
      this.#beganAtMs = performance.now();
      sink.beginFrame();
    }
    this.#offset += byteCount;
    if (this.#offset < this.#frameBytes) return true;
    // Before the sink is called: it may stop the camera from inside, which must not abandon this frame again.
    this.#offset = 0;
    if (this.#mode === 'discard') {
      sink.abandonFrame();
    } else if (performance.now() - this.#beganAtMs > this.#fillMsMax) {
      this.#lateInRow += 1;
      sink.abandonFrame();
      this.#onLate?.(this.#lateInRow);
    } else {
      this.#lateInRow = 0;
      const frameIndex = this.framesRead;
      this.framesRead += 1;
      sink.completeFrame(this.#capturedAtUs?.(frameIndex) ?? this.#beganAtMs * US_PER_MS);
    }
    // Widened on purpose: the sink may have closed us, which the type checker cannot see.
    return (this.#mode as string) !== 'closed';
  }

  #abandonPartial(): void {
    if (this.#offset === 0) return;
    this.#offset = 0;
    this.#sink.abandonFrame();
  }

  #finish(): void {
    if (this.#mode === 'closed') return;
    const partialBytes = this.#offset;
    this.#mode = 'closed';
    this.#abandonPartial();
    this.#resolveEnded(partialBytes);
  }
}

/** Calls `onLine` for every line of a stream of text: printable characters only, at most LINE_CHARS_MAX of them. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let line = '';
  const flush = (): void => {
    if (line !== '') onLine(line);
    line = '';
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    for (const character of text) {
      if (character === '\n' || character === '\r') flush();
      else if (line.length < LINE_CHARS_MAX && character >= ' ' && character !== '\x7f') line += character;
    }
  });
  stream.on('end', flush);
  stream.on('error', flush);
}

/** The messages of a child process through a named pipe. Text only: this is the one place where `data` events are used. */
export class LineReader {
  /** Resolves when the writer closed the pipe, or at `close()`. */
  readonly ended: Promise<void>;
  readonly #path: string;
  readonly #socket: Socket;

  constructor(path: string, onLine: (line: string) => void) {
    this.#path = path;
    this.#socket = new Socket({ fd: openFifo(path), readable: true, writable: false });
    this.ended = new Promise((resolve) => this.#socket.on('close', () => resolve()));
    readLines(this.#socket, onLine);
  }

  /** The writer has exited: reads what is left, then `ended` resolves. */
  drain(): void {
    endFifo(this.#path);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Resolves with true as soon as `promise` settles, with false after `timeoutMs`. The timer does not outlive it. */
export function settledWithin(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settle = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settle, settle);
  });
}
