/**
 * A tap between the voice and its broker: the network, as bad as a test wants it. It knows where packets begin and end, so
 * it can break off right behind a PUBLISH and before its PUBACK, and it keeps the list of what the broker has acknowledged:
 * what is on that list and was never heard was lost by the broker, everything else would have been lost by the voice.
 */
import { createServer, type Server, Socket } from 'node:net';
import { freePort } from '../../fakes/broker.ts';
import { FrameReader, idOf, levelOf, PacketType, publicationOf, typeOf } from './packets.ts';
import { type Identity, identityOf } from './records.ts';

type Pair = {
  readonly voice: Socket;
  readonly broker: Socket;
  level: number;
  isGreeted: boolean;
  readonly waiting: Map<number, Identity>;
};

export class Tap {
  readonly port: number;
  /** Where the broker is. */
  targetPort: number;
  /** Connections are let through only while this holds. */
  gate: () => boolean = () => true;
  /** Neither side hears the other; the connection stands. */
  isStalled = false;
  /** PUBACKs do not come back. */
  swallowsAcknowledgements = false;
  /** Real ms that each packet is late. */
  delayMs: () => number = () => 0;
  /** Behind each PUBLISH that the broker's socket was given. */
  onPublish: (topic: string) => void = () => {};
  /** Records that the broker has acknowledged. */
  readonly acknowledged = new Set<Identity>();
  /** How often the broker has let the voice in. */
  connectionCount = 0;
  publicationCount = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();

  private constructor(port: number, targetPort: number) {
    this.port = port;
    this.targetPort = targetPort;
    this.#server = createServer((voice) => this.#connect(voice));
  }

  static async create(targetPort: number): Promise<Tap> {
    const tap = new Tap(await freePort(), targetPort);
    await new Promise<void>((resolve) => tap.#server.listen(tap.port, '127.0.0.1', resolve));
    return tap;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get isConnected(): boolean {
    return [...this.#pairs].some(({ isGreeted }) => isGreeted);
  }

  /** The connection breaks on both sides, without DISCONNECT and without FIN. */
  cut(): void {
    for (const { voice, broker } of this.#pairs) {
      voice.resetAndDestroy();
      broker.resetAndDestroy();
    }
  }

  /** It breaks on the voice's side only: the broker believes that it stands, as behind a router that forgot it. */
  orphan(): void {
    for (const pair of this.#pairs) {
      this.#pairs.delete(pair);
      pair.voice.removeAllListeners('close');
      pair.voice.resetAndDestroy();
    }
  }

  async dispose(): Promise<void> {
    this.gate = () => false;
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #connect(voice: Socket): void {
    voice.on('error', () => {});
    if (!this.gate()) {
      voice.resetAndDestroy();
      return;
    }
    const broker = new Socket();
    const pair: Pair = { voice, broker, level: 4, isGreeted: false, waiting: new Map() };
    this.#pairs.add(pair);
    for (const socket of [voice, broker]) socket.setNoDelay(true);
    broker.on('error', () => {});
    broker.connect(this.targetPort, '127.0.0.1');
    this.#relay(voice, broker, (frame) => this.#fromVoice(pair, frame));
    this.#relay(broker, voice, (frame) => this.#fromBroker(pair, frame));
    voice.on('close', () => broker.destroy());
    broker.on('close', () => {
      voice.destroy();
      this.#pairs.delete(pair);
    });
  }

  /** pass: true if the packet goes on; what comes after it is done when it has. */
  #relay(from: Socket, to: Socket, pass: (frame: Buffer) => (() => void) | undefined): void {
    const reader = new FrameReader();
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      for (const frame of reader.take(chunk)) {
        const delayMs = this.delayMs();
        last = last.then(async () => {
          if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
          while (this.isStalled && !from.destroyed) await new Promise((resolve) => setTimeout(resolve, 5));
          if (to.destroyed) return;
          const afterwards = pass(frame);
          if (afterwards === undefined) return;
          to.write(frame);
          afterwards();
        });
      }
    });
  }

  #fromVoice(pair: Pair, frame: Buffer): (() => void) | undefined {
    if (typeOf(frame) === PacketType.connect) pair.level = levelOf(frame);
    if (typeOf(frame) !== PacketType.publish) return () => {};
    const { topic, payload, id } = publicationOf(frame, pair.level);
    const identity = identityOf(topic, payload);
    if (identity !== undefined) pair.waiting.set(id, identity);
    this.publicationCount += 1;
    return () => this.onPublish(topic);
  }

  #fromBroker(pair: Pair, frame: Buffer): (() => void) | undefined {
    if (typeOf(frame) === PacketType.connack) {
      pair.isGreeted = true;
      this.connectionCount += 1;
    }
    if (typeOf(frame) !== PacketType.puback) return () => {};
    if (this.swallowsAcknowledgements) return undefined;
    const identity = pair.waiting.get(idOf(frame));
    if (identity !== undefined) this.acknowledged.add(identity);
    return () => {};
  }
}
