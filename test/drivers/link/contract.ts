/**
 * Contract of ports/link.ts: what every link must do, as a function of the implementation.
 * Run on the one in memory here, on MQTT with the embedded broker here and with a real mosquitto in test/broker/.
 */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkError } from '../../../runtime/errors.ts';
import type { Link } from '../../../runtime/ports/link.ts';
import { eventually, within } from '../../fakes/within.ts';

export type LinkBench = {
  readonly link: Link;
  /** Payloads that the broker received under a topic. */
  readonly received: (topic: string) => readonly string[];
  /** What a subscriber who comes now finds under a topic. */
  readonly retained: (topic: string) => Promise<string | undefined>;
  /** Ends the broker without a word, as a pulled plug does. */
  readonly killBroker: () => Promise<void>;
  /** Brings it back, empty. */
  readonly startBroker: () => Promise<void>;
  readonly dispose: () => Promise<void>;
};

const STATUS = { topic: 'lethe/v1/s/d/status', payload: '{"state":"offline"}' };
const PURPOSE = { will: STATUS };
const WAIT_MS = 3000;

class Ear {
  readonly reasons: string[] = [];
  upCount = 0;
  readonly onUp = () => {
    this.upCount += 1;
  };
  readonly onDown = (reason: string) => {
    this.reasons.push(reason);
  };
}

export function linkContract(name: string, make: () => Promise<LinkBench>): void {
  const withLink = (sentence: string, body: (bench: LinkBench, ear: Ear) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      const bench = await make();
      const ear = new Ear();
      try {
        await body(bench, ear);
      } finally {
        await bench.link.stop();
        await bench.dispose();
      }
    });
  const startUp = async ({ link }: LinkBench, ear: Ear) => {
    link.start(PURPOSE, ear);
    await eventually(WAIT_MS, 'link is up', () => link.up && ear.upCount === 1);
  };
  const rejection = (promise: Promise<void>) =>
    within(
      WAIT_MS,
      'publish is rejected',
      promise.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );

  withLink('refuses to publish before it is connected', async ({ link }) => {
    assert.is(link.up, false);
    assert.instance(await rejection(link.publish('a', '1', { retain: false, qos: 1 })), LinkError);
  });

  withLink('tells when it is up, after start has returned', async (bench, ear) => {
    bench.link.start(PURPOSE, ear);
    assert.is(ear.upCount, 0);
    await eventually(WAIT_MS, 'link is up', () => bench.link.up);
    assert.is(ear.upCount, 1);
    assert.equal(ear.reasons, []);
  });

  withLink('resolves when the broker has acknowledged, in the order of the calls', async (bench, ear) => {
    await startUp(bench, ear);
    const sent = ['1', '2', '3'];
    await within(
      WAIT_MS,
      'three messages',
      Promise.all(sent.map((payload) => bench.link.publish('lethe/a', payload, { retain: false, qos: 1 }))),
    );
    await eventually(WAIT_MS, 'arrival', () => bench.received('lethe/a').length === 3);
    assert.equal(bench.received('lethe/a'), sent);
  });

  withLink('leaves what is retained for those who come later, and nothing else', async (bench, ear) => {
    await startUp(bench, ear);
    await bench.link.publish('lethe/kept', 'old', { retain: true, qos: 1 });
    await bench.link.publish('lethe/kept', 'new', { retain: true, qos: 1 });
    await bench.link.publish('lethe/gone', 'x', { retain: false, qos: 1 });
    assert.is(await bench.retained('lethe/kept'), 'new');
    assert.is(await bench.retained('lethe/gone'), undefined);
  });

  withLink('tells once, in a sentence, when the broker goes away, and refuses at once', async (bench, ear) => {
    await startUp(bench, ear);
    await bench.killBroker();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up && ear.reasons.length > 0);
    assert.match(ear.reasons[0]!, /^[A-Z].*\.$/);
    assert.instance(await rejection(bench.link.publish('a', '1', { retain: false, qos: 1 })), LinkError);
  });

  withLink('comes back by itself and publishes as before', async (bench, ear) => {
    await startUp(bench, ear);
    await bench.killBroker();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up);
    await bench.startBroker();
    await eventually(WAIT_MS, 'link is up again', () => bench.link.up);
    assert.is(ear.upCount, 2);
    await bench.link.publish('lethe/b', 'after', { retain: true, qos: 1 });
    assert.is(await bench.retained('lethe/b'), 'after');
    assert.is(new Set(ear.reasons).size, ear.reasons.length, 'the same reason is told once');
  });

  withLink('sends nothing by itself after a reconnect: it does not queue', async (bench, ear) => {
    await startUp(bench, ear);
    await bench.killBroker();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up);
    await rejection(bench.link.publish('lethe/lost', 'x', { retain: true, qos: 1 }));
    await bench.startBroker();
    await eventually(WAIT_MS, 'link is up again', () => bench.link.up);
    await bench.link.publish('lethe/c', 'x', { retain: true, qos: 1 });
    assert.is(await bench.retained('lethe/lost'), undefined);
  });

  withLink('says good-bye when stopped: no last will, no event, nothing more is published', async (bench, ear) => {
    await startUp(bench, ear);
    await bench.link.publish(STATUS.topic, '{"state":"stopped"}', { retain: true, qos: 1 });
    await within(WAIT_MS, 'stop', bench.link.stop());
    assert.is(bench.link.up, false);
    assert.instance(await rejection(bench.link.publish('a', '1', { retain: false, qos: 1 })), LinkError);
    assert.is(await bench.retained(STATUS.topic), '{"state":"stopped"}');
    assert.equal(ear.reasons, []);
    await within(WAIT_MS, 'second stop', bench.link.stop());
  });

  withLink('stops at once while the broker is away', async (bench, ear) => {
    await bench.killBroker();
    bench.link.start(PURPOSE, ear);
    await eventually(WAIT_MS, 'a reason', () => ear.reasons.length > 0);
    const startedMs = Date.now();
    await within(1500, 'stop', bench.link.stop());
    assert.ok(Date.now() - startedMs < 1000);
    assert.is(ear.reasons.length, 1);
  });
}
