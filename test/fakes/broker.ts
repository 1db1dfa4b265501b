/**
 * A real mosquitto for tests: loopback, a free port, a configuration in a temporary folder, ended by its process id.
 * `kill` is a pulled plug (SIGKILL), `start` afterwards uses the same port; nothing is kept on disk between lives.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { checkContract } from './contract.ts';
import { within } from './within.ts';

/** True if tests that need mosquitto are to be skipped: only when asked for, never because it is missing. */
export function skipBroker(): boolean {
  if (process.env['SKIP_BROKER'] === '1') {
    process.stdout.write('SKIP_BROKER=1: tests with a real broker are skipped\n');
    return true;
  }
  const found = spawnSync('mosquitto', ['-h'], { stdio: 'ignore', env: withSbin() });
  if (found.error !== undefined) {
    throw new Error(
      'mosquitto is not installed. Install it: sudo apt-get install mosquitto (or brew install mosquitto). SKIP_BROKER=1 skips these tests.',
    );
  }
  return false;
}

/** Debian puts mosquitto where plain users do not look. */
function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
}

export type BrokerUser = { readonly username: string; readonly password: string };
export type BrokerOptions = {
  /** The only one let in; without it everybody is. */
  readonly user?: BrokerUser;
  /** PEM files; without them connections are plain. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** More lines for its configuration, after those of its listener. */
  readonly lines?: readonly string[];
};

export class TestBroker {
  readonly port: number;
  readonly folder: string;
  /** mqtt or mqtts */
  readonly protocol: string;
  readonly #user: BrokerUser | undefined;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: BrokerOptions) {
    const { user, tls } = options;
    this.port = port;
    this.folder = folder;
    this.protocol = tls === undefined ? 'mqtt' : 'mqtts';
    this.#user = user;
  }

  static async create(options: BrokerOptions = {}): Promise<TestBroker> {
    const { user, tls, lines = [] } = options;
    const folder = mkdtempSync(join(tmpdir(), 'lethe-broker-'));
    const port = await freePort();
    const passwords = join(folder, 'passwords');
    if (user !== undefined) {
      const made = spawnSync('mosquitto_passwd', ['-b', '-c', passwords, user.username, user.password], {
        env: withSbin(),
      });
      if (made.status !== 0) throw new Error(`mosquitto_passwd failed: ${made.stderr}`);
    }
    writeFileSync(
      join(folder, 'mosquitto.conf'),
      [
        `listener ${port} 127.0.0.1`,
        ...(user === undefined ? ['allow_anonymous true'] : ['allow_anonymous false', `password_file ${passwords}`]),
        ...(tls === undefined ? [] : [`certfile ${tls.certFile}`, `keyfile ${tls.keyFile}`]),
        ...lines,
        // Started by root it would become another user, who may not read this folder.
        ...(process.getuid?.() === 0 ? ['user root'] : []),
        'persistence false',
        'log_type none',
        '',
      ].join('\n'),
    );
    const broker = new TestBroker(port, folder, options);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `${this.protocol}://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#child = spawn('mosquitto', ['-c', join(this.folder, 'mosquitto.conf')], { stdio: 'ignore', env: withSbin() });
    await within(5000, 'mosquitto listens', listening(this.port));
  }

  /** SIGKILL: connections break without a word. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP freezes it: the connection stands and nobody answers. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A listener beside the program under test. */
  async subscribe(topic = 'lethe/#'): Promise<Subscriber> {
    return Subscriber.connect(this.url, topic, this.#user);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await within(5000, 'mosquitto ends', ended);
  }
}

export type Received = {
  readonly topic: string;
  readonly payload: string;
  /** True: the broker had it before we subscribed. */
  readonly retain: boolean;
};

export class Subscriber {
  readonly received: Received[] = [];
  /** How often a broker has confirmed the subscription: once more after each of its lives. */
  subscribedCount = 0;
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, packet) =>
      this.received.push({ topic, payload: payload.toString(), retain: packet.retain }),
    );
    client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'suback') this.subscribedCount += 1;
    });
    client.on('error', () => {}); // a killed broker is part of the test; it reconnects
  }

  /** Reconnects quickly and subscribes again by itself; works with 3.1.1 as well, which is what it speaks. */
  static async connect(url: string, topic: string, user?: BrokerUser): Promise<Subscriber> {
    const client = mqtt.connect(url, { ...user, reconnectPeriod: 50, protocolVersion: 4 });
    const subscriber = new Subscriber(client);
    await within(5000, 'subscriber is connected', client.subscribeAsync(topic, { qos: 1 }));
    return subscriber;
  }

  /** Last payload of a topic that ends like this, parsed; undefined: none. */
  last<T = Record<string, unknown>>(ending: string): T | undefined {
    const found = this.received.findLast((message) => message.topic.endsWith(ending));
    return found === undefined ? undefined : (JSON.parse(found.payload) as T);
  }

  all<T = Record<string, unknown>>(part: string): T[] {
    return this.received
      .filter((message) => message.topic.includes(part))
      .map((message) => JSON.parse(message.payload) as T);
  }

  /** Throws unless all that was heard of devices is as the contract says; what is retained need not be heard as such. */
  checkContract(): void {
    checkContract(this.received.map(({ topic, payload }) => ({ topic, payload })));
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** Somebody connects, says one thing (qos 1) and leaves; `correlationData` makes it MQTT 5, else it is 3.1.1. */
export async function publishOnce(
  url: string,
  topic: string,
  payload: string,
  options: { readonly retain?: boolean; readonly correlationData?: Uint8Array | undefined },
): Promise<void> {
  const { retain = false, correlationData } = options;
  const client = await mqtt.connectAsync(url, { protocolVersion: correlationData === undefined ? 4 : 5 });
  const properties = correlationData && { correlationData: Buffer.from(correlationData) };
  await client.publishAsync(topic, payload, { qos: 1, retain, ...(properties && { properties }) });
  await client.endAsync();
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Resolves once somebody accepts connections there. */
async function listening(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
