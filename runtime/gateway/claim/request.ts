/**
 * What a device sends to get its certificate, checked: form, key, and the proof that it has the private half of that key.
 * A fault is a sentence without anything of the code in it.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { CODE_CHARS_MAX } from '../../../provisioning/payload/payload.ts';

/** Signed before the code, so that a signature of this key for anything else is none for a claim. */
export const CLAIM_PURPOSE = 'lethe claim v1\n';
/** A key of P-256 has 178 characters. */
const KEY_CHARS_MAX = 300;

const ClaimSchema = Type.Object(
  {
    v: Type.Literal(1),
    code: Type.String({ minLength: 1, maxLength: CODE_CHARS_MAX }),
    /** SPKI in PEM. */
    public_key: Type.String({ maxLength: KEY_CHARS_MAX, pattern: '^-----BEGIN PUBLIC KEY-----\\s' }),
    /** ECDSA with SHA-256 over CLAIM_PURPOSE and code, in DER, in base64: 70 to 72 bytes, seldom less. */
    proof: Type.String({ pattern: '^[A-Za-z0-9+/]{40,120}={0,2}$' }),
    hardware: Type.Object({
      /** As the device tree says it. */
      model: Type.String({ maxLength: 80 }),
      /** Hash of the serial number: the same board is known again, and nobody can read the number out of it. */
      id: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    }),
    version: Type.String({ pattern: '^[0-9A-Za-z.+-]{1,40}$' }),
  },
  // Newer devices may say more.
  { additionalProperties: true },
);

export type ClaimRequest = {
  readonly code: string;
  /** Of P-256; SPKI in DER. */
  readonly publicKey: Buffer;
  readonly hardware: { readonly model: string; readonly id: string };
  readonly version: string;
};

/** A sentence: what is wrong. */
export function readRequest(body: string): ClaimRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'The request is no JSON. Update the device.';
  }
  if (!Value.Check(ClaimSchema, value)) return schemaFault(value);
  const { code, public_key, proof, hardware, version } = value as Static<typeof ClaimSchema>;
  const key = keyIn(public_key);
  if (key === undefined)
    return 'public_key is no public key of P-256 in PEM (SPKI). Let the device make a key of that kind.';
  const isProven = verify('sha256', Buffer.from(CLAIM_PURPOSE + code), key, Buffer.from(proof, 'base64'));
  if (!isProven) return 'proof is no signature of that key over the code. The device must have the key that it names.';
  return {
    code,
    publicKey: key.export({ type: 'spki', format: 'der' }),
    hardware: { model: printable(hardware.model), id: hardware.id },
    version,
  };
}

/** Names the first field that is wrong and never its value. */
function schemaFault(value: unknown): string {
  const [error] = Value.Errors(ClaimSchema, value);
  if (error?.keyword === 'required')
    return `The request has no ${error.params.requiredProperties.join(', ')}. Update the device.`;
  const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  return `${field === '' ? 'The request' : field} is not of the form that is expected here. Update the device.`;
}

function keyIn(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: pem, format: 'pem' });
    // OpenSSL's name of P-256. Other keys would pass here and be refused by brokers or boards later.
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** It goes into the log and into a table on a terminal. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, '').trim();
}
