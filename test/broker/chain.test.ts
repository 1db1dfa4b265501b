/**
 * Goal: the whole chain as it runs in a store: camera, eye, corridor, voice, broker. What arrives adds up, a broker that dies
 * loses nothing, and Ctrl-C ends everything with a good-bye.
 * Method: `lethe run` as a program of its own with the simulated entrance in real time, a real mosquitto, a listener beside it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually, within } from '../fakes/within.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const INTERVAL_S = 5;
const STOP_MS_MAX = 8000;

type Total = { readonly in: number; readonly out: number };
type Interval = Total & { readonly seq: number; readonly total_in: number; readonly total_out: number };
type Status = { readonly state: string };

/** Processes of ours: each has the state folder in its arguments. Zombies are gone already. */
function processesWith(word: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
      return commandOf(Number(entry)).includes(word) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

function sumOf(total: Total | undefined): number {
  return total === undefined ? 0 : total.in + total.out;
}

/** Every interval once, by number; a record may come twice, but only as the same. */
function distinctIntervals(ear: Subscriber): Interval[] {
  const bySeq = new Map(ear.all<Interval>('/interval/').map((interval) => [interval.seq, interval]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** Numbers without gaps from 1, each followed by that of its receipt; every total is the sum of the intervals up to it. */
function assertAddsUp(intervals: readonly Interval[]): void {
  let [totalIn, totalOut] = [0, 0];
  for (const [index, interval] of intervals.entries()) {
    totalIn += interval.in;
    totalOut += interval.out;
    assert.is(interval.seq, 2 * index + 1);
    assert.equal([interval.total_in, interval.total_out], [totalIn, totalOut]);
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('people in, numbers out: they add up through a dead broker, and Ctrl-C ends all within eight seconds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-chain-'));
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const fields = [
      `mqtt.url=${broker.url}`,
      `state_dir=${join(folder, 'state')}`,
      `interval_s=${INTERVAL_S}`,
      'camera.scene.seed=10',
      'camera.scene.people_per_minute=120',
      'gpio.driver=memory',
    ];
    const words = fields.flatMap((field) => ['--set', field]);
    let output = '';
    const lethe: ChildProcess = spawn(process.execPath, [MAIN, 'run', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
    });
    lethe.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    lethe.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => lethe.once('exit', (code) => resolve(code)));
    try {
      await eventually(10_000, 'online', () => ear.last<Status>('/status')?.state === 'online');
      await eventually(15_000, 'three people are counted', () => sumOf(ear.last<Total>('/total/door')) >= 3);
      assert.ok(ear.all('/simulation/').length > 0, 'the truth is there to compare with');

      const before = sumOf(ear.last<Total>('/total/door'));
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, 5000)); // people go on walking
      // What the broker confirms before anybody listens is delivered and yet not heard: the listener comes first.
      const voicePids = processesWith(folder).filter((pid) => commandOf(pid).includes('voice'));
      assert.is(voicePids.length, 1);
      for (const pid of voicePids) process.kill(pid, 'SIGSTOP');
      const heardBefore = ear.subscribedCount;
      await broker.start();
      await eventually(5000, 'the listener is back', () => ear.subscribedCount > heardBefore);
      for (const pid of voicePids) process.kill(pid, 'SIGCONT');
      await eventually(15_000, 'totals are back', () => sumOf(ear.last<Total>('/total/door')) > before);
      // Until the interval in which the broker died has closed and arrived.
      await eventually(20_000, 'intervals are back', () => {
        const last = distinctIntervals(ear).at(-1);
        return last !== undefined && last.total_in + last.total_out > before;
      });
      assertAddsUp(distinctIntervals(ear));

      const startedMs = Date.now();
      assert.ok(processesWith(folder).length >= 3, 'supervisor, eye and voice run');
      lethe.kill('SIGINT');
      assert.is(await within(STOP_MS_MAX, 'everything ends', ended), 0);
      assert.ok(Date.now() - startedMs < STOP_MS_MAX);
      await eventually(2000, 'stopped', () => ear.last<Status>('/status')?.state === 'stopped');
      assert.equal(processesWith(folder), [], 'no process is left');
      assert.equal(readdirSync(folder), ['state'], 'the corridor is removed');

      const intervals = distinctIntervals(ear);
      assertAddsUp(intervals);
      const last = intervals.at(-1)!;
      const total = ear.last<Total>('/total/door')!;
      // What is counted after the last whole interval is in the total and in the ledger, to be sent by the next life.
      assert.ok(total.in >= last.total_in && total.out >= last.total_out);
      const summed = intervals.reduce((sum, interval) => sum + interval.in + interval.out, 0);
      assert.is(summed, last.total_in + last.total_out);
      ear.checkContract();
    } catch (error) {
      process.stdout.write(`${output}\n`);
      throw error;
    } finally {
      for (const pid of processesWith(folder)) process.kill(pid, 'SIGKILL');
      await ear.end();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
