// Goal: lines reach a file or an address whole, and what goes wrong is told with a remedy and without the token.
// Method: real files, a real HTTP server on the loopback that answers as scripted.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startMetricsServer } from '../../../drivers/metrics/server.ts';
import { FileSink } from '../../../drivers/sink/file.ts';
import { HttpSink } from '../../../drivers/sink/http.ts';
import { freePort } from '../../fakes/broker.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-sink-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function messageOf(promise: Promise<void>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('a file grows at its end, and a folder that is not there is told', async () => {
  const path = join(folder, 'lines.txt');
  const sink = new FileSink('file', path);
  await sink.send('a\n');
  await sink.send('b\n');
  assert.is(readFileSync(path, 'utf8'), 'a\nb\n');
  assert.match(
    await messageOf(new FileSink('file', join(folder, 'no', 'x')).send('a')),
    /cannot be written \(ENOENT\)/,
  );
});

test('HTTP: the token goes in a header and never into a message; refusals and silence are told', async () => {
  const answers = [204, 401, 302, 503];
  const heard: { body: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      heard.push({ body, authorization: request.headers.authorization });
      response.writeHead(answers.shift() ?? 500, { location: 'http://127.0.0.1:9/' });
      response.end('no \u0007 room');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'secret-token\n');
  const url = `http://127.0.0.1:${port}/api/v2/write?bucket=b&precision=s`;
  const sink = new HttpSink('influx', url, tokenFile);
  try {
    await sink.send('a b=1i 1\n');
    assert.equal(heard[0], { body: 'a b=1i 1\n', authorization: 'Token secret-token' });
    const refused = await messageOf(sink.send('x'));
    assert.match(refused, /answers 401 no {3}room; it is tried again\. Check sinks\.influx\.token_file\./);
    assert.match(await messageOf(sink.send('x')), /does not answer/, 'it is not led elsewhere');
    assert.match(await messageOf(sink.send('x')), /answers 503/);
    assert.not.match(refused, 'secret-token');
    rmSync(tokenFile);
    assert.match(await messageOf(sink.send('x')), /cannot be read \(ENOENT\)/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const nobody = `http://127.0.0.1:${await freePort()}/write?precision=s`;
  assert.match(await messageOf(new HttpSink('influx', nobody, '').send('x')), /does not answer \(ECONNREFUSED\)/);
});

test('the pages: GET only, two paths, an illness is 503; a taken port is told', async () => {
  let illness = '';
  const pages = { metrics: () => 'a 1\n', illness: () => illness };
  const server = await startMetricsServer('127.0.0.1', 0, pages);
  const at = (path: string, init = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  const metrics = await at('/metrics');
  assert.equal([metrics.status, await metrics.text()], [200, 'a 1\n']);
  assert.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.is((await at('/metrics', { method: 'POST', body: 'x' })).status, 405);
  assert.is((await at('/etc/passwd')).status, 404);
  assert.is((await at('/healthz')).status, 200);
  illness = 'not connected to the broker';
  const ill = await at('/healthz');
  assert.equal([ill.status, await ill.text()], [503, 'not connected to the broker\n']);
  assert.match(
    await messageOf(startMetricsServer('127.0.0.1', server.port, pages).then(() => {})),
    /cannot be listened on \(EADDRINUSE\)/,
  );
  await server.stop();
});

test.run();
