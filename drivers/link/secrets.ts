/**
 * Password, certificates and keys, read before each attempt, so that they can be replaced without a restart. What is
 * wrong with them is said here, by field and file and with a remedy, as the TLS library's own words help nobody; what is
 * in them is never said.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { LinkError } from '../../runtime/errors.ts';

export type SecretFiles = {
  /** Empty: none, for each of them. */
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
};

export type Secrets = {
  readonly password?: string;
  /** PEM texts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** What a broker may dislike about our own certificate today; undefined: nothing that we can see. */
  readonly certificateFault?: string;
  /** Sentences about files that others may read. */
  readonly notices: readonly string[];
};

/** A path that was not resolved: this program was not started with credentials. */
const CREDENTIAL = 'credential:';
const OTHERS = 0o007;

/** Throws LinkError for what cannot be used. nowMs: wall clock. */
export function readSecrets(files: SecretFiles, nowMs = Date.now()): Secrets {
  const { passwordFile = '', caFile = '', certFile = '', keyFile = '' } = files;
  const cert = certFile === '' ? undefined : read('mqtt.cert_file', certFile);
  const key = keyFile === '' ? undefined : read('mqtt.key_file', keyFile);
  const certificate = cert === undefined ? undefined : certificateIn('mqtt.cert_file', certFile, cert);
  const privateKey = key === undefined ? undefined : keyIn(keyFile, key);
  if (certificate !== undefined && privateKey !== undefined && !certificate.checkPrivateKey(privateKey)) {
    throw fault(
      'LINK_KEY_MISMATCH',
      `mqtt.key_file (${keyFile}) is not the key of the certificate in mqtt.cert_file (${certFile}). Put the two that were made together there.`,
    );
  }
  const ca = caFile === '' ? undefined : read('mqtt.ca_file', caFile);
  // Node takes a file without a certificate as an authority that has signed nothing.
  if (ca !== undefined) certificateIn('mqtt.ca_file', caFile, ca);
  const certificateFault = certificate && faultOf(certificate, certFile, nowMs);
  return {
    // A file made with an editor ends in a newline, which is no part of the password.
    ...(passwordFile !== '' && { password: read('mqtt.password_file', passwordFile).replace(/\r?\n$/, '') }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(certificateFault !== undefined && { certificateFault }),
    notices: [
      ...(keyFile === '' ? [] : openToOthers('mqtt.key_file', keyFile)),
      ...(passwordFile === '' ? [] : openToOthers('mqtt.password_file', passwordFile)),
    ],
  };
}

function read(field: string, path: string): string {
  if (path.startsWith(CREDENTIAL)) {
    const name = path.slice(CREDENTIAL.length);
    throw fault(
      'LINK_FILE',
      `${field} is ${path}, but this program was started without credentials. Start it by its unit with LoadCredential=${name}:/etc/lethe/${name}, or set ${field} to a file.`,
    );
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw fault(
      'LINK_FILE',
      `${field} is ${path}, which cannot be read (${code}). Correct the path, or let the user of the voice read it.`,
      cause,
    );
  }
}

function certificateIn(field: string, path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw fault(
      'LINK_CERTIFICATE',
      `${field} (${path}) holds no certificate in PEM form. It has to begin with -----BEGIN CERTIFICATE-----; openssl x509 -inform der turns the other form into it.`,
      cause,
    );
  }
}

function keyIn(path: string, pem: string): KeyObject {
  // A fault of its own, as it is easily made: openssl asks for a passphrase unless told not to.
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw fault(
      'LINK_KEY_PASSPHRASE',
      `mqtt.key_file (${path}) is locked by a passphrase, which nobody types in when the device starts. Take it off (openssl pkey -in FILE -out NEW), and let only the user of the voice read the new file.`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw fault(
      'LINK_KEY',
      `mqtt.key_file (${path}) holds no private key in PEM form. It has to begin with -----BEGIN PRIVATE KEY----- or the like; look whether certificate and key are mixed up.`,
      cause,
    );
  }
}

/** A wrong clock here is no fault of the certificate, so this is said only if the broker refuses us. */
function faultOf(certificate: X509Certificate, path: string, nowMs: number): string | undefined {
  const { validFrom, validTo } = certificate;
  const field = `The certificate of this device (mqtt.cert_file, ${path})`;
  if (nowMs > Date.parse(validTo))
    return `${field} has expired on ${day(validTo)}. Make a new one, and check the clock of this device.`;
  if (nowMs < Date.parse(validFrom))
    return `${field} is valid only from ${day(validFrom)} on. Check the clock of this device.`;
  return undefined;
}

function day(text: string): string {
  return new Date(text).toISOString().slice(0, 10);
}

function openToOthers(field: string, path: string): string[] {
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS) === 0) return [];
  return [
    `${field} (${path}) can be read by every user of this machine (mode ${mode.toString(8)}). Take that away: chmod o= ${path}`,
  ];
}

function fault(code: string, message: string, cause?: unknown): LinkError {
  return new LinkError(code, message, { op: 'read secrets', ...(cause !== undefined && { cause }) });
}
