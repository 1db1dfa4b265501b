/**
 * Who made a model: an Ed25519 signature (RFC 8032) over the manifest's exact bytes. The manifest names size and SHA-256
 * of the .tflite file, so one short signature covers both. Why at all: "could somebody load a face recogniser onto it?"
 * needs an answer that does not rest on file permissions alone.
 *
 * `manifest.sig` beside `manifest.json` is one line: `ed25519 <key id> <signature, base64>`. A key's id is the first
 * 16 hexadecimal digits of the SHA-256 of its 32 bytes: a name, which proves nothing by itself.
 * What is trusted: the keys below, and the one that a device's configuration names. Nothing turns the check off.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { ModelError } from '../errors.ts';

/** Keys that come with Lethe, raw and in base64. The private halves are nowhere in this repository. */
export const BUILT_IN_KEYS: readonly { readonly name: string; readonly publicKey: string }[] = [
  { name: 'lethe development', publicKey: '7NBwNLacvdak6Eju+OHk3SuT2gyEeZWIrJw3U8QzbFI=' },
];

/** So that a signature made for something else with the same key is worth nothing here. */
const PURPOSE = Buffer.from('lethe model manifest 1\n');
/** DER in front of the 32 bytes of an Ed25519 public key (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const LINE = /^ed25519 ([0-9a-f]{16}) ([A-Za-z0-9+/]{86}==)\n?$/;
const ID_DIGITS = 16;

export type Signer = { readonly id: string; readonly name: string };

/** Raw public key in base64 → its id. */
export function keyId(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, ID_DIGITS);
}

/** The 32 raw bytes of a private key's public half, in base64: the form that the configuration and this file have. */
export function rawPublicKey(privateKey: KeyObject): string {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return der.subarray(SPKI_PREFIX.length).toString('base64');
}

/** Contents of manifest.sig. privateKey: Ed25519. */
export function signManifest(manifest: Uint8Array, privateKey: KeyObject): string {
  const signature = sign(null, Buffer.concat([PURPOSE, manifest]), privateKey);
  return `ed25519 ${keyId(rawPublicKey(privateKey))} ${signature.toString('base64')}\n`;
}

/**
 * Checks `signatureText` (contents of manifest.sig, undefined when there is none) against the manifest's bytes.
 * ownKey: raw public key in base64 that this device trusts besides the built-in ones, or ''.
 * Throws ModelError: MODEL_UNSIGNED, MODEL_KEY_UNKNOWN, MODEL_SIGNATURE.
 */
export function checkSignature(
  path: string,
  manifest: Uint8Array,
  signatureText: string | undefined,
  ownKey: string,
): Signer {
  const op = 'check model signature';
  if (signatureText === undefined) {
    throw new ModelError(
      'MODEL_UNSIGNED',
      `${path} has no manifest.sig beside it; expected the signature of whoever made the model.`,
      {
        op,
        hint: 'Copy manifest.json, manifest.sig and the .tflite together. A model of your own is signed with `npm run -s sign -- --key FILE FOLDER`, and model.public_key names your key.',
      },
    );
  }
  const parts = LINE.exec(signatureText);
  // Base64 leaves four bits of the last letter unused; only one spelling is accepted, so that a file has one form.
  if (parts === null || Buffer.from(parts[2]!, 'base64').toString('base64') !== parts[2]) {
    throw new ModelError(
      'MODEL_SIGNATURE',
      `the manifest.sig beside ${path} is not one line "ed25519 <key id> <signature>".`,
      {
        op,
        hint: 'The file is damaged: restore it together with manifest.json.',
      },
    );
  }
  const [, id, signature] = parts;
  const keys = ownKey === '' ? BUILT_IN_KEYS : [...BUILT_IN_KEYS, { name: 'model.public_key', publicKey: ownKey }];
  const key = keys.find(({ publicKey }) => keyId(publicKey) === id);
  if (key === undefined) {
    const known = keys.map(({ name, publicKey }) => `${keyId(publicKey)} (${name})`).join(', ');
    throw new ModelError(
      'MODEL_KEY_UNKNOWN',
      `${path} is signed with key ${id}; expected one that this device trusts: ${known}.`,
      {
        op,
        hint: 'Set model.public_key to the public key of whoever made the model, if you trust them; else restore the model that came with Lethe.',
      },
    );
  }
  const object = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(key.publicKey, 'base64')]),
    format: 'der',
    type: 'spki',
  });
  if (!verify(null, Buffer.concat([PURPOSE, manifest]), object, Buffer.from(signature!, 'base64'))) {
    throw new ModelError(
      'MODEL_SIGNATURE',
      `${path} is not what key ${id} (${key.name}) signed: it was changed afterwards, or its manifest.sig belongs to another.`,
      {
        op,
        hint: 'Restore manifest.json, manifest.sig and the .tflite together.',
      },
    );
  }
  return { id: id!, name: key.name };
}
