/**
 * A broker behind a web server, as cloud brokers are: MQTT 3.1.1 over websockets under one path, 404 elsewhere. Debian's
 * mosquitto is not always built with websockets, so this one is made of aedes and the package that the client uses.
 */
import { createServer } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';

export type WebsocketBroker = {
  readonly port: number;
  /** Payloads under any topic, oldest first. */
  readonly received: readonly string[];
  readonly stop: () => Promise<void>;
};

/** tls: options of the https server; left out: http. */
export async function startWebsocketBroker(path: string, tls?: ServerOptions): Promise<WebsocketBroker> {
  const broker = await Aedes.createBroker();
  const received: string[] = [];
  broker.on('publish', (packet, client) => {
    if (client !== null) received.push(packet.payload.toString());
  });
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      broker.handle(createWebSocketStream(webSocket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    received,
    stop: async () => {
      for (const client of sockets.clients) client.terminate();
      await new Promise<void>((resolve) => broker.close(resolve));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
