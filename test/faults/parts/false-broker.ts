/**
 * A broker that lets everybody in and does not do its duty: it never acknowledges, or very late, or with numbers that
 * nobody asked about. Simulated; it speaks just enough MQTT.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../fakes/broker.ts';
import type { Heard } from './observer.ts';
import {
  connack,
  FrameReader,
  idOf,
  levelOf,
  PacketType,
  pingresp,
  puback,
  publicationOf,
  suback,
  topicCountOf,
  typeOf,
} from './packets.ts';

export type Manner =
  | { readonly kind: 'never' }
  | { readonly kind: 'late' /** Real ms. */; readonly afterMs: number }
  | { readonly kind: 'wrong' }
  /** Acknowledges at once, and forgets: as one that dies behind its acknowledgement. */
  | { readonly kind: 'forget' };

export class FalseBroker {
  readonly port: number;
  manner: Manner;
  publicationCount = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #heard: Heard[];

  private constructor(port: number, manner: Manner, heard: Heard[]) {
    this.port = port;
    this.#heard = heard;
    this.manner = manner;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** heard: gets what it acknowledges, for which it is answerable as any broker is. */
  static async create(manner: Manner, heard: Heard[]): Promise<FalseBroker> {
    const broker = new FalseBroker(await freePort(), manner, heard);
    await new Promise<void>((resolve) => broker.#server.listen(broker.port, '127.0.0.1', resolve));
    return broker;
  }

  async dispose(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    const reader = new FrameReader();
    let level = 4;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.take(chunk)) {
        const type = typeOf(frame);
        if (type === PacketType.connect) {
          level = levelOf(frame);
          socket.write(connack(level));
        } else if (type === PacketType.pingreq) socket.write(pingresp());
        else if (type === PacketType.subscribe) socket.write(suback(idOf(frame), level, topicCountOf(frame, level)));
        else if (type === PacketType.publish) this.#answer(socket, frame, level);
      }
    });
  }

  #answer(socket: Socket, frame: Buffer, level: number): void {
    const { topic, payload, id } = publicationOf(frame, level);
    this.publicationCount += 1;
    const { manner } = this;
    if (manner.kind === 'forget') socket.write(puback(id));
    if (manner.kind === 'wrong') socket.write(puback(id === 65_535 ? 1 : id + 1000));
    if (manner.kind !== 'late') return;
    setTimeout(() => {
      if (socket.destroyed) return;
      socket.write(puback(id));
      this.#heard.push({ topic, payload, retain: false, dup: false });
    }, manner.afterMs);
  }
}
