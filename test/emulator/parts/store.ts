/**
 * A store for an emulated device, on this machine's loopback: certificates by provisioning/gateway/certificates.sh, mosquitto
 * with the mosquitto.conf and access.acl of that folder, `lethe gateway` with its claim service, and somebody who listens.
 * The device sees all of it at 10.0.2.2 with the usual ports (overlay.ts says how).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { makeFleetKey } from '../../../provisioning/create/keys.ts';
import { PACKAGE_ROOT } from '../../../runtime/package.ts';
import { freePort } from '../../fakes/broker.ts';
import { eventually, within } from '../../fakes/within.ts';

/** The device's name of this machine. */
export const HOST = '10.0.2.2';
export const SITE = 'north';
const SCRIPT = join(PACKAGE_ROOT, 'provisioning', 'gateway', 'certificates.sh');
const WAIT_MS = 20_000;
const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };

export type Heard = { readonly topic: string; readonly text: string; readonly atMs: number };

/** Starts a program with its output in a file. */
function start(program: string, words: readonly string[], logPath: string): ChildProcess {
  const log = openSync(logPath, 'a');
  // A test that is killed leaves nothing behind.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...words], {
    stdio: ['ignore', log, log],
    env: environment,
  });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await within(WAIT_MS, 'a program of the store ends', ended).catch(() => child.kill('SIGKILL'));
}

async function listens(port: number, what: string): Promise<void> {
  let isOpen = false;
  const look = setInterval(() => {
    const socket = connectTcp(port, '127.0.0.1', () => {
      isOpen = true;
      socket.destroy();
    });
    socket.on('error', () => {});
  }, 100);
  await eventually(WAIT_MS, what, () => isOpen).finally(() => clearInterval(look));
}

export class Store {
  readonly folder: string;
  readonly mqttPort: number;
  readonly claimPort: number;
  readonly heard: Heard[] = [];
  readonly caFile: string;
  /** Where the fleet's keys are, as `provision create --folder` and flashing want them. */
  readonly keyFolder: string;
  readonly fleetFolder: string;
  #broker: ChildProcess | undefined;
  #gateway: ChildProcess | undefined;
  #listener: MqttClient | undefined;

  private constructor(folder: string, mqttPort: number, claimPort: number) {
    this.folder = folder;
    this.mqttPort = mqttPort;
    this.claimPort = claimPort;
    this.caFile = join(folder, 'ca', 'ca.crt');
    this.keyFolder = join(folder, 'keys');
    this.fleetFolder = join(folder, 'keys', 'fleet');
  }

  /** `template`: what devices have in their configuration besides what the gateway says. */
  static async open(folder: string, template: object): Promise<Store> {
    mkdirSync(folder, { recursive: true });
    const store = new Store(folder, await freePort(), await freePort());
    store.certificates('authority');
    store.certificates('gateway', HOST, '127.0.0.1');
    for (const name of ['gateway', 'auditor']) store.certificates('client', name);
    makeFleetKey({ privateFolder: join(store.keyFolder, 'fleet-keys'), publicFolder: store.fleetFolder }, false);
    writeFileSync(join(folder, 'template.json'), JSON.stringify(template));
    await store.#startBroker();
    await store.startGateway();
    await store.#listen();
    return store;
  }

  certificates(command: string, ...names: string[]): void {
    const made = spawnSync('sh', [SCRIPT, command, join(this.folder, 'ca'), ...names]);
    if (made.status !== 0) throw new Error(`certificates.sh ${command} failed: ${made.stderr}`);
  }

  async #startBroker(): Promise<void> {
    const { folder } = this;
    const source = (name: string) =>
      readFileSync(join(PACKAGE_ROOT, 'provisioning', 'gateway', name), 'utf8').replaceAll('SITE', SITE);
    mkdirSync(join(folder, 'broker'));
    writeFileSync(join(folder, 'access.acl'), source('access.acl'), { mode: 0o600 });
    const passwordPort = await freePort();
    const made = spawnSync('mosquitto_passwd', ['-b', '-c', join(folder, 'passwords'), 'facility', 'of no use'], {
      env: environment,
    });
    if (made.status !== 0) throw new Error(`mosquitto_passwd failed: ${made.stderr}`);
    const text = source('mosquitto.conf')
      .replaceAll('/etc/mosquitto/lethe/access.acl', join(folder, 'access.acl'))
      .replaceAll('/etc/mosquitto/lethe/passwords', join(folder, 'passwords'))
      .replaceAll('/etc/mosquitto/lethe/', `${join(folder, 'ca')}/`)
      .replaceAll('/var/lib/mosquitto/', `${join(folder, 'broker')}/`)
      .replace('listener 8883', `listener ${this.mqttPort} 127.0.0.1`)
      .replace('listener 8884', `listener ${passwordPort} 127.0.0.1`);
    // Started by root it would become another user, who may not read this folder.
    const more = process.getuid?.() === 0 ? '\nuser root\n' : '';
    writeFileSync(join(folder, 'mosquitto.conf'), text + more);
    this.#broker = start('mosquitto', ['-c', join(folder, 'mosquitto.conf')], join(folder, 'mosquitto.log'));
    await listens(this.mqttPort, 'mosquitto listens');
  }

  /** `more`: sections besides those of every start, such as `updates`. */
  async startGateway(more: object = {}): Promise<void> {
    const { folder } = this;
    const ca = (name: string) => join(folder, 'ca', name);
    const config = {
      site: SITE,
      state_dir: join(folder, 'gateway'),
      mqtt: {
        url: `mqtts://127.0.0.1:${this.mqttPort}`,
        ca_file: ca('ca.crt'),
        cert_file: ca('gateway-client.crt'),
        key_file: ca('gateway-client.key'),
      },
      claim: {
        port: this.claimPort,
        address: '127.0.0.1',
        cert_file: ca('gateway.crt'),
        key_file: ca('gateway.key'),
        ca_file: ca('ca.crt'),
        ca_key_file: ca('ca.key'),
        fleet_keys: this.fleetFolder,
        template_file: join(folder, 'template.json'),
      },
      ...more,
    };
    writeFileSync(join(folder, 'gateway.json'), JSON.stringify(config));
    const words = [
      join(PACKAGE_ROOT, 'dist', 'runtime', 'main.js'),
      'gateway',
      '--config',
      join(folder, 'gateway.json'),
    ];
    this.#gateway = start(process.execPath, words, join(folder, 'gateway.log'));
    await listens(this.claimPort, 'the claim service listens');
  }

  async stopGateway(): Promise<void> {
    await end(this.#gateway);
  }

  async #listen(): Promise<void> {
    const ca = (name: string) => readFileSync(join(this.folder, 'ca', name));
    const client = mqtt.connect(`mqtts://127.0.0.1:${this.mqttPort}`, {
      ca: ca('ca.crt'),
      cert: ca('auditor.crt'),
      key: ca('auditor.key'),
      protocolVersion: 5,
    });
    this.#listener = client;
    client.on('message', (topic, payload) => this.heard.push({ topic, text: payload.toString(), atMs: Date.now() }));
    await within(
      WAIT_MS,
      'the listener is connected',
      new Promise<void>((resolve) => client.once('connect', () => resolve())),
    );
    await client.subscribeAsync(`lethe/v1/${SITE}/#`, { qos: 1 });
  }

  /** Messages of a topic below lethe/v1/<site>/, oldest first. */
  of(topic: string): Heard[] {
    return this.heard.filter((message) => message.topic === `lethe/v1/${SITE}/${topic}`);
  }

  /** The newest message of the topic, parsed. */
  latest(topic: string): Record<string, unknown> | undefined {
    const text = this.of(topic).at(-1)?.text;
    return text === undefined || text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  log(name: 'gateway' | 'mosquitto'): string {
    return readFileSync(join(this.folder, `${name}.log`), 'utf8');
  }

  async close(): Promise<void> {
    await this.#listener?.endAsync(true);
    await end(this.#gateway);
    await end(this.#broker);
  }
}
