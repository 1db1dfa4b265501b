/**
 * Goal: from a setup code to a device of the store and to its update, with what a store really runs: mosquitto with TLS and the
 * access list of provisioning/gateway, and `lethe gateway` as a program of its own.
 * Method: a scripted device claims over HTTPS, may say its branch and nothing else, is offered a release, fetches it with its
 * certificate; then it is removed, and the broker refuses it by the list of revoked certificates.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mqtt, { type MqttClient } from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBundle } from '../../provisioning/bundle/build/write.ts';
import { caPinOf } from '../../provisioning/payload/keys.ts';
import { INFO } from '../../runtime/contract/examples.ts';
import type { StoreHealth, StoreInfo } from '../../runtime/contract/store.ts';
import { freePort, skipBroker, TestBroker } from '../fakes/broker.ts';
import { TestAuthority } from '../fakes/certificates.ts';
import { Board, Fleet, SITE } from '../fakes/claim-gateway.ts';
import { sourceRoot } from '../fakes/root.ts';
import { eventually, within } from '../fakes/within.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const WAIT_MS = 20_000;
/** An offer waits until whoever is busy has been heard of. */
const OFFER_MS = 60_000;

type Pair = { readonly cert: string; readonly key: string };

class Store {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-claims-'));
  readonly authority = TestAuthority.create();
  readonly fleet = new Fleet();
  readonly configPath = join(this.folder, 'gateway.json');
  readonly ca = readFileSync(this.authority.caFile, 'utf8');
  broker!: TestBroker;
  claimPort = 0;
  output = '';
  #child: ChildProcess | undefined;
  readonly #clients: MqttClient[] = [];

  async open(): Promise<this> {
    const { folder, authority, ca } = this;
    const server = authority.broker('localhost', '127.0.0.1');
    const own = authority.client('gateway');
    const acl = join(folder, 'access.acl');
    const source = readFileSync(join(sourceRoot(), 'provisioning/gateway/access.acl'), 'utf8');
    writeFileSync(acl, source.replaceAll('SITE', SITE), { mode: 0o600 });
    const lines = [`cafile ${authority.caFile}`, 'require_certificate true', 'use_identity_as_username true'];
    this.broker = await TestBroker.create({ tls: server, lines: [...lines, `acl_file ${acl}`] });
    this.claimPort = await freePort();
    const releaseKeys = join(folder, 'release');
    mkdirSync(releaseKeys);
    const bundle = await makeBundle(folder, releaseKeys);
    assert.match(ca, /BEGIN CERTIFICATE/);
    writeFileSync(
      this.configPath,
      JSON.stringify({
        site: SITE,
        state_dir: 'state',
        mqtt: {
          url: `mqtts://localhost:${this.broker.port}`,
          ca_file: authority.caFile,
          cert_file: own.certFile,
          key_file: own.keyFile,
        },
        claim: {
          port: this.claimPort,
          address: '127.0.0.1',
          cert_file: server.certFile,
          key_file: server.keyFile,
          ca_file: authority.caFile,
          ca_key_file: join(authority.folder, 'ca.key'),
          fleet_keys: this.fleet.writeKeys(join(folder, 'fleet')),
        },
        updates: { bundle_file: bundle, release_keys: releaseKeys },
      }),
    );
    return this;
  }

  code(device?: string): string {
    return this.fleet.code(this.authority.caFile, Date.now(), {
      ...(device !== undefined && { device }),
      mqttPort: this.broker.port,
      claimPort: this.claimPort,
      caPin: caPinOf(new X509Certificate(this.ca)),
    });
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'gateway', '-c', this.configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (this.output += chunk));
    this.#child = child;
    await eventually(WAIT_MS, 'the gateway is up', () => this.output.includes('link up'));
  }

  async stop(): Promise<void> {
    const child = this.#child!;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await within(WAIT_MS, 'the gateway ends', ended);
  }

  lethe(...words: string[]) {
    return spawnSync(process.execPath, [MAIN, 'gateway', ...words, '-c', this.configPath], { encoding: 'utf8' });
  }

  ask(path: string, options: { method?: string; body?: string; pair?: Pair; headers?: Record<string, string> } = {}) {
    const { method = 'GET', body, pair, headers = {} } = options;
    return within(
      WAIT_MS,
      path,
      new Promise<{ status: number; bytes: Buffer }>((resolve, reject) => {
        const { ca, claimPort: port } = this;
        const request = httpsRequest({ host: 'localhost', port, path, method, headers, ca, agent: false, ...pair });
        request.on('error', reject);
        request.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }));
        });
        request.end(body);
      }),
    );
  }

  async claim(board: Board, code: string) {
    const { status, bytes } = await this.ask('/v1/claim', { method: 'POST', body: board.request(code) });
    return { status, body: JSON.parse(bytes.toString()) };
  }

  /** MQTT 5, so that what is forbidden is told. */
  async connect(pair: Pair, clientId: string): Promise<MqttClient> {
    const { ca, broker } = this;
    const client = mqtt.connect(`mqtts://localhost:${broker.port}`, {
      ...pair,
      ca,
      clientId,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    this.#clients.push(client);
    await within(
      WAIT_MS,
      `${clientId} connects`,
      new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed')));
      }),
    );
    return client;
  }

  async end(): Promise<void> {
    for (const client of this.#clients) await client.endAsync(true);
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.stop();
    await this.broker.stop();
    this.authority.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function makeBundle(folder: string, releaseKeys: string): Promise<string> {
  const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(releaseKeys, 'release.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'release.json'), '{}'.padEnd(50_000));
  const target = join(folder, 'lethe-9.0.0-arm64.lethe');
  const made = { v: 1, name: 'lethe', commit: 'unknown', made_at: '2026-01-05T11:00:00Z', files: [] } as const;
  const release = { ...made, version: '9.0.0', target: 'linux-arm64', node: '24.22.0' };
  await writeBundle({ tree, release, fromMin: '0.1.0', key, target });
  return target;
}

async function isAllowed(store: Store, pair: Pair, topic: string): Promise<boolean> {
  const client = await store.connect(pair, `try-${Math.random()}`);
  try {
    await within(WAIT_MS, topic, client.publishAsync(topic, '1', { qos: 1 }));
    return true;
  } catch (error) {
    assert.is((error as { code?: unknown }).code, 135, `${topic}: ${error}`);
    return false;
  } finally {
    await client.endAsync(true);
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('claims, speaks, is updated, and is removed', async () => {
    const store = await new Store().open();
    try {
      await store.start();
      const board = new Board();
      const code = store.code();
      const { status, body } = await store.claim(board, code);
      assert.equal([status, body.device], [200, 'counter-1'], store.output);
      assert.equal((await store.claim(board, code)).body.certificate, body.certificate);
      const other = await store.claim(new Board(), code);
      assert.equal([other.status, other.body.error.code], [409, 'token_used']);
      assert.is(body.config.mqtt.url, `mqtts://localhost:${store.broker.port}`);

      const pair = { cert: body.certificate as string, key: board.keyPem };
      const branch = `lethe/v1/${SITE}`;
      for (const [topic, allowed] of [
        [`${branch}/counter-1/total/door`, true],
        [`${branch}/counter-2/total/door`, false],
        [`${branch}/store/total/store`, false],
        [`${branch}/counter-1/cmd/update`, false],
        ['homeassistant/status', false],
      ] as const)
        assert.is(await isAllowed(store, pair, topic), allowed, topic);

      const watcher = await store.connect(pairOf(store, 'gateway'), 'watcher');
      const heard: { topic: string; payload: string }[] = [];
      watcher.on('message', (topic, payload) => heard.push({ topic, payload: payload.toString() }));
      await watcher.subscribeAsync(`${branch}/store/#`, { qos: 1 });
      const last = <T>(topic: string): T | undefined => {
        const found = heard.findLast((message) => message.topic === `${branch}/store/${topic}`);
        return found && (JSON.parse(found.payload) as T);
      };
      await eventually(WAIT_MS, 'the store knows it', () => last<StoreInfo>('info')?.devices[0] === 'counter-1');

      const device = await store.connect(pair, 'device');
      const offers: { id: string; url: string; manifest: { version: string; sha256: string } }[] = [];
      device.on('message', (_topic, payload) => offers.push(JSON.parse(payload.toString())));
      await device.subscribeAsync(`${branch}/counter-1/cmd/#`, { qos: 1 });
      const say = (topic: string, payload: object) =>
        device.publishAsync(`${branch}/counter-1/${topic}`, JSON.stringify(payload), { qos: 1, retain: true });
      const news = (state: string, version: string) =>
        say('update', {
          v: 1,
          at: '2026-01-05T12:00:00.000Z',
          state,
          version,
          offered: '9.0.0',
          reason: '',
          received_bytes: 0,
          bytes: 0,
        });
      await say('status', { v: 1, state: 'online', boot: 1, version: '0.1.0' });
      await say('info', { ...INFO[0]!, site: SITE, device: 'counter-1', version: '0.1.0', interval_s: 60 });
      await eventually(OFFER_MS, `an offer; ${store.output}`, () => offers.length > 0);
      const { url, manifest } = offers[0]!;
      assert.is(url, `https://localhost:${store.claimPort}/v1/bundle/${manifest.sha256}`);
      const path = new URL(url).pathname;
      assert.is((await store.ask(path)).status, 403);
      assert.is((await store.ask(path, { pair: pairOf(store, 'stranger') })).status, 403);
      const first = await store.ask(path, { pair, headers: { range: 'bytes=0-999' } });
      const rest = await store.ask(path, { pair, headers: { range: 'bytes=1000-' } });
      assert.equal([first.status, rest.status], [206, 206]);
      const bundle = readFileSync(join(store.folder, 'lethe-9.0.0-arm64.lethe'));
      assert.ok(Buffer.concat([first.bytes, rest.bytes]).equals(bundle));

      await news('downloading', '0.1.0');
      await eventually(WAIT_MS, 'it is busy', () => last<StoreHealth>('health')?.updates?.busy[0] === 'counter-1');
      await news('confirmed', '9.0.0');
      await eventually(WAIT_MS, 'it is current', () => last<StoreHealth>('health')?.updates?.current === 1);

      const listed = store.lethe('devices');
      assert.match(listed.stdout, /^counter-1 {2}Raspberry Pi 4 Model B Rev 1\.5 /m, listed.stderr);
      assert.is(JSON.parse(store.lethe('devices', '--json').stdout)[0].device, 'counter-1');
      assert.match(store.lethe('devices', '--remove', 'counter-1').stderr, /running/);
      const token = code.slice(20, 60);
      assert.not.ok(store.output.includes(token), 'the code is not logged');
      assert.not.ok(store.output.includes('PRIVATE'), 'nor a key');

      await store.stop();
      assert.match(store.lethe('devices', '--remove', 'counter-9').stderr, /expected one of counter-1/);
      assert.is(store.lethe('devices', '--remove', 'counter-1').status, 0);
      const list = join(store.folder, 'revoked.crl');
      assert.match(store.lethe('devices', '--crl', list).stderr, /^1 revoked certificates/);
      await store.broker.kill();
      const conf = join(store.broker.folder, 'mosquitto.conf');
      writeFileSync(
        conf,
        readFileSync(conf, 'utf8').replace('require_certificate', `crlfile ${list}\nrequire_certificate`),
      );
      await store.broker.start();
      await store.connect(pairOf(store, 'watcher'), 'watcher');
      let refusal: unknown;
      await store.connect(pair, 'device').catch((error: unknown) => (refusal = error));
      assert.instance(refusal, Error, 'a revoked certificate is refused');
    } finally {
      await store.end();
    }
  });
}

/** A certificate that was made by hand. */
function pairOf(store: Store, name: string): Pair {
  const base = join(store.authority.folder, name === 'gateway' ? 'gateway-client' : name);
  try {
    return { cert: readFileSync(`${base}.crt`, 'utf8'), key: readFileSync(`${base}.key`, 'utf8') };
  } catch {
    const { certFile, keyFile } = store.authority.client(name);
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }
}

test.run();
