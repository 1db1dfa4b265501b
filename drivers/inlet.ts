/**
 * Inlet: the reading end of a corridor FIFO. Bytes arrive in one fixed buffer and are handed on inside the call.
 * Why a net.Socket on a file descriptor: it is Node's only non-blocking reader of pipes that neither allocates per read
 * nor holds a thread; nothing of it can connect anywhere. Opened for writing too, so that the pipe never ends when its
 * writer is restarted.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { DriverError } from '../runtime/errors.ts';

export type Inlet = { close(): void };

/** onBytes: the first byteCount bytes of chunk are new; the chunk is reused. Throws DriverError if path is no FIFO. */
export function openInlet(
  path: string,
  bufferBytes: number,
  onBytes: (chunk: Uint8Array, byteCount: number) => void,
): Inlet {
  const refuse = (cause: unknown, why: string): never => {
    throw new DriverError('absent', `the corridor ${path} cannot be opened (${why}).`, {
      op: 'open corridor',
      hint: 'It is made by the supervisor (`lethe run`) or by systemd: start eye and voice through one of them.',
      cause,
    });
  };
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    return refuse(cause, (cause as NodeJS.ErrnoException).code ?? 'unknown error');
  }
  if (!fstatSync(fd).isFIFO()) return refuse(undefined, 'not a named pipe');
  const chunk = new Uint8Array(bufferBytes);
  // Documented for the constructor (nodejs.org, net.Socket options), missing there in the type definitions.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: chunk,
      callback: (byteCount) => {
        onBytes(chunk, byteCount);
        return true;
      },
    },
  };
  const socket = new Socket(options);
  socket.on('error', () => socket.destroy());
  socket.resume();
  return { close: () => socket.destroy() };
}
