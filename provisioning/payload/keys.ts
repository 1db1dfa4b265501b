/**
 * Fleet keys (Ed25519): the private half makes codes and stays with whoever sets devices up, the public half is on every card and
 * in the gateway. Several may be known at once, so that one can be replaced while cards with the old one are still about.
 */
import { createHash, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ProvisioningError } from '../../runtime/errors.ts';

/** Key id → public key. */
export type CodeKeys = ReadonlyMap<string, KeyObject>;

/** Two while a key is being replaced; more are many places from which codes may come. */
const KEY_FILES_MAX = 16;
/** A public key in PEM has 113 bytes. */
const KEY_FILE_BYTES_MAX = 4096;

/** First 4 bytes of SHA-256 of the public key (SPKI, DER) as hexadecimal digits; of a private key that of its public half. */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return spkiHash(publicKey, 4);
}

/** What a code says of the store's certificate authority: 32 hexadecimal digits. */
export function caPinOf(certificate: X509Certificate): string {
  return spkiHash(certificate.publicKey, 16);
}

function spkiHash(publicKey: KeyObject, byteCount: number): string {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest().subarray(0, byteCount).toString('hex');
}

/** All `*.pem` of a folder (symbolic links too). Throws `ProvisioningError` with every fault; a folder without keys is one. */
export function readFleetKeys(folder: string): CodeKeys {
  const files = pemFiles(folder);
  const keys = new Map<string, KeyObject>();
  const problems: string[] = [];
  if (files.length === 0) problems.push(`${folder} has no *.pem; expected 1 to ${KEY_FILES_MAX} public keys.`);
  if (files.length > KEY_FILES_MAX)
    problems.push(`${folder} has ${files.length} files *.pem; expected at most ${KEY_FILES_MAX}.`);
  for (const file of files.slice(0, KEY_FILES_MAX)) {
    const key = readPublicKey(join(folder, file));
    if (typeof key === 'string') problems.push(key);
    else keys.set(keyIdOf(key), key);
  }
  if (problems.length === 0) return keys;
  throw new ProvisioningError('PROVISIONING_KEYS', problems.join('\n'), {
    op: 'read fleet keys',
    hint: '`npm run -s provision -- key` makes one, and says where its public half is.',
  });
}

function pemFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pem'))
      .sort();
  } catch (cause) {
    throw new ProvisioningError('PROVISIONING_KEYS', `${folder} cannot be read (${codeOf(cause)}).`, {
      op: 'read fleet keys',
      hint: 'It holds the public halves of the fleet keys, *.pem; flashing puts them there.',
      cause,
    });
  }
}

/** The key, or what is wrong with the file. A private key is refused: where devices read it, it must not lie. */
function readPublicKey(path: string): KeyObject | string {
  try {
    const { size } = statSync(path);
    if (size > KEY_FILE_BYTES_MAX) return `${path} has ${size} bytes; expected a public key of about 113.`;
    const text = readFileSync(path, 'utf8');
    if (/PRIVATE KEY/.test(text)) return `${path} holds a private key; expected the public half. Remove it from here.`;
    const key = createPublicKey(text);
    return key.asymmetricKeyType === 'ed25519'
      ? key
      : `${path} holds a ${key.asymmetricKeyType} key; expected Ed25519.`;
  } catch (error) {
    return `${path} cannot be used (${codeOf(error)}); expected a public key in PEM (SPKI).`;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
