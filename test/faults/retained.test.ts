// Goal: a broker that forgot what it retained has all of it again as soon as the voice is back.
// Method: a mosquitto without a disk, killed and started; a listener that comes late, before and after.
import mqtt from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../fakes/broker.ts';
import { eventually } from '../fakes/within.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const FAULT = 'retained messages wiped';

/** Whatever the broker keeps now; $SYS is its own. */
async function retainedAt(
  url: string,
  isEnough: (topics: ReadonlyMap<string, string>) => boolean,
): Promise<Map<string, string>> {
  const topics = new Map<string, string>();
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  client.on('message', (topic, payload, { retain }) => void (retain && topics.set(topic, payload.toString())));
  await client.subscribeAsync('#', { qos: 1 });
  await eventually(3000, 'retained messages', () => isEnough(topics)).catch(() => {});
  await client.endAsync(true);
  return topics;
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('after each wipe every retained topic is there again, with totals that are not lower', async () => {
    await Stage.run({ name: FAULT }, async (stage) => {
      const { broker, observer, time, random } = stage;
      const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 300));
      await time.seconds(30);
      let before = await retainedAt(broker.url, () => false);
      assert.ok(before.size >= 12, [...before.keys()].join(' '));
      for (let index = 0; index < TRIES; index++) {
        await stage.reconnected(async () => {
          await broker.kill();
          await broker.start();
          await observer.listening();
        });
        await pause();
        const isWhole = (topics: ReadonlyMap<string, string>) => [...before.keys()].every((topic) => topics.has(topic));
        const after = await retainedAt(broker.url, isWhole);
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
