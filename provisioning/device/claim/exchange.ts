/**
 * One exchange with the claim service of the gateway: the code and our public key go, certificate and configuration come back.
 * TLS is verified in full against the one authority that the code names. Bodies and time are bounded; neither code, token nor
 * anything else of the bodies gets into an error.
 */
import { request } from 'node:https';
import { isIP } from 'node:net';
import { type ClaimAnswer, claimAnswerIn } from '../state.ts';
import { connectionFault, type Fault } from './authority.ts';

const PATH = '/v1/claim';
/** A configuration of eight lines and two certificates has 6 kB. */
const ANSWER_BYTES_MAX = 65_536;
/** From the first packet to the last byte. */
const EXCHANGE_MS_MAX = 30_000;

export type ClaimRequest = {
  readonly v: 1;
  readonly code: string;
  /** SPKI PEM, P-256. */
  readonly public_key: string;
  /** base64, ECDSA with SHA-256 over `lethe claim v1\n` + code. */
  readonly proof: string;
  readonly hardware: { readonly model: string; readonly id: string };
  readonly version: string;
};

export type GatewayAddress = { readonly host: string; readonly port: number; readonly ca: string };

/** `time` is the gateway's clock, for comparison only. */
export type Exchanged = { readonly answer: ClaimAnswer; readonly time: string };

/** What the gateway refuses with → our word. What is not here is the gateway's own trouble, and is asked again. */
const ERROR_WORDS: Readonly<Record<string, Fault['refusal']>> = {
  bad_request: 'claim_refused',
  unknown_key: 'unknown_key',
  forged: 'forged',
  expired: 'expired',
  not_yet_valid: 'not_yet_valid',
  wrong_site: 'claim_refused',
  token_used: 'token_used',
  device_taken: 'claim_refused',
  too_many: 'gateway_unreachable',
};

/** Never throws. */
export async function exchange(address: GatewayAddress, body: ClaimRequest): Promise<Exchanged | Fault> {
  const answer = await post(address, JSON.stringify(body));
  if ('refusal' in answer) return answer;
  const { status, text } = answer;
  const json = objectIn(text);
  if (status === 200) return exchangedIn(json);
  if (status >= 500) return { refusal: 'gateway_unreachable', reason: `The gateway is in trouble (status ${status}).` };
  const { code } = (json['error'] ?? {}) as { code?: unknown };
  const word = typeof code === 'string' && /^[a-z_]{1,32}$/.test(code) ? code : 'no reason';
  const refusal = Object.hasOwn(ERROR_WORDS, word) ? ERROR_WORDS[word]! : 'claim_refused';
  return { refusal, reason: `The gateway refuses (status ${status}, ${word}).` };
}

function post(
  { host, port, ca }: GatewayAddress,
  body: string,
): Promise<{ readonly status: number; readonly text: string } | Fault> {
  const place = `${host}:${port}`;
  return new Promise((resolve) => {
    const outgoing = request({
      host,
      port,
      path: PATH,
      method: 'POST',
      agent: false,
      ca,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(isIP(host) === 0 && { servername: host }),
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    const end = (answer: { status: number; text: string } | Fault) => {
      clearTimeout(timer);
      outgoing.destroy();
      resolve(answer);
    };
    const timer = setTimeout(
      () => end({ refusal: 'gateway_unreachable', reason: `${place} took longer than ${EXCHANGE_MS_MAX} ms.` }),
      EXCHANGE_MS_MAX,
    );
    outgoing.on('error', (error) => end(connectionFault(error, place)));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let byteCount = 0;
      response.on('data', (chunk: Buffer) => {
        byteCount += chunk.length;
        chunks.push(chunk);
        if (byteCount > ANSWER_BYTES_MAX)
          end({ refusal: 'claim_refused', reason: `The answer is longer than ${ANSWER_BYTES_MAX} bytes.` });
      });
      response.on('error', (error) => end(connectionFault(error, place)));
      response.on('end', () => end({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    outgoing.end(body);
  });
}

/** The body of a 200, whatever it is. */
export function exchangedIn(json: Record<string, unknown>): Exchanged | Fault {
  const { v, time } = json;
  const answer = v === 1 ? claimAnswerIn(json) : undefined;
  if (answer === undefined)
    return { refusal: 'claim_refused', reason: 'The answer of the gateway is not of the form expected.' };
  return { answer, time: typeof time === 'string' ? time : '' };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
