/**
 * Contract of ports/listener.ts, as a function of the implementation: on the one in memory and on MQTT with the embedded
 * broker here, with a real mosquitto in test/broker/.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkError } from '../../../runtime/errors.ts';
import type { Listener } from '../../../runtime/ports/listener.ts';
import { eventually, within } from '../../fakes/within.ts';

export type ListenerBench = {
  readonly listener: Listener;
  /** Somebody else publishes, qos 1. */
  readonly say: (topic: string, payload: string, retain: boolean) => Promise<void>;
  readonly killBroker: () => Promise<void>;
  /** Brings it back, empty. */
  readonly startBroker: () => Promise<void>;
  readonly dispose: () => Promise<void>;
};

const WAIT_MS = 3000;

class Ear {
  readonly heard: (readonly [topic: string, payload: string, retained: boolean])[] = [];
  readonly reasons: string[] = [];
  upCount = 0;
  readonly onUp = () => {
    this.upCount += 1;
  };
  readonly onDown = (reason: string) => {
    this.reasons.push(reason);
  };
  readonly onMessage = (topic: string, payload: string, retained: boolean) => {
    this.heard.push([topic, payload, retained]);
  };
}

export function listenerContract(name: string, make: () => Promise<ListenerBench>): void {
  const withListener = (sentence: string, body: (bench: ListenerBench, ear: Ear) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      const bench = await make();
      const ear = new Ear();
      try {
        await body(bench, ear);
      } finally {
        await bench.listener.stop();
        await bench.dispose();
      }
    });
  const start = async ({ listener }: ListenerBench, ear: Ear) => {
    listener.start(['lethe/a', 'lethe/b'], ear);
    assert.is(ear.upCount, 0);
    await eventually(WAIT_MS, 'listener is up', () => listener.up && ear.upCount === 1);
  };

  withListener('tells what is retained apart from what is said now, and nothing else', async (bench, ear) => {
    await bench.say('lethe/a', 'old', true);
    await start(bench, ear);
    await eventually(WAIT_MS, 'what is retained', () => ear.heard.length === 1);
    await bench.say('lethe/c', 'for others', true);
    await bench.say('lethe/a', 'new', true);
    await bench.say('lethe/b', 'now', false);
    await eventually(WAIT_MS, 'what is new', () => ear.heard.length === 3);
    assert.equal(ear.heard, [
      ['lethe/a', 'old', true],
      ['lethe/a', 'new', false],
      ['lethe/b', 'now', false],
    ]);
  });

  withListener('hears again after the broker came back, and tells the reason once', async (bench, ear) => {
    await start(bench, ear);
    await bench.killBroker();
    await eventually(WAIT_MS, 'listener is down', () => !bench.listener.up && ear.reasons.length > 0);
    assert.match(ear.reasons[0]!, /^[A-Z].*\.$/);
    await bench.startBroker();
    await eventually(WAIT_MS, 'listener is up again', () => bench.listener.up && ear.upCount === 2);
    await bench.say('lethe/b', 'after', false);
    await eventually(WAIT_MS, 'what is said after', () => ear.heard.length === 1);
    assert.equal(ear.heard, [['lethe/b', 'after', false]]);
  });

  withListener('publishes a word of its own, and refuses without a broker', async (bench, ear) => {
    await start(bench, ear);
    await within(WAIT_MS, 'publish', bench.listener.publish('lethe/b', 'mine', { retain: true, qos: 1 }));
    await eventually(WAIT_MS, 'the echo', () => ear.heard.length === 1);
    await bench.killBroker();
    await eventually(WAIT_MS, 'listener is down', () => !bench.listener.up);
    const refused = await bench.listener.publish('lethe/b', 'x', { retain: true, qos: 1 }).catch((error) => error);
    assert.instance(refused, LinkError);
  });

  withListener('is silent after stop', async (bench, ear) => {
    await start(bench, ear);
    await within(WAIT_MS, 'stop', bench.listener.stop());
    await bench.say('lethe/a', 'late', true);
    assert.equal([bench.listener.up, ear.heard, ear.reasons], [false, [], []]);
  });
}
