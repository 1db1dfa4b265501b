/**
 * Goal: TLS, mutual TLS, both versions of MQTT and websockets work, and each way to get them wrong is told in one sentence.
 * Method: mosquitto with certificates of an authority made for the test; brokers of ours where mosquitto cannot (3.1.1
 * only, websockets, silence).
 */
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startEmbeddedBroker } from '../../drivers/link/embedded-broker.ts';
import { MqttLink, type MqttLinkOptions } from '../../drivers/link/mqtt.ts';
import { skipBroker, TestBroker } from '../fakes/broker.ts';
import { TestAuthority } from '../fakes/certificates.ts';
import { startWebsocketBroker } from '../fakes/websocket-broker.ts';
import { eventually, within } from '../fakes/within.ts';

const test = suite('tls');
const TIMING = { retryMinMs: 20, retryMaxMs: 100, connectTimeoutMs: 700 };
const WAIT_MS = 5000;

type Options = Omit<MqttLinkOptions, 'clientId' | 'keepaliveS'>;

class Attempt {
  readonly reasons: string[] = [];
  readonly notices: string[] = [];
  readonly link: MqttLink;

  constructor(options: Options) {
    this.link = new MqttLink({ timing: TIMING, ...options, clientId: 'counter', keepaliveS: 30 });
    this.link.start(
      {},
      {
        onUp: () => {},
        onDown: (reason) => this.reasons.push(reason),
        onNotice: (sentence) => this.notices.push(sentence),
      },
    );
  }

  async up(): Promise<void> {
    await eventually(WAIT_MS, `link is up (${this.reasons.join(' ')})`, () => this.link.up);
  }

  /** The first reason, and that several attempts tell no other one. */
  async reason(): Promise<string> {
    await eventually(WAIT_MS, 'a reason', () => this.reasons.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.is(this.reasons.length, 1, this.reasons.join('\n'));
    assert.match(this.reasons[0]!, /^(mqtt\.|[A-Z])[^\n]*[.)] [A-Z][^\n]*$/, 'a sentence and its remedy, in one line');
    return this.reasons[0]!;
  }
}

/** Runs with brokers that are stopped afterwards, and links as well. */
async function withBrokers(brokers: readonly { stop(): Promise<void> }[], body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    for (const broker of brokers) await broker.stop();
  }
}

async function reasonOf(options: Options): Promise<string> {
  const attempt = new Attempt(options);
  try {
    return await attempt.reason();
  } finally {
    await attempt.link.stop();
  }
}

async function upWith(options: Options): Promise<string[]> {
  const attempt = new Attempt(options);
  try {
    await attempt.up();
    await within(WAIT_MS, 'publish', attempt.link.publish('lethe/x', 'x', { retain: false, qos: 1 }));
    return attempt.notices;
  } finally {
    await attempt.link.stop();
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  const authority = TestAuthority.create();
  const { caFile } = authority;
  const good = authority.broker('localhost', '127.0.0.1');
  const device = authority.client('door1');
  const stranger = TestAuthority.create();
  const others = stranger.client('door1');
  test.after(() => {
    authority.remove();
    stranger.remove();
  });
  const mutual = ['require_certificate true', `cafile ${caFile}`, 'use_identity_as_username true'];

  test('with the authority of the broker the link comes up, by host name and by address, with 5 and with 3.1.1', async () => {
    const broker = await TestBroker.create({ tls: good });
    await withBrokers([broker], async () => {
      assert.equal(await upWith({ url: broker.url, caFile }), []);
      assert.equal(await upWith({ url: `mqtts://localhost:${broker.port}`, caFile, protocol: 5 }), []);
      assert.equal(await upWith({ url: broker.url, caFile, protocol: '3.1.1' }), []);
    });
  });

  test('a broker’s certificate that cannot be believed is told with what is wrong with it', async () => {
    const dated = (name: string, from: string, to: string) => authority.dated(name, from, to, 'serverAuth');
    const otherHost = authority.folder;
    renameSync(good.certFile, join(otherHost, 'good.crt'));
    renameSync(good.keyFile, join(otherHost, 'good.key'));
    const elsewhere = authority.broker('gateway.store.example');
    const cases: readonly (readonly [string, Parameters<typeof TestBroker.create>[0], Partial<Options>, RegExp])[] = [
      ['expired', { tls: dated('expired', '200101000000Z', '210101000000Z') }, {}, /has expired.*Renew it/],
      ['not yet', { tls: dated('early', '400101000000Z', '410101000000Z') }, {}, /not valid yet.*clock of this device/],
      [
        'other host',
        { tls: elsewhere },
        {},
        /is for DNS:gateway\.store\.example, and not for 127\.0\.0\.1.*mqtt\.server_name/,
      ],
      ['self-signed', { tls: authority.selfSigned('alone') }, {}, /signed by itself.*mqtt\.ca_file/],
      ['unknown authority', { tls: stranger.broker('localhost', '127.0.0.1') }, {}, /not known here.*mqtt\.ca_file/],
      [
        'client as server',
        { tls: authority.dated('wrong', '200101000000Z', '400101000000Z', 'clientAuth') },
        {},
        /not made for servers/,
      ],
    ];
    for (const [name, options, more, expected] of cases) {
      const broker = await TestBroker.create(options);
      await withBrokers([broker], async () => {
        assert.match(await reasonOf({ url: broker.url, caFile, ...more }), expected, name);
      });
    }
    const broker = await TestBroker.create({ tls: elsewhere });
    await withBrokers([broker], async () => {
      assert.equal(await upWith({ url: broker.url, caFile, serverName: 'gateway.store.example' }), []);
      const other = await reasonOf({ url: broker.url, caFile, serverName: 'head.example' });
      assert.match(other, /and not for head\.example/);
    });
    renameSync(join(otherHost, 'good.crt'), good.certFile);
    renameSync(join(otherHost, 'good.key'), good.keyFile);
  });

  test('mutual TLS: the right certificate is let in, any other is told from none', async () => {
    const broker = await TestBroker.create({ tls: good, lines: mutual });
    const expired = authority.dated('old', '200101000000Z', '210101000000Z', 'clientAuth');
    await withBrokers([broker], async () => {
      const { url } = broker;
      assert.equal(await upWith({ url, caFile, ...device }), []);
      assert.equal(await upWith({ url, caFile, ...device, protocol: '3.1.1' }), []);
      assert.match(await reasonOf({ url, caFile }), /only who shows a certificate.*mqtt\.cert_file/);
      assert.match(await reasonOf({ url, caFile, ...others }), /refuses the certificate of this device.*cafile/);
      assert.match(
        await reasonOf({ url, caFile, ...expired }),
        /certificate of this device.*has expired on 2021-01-01/,
      );
    });
    const old = await TestBroker.create({ tls: good, lines: [...mutual, 'tls_version tlsv1.2'] });
    await withBrokers([old], async () => {
      assert.equal(await upWith({ url: old.url, caFile, ...device }), []);
      assert.match(await reasonOf({ url: old.url, caFile }), /only who shows a certificate/);
      assert.match(await reasonOf({ url: old.url, caFile, ...others }), /refuses the certificate of this device/);
    });
  });

  test('a key or certificate that cannot be used is told by field and file, and taken up when it is put right', async () => {
    const broker = await TestBroker.create({ tls: good, lines: mutual });
    const { certFile, keyFile } = device;
    await withBrokers([broker], async () => {
      const { url } = broker;
      const told = (options: Partial<Options>) => reasonOf({ url, caFile, certFile, keyFile, ...options });
      assert.match(await told({ keyFile: authority.locked(device) }), /passphrase.*openssl pkey/);
      assert.match(await told({ keyFile: others.keyFile }), /is not the key of the certificate/);
      assert.match(await told({ keyFile: certFile }), /holds no private key/);
      assert.match(await told({ certFile: keyFile }), /mqtt\.cert_file .* holds no certificate/);
      assert.match(await told({ caFile: keyFile }), /mqtt\.ca_file .* holds no certificate/);
      assert.match(
        await told({ keyFile: '/nowhere/key' }),
        /mqtt\.key_file is \/nowhere\/key, which cannot be read \(ENOENT\)/,
      );
      assert.match(await told({ keyFile: 'credential:key' }), /without credentials.*LoadCredential=key:/);
      const later = join(authority.folder, 'later.key');
      copyFileSync(others.keyFile, later);
      const attempt = new Attempt({ url, caFile, certFile, keyFile: later });
      try {
        await attempt.reason();
        copyFileSync(keyFile, later);
        await attempt.up();
      } finally {
        await attempt.link.stop();
      }
    });
  });

  test('a key that every user may read is told, and used all the same', async () => {
    const broker = await TestBroker.create({ tls: good, lines: mutual });
    const open = join(authority.folder, 'open.key');
    copyFileSync(device.keyFile, open);
    chmodSync(open, 0o644);
    await withBrokers([broker], async () => {
      const notices = await upWith({ url: broker.url, caFile, certFile: device.certFile, keyFile: open });
      assert.is(notices.length, 1);
      assert.match(notices[0]!, /mqtt\.key_file .*mode 644.*chmod o=/);
    });
  });

  test('TLS to a plain port, plain to a TLS port, and silence are told apart from an absent broker', async () => {
    const plain = await TestBroker.create();
    const secret = await TestBroker.create({ tls: good });
    const silent = createTcpServer(() => {});
    const silentPort = await listen(silent);
    await withBrokers([plain, secret], async () => {
      assert.match(
        await reasonOf({ url: `mqtts://127.0.0.1:${plain.port}`, caFile }),
        /Perhaps there is no TLS|There is no TLS/,
      );
      assert.match(await reasonOf({ url: `mqtt://127.0.0.1:${secret.port}` }), /mqtts:\/\//);
      for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss'])
        assert.match(await reasonOf({ url: `${scheme}://127.0.0.1:${silentPort}` }), /does not answer/, scheme);
    });
    silent.close();
    assert.match(await reasonOf({ url: `mqtt://127.0.0.1:${plain.port}` }), /No broker answers/);
    assert.match(await reasonOf({ url: 'mqtts://gateway.invalid:8883' }), /is not known|cannot be looked up/);
  });

  test('nothing below TLS 1.2 is spoken', async () => {
    const { createServer } = await import('node:tls');
    const server = createServer({
      cert: readFileSync(good.certFile),
      key: readFileSync(good.keyFile),
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const port = await listen(server);
    try {
      assert.match(await reasonOf({ url: `mqtts://127.0.0.1:${port}`, caFile }), /no version of TLS in common; 1\.2/);
    } finally {
      server.close();
    }
  });

  test('a wrong password is told through TLS as well', async () => {
    const broker = await TestBroker.create({ tls: good, user: { username: 'door1', password: 'right' } });
    const passwordFile = join(authority.folder, 'password');
    writeFileSync(passwordFile, 'wrong\n', { mode: 0o600 });
    await withBrokers([broker], async () => {
      const { url } = broker;
      const sentence = await reasonOf({ url, caFile, username: 'door1', passwordFile });
      assert.match(sentence, /refuses user name or password|does not let this user in/);
      writeFileSync(passwordFile, 'right\n');
      assert.equal(await upWith({ url, caFile, username: 'door1', passwordFile }), []);
    });
  });

  test('a broker that speaks 3.1.1 only is spoken to in 3.1.1, unless the configuration forbids it', async () => {
    const broker = await startEmbeddedBroker(0);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    await withBrokers([broker], async () => {
      await upWith({ url });
      await upWith({ url, protocol: '3.1.1' });
      assert.match(await reasonOf({ url, protocol: 5 }), /mqtt\.protocol/);
    });
  });

  test('websockets: plain and with TLS, under their path only, with the same words for the same faults', async () => {
    const plain = await startWebsocketBroker('/mqtt');
    const tlsOptions = { cert: readFileSync(good.certFile), key: readFileSync(good.keyFile), ca: readFileSync(caFile) };
    const secret = await startWebsocketBroker('/broker/mqtt', tlsOptions);
    const mutualSecret = await startWebsocketBroker('/mqtt', {
      ...tlsOptions,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const mqtt = await TestBroker.create();
    await withBrokers([plain, secret, mutualSecret, mqtt], async () => {
      await upWith({ url: `ws://127.0.0.1:${plain.port}/mqtt` });
      await upWith({ url: `wss://127.0.0.1:${secret.port}/broker/mqtt`, caFile });
      await upWith({ url: `wss://127.0.0.1:${mutualSecret.port}/mqtt`, caFile, ...device });
      await upWith({ url: `wss://127.0.0.1:${secret.port}/broker/mqtt`, caFile, serverName: 'localhost' });
      assert.equal(
        [plain, secret, mutualSecret].map(({ received }) => received.length),
        [1, 2, 1],
      );
      assert.match(await reasonOf({ url: `ws://127.0.0.1:${plain.port}/elsewhere` }), /answers 404.*port and path/);
      assert.match(await reasonOf({ url: `ws://127.0.0.1:${mqtt.port}/mqtt` }), /speaks MQTT over websockets/);
      const url = `wss://127.0.0.1:${secret.port}/broker/mqtt`;
      assert.match(await reasonOf({ url }), /not known here/);
      assert.match(await reasonOf({ url, caFile, serverName: 'head.example' }), /and not for head\.example/);
      const wanted = await reasonOf({ url: `wss://127.0.0.1:${mutualSecret.port}/mqtt`, caFile });
      assert.match(wanted, /only who shows a certificate/);
      assert.match(await reasonOf({ url: `wss://127.0.0.1:${plain.port}/mqtt`, caFile }), /no TLS/);
    });
  });
}

test.run();
