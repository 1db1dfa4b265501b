/**
 * Goal: both links keep the contracts; the embedded broker is good enough for the demo.
 * Method: the contract suites on the link in memory and on MQTT with the embedded broker (3.1.1, so the fallback runs too).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import { MemoryLink } from '../../../drivers/link/memory.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { type Attempt, isWrongVersion, reasonFor } from '../../../drivers/link/reasons.ts';
import { LinkError } from '../../../runtime/errors.ts';
import { publishOnce, Subscriber } from '../../fakes/broker.ts';
import { Cable } from '../../fakes/cable.ts';
import { eventually, within } from '../../fakes/within.ts';
import { linkContract } from './contract.ts';
import { hearingContract } from './hearing.ts';

linkContract('memory', () => {
  const link = new MemoryLink();
  return Promise.resolve({
    link,
    received: (topic) => link.published.filter((message) => message.topic === topic).map((message) => message.payload),
    retained: (topic) => Promise.resolve(link.retained.get(topic)),
    killBroker: () => {
      link.goDown();
      link.retained.clear();
      return Promise.resolve();
    },
    startBroker: () => {
      link.goUp();
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
});

linkContract('mqtt with the embedded broker', async () => {
  let broker = await startEmbeddedBroker(0);
  const { port } = broker;
  const url = `mqtt://127.0.0.1:${port}`;
  const ear = await Subscriber.connect(url, 'lethe/#');
  return {
    link: new MqttLink({
      url,
      clientId: 'contract',
      username: '',
      passwordFile: '',
      caFile: '',
      keepaliveS: 30,
      timing: { retryMinMs: 20, retryMaxMs: 100 },
    }),
    received: (topic) => ear.received.filter((message) => message.topic === topic).map((message) => message.payload),
    retained: async (topic) => {
      const late = await Subscriber.connect(url, topic);
      const end = await Subscriber.connect(url, 'lethe/end');
      await new Promise((resolve) => setTimeout(resolve, 50));
      await end.end();
      await late.end();
      return late.received.find((message) => message.retain)?.payload;
    },
    killBroker: () => broker.stop(),
    startBroker: async () => {
      broker = await startEmbeddedBroker(port);
    },
    dispose: async () => {
      await ear.end();
      await broker.stop();
    },
  };
});

hearingContract('memory', () => {
  const link = new MemoryLink();
  return Promise.resolve({
    link,
    speaksMqtt5: true,
    say: (topic, payload, retain, correlationData) =>
      Promise.resolve(link.say(topic, payload, retain, correlationData)),
    killBroker: () => {
      link.goDown();
      link.retained.clear();
      return Promise.resolve();
    },
    startBroker: () => Promise.resolve(link.goUp()),
    cut: () => link.cut(),
    mend: () => link.goUp(),
    dispose: () => Promise.resolve(),
  });
});

hearingContract('mqtt with the embedded broker', async () => {
  let broker = await startEmbeddedBroker(0);
  const { port } = broker;
  const cable = await Cable.to(port);
  return {
    link: new MqttLink({
      url: `mqtt://127.0.0.1:${cable.port}`,
      clientId: 'listener',
      username: '',
      passwordFile: '',
      caFile: '',
      keepaliveS: 30,
      timing: { retryMinMs: 20, retryMaxMs: 100 },
    }),
    speaksMqtt5: false,
    say: (topic, payload, retain) => publishOnce(`mqtt://127.0.0.1:${port}`, topic, payload, { retain }),
    killBroker: () => broker.stop(),
    startBroker: async () => {
      broker = await startEmbeddedBroker(port);
    },
    cut: () => cable.cut(),
    mend: () => cable.mend(),
    dispose: async () => {
      await cable.remove();
      await broker.stop();
    },
  };
});

test('an embedded broker says so when its port is taken', async () => {
  const broker = await startEmbeddedBroker(0);
  try {
    await within(2000, 'second broker', startEmbeddedBroker(broker.port));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, LinkError);
    assert.is((error as LinkError).code, 'BROKER_PORT_TAKEN');
    assert.match((error as LinkError).message, String(broker.port));
    assert.match((error as LinkError).hint, 'mqtt.url');
  } finally {
    await broker.stop();
  }
});

test('every reason names the broker and ends with what to do', () => {
  const url = 'mqtts://gateway.example:8883';
  const attempt: Attempt = {
    url,
    serverName: '',
    hasCertificate: true,
    certificateFault: undefined,
    wasGreeted: true,
    wasSecured: true,
    isVersionFixed: false,
    isClockUnset: false,
  };
  const errors = [
    undefined,
    { code: 'ECONNREFUSED' },
    { code: 'ENOTFOUND' },
    { code: 'EHOSTUNREACH' },
    { code: 'CERT_HAS_EXPIRED' },
    { code: 'SOMETHING_NEW', message: 'x' },
    { code: 4 },
    { code: 5 },
    { code: 134 },
    { code: 135 },
    { code: 142 },
    { code: 250 },
    new Error('connack timeout'),
    new Error('odd'),
  ];
  for (const error of errors) {
    const reason = reasonFor(error, attempt);
    assert.match(reason, url);
    assert.match(reason, /\. [A-Z].*\.$/, reason);
  }
  assert.is(reasonFor({ code: 4 }, attempt), reasonFor({ code: 134 }, attempt));
  assert.ok(isWrongVersion({ code: 1 }) && isWrongVersion({ code: 132 }) && !isWrongVersion({ code: 134 }));
});

test('a certificate that seems not valid while nobody has set the clock names the clock, and only then', () => {
  const attempt: Attempt = {
    url: 'mqtts://gateway.example:8883',
    serverName: '',
    hasCertificate: false,
    certificateFault: undefined,
    wasGreeted: false,
    wasSecured: false,
    isVersionFixed: false,
    isClockUnset: true,
  };
  const early = reasonFor({ code: 'CERT_NOT_YET_VALID' }, attempt);
  assert.match(early, /gateway\.example:8883 seems not valid yet, and nobody has set the clock .* \(it shows \d{4}-/);
  assert.match(early, /NTP/);
  assert.match(reasonFor({ code: 'CERT_HAS_EXPIRED' }, attempt), /seems to have expired, and nobody has set the clock/);
  const set = { ...attempt, isClockUnset: false };
  assert.not.match(reasonFor({ code: 'CERT_NOT_YET_VALID' }, set), /nobody has set/);
  assert.is(reasonFor({ code: 'ECONNREFUSED' }, attempt), reasonFor({ code: 'ECONNREFUSED' }, set));
});

test('a password file that is missing is told by name, and the link comes up once it is there', async () => {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = mkdtempSync(join(tmpdir(), 'lethe-link-'));
  const broker = await startEmbeddedBroker(0);
  const passwordFile = join(folder, 'password');
  const link = new MqttLink({
    url: `mqtt://127.0.0.1:${broker.port}`,
    clientId: 'late-password',
    username: 'user',
    passwordFile,
    caFile: '',
    keepaliveS: 30,
    timing: { retryMinMs: 10, retryMaxMs: 20 },
  });
  const reasons: string[] = [];
  try {
    link.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: (reason) => reasons.push(reason) });
    await eventually(2000, 'a reason', () => reasons.length > 0);
    assert.match(reasons[0]!, passwordFile);
    assert.match(reasons[0]!, 'ENOENT');
    writeFileSync(passwordFile, 'secret\n');
    await eventually(2000, 'link is up', () => link.up);
    assert.is(reasons.length, 1);
  } finally {
    await link.stop();
    await broker.stop();
    rmSync(folder, { recursive: true });
  }
});

test.run();
