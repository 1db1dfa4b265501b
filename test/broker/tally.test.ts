/**
 * Goal: an audit beside a real broker: retained record, a broker that dies in the middle, the whole chain with its truth.
 * Method: mosquitto; `lethe tally` as a program, driven through its pipe; a device simulated by
 * its totals, and then the real one with the simulated entrance.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttLink } from '../../drivers/link/mqtt.ts';
import { type TallyRecord, verifyRecord } from '../../runtime/commands/tally/record.ts';
import { skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually, within } from '../fakes/within.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const BASE = 'lethe/v1/demo/door1';
const TIMING = { retryMinMs: 20, retryMaxMs: 100, connectTimeoutMs: 500 };
const END_MS = 20_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function watch(child: ChildProcess): { text: () => string; ended: Promise<number | null> } {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { text: () => text, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}

function fieldWords(...fields: string[]): string[] {
  return fields.flatMap((field) => ['--set', field]);
}

/** A device made of its publications, which reconnects as the voice does. */
class Device {
  readonly link: MqttLink;
  #total = { in: 4, out: 4 };

  constructor(url: string) {
    this.link = new MqttLink({
      url,
      clientId: 'device',
      username: '',
      passwordFile: '',
      caFile: '',
      keepaliveS: 30,
      timing: TIMING,
    });
    const status = (state: string) => JSON.stringify({ v: 1, state, boot: 1, version: 'test' });
    this.link.start(
      { will: { topic: `${BASE}/status`, payload: status('offline') } },
      {
        onUp: () => {
          this.#publish('status', status('online'));
          this.#publishTotal();
        },
        onDown: () => {},
      },
    );
  }

  count(way: 'in' | 'out'): void {
    this.#total[way] += 1;
    this.#publishTotal();
  }

  /** A sign of life, as each minute. */
  breathe(): void {
    this.#publish('health', JSON.stringify({ v: 1, eye: { state: 'counting', reason: '' } }));
  }

  #publishTotal(): void {
    const { in: countIn, out } = this.#total;
    this.#publish(
      'total/door',
      JSON.stringify({ v: 1, in: countIn, out, epoch_id: 'e1', at: new Date().toISOString() }),
    );
  }

  /** What does not arrive is lost, as nothing queues; the next connection publishes anew. */
  #publish(topic: string, payload: string): void {
    this.link.publish(`${BASE}/${topic}`, payload, { retain: true, qos: 1 }).catch(() => {});
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('a broker that dies in the middle: told, left out, and the record is published in the end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-tally-'));
    const broker = await TestBroker.create();
    const device = new Device(broker.url);
    const words = fieldWords(`mqtt.url=${broker.url}`, `state_dir=${folder}`, 'gpio.driver=memory');
    const child = spawn(process.execPath, [MAIN, 'tally', '--window-s', '0.3', ...words]);
    const { text, ended } = watch(child);
    try {
      await eventually(10_000, 'it begins', () => text().includes('Only times'));
      await pause(400);
      const press = async (way: 'in' | 'out', isCounted = true) => {
        child.stdin.write(`${way}\n`);
        if (isCounted) device.count(way);
        await pause(400);
      };
      await press('in');
      await press('out');
      await press('in', false);
      await pause(400);
      device.breathe();
      await pause(400);
      await broker.kill();
      await press('in');
      await press('out');
      await broker.start();
      await eventually(10_000, 'counts are seen again', () => text().includes('seen again'));
      await pause(400);
      await press('in');
      await press('out');
      await pause(400);
      child.stdin.end('end\n');
      assert.is(await within(END_MS, 'tally ends', ended), 0, text());
      const late = await broker.subscribe(`${BASE}/tally/door`);
      await eventually(3000, 'the record is retained', () => late.received.some(({ retain }) => retain));
      const { payload } = late.received[0]!;
      await late.end();
      assert.equal(verifyRecord(payload).faults, []);
      const { result, gaps, counts } = JSON.parse(payload) as TallyRecord;
      assert.ok(gaps.some(([, , reason]) => reason === 'broker'));
      // The first press of each way is before the gap, the last one after it.
      assert.equal([result.in.matched, result.out.matched], [2, 2], payload);
      assert.equal([result.in.missed, result.out.missed], [1, 0]);
      assert.equal([result.in.unobserved, result.out.unobserved], [1, 1]);
      assert.equal([result.in.extra, result.out.extra], [0, 0]);
      assert.is(counts.length, 4, 'what was counted meanwhile comes in one lump, which is no count');
    } finally {
      child.kill('SIGKILL');
      await device.link.stop();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('beside the real counter, pressing who truly crosses gives a sound record that says how good it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-tally-'));
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const words = fieldWords(
      `mqtt.url=${broker.url}`,
      `state_dir=${join(folder, 'state')}`,
      'gpio.driver=memory',
      'camera.scene.seed=10',
      'camera.scene.people_per_minute=60',
    );
    const env = { ...process.env, XDG_RUNTIME_DIR: folder };
    const run = spawn(process.execPath, [MAIN, 'run', ...words], { env });
    const runner = watch(run);
    let tally: ChildProcess | undefined;
    try {
      await eventually(15_000, 'the counter counts', () => ear.last('/total/door') !== undefined);
      tally = spawn(process.execPath, [MAIN, 'tally', '--seconds', '15', ...words], { env });
      const { text, ended } = watch(tally);
      await eventually(10_000, 'it begins', () => text().includes('Only times'));
      type Truth = { readonly true_in: number; readonly true_out: number };
      const truthNow = () => ear.last<Truth>('/simulation/door') ?? { true_in: 0, true_out: 0 };
      let before = truthNow();
      const follow = setInterval(() => {
        const truth = truthNow();
        for (let n = before.true_in; n < truth.true_in; n++) tally?.stdin?.write('in\n');
        for (let n = before.true_out; n < truth.true_out; n++) tally?.stdin?.write('out\n');
        before = truth;
      }, 50);
      assert.is(await within(40_000, 'tally ends', ended).finally(() => clearInterval(follow)), 0, text());
      await eventually(2000, 'the record', () => ear.last('/tally/door') !== undefined);
      const record = ear.last<TallyRecord>('/tally/door')!;
      assert.equal(verifyRecord(JSON.stringify(record)).faults, []);
      const pressed = record.result.in.person + record.result.out.person;
      const matched = record.result.in.matched + record.result.out.matched;
      assert.ok(pressed >= 3, text());
      assert.ok(matched >= pressed / 2, text());
    } finally {
      tally?.kill('SIGKILL');
      run.kill('SIGINT');
      await within(10_000, 'the counter ends', runner.ended);
      await ear.end();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
