/**
 * One file over HTTPS with the device's certificate: what the voice shows the broker, it shows here. Redirections are not
 * followed: the address was checked, another one would not be. The file is written through (O_SYNC), for under Node's
 * permission model nothing can be synced afterwards.
 * Memory: pieces of a stream. Written in pieces of PIECE_BYTES, because each write waits for the card.
 */
import { closeSync, constants, openSync, statSync, write } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, get } from 'node:https';
import { promisify } from 'node:util';
import { DriverError, LetheError } from '../../runtime/errors.ts';
import type { Downloader, DownloadRequest } from '../../runtime/ports/download.ts';
import { readSecrets, type SecretFiles } from '../link/secrets.ts';

const PIECE_BYTES = 262_144;
const IDLE_MS_MAX = 30_000;
/** Not the synchronous one: a slow card must not keep the voice from hearing its eye. */
const writeAt = promisify(write);

export type HttpsDownloaderOptions = SecretFiles & {
  /** Name that the other side's certificate must be for; empty: the host of the address. */
  readonly serverName: string;
};

export class HttpsDownloader implements Downloader {
  readonly #options: HttpsDownloaderOptions;
  #abort: AbortController | undefined;

  constructor(options: HttpsDownloaderOptions) {
    this.#options = options;
  }

  async fetch(request: DownloadRequest): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const present = sizeOf(request.path);
    const agent = this.#agent();
    try {
      const response = await this.#ask(request.url, present, agent, abort.signal);
      await receive(response, request, present);
    } catch (error) {
      throw error instanceof LetheError ? error : disconnected(error);
    } finally {
      agent.destroy();
      this.#abort = undefined;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Secrets are read for each try, as for the broker. Throws LinkError. */
  #agent(): Agent {
    const { ca, cert, key } = readSecrets(this.#options);
    const { serverName } = this.#options;
    return new Agent({
      keepAlive: false,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== '' && { servername: serverName }),
    });
  }

  #ask(url: string, present: number, agent: Agent, signal: AbortSignal): Promise<IncomingMessage> {
    const headers = { 'accept-encoding': 'identity', ...(present > 0 && { range: `bytes=${present}-` }) };
    return new Promise((resolve, reject) => {
      const asked = get(url, { agent, headers, signal, timeout: IDLE_MS_MAX }, resolve);
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
    });
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function receive(response: IncomingMessage, request: DownloadRequest, present: number): Promise<void> {
  const { path, bytesMax, onProgress } = request;
  const plan = planOf(response, present);
  if (plan.totalBytes > bytesMax) {
    response.destroy();
    throw refused(`The file has ${plan.totalBytes} bytes; at most ${bytesMax} were expected.`);
  }
  const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_SYNC, O_NOFOLLOW } = constants;
  const how = plan.fromByte === 0 ? O_TRUNC : O_APPEND;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_SYNC | O_NOFOLLOW | how, 0o600);
  let received = plan.fromByte;
  try {
    for await (const piece of piecesOf(response)) {
      received += piece.length;
      if (received > plan.totalBytes) throw refused('The other side sent more than it had said.');
      for (let written = 0; written < piece.length; )
        written += (await writeAt(fd, piece, written, piece.length - written)).bytesWritten;
      onProgress(received, plan.totalBytes);
    }
  } finally {
    closeSync(fd);
  }
  if (received < plan.totalBytes) throw disconnected(new Error('the connection ended early'));
}

type Plan = { readonly fromByte: number; readonly totalBytes: number };

/** RFC 9110, sections 14 and 15.3.7. */
function planOf(response: IncomingMessage, present: number): Plan {
  const { statusCode = 0, headers } = response;
  const bytes = Number(headers['content-length'] ?? Number.NaN);
  if (statusCode === 200 && Number.isSafeInteger(bytes)) return { fromByte: 0, totalBytes: bytes };
  const [, first = '', , total = ''] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
  if (statusCode === 206 && Number(first) === present && total !== '')
    return { fromByte: present, totalBytes: Number(total) };
  response.destroy();
  // Nothing beyond what is there: it is whole, or it is not the same file.
  const [, whole] = /^bytes \*\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
  if (statusCode === 416 && Number(whole) === present) return { fromByte: present, totalBytes: present };
  if (statusCode >= 500 || statusCode === 429) throw disconnected(new Error(`status ${statusCode}`));
  throw refused(`The other side answers with status ${statusCode}.`);
}

/** Pieces of one size, but for the last. A response that nobody reads on is paused by the stream itself. */
async function* piecesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  response.setTimeout(IDLE_MS_MAX, () => response.destroy(new Error('nothing came for 30 s')));
  if (response.destroyed) return;
  let waiting: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      waiting.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes < PIECE_BYTES) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      bytes = 0;
    }
  } catch (error) {
    // What came before the cut need not come again.
    if (bytes > 0) yield Buffer.concat(waiting);
    throw error;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

function disconnected(cause: unknown): DriverError {
  const { code } = cause as NodeJS.ErrnoException;
  const isDisk = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' || code === 'EROFS' || code === 'EACCES';
  const kind = isDisk ? 'other' : 'disconnected';
  const what = isDisk
    ? `The file cannot be written (${code}).`
    : `The download broke off (${code ?? (cause as Error).message}).`;
  return new DriverError(kind, what, {
    op: 'download file',
    hint: isDisk ? 'Make room on the card.' : 'It is gone on with by itself.',
    cause,
  });
}

function refused(message: string): DriverError {
  return new DriverError('other', message, {
    op: 'download file',
    hint: 'See what the gateway offers (updates.bundle_file).',
  });
}
