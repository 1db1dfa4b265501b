// Goal: a broker that takes everything and does not do its duty costs nothing but time, and no memory.
// Method: a server that speaks just enough MQTT and acknowledges never, late, too late, or wrongly, in turns with a real mosquitto.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../fakes/broker.ts';
import { FalseBroker, type Manner } from './parts/false-broker.ts';
import { assertSound, printRow, Stage, TRIES } from './parts/stage.ts';

const FAULT = 'broker that acknowledges never, late or wrongly';
const FORGETFUL = 'broker that acknowledges and forgets';
/** Of quick time; a publication waits for 10 s. */
const LATE_S = 4;
const TOO_LATE_S = 14;
/** Node's heap breathes by more than this between two collections; a queue of what was not acknowledged would not stop. */
const GROWTH_MIB_MAX = 40;

function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('every record arrives at the good broker that follows, and the voice does not grow', async () => {
    await Stage.run({ name: FAULT }, async (stage) => {
      const { voice, broker, tap, time, random, observer } = stage;
      const late = (seconds: number): Manner => ({ kind: 'late', afterMs: (seconds * 1000) / time.pace });
      const manners: Manner[] = [{ kind: 'never' }, late(LATE_S), late(TOO_LATE_S), { kind: 'wrong' }];
      const bad = await FalseBroker.create({ kind: 'never' }, observer.heard);
      await time.seconds(20);
      const beforeMib = residentMib(voice.pid);
      try {
        for (let index = 0; index < TRIES; index++) {
          bad.manner = manners[index % manners.length]!;
          const toward = (port: number) => () => {
            tap.targetPort = port;
            tap.cut();
          };
          await time.seconds(random.between(1, 5));
          toward(bad.port)();
          await time.seconds(random.between(5, 25));
          await stage.reconnected(toward(broker.port));
        }
        const grownMib = residentMib(voice.pid) - beforeMib;
        await stage.settle();
        const verdict = await stage.verdict();
        printRow(
          FAULT,
          TRIES,
          verdict,
          `memory ${grownMib.toFixed(1)} MiB more after ${bad.publicationCount} publications to it`,
        );
        assertSound(verdict);
        assert.match(voice.output, 'was not acknowledged within 10000 ms');
        assert.ok(grownMib < GROWTH_MIB_MAX, `${grownMib} MiB more`);
      } finally {
        await bad.dispose();
      }
    });
  });

  test('what a broker acknowledged and lost is sent again when it is asked for, as the same records', async () => {
    await Stage.run({ name: FORGETFUL }, async (stage) => {
      const { broker, tap, time, random, observer } = stage;
      const bad = await FalseBroker.create({ kind: 'forget' }, observer.heard);
      try {
        for (let index = 0; index < TRIES; index++) {
          await time.seconds(random.between(1, 8));
          tap.targetPort = bad.port;
          tap.cut();
          await time.seconds(random.between(5, 12));
          tap.targetPort = broker.port;
          await stage.reconnected(() => tap.cut());
        }
        await stage.settle();
        const verdict = await stage.verdict();
        printRow(FORGETFUL, TRIES, verdict, `${stage.askedCount} records asked for by cmd/resend`);
        assertSound(verdict, { disordered: verdict.disordered });
        assert.ok(stage.askedCount > 0, 'something was lost and asked for');
      } finally {
        await bad.dispose();
      }
    });
  });
}

test.run();
