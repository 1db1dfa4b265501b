// Goal: a broker that is killed at any moment costs nothing that it had not acknowledged, and what comes twice is the same.
// Method: kill -9 of a real mosquitto at random moments and right behind a PUBLISH; a listener that is back before the voice.
import { test } from 'uvu';
import { skipBroker } from '../fakes/broker.ts';
import { isRecord } from './parts/records.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const LIFE_S_MAX = 8;

/** Resolves when the voice has given the broker's socket a record: the next instruction of ours is the kill. */
function nextPublish(stage: Stage): Promise<void> {
  return new Promise((resolve) => {
    stage.tap.onPublish = (topic) => {
      if (!isRecord(topic)) return;
      stage.broker.signal('SIGKILL');
      stage.tap.onPublish = () => {};
      resolve();
    };
  });
}

async function killBroker(fault: string, persistent: boolean): Promise<void> {
  await Stage.run({ name: fault, persistent }, async (stage) => {
    const { broker, observer, random, time } = stage;
    for (let index = 0; index < TRIES; index++) {
      await time.seconds(random.between(0, LIFE_S_MAX));
      const mischief = async () => {
        if (index % 2 === 0) await nextPublish(stage);
        await broker.kill();
        await time.seconds(random.between(0, 2));
        await broker.start();
        await observer.listening();
      };
      // Sometimes the next one dies before the voice is back.
      if (random.isTrue(0.8)) await stage.reconnected(mischief);
      else await mischief();
    }
    await stage.reconnected(() => stage.tap.cut());
    await stage.settle();
    const verdict = await stage.verdict();
    const note = `half of them right behind a PUBLISH; ${stage.askedCount} lost by the broker and sent again when asked`;
    printRow(fault, TRIES, verdict, note);
    assertSound(verdict);
  });
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('a broker without a disk, killed at random moments: every record arrives, once its copies are removed', () =>
    killBroker('kill -9 of the broker', false));

  test('a broker with a disk, killed at random moments: every record arrives, once its copies are removed', () =>
    killBroker('kill -9 of a persistent broker', true));
}

test.run();
