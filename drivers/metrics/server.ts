/**
 * Two pages over HTTP for whoever watches: /metrics in the text format of Prometheus, /healthz as a word. GET only, nothing is
 * read from a request but its first line, few connections and short ones.
 */
import { createServer, type ServerResponse } from 'node:http';
import { listen } from '../listening.ts';

const CONNECTIONS_MAX = 16;
const REQUEST_MS_MAX = 5000;
const HEADER_BYTES_MAX = 8192;
/** Prometheus, "Exposition formats". */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type MetricsPages = {
  readonly metrics: () => string;
  /** Empty: healthy; otherwise why not. */
  readonly illness: () => string;
};

export type MetricsServer = { readonly port: number; readonly stop: () => Promise<void> };

/** port 0 is any free one. Rejects with DriverError if the port cannot be had. */
export async function startMetricsServer(address: string, port: number, pages: MetricsPages): Promise<MetricsServer> {
  const server = createServer({
    requestTimeout: REQUEST_MS_MAX,
    headersTimeout: REQUEST_MS_MAX,
    maxHeaderSize: HEADER_BYTES_MAX,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('request', ({ method, url = '' }, response) => {
    response.setHeader('connection', 'close');
    const [path] = url.split('?');
    if (method !== 'GET' && method !== 'HEAD') answer(response, 405, 'GET only\n', { allow: 'GET, HEAD' });
    else if (path === '/metrics') answer(response, 200, pages.metrics(), { 'content-type': METRICS_TYPE });
    else if (path === '/healthz') {
      const illness = pages.illness();
      answer(response, illness === '' ? 200 : 503, illness === '' ? 'ok\n' : `${illness}\n`);
    } else answer(response, 404, 'known here: /metrics, /healthz\n');
  });
  const bound = await listen(server, { address, port }, 'serve metrics', 'prometheus.port');
  return {
    port: bound,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(body);
}
