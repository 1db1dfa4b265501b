/**
 * Entry of the voice process: picks the drivers, opens the two FIFOs, hands signals on. Everything else is in voice.ts.
 * Ends with 0 after SIGTERM or SIGINT, 1 after the eye was cut off (the supervisor starts both again), 74 without its
 * FIFOs, 78 with a configuration that cannot be used.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../../drivers/clock/system.ts';
import { MqttLink } from '../../drivers/link/mqtt.ts';
import { readProcessArguments } from '../config/arguments.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO, type ControlWord } from '../corridor/control.ts';
import { DriverError, ExitCode, explain, LetheError } from '../errors.ts';
import { createLog } from '../log.ts';
import { Voice } from './voice.ts';

/** One read takes at most the whole pipe (64 KiB on Linux). */
const READ_BYTES = 65_536;
/** The eye is stopped at the same moment; what it still has to tell is in the corridor by then. */
const LAST_RECORDS_MS = 200;

function main(): void {
  const { config, runtimeDir } = readProcessArguments(process.argv.slice(2));
  const log = createLog('voice', config.logLevel);
  const corridorFd = openFifo(join(runtimeDir, CORRIDOR_FIFO));
  const controlFd = openFifo(join(runtimeDir, CONTROL_FIFO));
  const { url, username, passwordFile, caFile, keepaliveS } = config.mqtt;
  const voice = new Voice({
    config,
    clock: new SystemClock(),
    link: new MqttLink({
      url,
      username,
      passwordFile,
      caFile,
      keepaliveS,
      clientId: `lethe-${config.site}-${config.device}`,
    }),
    log,
    version: ownVersion(),
    control: (word) => sendWord(controlFd, word),
    onFatal: () => process.exit(ExitCode.failed),
  });
  voice.start();
  const socket = readFifo(corridorFd, (chunk, byteCount) => voice.feed(chunk, byteCount));
  socket.on('error', (error) => {
    log.error(`The corridor cannot be read (${error.message}). The supervisor starts the voice again.`);
    void voice.stop().then(() => process.exit(ExitCode.ioError));
  });
  const stop = () => void voice.stop().then(() => process.exit(ExitCode.ok));
  const stopSoon = () => void setTimeout(stop, LAST_RECORDS_MS);
  process.on('SIGTERM', stopSoon);
  process.on('SIGINT', stopSoon);
}

/** For reading and writing, so that opening never waits and the pipe outlives whoever is on the other side. */
function openFifo(path: string): number {
  const hint = 'The supervisor makes it: start with `lethe run`, or by systemd with both units.';
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new DriverError('other', `FIFO ${path} cannot be opened (${code}).`, { op: `open ${path}`, hint, cause });
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new DriverError('other', `${path} is not a FIFO.`, { op: `open ${path}`, hint });
}

/** One buffer for life: `onread` hands it out again and again, where `data` events would allocate. */
function readFifo(fd: number, onBytes: (chunk: Uint8Array, byteCount: number) => void): Socket {
  // @types/node 20 lists `onread` with connect() only; the constructor takes it as well (net.Socket, option onread).
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(READ_BYTES),
      callback: (byteCount, chunk) => {
        onBytes(chunk, byteCount);
        return true;
      },
    },
  };
  return new Socket(options);
}

/** A pipe full of words that no eye reads: this word is old news by the time one does. */
function sendWord(fd: number, word: ControlWord): void {
  try {
    writeSync(fd, Uint8Array.of(word));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}

/** From the package.json above us, in sources and in dist/ alike. */
function ownVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'lethe' && version !== undefined) return version;
    } catch {
      // Not here: one folder up.
    }
  }
  return 'unknown';
}

try {
  main();
} catch (error) {
  if (!(error instanceof LetheError)) throw error;
  process.stderr.write(`${explain(error)}\n`);
  process.exit(error.exitCode);
}
