/**
 * TLS before a plain server of this machine, as a broker has it: whoever shows a certificate of the authority is let through,
 * byte for byte. It keeps what the last one showed.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { KeyPair } from './certificates.ts';

export class TlsFront {
  /** Common names of who was let in. */
  readonly guests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number, caFile: string, { certFile, keyFile }: KeyPair): Promise<TlsFront> {
    const server = createServer({
      ca: readFileSync(caFile),
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      requestCert: true,
      rejectUnauthorized: true,
    });
    const front = new TlsFront(server);
    server.on('secureConnection', (socket) => front.#pass(socket, targetPort));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #pass(socket: TLSSocket, port: number): void {
    this.guests.push(String(socket.getPeerCertificate().subject.CN));
    const target = connect(port, '127.0.0.1');
    socket.pipe(target).pipe(socket);
    for (const end of [socket, target])
      end.on('error', () => {
        socket.destroy();
        target.destroy();
      });
    socket.on('close', () => target.destroy());
  }
}
