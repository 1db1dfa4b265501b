/**
 * The surroundings that the probe shoots at: listeners on the loopback address, a socket in a folder, a key and a process
 * that stands for the eye, all the audit's own and gone when it ends. The device's real key is never touched.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFifo } from '../../../drivers/fifo.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from '../../corridor/control.ts';
import { CAMERA_FOLDER } from '../../isolation/paths.ts';
import { DEVICE_KEY_FILE } from '../../privacy/device-key.ts';
import type { ProbeTargets } from './probe.ts';

/** Answer to an A query of one name: 192.0.2.1, which belongs to documentation (RFC 5737). Formats: RFC 1035, section 4. */
const ANSWER = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]);
const DNS_HEADER_BYTES = 12;

export class Range {
  readonly folder: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly #servers: (Server | UdpSocket)[] = [];
  #tcpPort = 0;
  #udpPort = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'lethe-audit-'));
    this.runtimeDir = join(this.folder, 'run');
    this.stateDir = join(this.folder, 'state');
    for (const path of [this.runtimeDir, join(this.runtimeDir, CAMERA_FOLDER), this.stateDir])
      mkdirSync(path, { mode: 0o700 });
    makeFifo(...[CORRIDOR_FIFO, CONTROL_FIFO].map((name) => join(this.runtimeDir, name)));
    writeFileSync(join(this.stateDir, DEVICE_KEY_FILE), 'stands for a key\n', { mode: 0o600 });
  }

  async open(): Promise<void> {
    const tcp = createServer((socket) => socket.destroy());
    const unix = createServer((socket) => socket.destroy());
    const udp = createSocket('udp4');
    this.#servers.push(tcp, unix, udp);
    udp.on('message', (message, { port, address }) => {
      if (message.length > DNS_HEADER_BYTES) udp.send(answerOf(message), port, address);
    });
    await Promise.all([
      new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve)),
      new Promise<void>((resolve) => unix.listen(this.#unixPath, resolve)),
      new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve)),
    ]);
    this.#tcpPort = (tcp.address() as { port: number }).port;
    this.#udpPort = udp.address().port;
  }

  /** Beside the two pipes: where a program of ours would most likely be allowed to reach. */
  get #unixPath(): string {
    return join(this.runtimeDir, 'audit.sock');
  }

  /** eyePid: a process started as the eye. mark: makes the files of one probe different from those of another. */
  targets(eyePid: number, mark: string): ProbeTargets {
    const file = `lethe-audit-${process.pid}-${mark}`;
    return {
      tcpPort: this.#tcpPort,
      udpPort: this.#udpPort,
      unixPath: this.#unixPath,
      libraryPath: someLibrary(),
      write: {
        'the current folder': join(process.cwd(), file),
        'the home folder': join(homedir(), file),
        'the temporary folder': join(tmpdir(), file),
        'shared memory (/dev/shm)': join('/dev/shm', file),
        'the folder of the pipes': join(this.runtimeDir, file),
        'the state folder': join(this.stateDir, file),
      },
      read: {
        'the device key': join(this.stateDir, DEVICE_KEY_FILE),
        '/dev/video0': '/dev/video0',
        'another device (/dev/full)': '/dev/full',
      },
      memory: { 'the eye': eyePid, 'the supervisor': process.pid },
    };
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Knocks at a port of this machine; whether somebody is there is the other side's to say. */
export function knock(port: number): void {
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.destroy());
  socket.on('error', () => {});
}

function answerOf(query: Buffer): Buffer {
  const head = Buffer.from(query.subarray(0, DNS_HEADER_BYTES));
  head.writeUInt16BE(0x8180, 2); // an answer, recursion available, no error
  head.writeUInt16BE(1, 6); // one record
  head.fill(0, 8); // none of the other kinds, whatever the query had
  let end = DNS_HEADER_BYTES;
  while (end < query.length && query[end] !== 0) end += 1 + query[end]!;
  return Buffer.concat([head, query.subarray(DNS_HEADER_BYTES, end + 5), ANSWER]);
}

/** One that this very process has loaded: it fits the machine. */
function someLibrary(): string {
  const line = readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .find((text) => /\/lib(m|dl|pthread|c)[.-][^/]*so[^/]*$/.test(text));
  return line?.slice(line.indexOf('/')) ?? '';
}
