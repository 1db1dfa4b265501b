// Goal: a broker that forgot what it retained has all of it again as soon as the voice is back.
// Method: a mosquitto without a disk, killed and started; a listener that comes late, before and after.
import mqtt from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../fakes/broker.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const FAULT = 'retained messages wiped';
const LOOK_MS = 300;
const LOOKS_MAX = 10;

/** Whatever the broker keeps now, as somebody sees it who comes now: what is said meanwhile does not bear the mark. */
async function retainedAt(url: string): Promise<Map<string, string>> {
  const topics = new Map<string, string>();
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  client.on('message', (topic, payload, { retain }) => void (retain && topics.set(topic, payload.toString())));
  await client.subscribeAsync('#', { qos: 1 });
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  await client.endAsync(true);
  return topics;
}

/** The same, once all of `expected` is there, or after a few looks without it. */
async function retainedAgain(url: string, expected: Iterable<string>): Promise<Map<string, string>> {
  for (let look = 1; ; look++) {
    const topics = await retainedAt(url);
    if ([...expected].every((topic) => topics.has(topic)) || look === LOOKS_MAX) return topics;
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('after each wipe every retained topic is there again, with totals that are not lower', async () => {
    await Stage.run({ name: FAULT }, async (stage) => {
      const { broker, observer, time, random } = stage;
      await time.seconds(30);
      let before = await retainedAt(broker.url);
      assert.ok(before.size >= 12, [...before.keys()].join(' '));
      for (let index = 0; index < TRIES; index++) {
        await stage.reconnected(async () => {
          await broker.kill();
          await broker.start();
          await observer.listening();
        });
        const after = await retainedAgain(broker.url, before.keys());
        assert.equal(
          [...before.keys()].filter((topic) => !after.has(topic)),
          [],
          'topics that are not there again',
        );
        for (const [topic, payload] of before) {
          if (!topic.includes('/total/')) continue;
          const [was, is] = [payload, after.get(topic)!].map((text) => JSON.parse(text) as { in: number; out: number });
          assert.ok(is!.in >= was!.in && is!.out >= was!.out, `${topic} ${payload} ${after.get(topic)}`);
        }
        before = after;
        await time.seconds(random.between(0, 10));
      }
      await stage.settle();
      const verdict = await stage.verdict();
      printRow(FAULT, TRIES, verdict, `all ${before.size} retained topics there again`);
      assertSound(verdict);
    });
  });
}

test.run();
