/** How a server of ours begins to listen, and what is said when it cannot. */
import type { Server } from 'node:net';
import { DriverError } from '../runtime/errors.ts';

export type ListeningPlace = { readonly address: string; readonly port: number };

/** → the port, also where 0 let the system choose. Rejects with DriverError (busy, other); setting: the field that says the port. */
export function listen(
  server: Server,
  { address, port }: ListeningPlace,
  op: string,
  setting: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new DriverError(
          cause.code === 'EADDRINUSE' ? 'busy' : 'other',
          `Port ${port} of ${address} cannot be listened on (${cause.code}).`,
          { op, hint: `Set ${setting} to another one, or to 0 for none.`, cause },
        ),
      ),
    );
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}
