/**
 * Keys and certificates that go onto the card, checked before anything is written: a device that cannot connect because of a
 * mixed-up file is found out about on a ladder. Private keys of a fleet or of releases are refused: only public ones may be on
 * a device.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ImageError } from '../../runtime/errors.ts';

const PEM_BYTES_MAX = 64 * 1024;
/** Two are enough to change keys; more hints at a mistake. */
const KEYS_MAX = 8;

/** A public key for /etc/lethe/fleet or /etc/lethe/release. */
export type PublicKeyFile = {
  /** First 4 bytes of SHA-256 of the SPKI, hex; the name of the file on the device. */
  readonly keyId: string;
  readonly pem: string;
};
export type Credentials = {
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  readonly password?: Buffer;
};
export type CredentialPaths = {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly password?: string;
};

/** Files with one Ed25519 public key each (SPKI, PEM). Throws one ImageError for all that are wrong. */
export function publicKeys(paths: readonly string[], what: string): PublicKeyFile[] {
  const problems: string[] = [];
  if (paths.length > KEYS_MAX) problems.push(`${paths.length} ${what} keys are given; expected at most ${KEYS_MAX}.`);
  const keys = paths.flatMap((path) => {
    const text = readText(path, problems);
    if (text === undefined) return [];
    if (/PRIVATE KEY/.test(text)) {
      problems.push(`${path} is a private key; expected the public one: a private key never goes onto a device.`);
      return [];
    }
    const key = publicKeyOf(text);
    if (key?.asymmetricKeyType !== 'ed25519') {
      problems.push(`${path} is no Ed25519 public key in PEM; expected the ${what} key's public half.`);
      return [];
    }
    const der = key.export({ type: 'spki', format: 'der' });
    const keyId = createHash('sha256').update(der).digest('hex').slice(0, 8);
    return [{ keyId, pem: key.export({ type: 'spki', format: 'pem' }).toString() }];
  });
  throwIf(problems, `read ${what} keys`);
  return keys;
}

/** Certificates and key of one device. Throws one ImageError for all that is wrong; no contents in it. */
export function credentials(paths: CredentialPaths, nowMs: number): Credentials {
  const problems: string[] = [];
  const ca = paths.ca === undefined ? undefined : readText(paths.ca, problems);
  const certificate = paths.certificate === undefined ? undefined : readText(paths.certificate, problems);
  const key = paths.key === undefined ? undefined : readText(paths.key, problems);
  const password = paths.password === undefined ? undefined : readText(paths.password, problems);
  const authority = ca === undefined ? undefined : certificateOf(ca, paths.ca!, nowMs, problems);
  const own = certificate === undefined ? undefined : certificateOf(certificate, paths.certificate!, nowMs, problems);
  if (authority !== undefined && !authority.ca)
    problems.push(`${paths.ca} is no certificate of an authority; expected the gateway's CA.`);
  if (authority !== undefined && own !== undefined && !own.checkIssued(authority))
    problems.push(`${paths.certificate} was not issued by ${paths.ca}; expected a certificate of that authority.`);
  if (key !== undefined) problems.push(...keyProblems(key, paths.key!, own, paths.certificate ?? ''));
  if (password !== undefined && password.trim() === '')
    problems.push(`${paths.password} is empty; expected the broker's password.`);
  if ((certificate === undefined) !== (key === undefined))
    problems.push('A certificate is given without its key, or a key without its certificate; expected both.');
  throwIf(problems, 'read credentials');
  const bytes = (text: string | undefined, name: string) =>
    text === undefined ? {} : { [name]: Buffer.from(text, 'utf8') };
  return {
    ...bytes(ca, 'ca'),
    ...bytes(certificate, 'certificate'),
    ...bytes(key, 'key'),
    ...bytes(password, 'password'),
  };
}

function keyProblems(pem: string, path: string, own: X509Certificate | undefined, certificatePath: string): string[] {
  try {
    const key = createPrivateKey(pem);
    if (own === undefined || own.checkPrivateKey(key)) return [];
    return [`${path} is not the key of ${certificatePath}; expected the two to belong together.`];
  } catch {
    return [
      `${path} is no private key in PEM without a passphrase; nobody is there to type one when the device starts.`,
    ];
  }
}

function certificateOf(pem: string, path: string, nowMs: number, problems: string[]): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(pem);
    if (Date.parse(certificate.validTo) < nowMs)
      problems.push(`${path} ended on ${certificate.validTo}; expected one that is valid.`);
    return certificate;
  } catch {
    problems.push(`${path} is no certificate in PEM.`);
    return undefined;
  }
}

function publicKeyOf(text: string): KeyObject | undefined {
  try {
    return createPublicKey(text);
  } catch {
    return undefined;
  }
}

function readText(path: string, problems: string[]): string | undefined {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= PEM_BYTES_MAX) return bytes.toString('utf8');
    problems.push(`${path} has ${bytes.length} bytes; expected at most ${PEM_BYTES_MAX}.`);
  } catch (error) {
    problems.push(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  return undefined;
}

function throwIf(problems: readonly string[], op: string): void {
  if (problems.length > 0) throw new ImageError('KEYS', problems, { op, hint: 'Nothing was written.' });
}
