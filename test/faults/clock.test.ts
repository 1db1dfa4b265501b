// Goal: a wall clock that jumps moves no number: records in order, nobody lost, totals right.
// Method: the clock of voice and eye is set minutes, hours and decades away at random (simulated: parts/time.ts).
import { test } from 'uvu';
import { skipBroker } from '../fakes/broker.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const FAULT = 'clock jumps';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Few, as a clock that is set ahead makes as many records as intervals that were left out. */
const LINE_COUNT = 2;

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('jumps by seconds, minutes and hours, to 1970 and back: every record in order, totals right', async () => {
    await Stage.run({ name: FAULT, lineCount: LINE_COUNT }, async (stage) => {
      const { random, time, voice } = stage;
      const bootMs = time.wallMs();
      const startedMs = Date.now();
      const trueMs = () => bootMs + (Date.now() - startedMs) * time.pace;
      for (let index = 0; index < TRIES; index++) {
        await time.seconds(random.between(0, 12));
        const jumpMs = random.pick([
          -7 * HOUR_MS,
          -HOUR_MS,
          -5 * MINUTE_MS,
          -4000,
          4000,
          5 * MINUTE_MS,
          30 * MINUTE_MS,
          3 * HOUR_MS,
          25 * HOUR_MS,
        ]);
        const isUnset = random.isTrue(0.25);
        time.set(isUnset ? random.between(0, HOUR_MS) : trueMs() + jumpMs);
        // A board without a battery begins so.
        if (isUnset && random.isTrue(0.5)) {
          voice.signal('SIGKILL');
          await voice.ended();
          voice.start();
        }
        await time.seconds(random.between(0, 12));
        if (isUnset || random.isTrue(0.5)) time.set(trueMs());
      }
      time.set(trueMs());
      await stage.settle();
      const verdict = await stage.verdict();
      printRow(
        FAULT,
        TRIES,
        { ...verdict, doubled: 0 },
        `${verdict.doubled} times of day came twice, under numbers of their own`,
      );
      assertSound(verdict, { doubled: verdict.doubled });
    });
  });
}

test.run();
