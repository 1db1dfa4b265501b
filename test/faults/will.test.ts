// Goal: a device that is cut off is told as offline, with the life that it was, and never after it has come back.
// Method: the tap breaks the connection without DISCONNECT, on both sides or only on the voice's, with and without a new life.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../fakes/broker.ts';
import { eventually } from '../fakes/within.ts';
import { assertSound, printRow, Stage, type Status, TRIES } from './parts/stage.ts';

const FAULT = 'socket cut without DISCONNECT';

function statuses(stage: Stage): Status[] {
  return stage.observer.heard
    .filter(({ topic, retain }) => topic.endsWith('/status') && !retain)
    .map(({ payload }) => JSON.parse(payload) as Status);
}

async function cutOnce(stage: Stage, boot: number): Promise<number> {
  const { tap, voice, random, time } = stage;
  await time.seconds(random.between(0, 3));
  const from = statuses(stage).length;
  // A broker that still sees the old connection takes the new one over, and publishes the will as it does.
  const manner = random.pick(['cut', 'orphan', 'new life behind an orphan'] as const);
  const isNewLife = manner === 'new life behind an orphan';
  await stage.reconnected(async () => {
    if (manner === 'cut') tap.cut();
    else tap.orphan();
    if (!isNewLife) return;
    voice.signal('SIGKILL');
    await voice.ended();
    voice.start();
  });
  const newBoot = boot + (isNewLife ? 1 : 0);
  const told = () => statuses(stage).slice(from);
  const isBack = () => told().at(-1)?.state === 'online' && told().at(-1)?.boot === newBoot;
  await eventually(10_000, `${manner}: online again`, isBack);
  // On a slow machine an attempt to connect may time out, and leave a will of its own behind.
  const [first, ...others] = told();
  assert.equal([first!.state, first!.boot], ['offline', boot], manner);
  assert.ok(
    others.every((status) => status.boot === newBoot),
    `${manner}: ${JSON.stringify(told())}`,
  );
  const count = told().length;
  await time.seconds(2);
  assert.is(told().length, count, `${manner}: an old will came behind the new online`);
  return newBoot;
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('each cut is told once as offline with the boot that was online, and no old will hides a new online', async () => {
    await Stage.run({ name: FAULT }, async (stage) => {
      let boot = stage.status!.boot;
      for (let index = 0; index < TRIES; index++) boot = await cutOnce(stage, boot);
      await stage.settle();
      const verdict = await stage.verdict();
      printRow(FAULT, TRIES, verdict, 'offline with the right boot, then online');
      assertSound(verdict);
    });
  });
}

test.run();
