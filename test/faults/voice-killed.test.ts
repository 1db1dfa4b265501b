// Goal: a voice that is killed at any moment goes on where it was: every record once, totals that never fall.
// Method: kill -9 of the real process at random moments, between the FIFOs on which the eye goes on; judged by a listener.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../fakes/broker.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

/** Seconds of quick time between its coming online and the kill: more than an interval, so that every part of it is met. */
const LIFE_S_MAX = 8;

async function killVoice(fault: string, andEye: boolean): Promise<void> {
  await Stage.run({ name: fault }, async (stage) => {
    const { voice, eye, random, time } = stage;
    for (let index = 0; index < TRIES; index++) {
      await time.seconds(random.between(0, LIFE_S_MAX));
      voice.signal('SIGKILL');
      if (andEye) eye.kill();
      await voice.ended();
      voice.start();
      if (andEye) eye.start();
      // Some die before they have come far enough to speak.
      if (random.isTrue(0.8)) await stage.online();
      else await new Promise((resolve) => setTimeout(resolve, random.between(0, 700)));
    }
    await stage.online();
    await stage.settle(andEye ? 'nobody' : 'everybody');
    const verdict = await stage.verdict();
    const missing = -Object.values(verdict.people).reduce((sum, people) => sum + people, 0);
    const { atRiskCount } = eye;
    printRow(fault, TRIES, verdict, andEye ? `${missing} people of the last second, of ${atRiskCount}` : '');
    // Who was read and not yet on disk when both died is gone, as with a pulled plug; nobody else is, and nobody is made up.
    assertSound(verdict, andEye ? { people: verdict.people } : {});
    assert.ok(Object.values(verdict.people).every((people) => people <= 0));
    assert.ok(missing <= atRiskCount, `${missing} people are missing, ${atRiskCount} crossed in the last seconds`);
  });
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('kill -9 of the voice at random moments loses nothing and counts nobody twice', () =>
    killVoice('kill -9 of the voice', false));

  test('kill -9 of eye and voice together: what the eye had put into the corridor is counted, once', () =>
    killVoice('kill -9 of eye and voice', true));
}

test.run();
