// Goal: code and token reach only the gateway whose authority the code names; whoever else answers is told apart from nobody.
// Method: the gateway's own HTTPS server, and servers with one thing wrong: another authority, another name, out of date, no
// TLS, silence, answers without end.
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server as HttpsServer } from 'node:https';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Fault, findAuthority } from '../../../provisioning/device/claim/authority.ts';
import { type ClaimRequest, exchange, type GatewayAddress } from '../../../provisioning/device/claim/exchange.ts';
import type { KeyPair } from '../../fakes/certificates.ts';
import { Board, ClaimBench } from '../../fakes/claim-gateway.ts';
import { within } from '../../fakes/within.ts';

const test = suite('exchange');
const WAIT_MS = 8000;
let bench: ClaimBench;
let port: number;
let pin: string;
const opened: Server[] = [];
const sockets = new Set<Socket>();

test.before(async () => {
  bench = new ClaimBench();
  port = (await bench.serve()).port;
  const { X509Certificate } = await import('node:crypto');
  const { caPinOf } = await import('../../../provisioning/payload/keys.ts');
  pin = caPinOf(new X509Certificate(bench.authorityPem));
});
test.after.each(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of opened.splice(0)) await new Promise((resolve) => server.close(resolve));
});
test.after(() => bench.end());

async function listen<T extends Server>(server: T): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return (server.address() as { port: number }).port;
}

function https({ certFile, keyFile }: KeyPair, more: readonly string[], answer: RequestListener): HttpsServer {
  const cert = [readFileSync(certFile, 'utf8'), ...more].join('\n');
  return createServer({ cert, key: readFileSync(keyFile) }, answer);
}
/** Of the same authority, for other names; made once, as names are files. */
let good: KeyPair | undefined;
const serverPair = () => {
  good ??= { certFile: `${bench.authority.folder}/gateway.crt`, keyFile: `${bench.authority.folder}/gateway.key` };
  return good;
};

const find = (to = port, host = 'localhost') => within(WAIT_MS, 'an answer', findAuthority(host, to, pin));
const send = (to: Partial<GatewayAddress>, code = bench.code()) => {
  const body = JSON.parse(new Board().request(code)) as ClaimRequest;
  return within(WAIT_MS, 'an answer', exchange({ host: 'localhost', port, ca: bench.authorityPem, ...to }, body));
};
const wordOf = (answer: unknown) => (answer as Fault).refusal;

test('the authority is found by its key in what the gateway shows', async () => {
  assert.is(await find(), bench.authorityPem);
});

test('to be shown the chain nothing is sent', async () => {
  let requestCount = 0;
  let byteCount = 0;
  const server = https(serverPair(), [bench.authorityPem], () => (requestCount += 1));
  server.on('secureConnection', (socket) => socket.on('data', (chunk: Buffer) => (byteCount += chunk.length)));
  assert.is(await find(await listen(server)), bench.authorityPem);
  assert.is(requestCount + byteCount, 0);
});

test('a gateway of another store, or somebody with a certificate that merely has the same name, is told as such', async () => {
  const other = new ClaimBench();
  try {
    const served = await other.serve();
    assert.is(wordOf(await find(served.port)), 'gateway_other_certificate');
    assert.is(wordOf(await send({ port: served.port })), 'gateway_other_certificate');
  } finally {
    await other.end();
  }
  const own = bench.authority.selfSigned('gateway-of-somebody');
  assert.is(wordOf(await find(await listen(https(own, [], () => {})))), 'gateway_other_certificate');
});

test('the pinned authority shown by somebody without its key is worth nothing: the second connection says no', async () => {
  const own = bench.authority.selfSigned('thief');
  let requestCount = 0;
  const to = await listen(https(own, [bench.authorityPem], () => (requestCount += 1)));
  assert.is(wordOf(await send({ port: to })), 'gateway_other_certificate');
  assert.is(requestCount, 0);
});

test('a certificate for another name, of a client, out of date or not yet valid gets nothing', async () => {
  const pairs = [
    bench.authority.client('printer'),
    bench.authority.dated('old-gateway', '200101000000Z', '210101000000Z', 'serverAuth'),
    bench.authority.dated('new-gateway', '400101000000Z', '410101000000Z', 'serverAuth'),
  ];
  for (const pair of pairs) {
    let requestCount = 0;
    const to = await listen(https(pair, [bench.authorityPem], () => (requestCount += 1)));
    assert.is(wordOf(await send({ port: to })), 'gateway_other_certificate', pair.certFile);
    assert.is(requestCount, 0);
  }
});

test('a claim is answered, and the same one again in the same way', async () => {
  const code = bench.code({ device: 'door7' });
  const body = JSON.parse(new Board().request(code)) as ClaimRequest;
  const address = { host: 'localhost', port, ca: bench.authorityPem };
  const first = await exchange(address, body);
  const second = await exchange(address, body);
  assert.is('answer' in first && first.answer.device, 'door7');
  assert.equal('answer' in second && second.answer, 'answer' in first && first.answer);
  const stranger = await send({}, code);
  assert.is(wordOf(stranger), 'token_used');
  assert.not.match(JSON.stringify(stranger), /LETHE1/);
});

test('nobody there is gateway_unreachable: a closed port, a host that is not, somebody who says nothing at all', async () => {
  const closed = createPlainServer();
  const at = await listen(closed);
  await new Promise((resolve) => opened.pop()?.close(resolve));
  assert.is(wordOf(await find(at)), 'gateway_unreachable');
  assert.is(wordOf(await find(port, 'no-such-host.invalid')), 'gateway_unreachable');
  const cutting = createPlainServer((socket) => socket.destroy());
  assert.is(wordOf(await find(await listen(cutting))), 'gateway_unreachable');
});

test('what is no TLS is another one than the gateway', async () => {
  const plain = createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assert.is(wordOf(await find(await listen(plain))), 'gateway_other_certificate');
});

const ANSWERS: readonly (readonly [string, RequestListener, string])[] = [
  ['an answer without end', (_request, response) => flood(response), 'claim_refused'],
  ['trouble of its own', (_request, response) => response.writeHead(503).end('{}'), 'gateway_unreachable'],
  ['too many', (_request, response) => response.writeHead(429).end(error('too_many')), 'gateway_unreachable'],
  ['a word that nobody knows', (_request, response) => response.writeHead(403).end(error('moon')), 'claim_refused'],
  [
    'a word of every object',
    (_request, response) => response.writeHead(403).end(error('constructor')),
    'claim_refused',
  ],
  ['no JSON', (_request, response) => response.writeHead(400).end('<html>'), 'claim_refused'],
  ['half an answer', (_request, response) => response.end('{"v":1,"device":"door1"}'), 'claim_refused'],
  ['an error of null', (_request, response) => response.writeHead(409).end('{"error":null}'), 'claim_refused'],
  ['a cut in the middle', (request) => request.socket.destroy(), 'gateway_unreachable'],
  ['another place', (_request, response) => response.writeHead(302, { location: '/' }).end(), 'claim_refused'],
];
const error = (code: string) => JSON.stringify({ v: 1, error: { code, message: 'x' } });
function flood(response: Parameters<RequestListener>[1]): void {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
  };
  response.on('drain', more);
  more();
}
for (const [what, answer, word] of ANSWERS) {
  test(`${what} is ${word}`, async () => {
    const to = await listen(https(serverPair(), [bench.authorityPem], answer));
    assert.is(wordOf(await send({ port: to })), word);
  });
}

test.run();
