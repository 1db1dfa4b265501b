/**
 * Goal: the configuration in provisioning/gateway keeps its promises: a device has its own branch and nothing else, readers
 * read, nobody is anonymous, the bridge carries the store's counts out and commands in, a queue survives a restart.
 * Method: those very files with their paths and ports replaced, certificates by the script of the folder, two mosquittos.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TOPICS } from '../../runtime/contract/topics.ts';
import { freePort, skipBroker } from '../fakes/broker.ts';
import { type KeyPair, TestAuthority } from '../fakes/certificates.ts';
import { sourceRoot } from '../fakes/root.ts';
import { eventually, within } from '../fakes/within.ts';

const test = suite('gateway configuration');
const FOLDER = join(sourceRoot(), 'provisioning', 'gateway');
const SITE = 'north';
const WAIT_MS = 8000;
const NOT_AUTHORIZED = 135;
const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
/** Long enough for a message that ought not to come. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 300));

/** Started by root, mosquitto would become another user, who may not read the folders of this test. */
const AS_ROOT = process.getuid?.() === 0 ? 'user root' : '';

const source = (name: string) => readFileSync(join(FOLDER, name), 'utf8').replaceAll('SITE', SITE);

/** A mosquitto with a configuration of its own, ended by its process id. */
class Mosquitto {
  readonly #path: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(path: string, port: number) {
    this.#path = path;
    this.#port = port;
  }

  async start(): Promise<void> {
    const child = spawn('mosquitto', ['-c', this.#path], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    child.once('exit', (code) => code && process.stderr.write(output));
    this.#child = child;
    let isOpen = false;
    const look = () => {
      const socket = connectTcp(this.#port, '127.0.0.1', () => {
        isOpen = true;
        socket.destroy();
      });
      socket.on('error', () => {});
    };
    const timer = setInterval(look, 50);
    await eventually(WAIT_MS, 'mosquitto listens', () => isOpen).finally(() => clearInterval(timer));
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await within(WAIT_MS, 'mosquitto ends', ended);
  }
}

class Store {
  readonly authority = TestAuthority.create();
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-store-'));
  readonly #pairs = new Map<string, KeyPair>();
  readonly #clients: MqttClient[] = [];
  readonly #heard = new Map<MqttClient, string[]>();
  broker!: Mosquitto;
  headOffice: Mosquitto | undefined;
  port = 0;
  passwordPort = 0;
  headOfficePort = 0;

  static async open(withHeadOffice = false): Promise<Store> {
    const store = new Store();
    const { folder, authority } = store;
    store.port = await freePort();
    store.passwordPort = await freePort();
    const { certFile, keyFile } = authority.broker('localhost', '127.0.0.1');
    const state = join(folder, 'state');
    mkdirSync(state);
    writeFileSync(join(folder, 'access.acl'), source('access.acl'), { mode: 0o600 });
    const passwords = join(folder, 'passwords');
    for (const [index, name] of ['facility', 'homeassistant', 'auditor'].entries()) {
      const words = ['-b', ...(index === 0 ? ['-c'] : []), passwords, name, `${name} password`];
      assert.is(spawnSync('mosquitto_passwd', words, { env: environment }).status, 0, name);
    }
    const replaced = (text: string) =>
      text
        .replaceAll('/etc/mosquitto/lethe/access.acl', join(folder, 'access.acl'))
        .replaceAll('/etc/mosquitto/lethe/passwords', passwords)
        .replaceAll('/etc/mosquitto/lethe/ca.crt', authority.caFile)
        .replaceAll('/etc/mosquitto/lethe/gateway.crt', certFile)
        .replaceAll('/etc/mosquitto/lethe/gateway.key', keyFile)
        .replaceAll('/etc/mosquitto/lethe/head-office-ca.crt', authority.caFile)
        .replaceAll('/var/lib/mosquitto/', `${state}/`)
        .replace('listener 8883', `listener ${store.port} 127.0.0.1`)
        .replace('listener 8884', `listener ${store.passwordPort} 127.0.0.1`);
    let text = replaced(source('mosquitto.conf'));
    if (withHeadOffice) {
      const bridge = authority.client(SITE);
      store.headOfficePort = await freePort();
      text += replaced(source('bridge.conf'))
        .replace('headoffice.example:8883', `127.0.0.1:${store.headOfficePort}`)
        .replaceAll('/etc/mosquitto/lethe/head-office.crt', bridge.certFile)
        .replaceAll('/etc/mosquitto/lethe/head-office.key', bridge.keyFile);
      const lines = [
        `listener ${store.headOfficePort} 127.0.0.1`,
        ...[`cafile ${authority.caFile}`, `certfile ${certFile}`, `keyfile ${keyFile}`],
        ...['require_certificate true', 'use_identity_as_username true', 'log_type error', AS_ROOT],
      ];
      writeFileSync(join(folder, 'head-office.conf'), lines.join('\n'));
      store.headOffice = new Mosquitto(join(folder, 'head-office.conf'), store.headOfficePort);
      await store.headOffice.start();
    }
    const settings = text.split('\n').filter((line) => !line.startsWith('#'));
    assert.not.match(settings.join('\n'), /\/etc\/|\/var\/lib|SITE/, 'every path is replaced');
    writeFileSync(join(folder, 'mosquitto.conf'), `${text}\n${AS_ROOT}\n`);
    store.broker = new Mosquitto(join(folder, 'mosquitto.conf'), store.port);
    await store.broker.start();
    return store;
  }

  /** With a certificate, as devices and the gateway program come. */
  certified(name: string, options: IClientOptions = {}, port = this.port): Promise<MqttClient> {
    const pair = this.#pairs.get(name) ?? this.authority.client(name);
    this.#pairs.set(name, pair);
    const secrets = { cert: readFileSync(pair.certFile), key: readFileSync(pair.keyFile) };
    return this.#connect(port, { ...secrets, clientId: `test-${name}`, ...options });
  }

  withPassword(username: string): Promise<MqttClient> {
    return this.#connect(this.passwordPort, { username, password: `${username} password` });
  }

  /** All that a client has heard since it connected, as `topic payload`. */
  heardBy(client: MqttClient): readonly string[] {
    return this.#heard.get(client)!;
  }

  async hear(client: MqttClient, filter = '#'): Promise<readonly string[]> {
    await client.subscribeAsync(filter, { qos: 1 });
    return this.heardBy(client);
  }

  async #connect(port: number, options: IClientOptions): Promise<MqttClient> {
    const ca = readFileSync(this.authority.caFile);
    const client = mqtt.connect(`mqtts://127.0.0.1:${port}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      ca,
      ...options,
    });
    this.#clients.push(client);
    // Before it connects: what was kept for it comes at once.
    const heard: string[] = [];
    this.#heard.set(client, heard);
    client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await within(
      WAIT_MS,
      'a client is let in or refused',
      new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed')));
      }),
    );
    client.on('error', () => {});
    return client;
  }

  refused(port: number, options: IClientOptions): Promise<Error> {
    return this.#connect(port, options).then(
      () => assert.unreachable('let in') as never,
      (error: Error) => error,
    );
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.endAsync(true);
    await this.broker.end();
    await this.headOffice?.end();
    this.authority.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function withStore(body: (store: Store) => Promise<void>, withHeadOffice = false): Promise<void> {
  const store = await Store.open(withHeadOffice);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

/**
 * A publication that the broker does not allow is acknowledged with "not authorized" (135). mosquitto 2.0.11 hangs up
 * after that, later ones do not; here the client comes back for the next question.
 */
async function isAllowed(client: MqttClient, topic: string): Promise<boolean> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  try {
    await within(WAIT_MS, `an answer about ${topic}`, client.publishAsync(topic, 'x', { qos: 1 }));
    return true;
  } catch (error) {
    assert.is((error as { code?: unknown }).code, NOT_AUTHORIZED, `${topic}: ${error}`);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 100))]);
    if (!client.connected) {
      const connected = new Promise((resolve) => client.once('connect', resolve));
      client.reconnect();
      await within(WAIT_MS, 'the client is back', connected);
    }
    return false;
  }
}

/** A name of the contract with its braces filled. */
const concrete = (path: string) => path.replaceAll(/\{\w+\}/g, 'door');

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('a device says every topic of the contract in its own branch, and in no other', () =>
    withStore(async (store) => {
      const door1 = await store.certified('door1');
      for (const { path, from } of Object.values(TOPICS)) {
        const ofDevice = from === 'device' && !path.startsWith('tally');
        assert.is(await isAllowed(door1, `lethe/v1/${SITE}/door1/${concrete(path)}`), ofDevice, path);
        for (const branch of [`${SITE}/door2`, 'south/door1', `${SITE}/store`, `${SITE}/gateway`])
          assert.not.ok(await isAllowed(door1, `lethe/v1/${branch}/${concrete(path)}`), `${branch} ${path}`);
      }
      assert.ok(await isAllowed(door1, `homeassistant/device/lethe_${SITE}_door1/config`));
      for (const topic of [
        `homeassistant/device/lethe_${SITE}_door2/config`,
        'homeassistant/status',
        `lethe/v1/${SITE}/store/total/all`,
        'somewhere/else',
      ])
        assert.not.ok(await isAllowed(door1, topic), topic);
    }));

  test('a device hears its own commands and Home Assistant’s birth, whatever it subscribes to', () =>
    withStore(async (store) => {
      const heard = await store.hear(await store.certified('door1'));
      const gateway = await store.certified('gateway');
      const door2 = await store.certified('door2');
      const assistant = await store.withPassword('homeassistant');
      for (const name of ['door1', 'door2'])
        await gateway.publishAsync(`lethe/v1/${SITE}/${name}/cmd/ping`, name, { qos: 1 });
      await door2.publishAsync(`lethe/v1/${SITE}/door2/total/door`, 'secret', { qos: 1, retain: true });
      await assistant.publishAsync('homeassistant/status', 'online', { qos: 1 });
      await eventually(WAIT_MS, 'what is for it', () => heard.length >= 2);
      await pause();
      assert.equal(heard, [`lethe/v1/${SITE}/door1/cmd/ping door1`, 'homeassistant/status online']);
    }));

  test('the gateway hears the site, writes the store and commands, and is no device', () =>
    withStore(async (store) => {
      const gateway = await store.certified('gateway');
      const heard = await store.hear(gateway, `lethe/v1/${SITE}/#`);
      const door1 = await store.certified('door1');
      await door1.publishAsync(`lethe/v1/${SITE}/door1/interval/door`, '1', { qos: 1 });
      await eventually(WAIT_MS, 'the interval', () => heard.length === 1);
      for (const [topic, allowed] of [
        ['store/total/all', true],
        ['store/interval/all', true],
        ['door1/cmd/resend', true],
        ['door1/total/door', false],
        ['door1/status', false],
      ] as const)
        assert.is(await isAllowed(gateway, `lethe/v1/${SITE}/${topic}`), allowed, topic);
    }));

  test('facility systems read and cannot write; who audits writes the audit and commands', () =>
    withStore(async (store) => {
      const facility = await store.withPassword('facility');
      const heard = await store.hear(facility);
      const door1 = await store.certified('door1');
      await door1.publishAsync(`lethe/v1/${SITE}/door1/total/door`, '7', { qos: 1, retain: true });
      await eventually(WAIT_MS, 'the total', () => heard.length === 1);
      const auditor = await store.withPassword('auditor');
      const topics = [
        'door1/total/door',
        'door1/cmd/ping',
        'store/total/all',
        'facility/status',
        'auditor/status',
        'door1/tally/door',
      ];
      const allowed = async (client: MqttClient) => {
        const list: string[] = [];
        for (const topic of topics) if (await isAllowed(client, `lethe/v1/${SITE}/${topic}`)) list.push(topic);
        return list;
      };
      assert.equal(await allowed(facility), []);
      assert.equal(await allowed(auditor), ['door1/cmd/ping', 'door1/tally/door']);
      assert.not.ok(await isAllowed(facility, 'homeassistant/status'));
    }));

  test('nobody comes in without a certificate or a password, nor with those of others', () =>
    withStore(async (store) => {
      assert.match((await store.refused(store.port, {})).message, /certificate required|alert|closed|reset/i);
      const stranger = TestAuthority.create();
      const { certFile, keyFile } = stranger.client('door1');
      const forged = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
      assert.instance(await store.refused(store.port, forged), Error);
      stranger.remove();
      assert.match((await store.refused(store.passwordPort, {})).message, /[Nn]ot authorized/);
      const wrong = { username: 'facility', password: 'wrong' };
      assert.match((await store.refused(store.passwordPort, wrong)).message, /[Nn]ot authorized|[Bb]ad User/);
    }));

  test('what waits for a kept session, and what is retained, survives a restart of the broker', () =>
    withStore(async (store) => {
      const session = { clean: false, properties: { sessionExpiryInterval: 3600 } };
      const before = await store.certified('gateway', session);
      await before.subscribeAsync(`lethe/v1/${SITE}/#`, { qos: 1 });
      await before.endAsync();
      const door1 = await store.certified('door1');
      const words = Array.from({ length: 200 }, (_, index) => `${index}`);
      for (const word of words) await door1.publishAsync(`lethe/v1/${SITE}/door1/interval/door`, word, { qos: 1 });
      await door1.publishAsync(`lethe/v1/${SITE}/door1/total/door`, '9', { qos: 1, retain: true });
      await store.broker.end();
      await store.broker.start();
      const after = await store.certified('gateway', session);
      await eventually(WAIT_MS, 'all that waited', () => store.heardBy(after).length >= words.length);
      assert.equal(
        store.heardBy(after).filter((line) => line.includes('/interval/')),
        words.map((word) => `lethe/v1/${SITE}/door1/interval/door ${word}`),
      );
      const facility = await store.withPassword('facility');
      assert.equal(await store.hear(facility, `lethe/v1/${SITE}/+/total/+`), store.heardBy(facility));
      await eventually(WAIT_MS, 'the retained total', () => store.heardBy(facility).length === 1);
    }));

  test('a killed broker loses what it had not yet written, and nothing that it had', () =>
    withStore(async (store) => {
      const say = async (word: string) => {
        const door1 = await store.certified('door1');
        await door1.publishAsync(`lethe/v1/${SITE}/door1/total/${word}`, word, { qos: 1, retain: true });
        await door1.endAsync();
      };
      await say('written');
      await store.broker.end();
      await store.broker.start();
      await say('unwritten');
      await store.broker.end('SIGKILL');
      await store.broker.start();
      const facility = await store.withPassword('facility');
      const heard = await store.hear(facility);
      await eventually(WAIT_MS, 'what was written', () => heard.length >= 1);
      await pause();
      assert.equal(heard, [`lethe/v1/${SITE}/door1/total/written written`]);
    }));

  test('the bridge takes the store’s counts out and commands in, and nothing else either way, also after a break', () =>
    withStore(async (store) => {
      const gateway = await store.certified('gateway');
      const door1 = await store.certified('door1');
      const office = await store.certified('office', {}, store.headOfficePort);
      const outside = await store.hear(office);
      const inside = await store.hear(door1);
      const say = async (word: string) => {
        await door1.publishAsync(`lethe/v1/${SITE}/door1/total/door`, word, { qos: 1, retain: true });
        await door1.publishAsync(`lethe/v1/${SITE}/door1/health`, word, { qos: 1, retain: true });
        await gateway.publishAsync(`lethe/v1/${SITE}/store/total/all`, word, { qos: 1, retain: true });
      };
      await say('1');
      await eventually(WAIT_MS, 'the total of the store', () => outside.length >= 1);
      for (const topic of [`${SITE}/store/total/all`, `${SITE}/door1/total/door`, `south/door1/cmd/ping`])
        await office.publishAsync(`lethe/v1/${topic}`, 'from outside', { qos: 1 });
      await office.publishAsync(`lethe/v1/${SITE}/door1/cmd/ping`, 'ask', { qos: 1 });
      await eventually(WAIT_MS, 'the command', () => inside.length >= 1);
      await pause();
      assert.equal(inside, [`lethe/v1/${SITE}/door1/cmd/ping ask`]);
      const total = (word: string) => `lethe/v1/${SITE}/store/total/all ${word}`;
      const fromStore = () => outside.filter((line) => !line.includes('from outside') && !line.includes('/cmd/'));
      assert.equal(fromStore(), [total('1')]);
      await store.headOffice?.end();
      await say('2');
      await say('3');
      await store.headOffice?.start();
      const later = await store.certified('office', {}, store.headOfficePort);
      const heardLater = await store.hear(later);
      await eventually(20_000, 'what waited for the head office', () => heardLater.includes(total('3')));
      assert.equal(
        [...new Set(heardLater)].filter((line) => line !== total('2')),
        [total('3')],
      );
    }, true));
}

test.run();
