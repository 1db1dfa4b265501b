// Goal: what systemd handed over is used, nothing else is, and no fault of it ever reaches the program.
// Method: a socket made by a child of the shell is not needed: a child process gets a socket or a pipe as its file 3, and
// runs the driver as under systemd, with and without Node's permission model; the file's form runs here.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPulse } from '../../../drivers/watchdog/systemd.ts';
import { within } from '../../fakes/within.ts';
import { pulseContract } from './contract.ts';

const DRIVER = pathToFileURL(new URL('../../../drivers/watchdog/systemd.js', import.meta.url).pathname).href;
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? ['--permission', '--allow-fs-read=*', '--allow-child-process']
  : ['--experimental-permission', '--allow-fs-read=*', '--allow-child-process'];

type Handed = {
  readonly code: string;
  /** Of systemd; LISTEN_PID is the child's own unless it stands here. */
  readonly environment?: Record<string, string>;
  readonly nodeWords?: readonly string[];
};

/** Runs `code`, in which `pulse` is the driver, with a socket as file 3; what came out of its other end, and the status. */
async function withSocket({
  code,
  environment = {},
  nodeWords = [],
}: Handed): Promise<{ text: string; status: number; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  const path = join(folder, 'notify');
  let text = '';
  const server = createServer((socket: Socket) => socket.on('data', (bytes) => (text += `${bytes}`)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    // A connected socket as file 3: what OpenFile= hands over, but for its kind (a stream; the driver does not ask).
    const { createConnection } = await import('node:net');
    const socket = createConnection(path);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    const script = `
      const { openPulse } = await import(${JSON.stringify(DRIVER)});
      process.env.LISTEN_PID ??= String(process.pid);
      let nowUs = 0;
      const pulse = openPulse({ environment: process.env, pid: process.pid, nowUs: () => nowUs });
      ${code}`;
    const { LISTEN_PID: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [...nodeWords, '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit', socket],
      env: { ...inherited, LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify', ...environment },
    });
    let output = '';
    child.stdout!.on('data', (bytes) => (output += `${bytes}`));
    const status = await within(
      20_000,
      'the child ends',
      new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1))),
    );
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { text, status, output };
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const ALL = `
  console.log(pulse.name);
  pulse.ready(); pulse.ready();
  pulse.beat(true, 'counting');
  nowUs += 1e6; pulse.beat(true, 'counting');
  nowUs += 9e6; pulse.beat(true, 'counting');
  nowUs += 9e6; pulse.beat(false, 'no picture');
  nowUs += 9e6; pulse.beat(false, 'no picture');
  pulse.stopping();`;
/** A stream has no borders between messages, so what is expected is put together the same way. */
const TOLD = ['READY=1', 'WATCHDOG=1\nSTATUS=counting', 'WATCHDOG=1', 'STATUS=no picture', 'STOPPING=1'].join('');

for (const [name, nodeWords] of [
  ['Node', []],
  ['Node under its permission model', PERMISSION],
] as const)
  test(`${name} tells readiness once, beats three times in a time of the watchdog, and withholds them when it is not well`, async () => {
    const { text, output } = await withSocket({ code: ALL, environment: { WATCHDOG_USEC: '30000000' }, nodeWords });
    assert.is(output.trim(), 'systemd');
    assert.is(text, TOLD);
  });

test('programs that are started get neither the socket nor the variables', async () => {
  const { output } = await withSocket({
    code: `
      const { spawnSync } = await import('node:child_process');
      const { readlinkSync } = await import('node:fs');
      console.log(readlinkSync('/proc/self/fd/3').replace(/[0-9]/g, ''));
      const list = 'for fd in /proc/$$/fd/*; do readlink $fd; done; env | grep -cE "^(LISTEN_|NOTIFY_|WATCHDOG_)"';
      console.log(spawnSync('sh', ['-c', list], { stdio: ['ignore', 'pipe', 'ignore'] }).stdout.toString());`,
    environment: { WATCHDOG_USEC: '30000000', NOTIFY_SOCKET: '/run/systemd/notify' },
  });
  const [own, ...child] = output.trim().split('\n');
  assert.is(own, 'socket:[]');
  // Its standard output is a socket pair of Node's own; nothing else may be one.
  assert.is(child.filter((line) => line.startsWith('socket:')).length <= 1, true, output);
  assert.is(child.at(-1), '0');
});

for (const [name, environment] of [
  ['for another process', { LISTEN_PID: '1' }],
  ['under another name', { LISTEN_FDNAMES: 'other' }],
  ['in no number', { LISTEN_FDS: 'many' }],
  ['in a number beyond reason', { LISTEN_FDS: '100000' }],
  ['that is not there', { LISTEN_FDS: '7', LISTEN_FDNAMES: 'a:b:c:d:e:f:notify' }],
] as const)
  test(`a file handed over ${name} is left alone, and nothing happens`, async () => {
    const { text, output, status } = await withSocket({ code: ALL, environment });
    assert.is(output.trim(), 'none');
    assert.is(text, '');
    assert.is(status, 0);
  });

test('a listener that goes away while the program runs ends nothing', async () => {
  const { status, output } = await withSocket({
    code: `
      const { closeSync } = await import('node:fs');
      pulse.ready();
      closeSync(3);
      pulse.beat(true, 'counting');
      pulse.stopping();
      console.log('goes on');`,
  });
  assert.is(status, 0);
  assert.is(output.trim(), 'goes on');
});

test('a file 3 that is no socket is not written into', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  try {
    const path = join(folder, 'ledger');
    writeFileSync(path, 'precious');
    const script = `
      const { openPulse } = await import(${JSON.stringify(DRIVER)});
      const environment = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify', LISTEN_PID: String(process.pid) };
      const pulse = openPulse({ environment, pid: process.pid, nowUs: () => 0 });
      pulse.ready(); pulse.beat(true, 'x'); console.log(pulse.name);`;
    const words = ['-c', `exec "$0" --input-type=module --eval "$1" 3<>"$2"`, process.execPath, script, path];
    assert.is(spawnSync('sh', words, { encoding: 'utf8' }).stdout.trim(), 'none');
    assert.is(readFileSync(path, 'utf8'), 'precious');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a status is one short line of plain text', async () => {
  const { text } = await withSocket({ code: "pulse.beat(false, 'a\\nMAINPID=1\\u00e9' + 'x'.repeat(500));" });
  assert.is(text, `STATUS=a?MAINPID=1?${'x'.repeat(200 - 'a?MAINPID=1?'.length)}`);
});

test('where there is a file instead, each beat changes it, and a program that is not well leaves it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  try {
    const path = join(folder, 'pulse');
    writeFileSync(path, '');
    let nowUs = 0;
    const environment: NodeJS.ProcessEnv = { LETHE_PULSE_FILE: path };
    const pulse = openPulse({ environment, pid: 42, nowUs: () => nowUs });
    assert.is(pulse.name, 'file');
    assert.equal(environment, {});
    pulse.ready();
    const seen: string[] = [];
    const beat = (isWell: boolean) => {
      nowUs += 10e6;
      pulse.beat(isWell, 'counting');
      seen.push(readFileSync(path, 'utf8'));
    };
    for (const isWell of [true, true, false, true]) beat(isWell);
    assert.equal(seen, ['42 000000000001\n', '42 000000000002\n', '42 000000000002\n', '42 000000000003\n']);
    assert.is(openPulse({ environment: { LETHE_PULSE_FILE: folder }, pid: 42, nowUs: () => 0 }).name, 'none');
    assert.is(
      openPulse({ environment: { LETHE_PULSE_FILE: join(folder, 'x') }, pid: 42, nowUs: () => 0 }).name,
      'none',
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('without systemd nobody is told anything', () => {
  const pulse = openPulse({ environment: {}, pid: process.pid, nowUs: () => 0 });
  assert.is(pulse.name, 'none');
  pulseContract(pulse);
});

test.run();
