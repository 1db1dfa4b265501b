// Goal: a file comes whole over HTTPS with the device's certificate, goes on after a cut, and from nobody else.
// Method: a real HTTPS server on loopback with certificates of a test's authority, which cuts, lies and redirects as told.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpsDownloader } from '../../../drivers/download/https.ts';
import { LetheError } from '../../../runtime/errors.ts';
import { TestAuthority } from '../../fakes/certificates.ts';
import { within } from '../../fakes/within.ts';

const FILE = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7) % 251));
const folder = mkdtempSync(join(tmpdir(), 'lethe-download-'));
const authority = TestAuthority.create();
const stranger = TestAuthority.create();
const server = authority.broker('localhost', '127.0.0.1');
const device = authority.client('door1');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** As the gateway's: a whole file or the rest of it. */
const honest: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
  if (from < 0) {
    response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
  } else if (from >= FILE.length) {
    response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end();
  } else {
    const range = `bytes ${from}-${FILE.length - 1}/${FILE.length}`;
    response.writeHead(206, { 'content-range': range, 'content-length': FILE.length - from }).end(FILE.subarray(from));
  }
};

async function serving(answer: Answer, body: (url: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const pair = { cert: readFileSync(server.certFile), key: readFileSync(server.keyFile) };
  const listening = createServer(
    { ...pair, ca: readFileSync(authority.caFile), requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      seen.push(
        `${(request.socket as TLSSocket).authorized ? subject.CN : 'nobody'} ${request.headers.range ?? 'all'}`,
      );
      answer(request, response);
    },
  );
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve));
  try {
    await body(`https://localhost:${(listening.address() as AddressInfo).port}/v1/bundle/x`, seen);
  } finally {
    listening.closeAllConnections();
    listening.close();
  }
}

const downloader = (ca = authority.caFile) =>
  new HttpsDownloader({ caFile: ca, certFile: device.certFile, keyFile: device.keyFile, serverName: '' });

let fileCount = 0;
const newPath = () => {
  fileCount += 1;
  return join(folder, `${fileCount}.part`);
};

/** → its code, or `whole`. */
async function fetched(url: string, path: string, bytesMax = 1_000_000, by = downloader()): Promise<string> {
  try {
    await within(10_000, 'a download', by.fetch({ url, path, bytesMax, onProgress: () => {} }));
    return 'whole';
  } catch (error) {
    if (error instanceof LetheError) return error.code;
    throw error;
  }
}

test('a file comes whole, and the device shows its certificate', () =>
  serving(honest, async (url, seen) => {
    const path = newPath();
    assert.is(await fetched(url, path), 'whole');
    assert.ok(readFileSync(path).equals(FILE));
    assert.equal(seen, ['door1 all']);
  }));

test('after a cut it goes on where it was', () => {
  let count = 0;
  const cutting: Answer = (request, response) => {
    count += 1;
    if (count > 1) return honest(request, response);
    response.writeHead(200, { 'content-length': FILE.length });
    response.write(FILE.subarray(0, 300_000), () => setTimeout(() => response.destroy(), 50));
  };
  return serving(cutting, async (url, seen) => {
    const path = newPath();
    assert.is(await fetched(url, path), 'DRIVER_DISCONNECTED');
    const present = readFileSync(path).length;
    assert.ok(present > 0 && present < FILE.length, `${present} bytes are there`);
    assert.is(await fetched(url, path), 'whole');
    assert.ok(readFileSync(path).equals(FILE));
    assert.is(seen[1], `door1 bytes=${present}-`);
  });
});

test('what is whole already is not fetched again', () =>
  serving(honest, async (url) => {
    const path = newPath();
    writeFileSync(path, FILE);
    assert.is(await fetched(url, path), 'whole');
  }));

test('a server that gives all in place of the rest is taken from the beginning', () =>
  serving(
    (_request, response) => void response.writeHead(200, { 'content-length': FILE.length }).end(FILE),
    async (url) => {
      const path = newPath();
      writeFileSync(path, 'something else');
      assert.is(await fetched(url, path), 'whole');
      assert.ok(readFileSync(path).equals(FILE));
    },
  ));

test('more than was expected, another address, no file and a wrong part are refused, a full server comes again', async () => {
  await serving(honest, async (url) => assert.is(await fetched(url, newPath(), 1000), 'DRIVER_OTHER'));
  const cases: readonly (readonly [Answer, string])[] = [
    [(_request, response) => void response.writeHead(302, { location: 'https://example.org/' }).end(), 'DRIVER_OTHER'],
    [(_request, response) => void response.writeHead(404).end(), 'DRIVER_OTHER'],
    [
      (_request, response) => void response.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('56789'),
      'DRIVER_OTHER',
    ],
    [(_request, response) => void response.writeHead(200).end('without a length'), 'DRIVER_OTHER'],
    [(_request, response) => void response.writeHead(503).end(), 'DRIVER_DISCONNECTED'],
    [(_request, response) => void response.destroy(), 'DRIVER_DISCONNECTED'],
  ];
  for (const [answer, code] of cases)
    await serving(answer, async (url) => assert.is(await fetched(url, newPath()), code));
});

test('a server of another authority is given nothing and asked nothing', () =>
  serving(honest, async (url, seen) => {
    assert.is(await fetched(url, newPath(), 1_000_000, downloader(stranger.caFile)), 'DRIVER_DISCONNECTED');
    assert.equal(seen, []);
  }));

test.after(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const one of [authority, stranger]) rmSync(one.folder, { recursive: true, force: true });
});

test.run();
