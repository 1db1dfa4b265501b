/**
 * Two pages over HTTPS for devices of the store: POST /v1/claim takes a small text and is answered with one; GET
 * /v1/bundle/<sha256> gives a file, or a part of it, to who shows a certificate of the store. Who speaks here may be
 * anybody in the store's network, so everything is bounded before it is looked at: connections, in all and for one
 * address, the time for TLS, for a request and for an answer, the bytes of a request.
 * Memory: at most CONNECTIONS_MAX connections of some 50 kB; 4 KiB of a request each; 64 KiB of a file each.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { listen } from '../listening.ts';
import { byteRange } from './range.ts';

export const BODY_BYTES_MAX = 4096;
export const CONNECTIONS_MAX = 48;
/** A device has one; behind a router several have one address. One address cannot shut out the others. */
export const CONNECTIONS_PER_ADDRESS_MAX = 12;
/** A slow radio takes a second for TLS. */
const HANDSHAKE_MS_MAX = 10_000;
/** From the first byte of a request to its last. */
const REQUEST_MS_MAX = 10_000;
/** Node looks that often whether one of the two has passed; its own default of 30 s would triple them. */
const CHECK_MS = 1000;
const HEADER_BYTES_MAX = 8192;
/** Nothing moves for so long: the other end is gone. */
const IDLE_MS_MAX = 30_000;
/** 60 MB at 50 kB/s. Whoever is cut goes on where it was. */
const FILE_MS_MAX = 1_200_000;

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
};

/** A certificate of the store's authority, verified, as its holder showed it. */
export type Caller = { readonly name: string; readonly serial: string; readonly address: string };

/** A file to be given out. end() is called once, whatever became of it. */
export type GivenFile = {
  readonly path: string;
  readonly bytes: number;
  /** Of the content, in hex: becomes its entity tag. */
  readonly sha256: string;
  readonly end: () => void;
};

export type DevicePages = {
  /** body: undefined where it was too long. */
  readonly claim: (body: string | undefined, address: string) => Answer;
  /** caller: undefined without a certificate that holds. */
  readonly bundle: (sha256: string, caller: Caller | undefined) => Answer | GivenFile;
  readonly missing: () => Answer;
  /** Something failed that should not: one sentence for the log. */
  readonly onFault: (sentence: string) => void;
};

export type ServerFiles = {
  /** The server's certificate, and after it those above it. */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly authorityPem: string;
};

export type DeviceServer = {
  readonly port: number;
  readonly stop: () => Promise<void>;
};

/** What a test need not wait for. */
export type ServerTimes = { readonly handshakeMsMax: number; readonly requestMsMax: number };
const TIMES: ServerTimes = { handshakeMsMax: HANDSHAKE_MS_MAX, requestMsMax: REQUEST_MS_MAX };

/** port 0 is any free one. Rejects with DriverError if the port cannot be had. */
export async function startDeviceServer(
  address: string,
  port: number,
  files: ServerFiles,
  pages: DevicePages,
  { handshakeMsMax, requestMsMax }: ServerTimes = TIMES,
): Promise<DeviceServer> {
  const server = createServer({
    ...secureContext(files),
    // Asked for and not demanded: a device that has none yet comes for its own. `bundle` looks at it.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: handshakeMsMax,
    requestTimeout: requestMsMax,
    headersTimeout: requestMsMax,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAlive: false,
  });
  server.maxConnections = CONNECTIONS_MAX;
  const sockets = boundedByAddress(server);
  server.setTimeout(IDLE_MS_MAX);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('request', (request, response) => {
    response.setHeader('connection', 'close');
    response.on('error', () => {});
    answerRequest(request, response, pages).catch((cause: unknown) => {
      pages.onFault(`A request could not be answered: ${cause instanceof Error ? cause.message : String(cause)}.`);
      response.destroy();
    });
  });
  const bound = await listen(server, { address, port }, 'serve claims', 'claim.port');
  return {
    port: bound,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function secureContext({ certificatePem, keyPem, authorityPem }: ServerFiles) {
  // The authority is part of the chain: a device that knows only its fingerprint has to find it there.
  return { cert: `${certificatePem.trimEnd()}\n${authorityPem}`, key: keyPem, ca: authorityPem };
}

/** Returns the open connections. Those that are too many for their address are closed at once. */
function boundedByAddress(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const of = socket.remoteAddress;
    const count = [...sockets].filter(({ remoteAddress }) => remoteAddress === of).length;
    if (count >= CONNECTIONS_PER_ADDRESS_MAX) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  return sockets;
}

async function answerRequest(request: IncomingMessage, response: ServerResponse, pages: DevicePages): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?');
  const isClaim = path === '/v1/claim';
  const [, sha256] = /^\/v1\/bundle\/([0-9a-f]{64})$/.exec(path) ?? [];
  if (isClaim && request.method === 'POST') {
    const body = await readBody(request);
    // Not a word more is read of one that is too long.
    if (body === 'cut') return void response.destroy();
    send(response, pages.claim(body, request.socket.remoteAddress ?? ''));
  } else if (sha256 !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
    const given = pages.bundle(sha256, callerOf(request));
    if ('path' in given) await give(request, response, given);
    else send(response, given);
  } else if (isClaim || sha256 !== undefined) {
    send(response, { ...pages.missing(), status: 405, headers: { allow: isClaim ? 'POST' : 'GET, HEAD' } });
  } else send(response, pages.missing());
}

/** Undefined: too long, and the rest is left unread; 'cut': the connection ended before it was whole. */
function readBody(request: IncomingMessage): Promise<string | undefined | 'cut'> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Not `for await`: leaving its loop would close the connection before the answer is out.
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) return void chunks.push(chunk);
      request.pause();
      resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', () => resolve('cut'));
    request.on('close', () => resolve('cut'));
  });
}

function callerOf({ socket }: IncomingMessage): Caller | undefined {
  const secure = socket as TLSSocket;
  if (!secure.authorized) return undefined;
  const { subject, serialNumber } = secure.getPeerCertificate();
  const name = subject?.CN;
  // Several common names would be a list.
  if (typeof name !== 'string') return undefined;
  return { name, serial: serialNumber, address: socket.remoteAddress ?? '' };
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}

async function give(request: IncomingMessage, response: ServerResponse, file: GivenFile): Promise<void> {
  const timer = setTimeout(() => response.destroy(), FILE_MS_MAX);
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.path, 'r');
    await giveOpen(request, response, file, handle);
  } catch (error) {
    // The other end went away; it comes again for the rest.
    if (!isHangUp(error)) throw error;
  } finally {
    clearTimeout(timer);
    await handle?.close();
    file.end();
  }
}

async function giveOpen(request: IncomingMessage, response: ServerResponse, file: GivenFile, handle: FileHandle) {
  const tag = `"${file.sha256}"`;
  const condition = request.headers['if-range'];
  // A part of what was there before would not fit to what is here.
  const wanted = condition === undefined || condition === tag ? request.headers.range : undefined;
  const range = byteRange(wanted, file.bytes);
  const common = { etag: tag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' };
  if (range === 'outside') {
    response.writeHead(416, { ...common, 'content-range': `bytes */${file.bytes}` });
    response.end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: file.bytes - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...common,
    'content-length': String(last - first + 1),
    ...(range !== undefined && { 'content-range': `bytes ${first}-${last}/${file.bytes}` }),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(handle.createReadStream({ start: first, end: last, autoClose: false }), response);
}

function isHangUp(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(code);
}
