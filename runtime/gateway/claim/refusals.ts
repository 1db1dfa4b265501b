/**
 * Why a device gets no certificate: one stable word each, which the device acts on, the HTTP status, and a sentence for whoever
 * reads the log of the device or of the gateway. No sentence holds anything of the code.
 */
import type { Refusal } from '../../../provisioning/payload/refusals.ts';

/** Word → HTTP status. */
export const CLAIM_REFUSALS = {
  bad_request: 400,
  unknown_key: 403,
  forged: 403,
  expired: 403,
  not_yet_valid: 403,
  wrong_site: 403,
  token_used: 409,
  device_taken: 409,
  too_many: 429,
  /** The gateway itself is ill: to be tried again. */
  unavailable: 503,
} as const satisfies Readonly<Record<string, number>>;
export type ClaimRefusalWord = keyof typeof CLAIM_REFUSALS;

export type ClaimRefusal = {
  readonly word: ClaimRefusalWord;
  /** What is the matter, and what to do. */
  readonly message: string;
  /** After so many seconds it may be tried again; undefined: not by itself. */
  readonly retryAfterS?: number;
};

export function refuse(word: ClaimRefusalWord, message: string): ClaimRefusal {
  return { word, message };
}

/** What is wrong with a code, said by the gateway. */
export function codeRefusal(refusal: Refusal): ClaimRefusal {
  switch (refusal) {
    case 'unknown_key':
      return refuse(
        'unknown_key',
        'The code is signed with a key that the gateway was not given. Put its public half into the folder of claim.fleet_keys, or make the code with a key that is there.',
      );
    case 'forged':
      return refuse(
        'forged',
        'The code names a fleet key of the gateway, but the signature does not fit. Make a new code, and find out where this one came from.',
      );
    case 'expired':
      return refuse(
        'expired',
        'The time in which the code was valid is over, by the clock of the gateway. Make a new one.',
      );
    case 'not_yet_valid':
      return refuse(
        'not_yet_valid',
        'The code was made in the future, by the clock of the gateway. Set the clock of the gateway or of the computer that made the code.',
      );
    case 'newer_version':
      return refuse('bad_request', 'The code was made by a newer version. Update the gateway.');
    default:
      return refuse('bad_request', 'What stands in `code` is no whole setup code. Make a new one.');
  }
}

export function answerOf({ word, message }: ClaimRefusal): string {
  return JSON.stringify({ v: 1, error: { code: word, message } });
}
