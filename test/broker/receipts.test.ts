/**
 * Goal: what a listener at a real broker records is a sound chain, through kills of the voice and of the broker; spoilt in
 * four ways, each is named.
 * Method: the compiled voice between real FIFOs, the test plays the eye; `lethe verify` as a program reads the recording.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EyeState } from '../../runtime/corridor/record.ts';
import { DEVICE_KEY_FILE } from '../../runtime/privacy/device-key.ts';
import type { Receipt } from '../../runtime/privacy/receipts.ts';
import { type Received, type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually } from '../fakes/within.ts';
import { FakeEye } from '../runtime/voice/bench.ts';
import { VoiceProcess } from './process.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const INTERVAL_S = 5;
/** More than goes out in a second with their receipts, so that kills fall between. */
const INTERVALS = 120;

const receiptsOf = (ear: Subscriber) => ear.all<Receipt>('/receipt');
const textOf = (received: readonly Received[]) =>
  received.map(({ topic, payload }) => `${topic} ${payload}\n`).join('');

type Verdict = { readonly code: number | null; readonly report: VerifyReport };
type VerifyReport = {
  readonly sound: boolean;
  readonly devices: readonly { readonly receipts: number; readonly frames: { readonly read: number } }[];
  readonly messages: { readonly as_signed: number };
  readonly findings: readonly { readonly kind: string; readonly numbers: readonly number[]; readonly text: string }[];
};

function verify(text: string, ...words: string[]): Verdict {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'verify', '-', '--json', ...words], {
    input: text,
    encoding: 'utf8',
  });
  return { code: status, report: JSON.parse(stdout) as VerifyReport };
}

/** Pictures and one crossing in each of the last intervals, oldest first. */
function past(voice: VoiceProcess, eye: FakeEye): void {
  const nowMs = Date.now();
  for (let i = INTERVALS; i > 0; i--) {
    const timeMs = nowMs - i * INTERVAL_S * 1000;
    voice.send(eye.cross('in', timeMs));
    voice.send(eye.frames(15 * INTERVAL_S));
    voice.send(eye.longest(300 + i, 1100, timeMs));
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('the chain at the broker is whole through kill -9 of the voice and of the broker, and spoilt it is not', async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const voice = new VoiceProcess({ mqtt: { url: broker.url }, interval_s: INTERVAL_S });
    const eye = new FakeEye(1);
    try {
      voice.start();
      await eventually(5000, 'online', () => ear.last<{ state: string }>('/status')?.state === 'online');
      voice.send(eye.hello(Date.now()));
      for (const half of eye.model('ab'.repeat(32))) voice.send(half);
      voice.send(eye.state(Date.now(), EyeState.counting));
      past(voice, eye);
      await eventually(10_000, 'some receipts', () => receiptsOf(ear).length >= 20);
      voice.signal('SIGKILL');
      await voice.ended();
      voice.start();
      await eventually(10_000, 'more of them', () => new Set(receiptsOf(ear).map(({ number }) => number)).size >= 60);
      const heardBefore = ear.subscribedCount;
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      // What the broker confirms before anybody listens is delivered and yet not heard: the voice waits for the listener.
      voice.signal('SIGSTOP');
      await broker.start();
      await eventually(5000, 'the listener is back', () => ear.subscribedCount > heardBefore);
      voice.signal('SIGCONT');
      const newest = () => Math.max(...receiptsOf(ear).map(({ number }) => number));
      await eventually(20_000, 'the backlog is over', () => newest() >= INTERVALS);
      voice.signal('SIGTERM');
      await voice.ended();

      const recording = textOf(
        ear.received.slice(0, ear.received.findLastIndex(({ topic }) => topic.endsWith('/receipt')) + 1),
      );
      const key = receiptsOf(ear)[0]!.public_key;
      const { code, report } = verify(recording, '--public-key', key);
      assert.equal([code, report.findings], [0, []]);
      assert.is(report.devices[0]!.receipts, newest());
      assert.ok(report.messages.as_signed >= newest());
      assert.is(statSync(join(voice.folder, 'state', DEVICE_KEY_FILE)).mode & 0o777, 0o600);

      const lines = recording.trimEnd().split('\n');
      const at = lines.findLastIndex((line) => line.includes('"number":100,'));
      const spoilt = (change: (copy: string[]) => void) => {
        const copy = [...lines];
        change(copy);
        const verdict = verify(`${copy.join('\n')}\n`);
        assert.is(verdict.code, 65);
        return verdict.report.findings.map(({ kind, numbers }) => [kind, ...numbers]);
      };
      assert.equal(
        spoilt((copy) => copy.splice(at, 1)),
        [['gap', 100, 100]],
      );
      assert.equal(
        spoilt((copy) => copy.splice(at, 1, lines[at]!.replace(/"erased":\d+/, '"erased":1'))),
        [['edit', 100, 100]],
      );
      assert.equal(
        spoilt((copy) => copy.splice(at + 1, 0, lines.find((line) => line.includes('"number":3,'))!)),
        [['replay', 3, 3]],
      );
      ear.checkContract();
    } catch (error) {
      process.stdout.write(`${voice.output}\n`);
      throw error;
    } finally {
      await voice.dispose();
      await ear.end();
      await broker.stop();
    }
  });

  test('a state that is put back from a copy makes a fork, and it is named', async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const voice = new VoiceProcess({ mqtt: { url: broker.url }, interval_s: INTERVAL_S });
    const eye = new FakeEye(1);
    try {
      voice.start();
      await eventually(5000, 'online', () => ear.last<{ state: string }>('/status')?.state === 'online');
      await eventually(15_000, 'a receipt', () => receiptsOf(ear).length >= 1);
      voice.signal('SIGTERM');
      await voice.ended();
      const state = join(voice.folder, 'state');
      spawnSync('cp', ['-a', state, `${state}.copy`]);
      voice.start();
      voice.send(eye.cross('in', Date.now())); // what only one of the two lives has seen
      const before = receiptsOf(ear).length;
      await eventually(15_000, 'another one', () => receiptsOf(ear).length > before);
      voice.signal('SIGKILL');
      await voice.ended();
      spawnSync('rm', ['-r', state]);
      spawnSync('mv', [`${state}.copy`, state]);
      voice.start();
      const between = receiptsOf(ear).length;
      await eventually(15_000, 'its twin', () => receiptsOf(ear).length > between);
      const { code, report } = verify(textOf(ear.received));
      assert.is(code, 65);
      assert.ok(
        report.findings.some(({ kind }) => kind === 'fork'),
        JSON.stringify(report.findings),
      );
    } finally {
      await voice.dispose();
      await ear.end();
      await broker.stop();
    }
  });
}

test.run();
