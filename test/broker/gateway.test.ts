/**
 * Goal: a store's gateway beside a real broker loses nothing and counts nothing twice: one of four devices goes away and comes
 * back with its backlog, and the gateway is killed -9 again and again meanwhile. Totals at the end are those of the script.
 * Method: `lethe gateway` as a program of its own, mosquitto, four scripted devices that send until the broker acknowledges.
 * `SHOW=1` prints what mosquitto_sub -v heard below …/store.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt, { type MqttClient } from 'mqtt';
import { Value } from 'typebox/value';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Total } from '../../runtime/contract/counts.ts';
import { closed } from '../../runtime/contract/fields.ts';
import { STORE_TOPICS, type StoreInterval } from '../../runtime/contract/store.ts';
import { freePort, type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually, within } from '../fakes/within.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const INTERVAL_S = 5;
const INTERVALS = 7;
const SITE = 'shop';
const DEVICES = ['left', 'right', 'upper', 'lower'] as const;
const EPOCH_ID = '00000000-0000-4000-8000-00000000000a';

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class GatewayProcess {
  output = '';
  #child: ChildProcess | undefined;
  readonly #configPath: string;

  constructor(configPath: string) {
    this.#configPath = configPath;
  }

  start(): void {
    const child = spawn(process.execPath, [MAIN, 'gateway', '-c', this.#configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#child = child;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return within(5000, 'the gateway ends', ended);
  }
}

type Told = { readonly topic: string; readonly payload: string };

/** Sends in order, each record until the broker has acknowledged it, as the ledger of a device does. */
class ScriptedDevice {
  readonly name: string;
  readonly counted: { minute: number; in: number; out: number }[] = [];
  #client: MqttClient | undefined;
  readonly #url: string;
  #backlog: Told[] = [];
  #seq = 0;
  readonly #total = { in: 0, out: 0 };
  #pumping: Promise<void> = Promise.resolve();

  constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
  }

  async connect(): Promise<void> {
    const status = (state: string) => JSON.stringify({ v: 1, state, boot: 1, version: '0.1.0' });
    const topic = `lethe/v1/${SITE}/${this.name}/status`;
    const will = { topic, payload: Buffer.from(status('offline')), qos: 1 as const, retain: true };
    const client = mqtt.connect(this.#url, { will, clientId: this.name, reconnectPeriod: 50 });
    client.on('error', () => {});
    await within(
      5000,
      `${this.name} connects`,
      new Promise<void>((resolve) => client.once('connect', () => resolve())),
    );
    this.#client = client;
    await client.publishAsync(topic, status('online'), { qos: 1, retain: true });
    this.#pump();
  }

  /** The cable is cut: the broker tells its last will. */
  cut(): void {
    this.#client?.stream.destroy();
    this.#client?.end(true);
    this.#client = undefined;
  }

  /** An interval is over. */
  count(index: number, fromMs: number, countIn: number, out: number): void {
    this.counted.push({ minute: index, in: countIn, out });
    this.#total.in += countIn;
    this.#total.out += out;
    this.#seq += 1;
    const common = { v: 1, epoch_id: EPOCH_ID, net_in: countIn, net_out: out };
    const record = {
      ...common,
      seq: this.#seq,
      boot: 1,
      from: new Date(fromMs).toISOString(),
      to: new Date(fromMs + INTERVAL_S * 1000).toISOString(),
      tz: 'Europe/Stockholm',
      open: true,
      in: countIn,
      out,
      total_in: this.#total.in,
      total_out: this.#total.out,
      chains: 0,
      groups_hour: 0,
      samples: 75,
      expected: 75,
      quality: 'ok',
      historical: this.#client === undefined,
    };
    const base = `lethe/v1/${SITE}/${this.name}`;
    const total = { ...common, in: this.#total.in, out: this.#total.out, at: new Date().toISOString() };
    this.#backlog.push({ topic: `${base}/interval/door`, payload: JSON.stringify(record) });
    this.#backlog.push({ topic: `${base}/total/door`, payload: JSON.stringify(total) });
    this.#pump();
  }

  get backlog(): number {
    return this.#backlog.length;
  }

  #pump(): void {
    this.#pumping = this.#pumping.then(async () => {
      while (this.#client !== undefined && this.#backlog.length > 0) {
        const { topic, payload } = this.#backlog[0]!;
        const options = { qos: 1, retain: topic.includes('/total/') } as const;
        await this.#client.publishAsync(topic, payload, options);
        // At least once, as the contract says: now and then a record comes twice.
        if (this.#seq % 3 === 0) await this.#client.publishAsync(topic, payload, options);
        this.#backlog.shift();
      }
    });
  }
}

/** Latest revisions, by door and begin. */
function latest(ear: Subscriber, door: string): StoreInterval[] {
  const byFrom = new Map<string, StoreInterval>();
  for (const interval of ear.all<StoreInterval>(`/store/interval/${door}`)) {
    const before = byFrom.get(interval.from);
    if (before === undefined || before.seq < interval.seq) byFrom.set(interval.from, interval);
  }
  return [...byFrom.values()];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('four devices, one of them away for a while, a gateway killed three times: totals are those of the script', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-gateway-'));
    const broker = await TestBroker.create();
    const ear = await broker.subscribe(`lethe/v1/${SITE}/store/#`);
    const shown = spawn('mosquitto_sub', ['-v', '-p', String(broker.port), '-t', `lethe/v1/${SITE}/store/#`]);
    let lines = '';
    shown.stdout.on('data', (chunk: Buffer) => (lines += chunk.toString()));
    const configPath = join(folder, 'gateway.json');
    const port = await freePort();
    writeFileSync(
      configPath,
      JSON.stringify({
        site: SITE,
        time_zone: 'Europe/Stockholm',
        mqtt: { url: broker.url },
        state_dir: 'state',
        interval_s: INTERVAL_S,
        deadline_s: 5,
        devices: DEVICES,
        doors: [
          { name: 'entrance', of: ['left', 'right'].map((device) => ({ device, line: 'door' })), overlap: 'sum' },
          { name: 'stairs', of: ['upper', 'lower'].map((device) => ({ device, line: 'door' })), overlap: 'max' },
        ],
        prometheus: { port },
        sinks: { influx: { file: 'influx.txt' }, sql: { file: 'lethe.sql' } },
      }),
    );
    const gateway = new GatewayProcess(configPath);
    const devices = DEVICES.map((name) => new ScriptedDevice(name, broker.url));
    const right = devices[1]!;
    try {
      gateway.start();
      await eventually(
        10_000,
        'the gateway is online',
        () => ear.last<{ state: string }>('/store/status')?.state === 'online',
      );
      for (const device of devices) await device.connect();
      for (let index = 0; index < INTERVALS; index += 1) {
        const fromMs = Math.floor(Date.now() / 1000 / INTERVAL_S) * INTERVAL_S * 1000;
        await wait(fromMs + INTERVAL_S * 1000 - Date.now() + 50);
        if (index === 2) right.cut();
        for (const [place, device] of devices.entries())
          device.count(index, fromMs, (7 * index + 3 * place) % 11, (5 * index + 2 * place) % 7);
        if (index === 5) await right.connect();
        if ([1, 3, 5].includes(index)) {
          await wait(60 * index); // in the middle of what arrives
          await gateway.end('SIGKILL');
          await wait(500);
          gateway.start();
        }
      }
      const of = (name: string, way: 'in' | 'out') =>
        devices.find((device) => device.name === name)!.counted.map((counted) => counted[way]);
      const larger = (way: 'in' | 'out') => {
        const lower = of('lower', way);
        return sum(of('upper', way).map((value, index) => Math.max(value, lower[index]!)));
      };
      const expected = {
        in: sum([...of('left', 'in'), ...of('right', 'in')]) + larger('in'),
        out: sum([...of('left', 'out'), ...of('right', 'out')]) + larger('out'),
      };
      const told = () => ear.last<Total>('/store/total/store');
      await eventually(
        30_000,
        'the totals are whole',
        () => told()?.in === expected.in && told()?.out === expected.out,
      );
      const counted = () => latest(ear, 'store').filter(({ total_in }) => total_in > 0);
      await eventually(30_000, 'all intervals are whole', () => {
        const whole = counted().filter(({ complete }) => complete);
        return whole.length >= INTERVALS && sum(whole.map((interval) => interval.in)) === expected.in;
      });
      assert.is(sum(latest(ear, 'store').map((interval) => interval.out)), expected.out);
      assert.is(sum(latest(ear, 'stairs').map((interval) => interval.in)), larger('in'));
      const revised = ear.all<StoreInterval>('/store/interval/store').filter(({ revision }) => revision > 0);
      assert.ok(revised.length > 0, 'the device that was away changed intervals that had been told');
      const without = ear
        .all<StoreInterval>('/store/interval/store')
        .filter(({ missing }) => missing.includes('right'));
      assert.ok(without.length > 0, 'and it was said that it was missing');
      assert.is(right.backlog, 0);

      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      assert.match(metrics, `lethe_people_in_total{door="store"} ${expected.in}\n`);
      assert.is((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);

      const words = [
        'gateway',
        'export',
        '-c',
        configPath,
        '--by',
        'minute',
        '--door',
        'store',
        '--from',
        '2026-01-01',
      ];
      const exported = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
      assert.is(exported.status, 0, exported.stderr);
      const rows = exported.stdout.trimEnd().split('\r\n').slice(1);
      assert.is(sum(rows.map((row) => Number(row.split(',')[7]))), expected.in, 'an export beside the running gateway');

      const startedMs = Date.now();
      assert.is(await gateway.end('SIGTERM'), 0);
      assert.ok(Date.now() - startedMs < 2000, 'it ends within two seconds');
      await eventually(2000, 'stopped', () => ear.last<{ state: string }>('/store/status')?.state === 'stopped');
      checkContract(ear);
      const influx = new Map(
        readFileSync(join(folder, 'influx.txt'), 'utf8')
          .trim()
          .split('\n')
          .filter((line) => line.includes('door=store '))
          .map((line) => [line.split(' ').at(-1), Number(/ in=(\d+)i/.exec(line)?.[1])]),
      );
      assert.is(sum([...influx.values()]), expected.in, 'the last point of each time');
      if (process.env['SHOW'] === '1') process.stdout.write(`\n${lines}\nscript: ${JSON.stringify(expected)}\n`);
    } catch (error) {
      process.stdout.write(`${gateway.output}\n`);
      throw error;
    } finally {
      shown.kill();
      for (const device of devices) device.cut();
      await gateway.end('SIGKILL');
      await ear.end();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Every message below …/store is one of the contract, without a field that it does not know. */
function checkContract(ear: Subscriber): void {
  const faults = new Set<string>();
  for (const { topic, payload } of ear.received) {
    const below = topic.split('/').slice(4).join('/');
    const found = Object.values(STORE_TOPICS).find(
      ({ path }) => path === below || path.split('/')[0] === below.split('/')[0],
    );
    if (found === undefined) faults.add(topic);
    else
      for (const error of Value.Errors(closed(found.schema), JSON.parse(payload)))
        faults.add(`${topic}${error.instancePath} ${error.message}`);
  }
  assert.equal([...faults], []);
}

test.run();
