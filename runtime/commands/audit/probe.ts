/**
 * The probe: tries from inside what must not be possible, and prints what came of it as JSON. The isolation audit starts
 * it outside of any isolation (where everything should succeed), then as eye and as voice through the very function that
 * starts these. Whatever it makes it removes again. `probe.js idle` only waits: somebody whose memory is to be read.
 * It loads nothing of ours, so that it can run anywhere, and every attempt has a bounded time.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { closeSync, openSync, readFileSync, readSync, unlinkSync, writeFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';

export type ProbeTargets = {
  /** Listeners of the audit on 127.0.0.1; the UDP one also answers name queries for `lethe.test`. */
  readonly tcpPort: number;
  readonly udpPort: number;
  /** A socket of the audit in the file system. */
  readonly unixPath: string;
  /** A shared library that any Node can load, though it is no add-on; empty: none known. */
  readonly libraryPath: string;
  /** Files to make, by the name of the attempt; files to read; processes whose memory to read. */
  readonly write: Readonly<Record<string, string>>;
  readonly read: Readonly<Record<string, string>>;
  readonly memory: Readonly<Record<string, number>>;
};

/** code: `ok` if it succeeded, otherwise errno or Node's code. */
export type ProbeResult = Readonly<Record<string, string>>;

const ATTEMPT_MS_MAX = 1500;
const REACHED_MS = 700;
/** Starts the line on which the audit learns that it should connect: the probe listens now. */
export const LISTENING = 'LISTENING ';

type Attempt = () => unknown;

function attemptsOf(targets: ProbeTargets): Readonly<Record<string, Attempt>> {
  const named = <T>(prefix: string, all: Readonly<Record<string, T>>, attempt: (target: T) => unknown) =>
    Object.fromEntries(Object.entries(all).map(([name, target]) => [`${prefix} ${name}`, () => attempt(target)]));
  return {
    'connect by TCP': () => connected({ port: targets.tcpPort, host: '127.0.0.1' }),
    'send by UDP': () => sent(targets.udpPort),
    'look up a name': () => lookedUp(targets.udpPort),
    'be reached by TCP': () => reached(),
    'connect to a socket in the file system': () => connected({ path: targets.unixPath }),
    ...named('write to', targets.write, writeAndRemove),
    ...named('read', targets.read, (path) => closeSync(openSync(path, 'r'))),
    ...named('read the memory of', targets.memory, readMemory),
    'start a program': startProgram,
    'start a worker': () => new Worker('', { eval: true }).terminate(),
    'load a library': () => loadLibrary(targets.libraryPath),
    'open files through WASI': openThroughWasi,
    'open the inspector': openInspector,
    'open the inspector by SIGUSR1': openInspectorBySignal,
  };
}

function connected(address: { port: number; host: string } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

function sent(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.send('lethe', port, '127.0.0.1', (error) => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** By our own server: the machine may have none, and localhost is answered from a file. */
async function lookedUp(port: number): Promise<void> {
  const resolver = new Resolver({ timeout: ATTEMPT_MS_MAX / 2, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  await resolver.resolve4('lethe.test');
}

/** Listening alone harms nobody: what counts is whether the audit gets through from outside. */
function reached(): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.destroy();
      clearTimeout(timer);
      server.close();
      resolve();
    });
    const timer = setTimeout(() => {
      server.close();
      reject(Object.assign(new Error('nobody came'), { code: 'UNREACHED' }));
    }, REACHED_MS);
    server.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    server.listen(0, () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') process.stdout.write(`${LISTENING}${address.port}\n`);
    });
  });
}

function writeAndRemove(path: string): void {
  writeFileSync(path, 'lethe', { flag: 'wx' });
  unlinkSync(path);
}

/** The first page of the stack: always there, always readable to whoever may read at all. */
function readMemory(pid: number): void {
  const line = readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .find((text) => text.endsWith('[stack]'));
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  try {
    // An address below 2^53: 47 bits on every machine that Node runs on.
    readSync(fd, Buffer.alloc(16), 0, 16, Number.parseInt(line?.split('-')[1] ?? '0', 16) - 4096);
  } finally {
    closeSync(fd);
  }
}

function startProgram(): void {
  const { error } = spawnSync('true');
  if (error !== undefined) throw error;
}

/** Node complains that it is no add-on, but only after its code was loaded and run. */
function loadLibrary(path: string): void {
  if (path === '') throw Object.assign(new Error('none known'), { code: 'ENOENT' });
  try {
    process.dlopen({ exports: {} }, path);
  } catch (error) {
    if (!/did not self-register/.test((error as Error).message)) throw error;
  }
}

/** Loaded only here, as Node warns that it is experimental. */
async function openThroughWasi(): Promise<void> {
  const { WASI } = await import('node:wasi');
  new WASI({ version: 'preview1', preopens: { '/': '/' } });
}

function openInspector(): void {
  inspector.open(0, '127.0.0.1');
  inspector.close();
}

async function openInspectorBySignal(): Promise<void> {
  process.kill(process.pid, 'SIGUSR1');
  await new Promise((resolve) => setTimeout(resolve, 300));
  if (inspector.url() === undefined) throw Object.assign(new Error('deaf'), { code: 'SHUT' });
  inspector.close();
}

async function result(attempt: Attempt): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('TIMEOUT'), ATTEMPT_MS_MAX);
  });
  const tried = (async () => {
    try {
      await attempt();
      return 'ok';
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code ?? message;
    }
  })();
  return Promise.race([tried, late]).finally(() => clearTimeout(timer));
}

async function main(words: readonly string[]): Promise<void> {
  if (words[0] === 'idle') {
    setInterval(() => {}, 1000);
    process.stdout.write('IDLE\n');
    return;
  }
  const results: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attemptsOf(JSON.parse(words[0] ?? '{}') as ProbeTargets)))
    results[name] = await result(attempt);
  process.stdout.write(`${JSON.stringify(results)}\n`);
  process.exit();
}

// Imported for its types by the audit, it does nothing.
if (process.argv[1]?.endsWith('/audit/probe.js') === true) await main(process.argv.slice(2));
