/**
 * Inlet: the reading end of a corridor FIFO. Bytes arrive in one fixed buffer and are handed on inside the call.
 * Why a net.Socket on a file descriptor: it is Node's only non-blocking reader of pipes that neither allocates per read
 * nor holds a thread; nothing of it can connect anywhere. Opened for writing too, so that the pipe never ends when its
 * writer is restarted.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { DriverError } from '../runtime/errors.ts';

export type InletEvents = {
  /** The first byteCount bytes of chunk are new; the chunk is reused. */
  readonly onBytes: (chunk: Uint8Array, byteCount: number) => void;
  /** The pipe cannot be read any more. */
  readonly onError: (error: Error) => void;
};

/** For reading and writing, so that opening never waits and the pipe outlives whoever is on the other side. Throws DriverError. */
export function openCorridorFifo(path: string): number {
  const refuse = (why: string, cause?: unknown): DriverError =>
    new DriverError('other', `the corridor ${path} cannot be opened (${why}).`, {
      op: 'open corridor',
      hint: 'It is made by the supervisor (`lethe run`) or by systemd: start eye and voice through one of them.',
      cause,
    });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    throw refuse((cause as NodeJS.ErrnoException).code ?? 'unknown error', cause);
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw refuse('not a named pipe');
}

/** Reads until the process ends. Throws DriverError if path is no FIFO. */
export function openInlet(path: string, bufferBytes: number, events: InletEvents): void {
  // Documented for the constructor (nodejs.org, net.Socket options), missing there in the type definitions.
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd: openCorridorFifo(path),
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(bufferBytes),
      callback: (byteCount, chunk) => {
        events.onBytes(chunk, byteCount);
        return true;
      },
    },
  };
  new Socket(options).on('error', events.onError);
}
