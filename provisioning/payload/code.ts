/**
 * Makes and reads setup codes (payload.ts says what they are).
 * Reading believes nothing before the signature is checked: length and alphabet, then CBOR in canonical form, then whose key it
 * says it is, then the signature, and only then what the fields mean. Any text that decodes to the same bytes by another way
 * (spare bits of base64, longer numbers, another order) is refused, so each code has one text.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { ProvisioningError } from '../../runtime/errors.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { payloadProblems } from './check.ts';
import { FieldKey, hasOnlyKnownKeys, payloadFromMap, payloadToMap } from './fields.ts';
import { type CodeKeys, keyIdOf } from './keys.ts';
import {
  CLOCK_TOLERANCE_S,
  CODE_CHARS_MAX,
  CODE_PREFIX,
  PAYLOAD_BYTES_MAX,
  type SetupPayload,
  SIGNATURE_CHARS,
} from './payload.ts';
import type { Refusal } from './refusals.ts';
import { codeParts } from './size.ts';

const PURPOSE = Buffer.from('lethe code v1\n', 'ascii');
const PAYLOAD_CHARS_MAX = Math.ceil((PAYLOAD_BYTES_MAX * 4) / 3);
const FORM = new RegExp(`^LETHE1\\.([A-Za-z0-9_-]{2,${PAYLOAD_CHARS_MAX}})\\.([A-Za-z0-9_-]{${SIGNATURE_CHARS}})$`);
const OTHER_VERSION = /^LETHE[1-9][0-9]?\./;

/** Time as far as it is known. Without a clock `nowMs` is a lower bound: what has expired by then has expired for certain. */
export type CodeMoment = { readonly nowMs: number; readonly isTimeKnown: boolean };

/** Who reads: a device without a name takes any of its site; `spent` says whether it has used that nonce. */
export type CodeReader = { readonly name?: string; spent(nonce: string): boolean };

export type CodeReading = { ok: true; payload: SetupPayload } | { ok: false; refusal: Refusal };

/** Throws `ProvisioningError` with all faults of the payload, or with what makes the code too long. */
export function encodeCode(payload: SetupPayload, privateKey: KeyObject): string {
  const problems = payloadProblems(payload);
  if (privateKey.asymmetricKeyType !== 'ed25519' || privateKey.type !== 'private')
    problems.push(`the key is ${privateKey.asymmetricKeyType ?? privateKey.type}; expected a private key of Ed25519.`);
  else if (keyIdOf(privateKey) !== payload.keyId)
    problems.push(`key id is ${payload.keyId}, but the key that signs is ${keyIdOf(privateKey)}. Use one of both.`);
  if (problems.length > 0)
    throw new ProvisioningError('PROVISIONING_PAYLOAD', problems.join('\n'), { op: 'make code' });

  const bytes = encodeCbor(payloadToMap(payload));
  const signature = sign(null, Buffer.concat([PURPOSE, bytes]), privateKey);
  const code = `${CODE_PREFIX}${base64url(bytes)}.${base64url(signature)}`;
  if (code.length > CODE_CHARS_MAX) throw tooLong(payload, code.length);
  return code;
}

/** `text` is what a QR decoder gave, or anything else: bounds come first, and nothing is thrown for what is in it. */
export function readCode(text: string, keys: CodeKeys, moment: CodeMoment, device: CodeReader): CodeReading {
  if (!text.startsWith(CODE_PREFIX)) return refuse(OTHER_VERSION.test(text) ? 'newer_version' : 'not_ours');
  if (text.length > CODE_CHARS_MAX) return refuse('damaged');
  const [, payloadText = '', signatureText = ''] = FORM.exec(text) ?? [];
  const bytes = fromBase64url(payloadText);
  const signature = fromBase64url(signatureText);
  if (bytes === undefined || signature === undefined) return refuse('damaged');
  const map = decodeCbor(bytes);
  if (!(map instanceof Map)) return refuse('damaged');

  const keyId: unknown = map.get(FieldKey.keyId);
  if (!(keyId instanceof Uint8Array) || keyId.length !== 4) return refuse('damaged');
  const key = keys.get(Buffer.from(keyId).toString('hex'));
  if (key === undefined) return refuse('unknown_key');
  if (!verify(null, Buffer.concat([PURPOSE, bytes]), key, signature)) return refuse('forged');

  if (!hasOnlyKnownKeys(map)) return refuse('newer_version');
  const payload = payloadFromMap(map);
  if (payload === undefined || payloadProblems(payload).length > 0) return refuse('damaged');
  // Defaults that were written out, and parts of what is left out as a whole.
  if (Buffer.compare(encodeCbor(payloadToMap(payload)), bytes) !== 0) return refuse('damaged');
  const refusal = timeRefusal(payload, moment) ?? deviceRefusal(payload, device);
  return refusal === undefined ? { ok: true, payload } : refuse(refusal);
}

/** Also asked again by itself once the time is known. */
export function timeRefusal(
  { issuedAtS, expiresAtS }: Pick<SetupPayload, 'issuedAtS' | 'expiresAtS'>,
  { nowMs, isTimeKnown }: CodeMoment,
): Refusal | undefined {
  if (nowMs >= expiresAtS * 1000) return 'expired';
  if (isTimeKnown && nowMs < (issuedAtS - CLOCK_TOLERANCE_S) * 1000) return 'not_yet_valid';
  return undefined;
}

function deviceRefusal(payload: SetupPayload, device: CodeReader): Refusal | undefined {
  if (payload.device !== undefined && device.name !== undefined && payload.device !== device.name)
    return 'other_device';
  return device.spent(payload.nonce) ? 'replayed' : undefined;
}

function refuse(refusal: Refusal): CodeReading {
  return { ok: false, refusal };
}

function tooLong(payload: SetupPayload, length: number): ProvisioningError {
  const parts = codeParts(payload).map(({ label, chars }) => `${label} ${chars}`);
  return new ProvisioningError(
    'PROVISIONING_TOO_LONG',
    `The code would have ${length} characters, ${length - CODE_CHARS_MAX} more than the ${CODE_CHARS_MAX} that a camera reads well: ${parts.join(', ')}.`,
    {
      op: 'make code',
      hint:
        payload.lines === undefined
          ? 'Shorten the longest of them: an address instead of a long host name, a shorter passphrase.'
          : 'Leave the lines out (the gateway has them), or shorten the longest of them.',
    },
  );
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** undefined when the text is not what these bytes are written as: spare bits must be zero. */
function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}
