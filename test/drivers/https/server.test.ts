// Goal: devices are served, a certificate is what it takes to get a file, and nobody can hold the server up.
// Method: the server on a free port of this machine, with real certificates; clients by Node, and by bare sockets where a client misbehaves.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSecure, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BODY_BYTES_MAX,
  type Caller,
  CONNECTIONS_PER_ADDRESS_MAX,
  type DeviceServer,
  startDeviceServer,
} from '../../../drivers/https/server.ts';
import { type KeyPair, TestAuthority } from '../../fakes/certificates.ts';
import { eventually, within } from '../../fakes/within.ts';

const WAIT_MS = 15_000;
/** Long enough for a busy machine, and no longer. */
const TIMES = { handshakeMsMax: 2500, requestMsMax: 2500 };
const SHA256 = 'ab'.repeat(32);
const store = TestAuthority.create();
const other = TestAuthority.create();
const folder = mkdtempSync(join(tmpdir(), 'lethe-https-'));
const content = randomBytes(300_000);
const file = join(folder, 'bundle');
writeFileSync(file, content);
const ca = readFileSync(store.caFile, 'utf8');
const own = store.broker('localhost', '127.0.0.1');
const door1 = store.client('door1');

type Heard = { bodies: (string | undefined)[]; callers: (Caller | undefined)[]; ended: number; faults: string[] };

async function withServer(work: (server: DeviceServer, heard: Heard) => Promise<void>): Promise<void> {
  const heard: Heard = { bodies: [], callers: [], ended: 0, faults: [] };
  const files = { certificatePem: readFileSync(own.certFile, 'utf8'), keyPem: readFileSync(own.keyFile, 'utf8') };
  const server = await startDeviceServer(
    '127.0.0.1',
    0,
    { ...files, authorityPem: ca },
    {
      claim: (body) => {
        heard.bodies.push(body);
        return body === undefined ? { status: 400, body: '"too long"' } : { status: 200, body: '"yes"' };
      },
      bundle: (_sha256, caller) => {
        heard.callers.push(caller);
        if (caller === undefined) return { status: 403, body: '"no"' };
        return { path: file, bytes: content.length, sha256: SHA256, end: () => (heard.ended += 1) };
      },
      missing: () => ({ status: 404, body: '"nothing here"' }),
      onFault: (sentence) => heard.faults.push(sentence),
    },
    TIMES,
  );
  try {
    await work(server, heard);
    assert.equal(heard.faults, []);
  } finally {
    await within(WAIT_MS, 'stop', server.stop());
  }
}

type Options = {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pair?: KeyPair;
};
type Response = { readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly bytes: Buffer };

function ask(port: number, { method = 'GET', path = '/', body, headers = {}, pair }: Options): Promise<Response> {
  const shown = pair && { cert: readFileSync(pair.certFile), key: readFileSync(pair.keyFile) };
  return within(
    WAIT_MS,
    `${method} ${path}`,
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path, headers, ca, agent: false, ...shown } as const;
      const request = httpsRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
        );
      });
      request.on('error', reject);
      request.end(body);
    }),
  );
}

test.after(() => {
  store.remove();
  other.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a claim needs no certificate and is read whole', () =>
  withServer(async ({ port }, heard) => {
    const { status, bytes, headers } = await ask(port, { method: 'POST', path: '/v1/claim', body: 'ä'.repeat(2048) });
    assert.equal([status, String(bytes), headers['connection']], [200, '"yes"', 'close']);
    assert.equal(heard.bodies, ['ä'.repeat(2048)]);
  }));

test('one byte too many is not read, whether its length is told or not', () =>
  withServer(async ({ port }, heard) => {
    const body = 'x'.repeat(BODY_BYTES_MAX + 1);
    const claim = { method: 'POST', path: '/v1/claim', body } as const;
    assert.is((await ask(port, claim)).status, 400);
    assert.is((await ask(port, { ...claim, headers: { 'transfer-encoding': 'chunked' } })).status, 400);
    assert.equal(heard.bodies, [undefined, undefined]);
  }));

test('the authority is in the chain, so that a device that knows its fingerprint finds it', () =>
  withServer(async ({ port }) => {
    const chain = await within(
      WAIT_MS,
      'chain',
      new Promise<string[]>((resolve, reject) => {
        const socket: TLSSocket = connectSecure({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          const found: string[] = [];
          let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
          for (; certificate !== undefined && found.length < 5; certificate = certificate.issuerCertificate) {
            found.push(String(certificate.subject.CN));
            if (certificate.issuerCertificate === certificate) break;
          }
          socket.destroy();
          resolve(found);
        });
        socket.on('error', reject);
      }),
    );
    assert.equal(chain, ['localhost', 'Lethe store authority']);
  }));

test('other pages and other methods are answered, and nothing runs', () =>
  withServer(async ({ port }, heard) => {
    for (const [method, path, status] of [
      ['GET', '/', 404],
      ['GET', '/v1/claim', 405],
      ['POST', `/v1/bundle/${SHA256}`, 405],
      ['GET', '/v1/bundle/../../etc/passwd', 404],
      ['GET', `/v1/bundle/${SHA256.toUpperCase()}`, 404],
      ['POST', '/v1/claim/', 404],
    ] as const)
      assert.is(
        (await ask(port, { method, path, body: method === 'POST' ? '{}' : '' })).status,
        status,
        `${method} ${path}`,
      );
    assert.equal([heard.bodies, heard.callers], [[], []]);
  }));

test('a file goes to who shows a certificate of this store that holds, and to nobody else', () =>
  withServer(async ({ port }, heard) => {
    const path = `/v1/bundle/${SHA256}`;
    const given = await ask(port, { path, pair: door1 });
    assert.equal([given.status, given.headers['content-length']], [200, '300000']);
    assert.ok(given.bytes.equals(content));
    assert.is(heard.callers[0]?.name, 'door1');
    for (const pair of [
      undefined,
      other.client('door1'),
      store.dated('door2', '200101000000Z', '210101000000Z', 'clientAuth'),
      store.dated('door3', '200101000000Z', '400101000000Z', 'serverAuth'),
      store.selfSigned('door4'),
    ])
      assert.is((await ask(port, { path, ...(pair && { pair }) })).status, 403, pair?.certFile ?? 'none');
    // The server may notice a little after the client that the last byte has gone.
    await eventually(WAIT_MS, 'the file is ended', () => heard.ended > 0);
    assert.is(heard.ended, 1);
  }));

test('who was cut goes on where it was; a part of another file is not given', () =>
  withServer(async ({ port }, heard) => {
    const path = `/v1/bundle/${SHA256}`;
    const part = (range: string, more = {}) => ask(port, { path, pair: door1, headers: { range, ...more } });
    const first = await part('bytes=0-99999');
    assert.equal([first.status, first.headers['content-range']], [206, 'bytes 0-99999/300000']);
    const rest = await part('bytes=100000-', { 'if-range': String(first.headers['etag']) });
    assert.ok(Buffer.concat([first.bytes, rest.bytes]).equals(content));
    assert.is((await part('bytes=5-', { 'if-range': '"another"' })).status, 200);
    const outside = await part('bytes=300000-');
    assert.equal([outside.status, outside.headers['content-range']], [416, 'bytes */300000']);
    const head = await ask(port, { method: 'HEAD', path, pair: door1 });
    assert.equal([head.status, head.headers['content-length'], head.bytes.length], [200, '300000', 0]);
    await eventually(WAIT_MS, 'each is ended', () => heard.ended === 5);
  }));

test('who hangs up in the middle of a file ends it, and the next one is served', () =>
  withServer(async ({ port }, heard) => {
    const shown = { cert: readFileSync(door1.certFile), key: readFileSync(door1.keyFile) };
    const request = httpsRequest({ host: '127.0.0.1', port, path: `/v1/bundle/${SHA256}`, ca, agent: false, ...shown });
    request.on('error', () => {});
    request.on('response', (response) => response.once('data', () => request.destroy()).on('error', () => {}));
    request.end();
    await eventually(WAIT_MS, 'the end', () => heard.ended === 1);
    assert.is((await ask(port, { path: `/v1/bundle/${SHA256}`, pair: door1 })).status, 200);
  }));

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

test('a request that comes a letter at a time is ended, and others are served meanwhile', () =>
  withServer(async ({ port }) => {
    const socket = connectSecure({ host: '127.0.0.1', port, ca }, () => socket.write('POST /v1/claim HTTP/1.1\r\nx: '));
    const timer = setInterval(() => socket.writable && socket.write('y'), 200);
    const end = closed(socket);
    assert.is((await ask(port, { method: 'POST', path: '/v1/claim', body: '{}' })).status, 200);
    await within(WAIT_MS, 'the end of the slow one', end);
    clearInterval(timer);
  }));

test('a body that comes a letter at a time is ended as well', () =>
  withServer(async ({ port }, heard) => {
    const socket = connectSecure({ host: '127.0.0.1', port, ca }, () =>
      socket.write('POST /v1/claim HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n'),
    );
    const timer = setInterval(() => socket.writable && socket.write('y'), 200);
    await within(WAIT_MS, 'the end of the slow one', closed(socket));
    clearInterval(timer);
    assert.equal(heard.bodies, []);
  }));

test('one address has a bounded number of connections, also such as say nothing at all, and those end', () =>
  withServer(async ({ port }) => {
    const sockets = Array.from({ length: CONNECTIONS_PER_ADDRESS_MAX + 3 }, () => connectPlain(port, '127.0.0.1'));
    let closedCount = 0;
    const ends = sockets.map((socket) => closed(socket).then(() => (closedCount += 1)));
    await eventually(WAIT_MS, 'those beyond the bound', () => closedCount >= 3);
    await within(WAIT_MS, 'the silent ones', Promise.all(ends));
    assert.is((await ask(port, { method: 'POST', path: '/v1/claim', body: '{}' })).status, 200);
  }));

test('a port that is taken is told with the field that sets it', () =>
  withServer(async ({ port }) => {
    const files = { certificatePem: readFileSync(own.certFile, 'utf8'), keyPem: readFileSync(own.keyFile, 'utf8') };
    const missing = () => ({ status: 404, body: '' });
    const pages = { claim: missing, bundle: missing, missing, onFault: () => {} };
    try {
      await startDeviceServer('127.0.0.1', port, { ...files, authorityPem: ca }, pages);
      assert.unreachable();
    } catch (error) {
      assert.match(String(error), new RegExp(`Port ${port} of 127.0.0.1 cannot be listened on \\(EADDRINUSE\\)`));
    }
  }));

test.run();
