/**
 * Contract of ports/link.ts for links that hear, as a function of the implementation: on the one in memory and on MQTT
 * with the embedded broker here, with a real mosquitto in test/broker/.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkError } from '../../../runtime/errors.ts';
import { type Link, type LinkMessage, type LinkPurpose, MESSAGE_BYTES_MAX } from '../../../runtime/ports/link.ts';
import { eventually, within } from '../../fakes/within.ts';

export type HearingBench = {
  readonly link: Link;
  /** False: the broker speaks 3.1.1, which has no correlation data. */
  readonly speaksMqtt5: boolean;
  /** Somebody else publishes, qos 1. */
  readonly say: (topic: string, payload: string, retain: boolean, correlationData?: Uint8Array) => Promise<void>;
  readonly killBroker: () => Promise<void>;
  /** Brings it back, empty. */
  readonly startBroker: () => Promise<void>;
  /** The connection breaks and cannot be made again until `mend`; the broker stays and remembers. */
  readonly cut: () => void;
  readonly mend: () => void;
  readonly dispose: () => Promise<void>;
};

const WAIT_MS = 3000;
const TOPICS = ['lethe/a', 'lethe/+/b', 'lethe/c/#'];
const SESSION: LinkPurpose = { topics: TOPICS, sessionExpiryS: 60 };
/** Long enough for a message that ought not to come. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

class Ear {
  readonly heard: (readonly [topic: string, payload: string, retained: boolean])[] = [];
  readonly correlations: (string | undefined)[] = [];
  readonly reasons: string[] = [];
  readonly notices: string[] = [];
  upCount = 0;
  /** What the next messages do; left out: handled at once. */
  handler: ((message: LinkMessage) => void | Promise<void>) | undefined;
  readonly onUp = () => {
    this.upCount += 1;
  };
  readonly onDown = (reason: string) => {
    this.reasons.push(reason);
  };
  readonly onNotice = (sentence: string) => {
    this.notices.push(sentence);
  };
  readonly onMessage = (message: LinkMessage) => {
    const { topic, payload, retained, correlationData } = message;
    this.heard.push([topic, payload, retained]);
    this.correlations.push(correlationData && Buffer.from(correlationData).toString());
    return this.handler?.(message);
  };
  get payloads(): string[] {
    return this.heard.map(([, payload]) => payload);
  }
}

export function hearingContract(name: string, make: () => Promise<HearingBench>): void {
  const withLink = (sentence: string, body: (bench: HearingBench, ear: Ear) => Promise<void>) =>
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
  const start = async ({ link }: HearingBench, ear: Ear, purpose: LinkPurpose = { topics: TOPICS }) => {
    link.start(purpose, ear);
    assert.is(ear.upCount, 0);
    await eventually(WAIT_MS, 'link is up', () => link.up && ear.upCount === 1);
  };
  const cut = async (bench: HearingBench) => {
    bench.cut();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up);
  };
  const mend = async (bench: HearingBench) => {
    bench.mend();
    await eventually(WAIT_MS, 'link is up again', () => bench.link.up);
  };

  withLink('tells what is retained apart from what is said now, and nothing else', async (bench, ear) => {
    await bench.say('lethe/a', 'old', true);
    await start(bench, ear);
    await eventually(WAIT_MS, 'what is retained', () => ear.heard.length === 1);
    await bench.say('lethe/d', 'for others', true);
    await bench.say('lethe/a/b/c', 'for others', true);
    await bench.say('lethe/a', 'new', true);
    await bench.say('lethe/x/b', 'now', false);
    await bench.say('lethe/c/x/y', 'below', false);
    await eventually(WAIT_MS, 'what is new', () => ear.heard.length >= 4);
    assert.equal(ear.heard, [
      ['lethe/a', 'old', true],
      ['lethe/a', 'new', false],
      ['lethe/x/b', 'now', false],
      ['lethe/c/x/y', 'below', false],
    ]);
  });

  withLink('hears again after the broker came back, and tells the reason once', async (bench, ear) => {
    await start(bench, ear);
    await bench.killBroker();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up && ear.reasons.length > 0);
    assert.match(ear.reasons[0]!, /^[A-Z].*\.$/);
    await bench.startBroker();
    await eventually(WAIT_MS, 'link is up again', () => bench.link.up && ear.upCount === 2);
    await bench.say('lethe/a', 'after', false);
    await eventually(WAIT_MS, 'what is said after', () => ear.heard.length === 1);
    assert.equal(ear.heard, [['lethe/a', 'after', false]]);
  });

  withLink('publishes a word of its own, and refuses without a broker', async (bench, ear) => {
    await start(bench, ear);
    await within(WAIT_MS, 'publish', bench.link.publish('lethe/a', 'mine', { retain: true, qos: 1 }));
    await eventually(WAIT_MS, 'the echo', () => ear.heard.length === 1);
    await bench.killBroker();
    await eventually(WAIT_MS, 'link is down', () => !bench.link.up);
    const refused = await bench.link.publish('lethe/a', 'x', { retain: true, qos: 1 }).catch((error) => error);
    assert.instance(refused, LinkError);
  });

  withLink('is silent after stop', async (bench, ear) => {
    await start(bench, ear);
    await within(WAIT_MS, 'stop', bench.link.stop());
    await bench.say('lethe/a', 'late', true);
    assert.equal([bench.link.up, ear.heard, ear.reasons], [false, [], []]);
  });

  withLink('gets what was said while it was away, in order, if its session is kept', async (bench, ear) => {
    await start(bench, ear, SESSION);
    await cut(bench);
    for (const word of ['1', '2', '3']) await bench.say('lethe/a', word, false);
    await mend(bench);
    await eventually(WAIT_MS, 'what was kept', () => ear.heard.length >= 3);
    assert.equal(ear.payloads, ['1', '2', '3']);
  });

  withLink('gets nothing of what was said while it was away without a session', async (bench, ear) => {
    await start(bench, ear);
    await cut(bench);
    await bench.say('lethe/a', 'lost', false);
    await mend(bench);
    await bench.say('lethe/a', 'now', false);
    await eventually(WAIT_MS, 'what is new', () => ear.heard.length >= 1);
    assert.equal(ear.payloads, ['now']);
  });

  withLink(
    'acknowledges when the promise resolves: before that it comes again, after it does not',
    async (bench, ear) => {
      const finish: (() => void)[] = [];
      ear.handler = () => new Promise<void>((resolve) => finish.push(resolve));
      await start(bench, ear, SESSION);
      await bench.say('lethe/a', '1', false);
      await bench.say('lethe/a', '2', false);
      await eventually(WAIT_MS, 'both are heard', () => ear.heard.length === 2);
      await cut(bench);
      for (const resolve of finish.splice(0)) resolve();
      await mend(bench);
      await eventually(WAIT_MS, 'both are heard again', () => ear.heard.length >= 4);
      assert.equal(ear.payloads, ['1', '2', '1', '2']);
      for (const resolve of finish.splice(0)) resolve();
      await pause();
      await cut(bench);
      await mend(bench);
      await bench.say('lethe/a', '3', false);
      await eventually(WAIT_MS, 'what is new', () => ear.heard.length >= 5);
      assert.equal(ear.payloads.slice(4), ['3']);
      for (const resolve of finish) resolve();
    },
  );

  withLink('acknowledges in the order of arrival, whatever is handled first', async (bench, ear) => {
    const finish: (() => void)[] = [];
    ear.handler = () => new Promise<void>((resolve) => finish.push(resolve));
    await start(bench, ear, SESSION);
    for (const word of ['1', '2', '3']) await bench.say('lethe/a', word, false);
    await eventually(WAIT_MS, 'all are heard', () => finish.length === 3);
    finish[0]!();
    await pause();
    await cut(bench);
    ear.handler = undefined;
    await mend(bench);
    await eventually(WAIT_MS, 'the rest is heard again', () => ear.heard.length >= 5);
    await pause();
    assert.equal(ear.payloads, ['1', '2', '3', '2', '3']);
  });

  withLink('sends again what could not be handled, and says so', async (bench, ear) => {
    let refusals = 1;
    ear.handler = () => (refusals-- > 0 ? Promise.reject(new Error('The disk is full.')) : Promise.resolve());
    await start(bench, ear, SESSION);
    await bench.say('lethe/a', 'x', false);
    await eventually(WAIT_MS, 'it is heard', () => ear.heard.length >= 1);
    await pause();
    bench.cut();
    await pause();
    await mend(bench);
    await eventually(WAIT_MS, 'it is heard again', () => ear.heard.length >= 2);
    await pause();
    assert.equal(ear.payloads, ['x', 'x']);
    assert.match(ear.notices.join(), 'The disk is full.');
  });

  withLink('does not wait for itself: a handler may publish and wait for it', async (bench, ear) => {
    ear.handler = ({ topic }) =>
      topic === 'lethe/a' ? bench.link.publish('lethe/c/answer', 'yes', { retain: false, qos: 1 }) : undefined;
    await start(bench, ear);
    await bench.say('lethe/a', '1', false);
    await bench.say('lethe/a', '2', false);
    await eventually(WAIT_MS, 'both answers', () => ear.payloads.filter((word) => word === 'yes').length === 2);
    assert.equal(ear.notices, []);
  });

  withLink('drops what is too large, says who sent how much, and hears the next', async (bench, ear) => {
    await start(bench, ear);
    await bench.say('lethe/a', 'x'.repeat(MESSAGE_BYTES_MAX + 1), false);
    await bench.say('lethe/a', 'y'.repeat(MESSAGE_BYTES_MAX), false);
    await eventually(WAIT_MS, 'the next', () => ear.heard.length >= 1);
    assert.equal([ear.heard.length, ear.payloads[0]!.length], [1, MESSAGE_BYTES_MAX]);
    assert.match(ear.notices.join(), 'lethe/a');
  });

  withLink('carries the correlation of a request, where the broker can', async (bench, ear) => {
    await start(bench, ear);
    const correlationData = Buffer.from('request 7');
    await bench.say('lethe/a', 'please', false, correlationData);
    await bench.link.publish('lethe/c/reply', 'done', { retain: false, qos: 1, correlationData });
    await eventually(WAIT_MS, 'both', () => ear.heard.length === 2);
    const expected = bench.speaksMqtt5 ? 'request 7' : undefined;
    assert.equal(ear.correlations, [expected, expected]);
  });
}
