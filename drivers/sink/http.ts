/**
 * Line protocol over HTTP, as InfluxDB and what copies it take it: POST, plain text, a token in a header. Node's own fetch.
 * The token is read before each lot, so that it can be changed without a restart; it never enters a message.
 */
import { readFileSync } from 'node:fs';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import type { Sink } from '../../runtime/ports/sink.ts';

const TIMEOUT_MS = 15_000;
/** Of an answer that says what is wrong. */
const ANSWER_CHARS_MAX = 200;

export class HttpSink implements Sink {
  readonly name: string;
  readonly #url: string;
  readonly #tokenFile: string;

  /** tokenFile: empty: none. */
  constructor(name: string, url: string, tokenFile: string) {
    this.name = name;
    this.#url = url;
    this.#tokenFile = tokenFile;
  }

  async send(lines: string): Promise<void> {
    const token = this.#token();
    let response: Response;
    try {
      response = await fetch(this.#url, {
        method: 'POST',
        body: lines,
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          ...(token === '' ? {} : { authorization: `Token ${token}` }),
        },
        // A token must not travel to wherever somebody points us.
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw this.#fault(`does not answer (${reasonOf(cause)})`, 'Check address and network.', cause);
    }
    // Read to its end, or the connection is not used again.
    const answer = (await response.text().catch(() => '')).slice(0, ANSWER_CHARS_MAX);
    if (response.ok) return;
    const hint =
      response.status === 401 || response.status === 403 ? 'Check sinks.influx.token_file.' : 'Check sinks.influx.url.';
    throw this.#fault(`answers ${response.status} ${printable(answer)}`.trim(), hint);
  }

  #token(): string {
    if (this.#tokenFile === '') return '';
    try {
      return readFileSync(this.#tokenFile, 'utf8').trim();
    } catch (cause) {
      throw this.#fault(
        `is not asked: ${this.#tokenFile} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
        'Correct sinks.influx.token_file.',
        cause,
      );
    }
  }

  #fault(what: string, hint: string, cause?: unknown): LetheError {
    const { origin, pathname } = new URL(this.#url);
    return new LetheError(
      'SINK_HTTP',
      `${origin}${pathname} ${what}; it is tried again. ${hint}`,
      ExitCode.unavailable,
      {
        op: 'write sink',
        cause,
      },
    );
  }
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return cause?.code ?? name ?? 'error';
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking these out is the purpose.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
