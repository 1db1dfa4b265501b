/**
 * Goal: the MQTT link keeps its contract with a real broker, and says clearly why it is not let in.
 * Method: the contract suites on mosquitto; a mosquitto with passwords.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttLink } from '../../drivers/link/mqtt.ts';
import { linkContract } from '../drivers/link/contract.ts';
import { hearingContract } from '../drivers/link/hearing.ts';
import { publishOnce, skipBroker, TestBroker } from '../fakes/broker.ts';
import { Cable } from '../fakes/cable.ts';
import { eventually } from '../fakes/within.ts';

const TIMING = { retryMinMs: 20, retryMaxMs: 100, connectTimeoutMs: 500 };

function linkTo(url: string, username = '', passwordFile = '', caFile = ''): MqttLink {
  return new MqttLink({ url, clientId: 'counter', username, passwordFile, caFile, keepaliveS: 30, timing: TIMING });
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  linkContract('mqtt with mosquitto', async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    return {
      link: linkTo(broker.url),
      received: (topic) => ear.received.filter((message) => message.topic === topic).map((message) => message.payload),
      retained: async (topic) => {
        const late = await broker.subscribe(topic);
        await new Promise((resolve) => setTimeout(resolve, 50));
        await late.end();
        return late.received.find((message) => message.retain)?.payload;
      },
      killBroker: () => broker.kill(),
      startBroker: () => broker.start(),
      dispose: async () => {
        await ear.end();
        await broker.stop();
      },
    };
  });

  hearingContract('mqtt with mosquitto', async () => {
    const broker = await TestBroker.create();
    const cable = await Cable.to(broker.port);
    return {
      link: linkTo(`mqtt://127.0.0.1:${cable.port}`),
      speaksMqtt5: true,
      say: (topic, payload, retain, correlationData) =>
        publishOnce(broker.url, topic, payload, { retain, correlationData }),
      killBroker: () => broker.kill(),
      startBroker: () => broker.start(),
      cut: () => cable.cut(),
      mend: () => cable.mend(),
      dispose: async () => {
        await cable.remove();
        await broker.stop();
      },
    };
  });

  test('a wrong password is told as such, once, and the right one is taken up without a restart', async () => {
    const broker = await TestBroker.create({ user: { username: 'counter', password: 'right one' } });
    const folder = mkdtempSync(join(tmpdir(), 'lethe-password-'));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'wrong one\n');
    const link = linkTo(broker.url, 'counter', passwordFile);
    const reasons: string[] = [];
    let failures = 0;
    try {
      link.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: (reason) => reasons.push(reason) });
      await eventually(3000, 'a reason', () => reasons.length > 0);
      assert.match(reasons[0]!, /user|password/);
      assert.match(reasons[0]!, 'mqtt.password_file');
      assert.not.match(reasons[0]!, 'wrong one');
      await new Promise((resolve) => setTimeout(resolve, 300)); // several attempts
      failures = reasons.length;
      writeFileSync(passwordFile, 'right one\n');
      await eventually(3000, 'link is up', () => link.up);
      assert.is(failures, 1);
    } finally {
      await link.stop();
      await broker.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('a certificate that nobody vouches for is told; with mqtt.ca_file the link comes up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-tls-'));
    const keyFile = join(folder, 'key.pem');
    const certFile = join(folder, 'cert.pem');
    const words = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=gateway -addext subjectAltName=IP:127.0.0.1`;
    const made = spawnSync('openssl', [...words.split(' '), '-keyout', keyFile, '-out', certFile]);
    assert.is(made.status, 0, `openssl makes a certificate: ${made.stderr}`);
    const broker = await TestBroker.create({ tls: { certFile, keyFile } });
    const stranger = linkTo(broker.url);
    const friend = linkTo(broker.url, '', '', certFile);
    const reasons: string[] = [];
    try {
      stranger.start(
        { will: { topic: 't', payload: 'x' } },
        { onUp: () => {}, onDown: (reason) => reasons.push(reason) },
      );
      await eventually(3000, 'a reason', () => reasons.length > 0);
      assert.match(reasons[0]!, 'Set mqtt.ca_file');
      await stranger.stop();
      friend.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: () => {} });
      await eventually(3000, 'link is up', () => friend.up);
      assert.is(reasons.length, 1);
    } finally {
      await stranger.stop();
      await friend.stop();
      await broker.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('a port that is no broker is told within the time-out', async () => {
    const { createServer } = await import('node:net');
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const link = linkTo(`mqtt://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    const reasons: string[] = [];
    try {
      link.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: (reason) => reasons.push(reason) });
      await eventually(3000, 'a reason', () => reasons.length > 0);
      assert.match(reasons[0]!, 'does not answer');
    } finally {
      await link.stop();
      server.close();
    }
  });

  test('a counter with the same name is told that it was pushed out', async () => {
    const broker = await TestBroker.create();
    const first = linkTo(broker.url);
    const second = linkTo(broker.url);
    const reasons: string[] = [];
    try {
      first.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: (reason) => reasons.push(reason) });
      await eventually(3000, 'first is up', () => first.up);
      second.start({ will: { topic: 't', payload: 'x' } }, { onUp: () => {}, onDown: () => {} });
      await eventually(3000, 'a reason', () => reasons.length > 0);
      assert.match(reasons[0]!, 'same site and device');
    } finally {
      await first.stop();
      await second.stop();
      await broker.stop();
    }
  });
}

test.run();
