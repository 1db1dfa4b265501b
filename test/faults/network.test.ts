// Goal: a network that does everything networks do costs no record: it drops, delays, stalls, and lets records come twice.
// Method: a tap between voice and broker, which turns bad in one way after the other at random.
import { test } from 'uvu';
import { skipBroker } from '../fakes/broker.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const FAULT = 'bad network';
/** Each try is a stretch of bad network; so many make about a minute and a half of quick time by default. */
const STRETCH_S_MAX = 15;

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('drops, delays, stalls and lost acknowledgements at random: every record arrives, once its copies are removed', async () => {
    await Stage.run({ name: FAULT }, async (stage) => {
      const { tap, broker, random, time } = stage;
      for (let index = 0; index < TRIES; index++) {
        const stretch = () => time.seconds(random.between(0, STRETCH_S_MAX));
        switch (random.pick(['cut', 'behind', 'delay', 'stall', 'swallow', 'closed', 'frozen'] as const)) {
          case 'cut':
            tap.cut();
            break;
          case 'behind': // the broker has it, the voice does not know
            tap.onPublish = () => tap.cut();
            await stretch();
            tap.onPublish = () => {};
            break;
          case 'delay':
            tap.delayMs = () => random.between(0, 3000) / time.pace;
            await stretch();
            tap.delayMs = () => 0;
            break;
          case 'stall':
            tap.isStalled = true;
            await stretch();
            tap.isStalled = false;
            break;
          case 'swallow':
            tap.swallowsAcknowledgements = true;
            await stretch();
            tap.cut();
            tap.swallowsAcknowledgements = false;
            break;
          case 'closed': {
            const { gate } = tap;
            tap.gate = () => false;
            tap.cut();
            await stretch();
            tap.gate = gate;
            break;
          }
          case 'frozen':
            broker.signal('SIGSTOP');
            await stretch();
            broker.signal('SIGCONT');
            break;
        }
        await stretch();
      }
      await stage.settle();
      const verdict = await stage.verdict();
      printRow(FAULT, TRIES, verdict, `${tap.connectionCount} connections`);
      assertSound(verdict);
    });
  });
}

test.run();
