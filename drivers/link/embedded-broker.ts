/**
 * A broker inside the program, for demos only: `npm start` shows counts without anything to install.
 * It listens on the loopback address, knows no users, keeps nothing on disk and speaks MQTT 3.1.1. A store has a real one.
 * This file owns the dependency `aedes`.
 */
import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { LinkError } from '../../runtime/errors.ts';

export type EmbeddedBroker = {
  /** The TCP port it listens on. */
  readonly port: number;
  /** Calls back for every message whose topic fits the filter, as an outside subscriber would get it. */
  readonly onMessage: (filter: string, listener: (topic: string, payload: string) => void) => void;
  /** Ends all connections and frees the port. */
  readonly stop: () => Promise<void>;
};

/** port 0: any free one. Rejects with LinkError if the port cannot be had. */
export async function startEmbeddedBroker(port: number): Promise<EmbeddedBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  try {
    await listen(server, port);
  } catch (cause) {
    await new Promise<void>((resolve) => broker.close(resolve));
    const code = (cause as NodeJS.ErrnoException).code;
    const isTaken = code === 'EADDRINUSE';
    throw new LinkError(
      isTaken ? 'BROKER_PORT_TAKEN' : 'BROKER_PORT',
      isTaken
        ? `Port ${port} of this machine is taken, perhaps by a broker that runs already.`
        : `Port ${port} of this machine cannot be used (${code}).`,
      { op: 'start embedded broker', hint: 'Stop the other program, or set mqtt.url to another port.', cause },
    );
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    onMessage: (filter, listener) =>
      broker.subscribe(
        filter,
        (packet, done) => {
          listener(packet.topic, packet.payload.toString());
          done();
        },
        () => {},
      ),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        broker.close();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
