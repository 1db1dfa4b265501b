// Goal: a session from the first check to the published record, driven by a script, by buttons and by keys of a terminal.
// Method: the command with a link in memory and pins in memory; as a program of its own at an embedded broker, with
// pipes and behind a pseudo-terminal (script, of util-linux); the device is simulated by its published totals.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../../../drivers/clock/system.ts';
import { MemoryGpio } from '../../../../drivers/gpio/memory.ts';
import { UnavailableGpio } from '../../../../drivers/gpio/unavailable.ts';
import { startEmbeddedBroker } from '../../../../drivers/link/embedded-broker.ts';
import { MemoryLink } from '../../../../drivers/link/memory.ts';
import { MqttLink } from '../../../../drivers/link/mqtt.ts';
import type { TallyOptions } from '../../../../runtime/commands/tally/plan.ts';
import { type TallyRecord, verifyRecord } from '../../../../runtime/commands/tally/record.ts';
import { type TallyEnvironment, tallyCommand } from '../../../../runtime/commands/tally/tally.ts';
import { loadConfig } from '../../../../runtime/config/config.ts';
import { LetheError } from '../../../../runtime/errors.ts';
import type { Gpio } from '../../../../runtime/ports/gpio.ts';
import { eventually, within } from '../../../fakes/within.ts';

const MAIN = fileURLToPath(new URL('../../../../runtime/main.js', import.meta.url));
const BASE = 'lethe/v1/demo/door1';
const TALLY_TOPIC = `${BASE}/tally/door`;
const END_MS = 15_000;

const test = suite('tally');
const root = mkdtempSync(join(tmpdir(), 'lethe-tally-'));
test.after(() => rmSync(root, { recursive: true, force: true }));
let sessionCount = 0;

const statusText = (state: string, boot = 1) => JSON.stringify({ v: 1, state, boot, version: 'test' });
const totalText = (countIn: number, out: number) =>
  JSON.stringify({ v: 1, in: countIn, out, epoch_id: 'e1', at: '2026-01-01T00:00:00.000Z' });

class Bench {
  readonly link = new MemoryLink();
  readonly input: PassThrough & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown } = new PassThrough();
  readonly stateDir = join(root, `state-${sessionCount++}`);
  gpio: Gpio = new MemoryGpio();
  out = '';
  err = '';
  stop: () => void = () => {};
  #total = { in: 7, out: 7 };

  constructor() {
    this.link.say(`${BASE}/status`, statusText('online'));
    this.link.say(`${BASE}/total/door`, totalText(7, 7));
  }

  run(options: Partial<TallyOptions> = {}, columns: number | undefined = undefined): Promise<number> {
    const environment: TallyEnvironment = {
      clock: new SystemClock(),
      link: this.link,
      openGpio: () => Promise.resolve(this.gpio),
      input: this.input,
      out: (text) => {
        this.out += text;
      },
      err: (text) => {
        this.err += text;
      },
      columns: () => columns,
      onStopRequest: (stop) => {
        this.stop = stop;
        return () => {};
      },
      firstWordMsMax: 300,
    };
    const config = loadConfig({ overrides: [`state_dir=${this.stateDir}`, 'gpio.driver=memory'] });
    const words = { config, line: undefined, keys: 'f,j', gpioIn: undefined, gpioOut: undefined, seconds: undefined };
    const rest = { windowS: 0.3, marginPercent: 2, json: undefined, blind: false };
    return within(END_MS, 'the session ends', tallyCommand({ ...words, ...rest, ...options }, environment));
  }

  /** The session has begun when it has said what to press. */
  begun(): Promise<void> {
    return eventually(5000, 'the session begins', () => `${this.out}${this.err}`.includes('Only times and directions'));
  }

  count(way: 'in' | 'out'): void {
    this.#total[way] += 1;
    this.link.say(`${BASE}/total/door`, totalText(this.#total.in, this.#total.out));
  }

  record(): TallyRecord {
    const text = this.link.retained.get(TALLY_TOPIC);
    assert.type(text, 'string', `a record is published: ${this.out}${this.err}`);
    assert.equal(verifyRecord(text!).faults, []);
    return JSON.parse(text!) as TallyRecord;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function faultOf(session: Promise<unknown>): Promise<LetheError> {
  const error = await session.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, LetheError);
  return error as LetheError;
}

test('a script presses, undoes and pauses; both sides are in a signed, retained record', async () => {
  const bench = new Bench();
  const ended = bench.run();
  await bench.begun();
  await pause(350); // beyond the edge of the session
  for (const way of ['in', 'out', 'in'] as const) {
    bench.input.write(`${way}\n`);
    await pause(30);
    bench.count(way);
  }
  bench.input.write('out\nundo\npause\nin\n');
  await eventually(1000, 'the words are taken', () => bench.input.readableLength === 0);
  bench.count('out');
  await pause(20);
  bench.input.write('pause\n');
  await pause(700);
  bench.input.write('end\n');
  assert.is(await ended, 0);
  const { result, ...record } = bench.record();
  assert.equal([record.site, record.device, record.line, record.kind, record.v], ['demo', 'door1', 'door', 'tally', 1]);
  assert.equal(
    record.presses.map(([, way]) => way),
    ['in', 'out', 'in'],
  );
  assert.equal(
    record.undone.map(([, way]) => way),
    ['out'],
  );
  assert.equal(
    record.gaps.map(([, , reason]) => reason),
    ['pause'],
  );
  assert.equal(
    record.counts.map(([, way]) => way),
    ['in', 'out', 'in', 'out'],
  );
  // The pause reaches as far as the window, over the presses just before it: what is compared and what is left out is all.
  assert.is(result.in.person + result.in.unobserved, 2);
  assert.equal([result.out.extra, result.out.missed], [0, 0]);
  assert.match(bench.out, 'Signed with the key');
  assert.match(bench.out, `Published on ${TALLY_TOPIC}`);
  assert.equal(bench.link.published[0]!.retain, true);
  assert.not.match(JSON.stringify(record), bench.stateDir);
});

test('two buttons do the same, without any input', async () => {
  const bench = new Bench();
  const gpio = new MemoryGpio();
  bench.gpio = gpio;
  bench.input.end();
  const ended = bench.run({ gpioIn: 5, gpioOut: 6 });
  await bench.begun();
  await pause(350);
  gpio.press(5);
  gpio.press(5); // bounce
  bench.count('in');
  gpio.press(6);
  bench.count('out');
  await pause(400);
  bench.stop(); // SIGTERM
  assert.is(await ended, 0);
  const { result } = bench.record();
  assert.equal([result.in.matched, result.out.matched, result.unmatched], [1, 1, []]);
  gpio.openButton(5, 50, () => {}).close();
});

test('a lost broker is told, the session goes on, and what was not observed is left out', async () => {
  const bench = new Bench();
  const ended = bench.run();
  await bench.begun();
  await pause(350);
  bench.input.write('in\n');
  await pause(10);
  bench.count('in');
  await pause(700);
  bench.link.goDown('The cable is out.');
  bench.input.write('in\nin\n');
  await pause(100);
  bench.link.goUp();
  await pause(700);
  bench.input.write('in\n');
  await pause(10);
  bench.count('in');
  await pause(400);
  bench.input.write('end\n');
  await ended;
  const { result, gaps } = bench.record();
  assert.equal([result.in.matched, result.in.missed, result.in.unobserved], [1, 0, 3]);
  assert.equal(
    gaps.map(([, , reason]) => reason),
    ['broker'],
  );
  assert.match(bench.out, 'The cable is out.');
  assert.match(bench.out, 'seen again');
});

test('a broker that is away at the end costs nothing: the record is kept beside the key', async () => {
  const bench = new Bench();
  const ended = bench.run({ seconds: 0.5 });
  await bench.begun();
  bench.link.goDown();
  assert.is(await ended, 0);
  const [file] = readdirSync(bench.stateDir).filter((name) => name.startsWith('tally-'));
  assert.match(file ?? '', /^tally-door-\d{8}T\d{6}Z\.json$/);
  assert.equal(verifyRecord(readFileSync(join(bench.stateDir, file!), 'utf8')).faults, []);
  assert.match(bench.out, 'Not published');
  assert.match(bench.out, 'mosquitto_pub');
});

test('with --json - stdout holds the record and nothing else', async () => {
  const bench = new Bench();
  assert.is(await bench.run({ seconds: 0.2, json: '-' }), 0);
  assert.equal(verifyRecord(bench.out).faults, []);
  assert.match(bench.err, 'Tally of line door');
});

test('on a terminal one line shows both sides, fits, and hides the device with --blind', async () => {
  for (const blind of [false, true]) {
    const bench = new Bench();
    let isRaw = false;
    bench.input.isTTY = true;
    bench.input.setRawMode = (raw) => {
      isRaw = raw;
    };
    const ended = bench.run({ blind }, 60);
    await bench.begun();
    assert.ok(isRaw);
    bench.count('in');
    bench.input.write('f');
    await pause(100);
    bench.input.write('q');
    await ended;
    assert.not.ok(isRaw, 'the terminal is left as it was');
    const drawn = bench.out
      .split('\r\x1b[K\x1b[1m')
      .slice(1)
      .map((piece) => piece.split('\x1b[0m')[0]!);
    assert.ok(drawn.length > 1 && drawn.every((line) => line.length < 60));
    assert.is(
      drawn.some((line) => line.includes('IN you 1 device 1 (0)')),
      !blind,
    );
    assert.is(bench.record().device_shown, !blind);
  }
});

test('before the session: who is not there is told with what to do, and nothing is published', async () => {
  const silent = new Bench();
  silent.link.retained.clear();
  const nobody = await faultOf(silent.run());
  assert.match(nobody.message, 'nobody has spoken as demo/door1');
  assert.match(nobody.message, 'No total of the line door has come');
  assert.match(nobody.hint, 'mosquitto_sub');

  const away = new Bench();
  away.link.say(`${BASE}/status`, statusText('offline'));
  assert.match((await faultOf(away.run())).message, 'demo/door1 is offline');

  const cut = new Bench();
  cut.link.goDown();
  const fault = await faultOf(cut.run());
  assert.equal([fault.code, fault.exitCode], ['TALLY_NO_BROKER', 69]);
  assert.match(fault.hint, 'npm start');

  const pinless = new Bench();
  pinless.gpio = new UnavailableGpio('no /sys/class/gpio.');
  assert.match((await faultOf(pinless.run({ gpioIn: 5, gpioOut: 6 }))).message, 'no /sys/class/gpio');
  for (const { link } of [silent, away, cut, pinless]) assert.equal(link.published, []);
});

test('all wrong words are told at once, before anything is made', async () => {
  const bench = new Bench();
  const fault = await faultOf(
    bench.run({ line: 'window', keys: 'f,f', gpioIn: 27, gpioOut: 99, json: join(root, 'none', 'x.json') }),
  );
  assert.is(fault.exitCode, 64);
  for (const word of ['--line is window', '--keys is f,f', '--gpio-in is 27', '--gpio-out is 99', '--json is'])
    assert.match(fault.message, word);
  assert.not.ok(existsSync(bench.stateDir));
});

/** The device as a broker sees it: status with a last will, totals. */
async function withDevice(body: (url: string, count: (way: 'in' | 'out') => Promise<void>) => Promise<void>) {
  const broker = await startEmbeddedBroker(0);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const link = new MqttLink({ url, clientId: 'device', username: '', passwordFile: '', caFile: '', keepaliveS: 30 });
  const total = { in: 3, out: 2 };
  try {
    link.start(
      { will: { topic: `${BASE}/status`, payload: statusText('offline') } },
      { onUp: () => {}, onDown: () => {} },
    );
    await eventually(3000, 'the device is connected', () => link.up);
    await link.publish(`${BASE}/status`, statusText('online'), { retain: true, qos: 1 });
    await link.publish(`${BASE}/total/door`, totalText(total.in, total.out), { retain: true, qos: 1 });
    await body(url, async (way) => {
      total[way] += 1;
      await link.publish(`${BASE}/total/door`, totalText(total.in, total.out), { retain: true, qos: 1 });
    });
  } finally {
    await link.stop();
    await broker.stop();
  }
}

function wordsFor(url: string, ...more: string[]): string[] {
  const stateDir = join(root, `state-${sessionCount++}`);
  const fields = [`mqtt.url=${url}`, `state_dir=${stateDir}`, 'gpio.driver=memory'];
  return [MAIN, 'tally', '--window-s', '0.3', ...fields.flatMap((field) => ['-s', field]), ...more];
}

function watch(child: ChildProcess): { text: () => string; ended: Promise<number | null> } {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { text: () => text, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}

test('as a program: a pipe presses, its end ends, and the record passes lethe tally --verify', async () => {
  await withDevice(async (url, count) => {
    const file = join(root, 'record.json');
    const child = spawn(process.execPath, wordsFor(url, '--json', file));
    const { text, ended } = watch(child);
    await eventually(10_000, 'it begins', () => text().includes('Only times'));
    await pause(400);
    child.stdin.write('in\n');
    await count('in');
    child.stdin.write('out\n');
    await count('out');
    await pause(400);
    child.stdin.end();
    assert.is(await within(END_MS, 'tally ends', ended), 0, text());
    const { result } = JSON.parse(readFileSync(file, 'utf8')) as TallyRecord;
    assert.equal([result.in.matched, result.out.matched], [1, 1], text());
    const verified = spawnSync(process.execPath, [MAIN, 'tally', '--verify', file], { encoding: 'utf8' });
    assert.is(verified.status, 0, verified.stderr);
    assert.match(verified.stdout, 'Sound');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"line":"door"', '"line":"gate"'));
    const refused = spawnSync(process.execPath, [MAIN, 'tally', '--verify', file], { encoding: 'utf8' });
    assert.is(refused.status, 65);
    assert.match(refused.stderr, 'signature: does not belong');
    assert.is(spawnSync(process.execPath, [MAIN, 'tally', '--verify', join(root, 'none')]).status, 66);
  });
});

test('as a program: SIGTERM ends with a report', async () => {
  await withDevice(async (url) => {
    const child = spawn(process.execPath, wordsFor(url));
    const { text, ended } = watch(child);
    await eventually(10_000, 'it begins', () => text().includes('Only times'));
    await pause(100);
    child.kill('SIGTERM');
    assert.is(await within(END_MS, 'tally ends', ended), 0, text());
    assert.match(text(), 'What this means');
    assert.match(text(), `Published on ${TALLY_TOPIC}`);
  });
});

test('as a program on a pseudo-terminal: single keys count without Return, Ctrl-C ends with a report', async () => {
  await withDevice(async (url, count) => {
    const command = [process.execPath, ...wordsFor(url)].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null']);
    const { text, ended } = watch(child);
    await eventually(10_000, 'the line is drawn', () => text().includes('IN you 0'));
    await pause(400);
    child.stdin.write('f');
    await count('in');
    await eventually(3000, 'the press and the count are shown', () => text().includes('IN you 1 device 1 (0)'));
    child.stdin.write('j');
    await eventually(3000, 'the press is shown', () => text().includes('OUT you 1'));
    child.stdin.write('u');
    await eventually(3000, 'it is taken back', () => text().includes('took back out'));
    await pause(400);
    child.stdin.write('\x03');
    assert.is(await within(END_MS, 'tally ends', ended), 0, text());
    assert.match(text(), / in +1 +1 +1 +0 +0 /);
    assert.match(text(), 'Taken back by the person: 1.');
  });
});

test.run();
