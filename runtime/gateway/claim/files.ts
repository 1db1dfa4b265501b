/**
 * The files of the claim service: read and checked before the gateway starts, all faults in one go, as a device on a ladder is a
 * bad place to find out that a certificate has expired. What is in keys is never said.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type CodeKeys, readFleetKeys } from '../../../provisioning/payload/keys.ts';
import { isCredential, secretPath } from '../../config/broker.ts';
import { ConfigError, LetheError } from '../../errors.ts';
import type { GatewayConfig } from '../config.ts';
import { readTemplate, type StoreFacts, type Template } from './device-config.ts';

const FILE_BYTES_MAX = 65_536;
/** Whoever can read the authority's key can make itself any device; the owner alone may. */
const NOT_THE_OWNER = 0o077;
const OTHERS = 0o007;
const DAY_MS = 86_400_000;
/** Told at each start from then on. */
const SOON_DAYS = 30;

export type ClaimFiles = {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly authorityPem: string;
  readonly authorityKeyPem: string;
  readonly keys: CodeKeys;
  readonly template: Template;
  /** The first name of the server's certificate: by which devices that did not claim here reach it. */
  readonly serverName: string;
  /** Sentences about what will be a fault soon. */
  readonly notices: readonly string[];
};

type Named<T> = { readonly field: string; readonly path: string; readonly value: T };

/** Throws ConfigError with everything that is wrong. nowMs: wall clock. */
export function readClaimFiles(config: GatewayConfig, environment: NodeJS.ProcessEnv, nowMs: number): ClaimFiles {
  const { claim } = config;
  const problems: string[] = [];
  const notices: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof LetheError)) throw error;
      problems.push(...(error instanceof ConfigError ? error.problems : error.message.split('\n')));
      return undefined;
    }
  };
  const pathOf = (path: string) => secretPath(path, environment);
  const certificate = attempt(() => certificateIn('claim.cert_file', pathOf(claim.certFile)));
  const key = attempt(() => keyIn('claim.key_file', pathOf(claim.keyFile), OTHERS));
  const authority = attempt(() => certificateIn('claim.ca_file', pathOf(claim.caFile)));
  const authorityKey = attempt(() => keyIn('claim.ca_key_file', pathOf(claim.caKeyFile), NOT_THE_OWNER));
  const keys = attempt(() => fleetKeysIn(claim.fleetKeys));
  const template = attempt(() => readTemplate(claim.templateFile, storeFacts(config)));
  if (certificate !== undefined) problems.push(...dateProblems(certificate, nowMs, notices));
  if (authority !== undefined)
    problems.push(...authorityProblems(authority), ...dateProblems(authority, nowMs, notices));
  if (certificate !== undefined && key !== undefined) problems.push(...pairProblems(certificate, key));
  if (authority !== undefined && authorityKey !== undefined) problems.push(...pairProblems(authority, authorityKey));
  if (certificate !== undefined && authority !== undefined) problems.push(...chainProblems(certificate, authority));
  if (certificate !== undefined && serverNameOf(certificate.value.certificate) === '')
    problems.push(
      `claim.cert_file (${certificate.path}) has no host name or address (subjectAltName), so devices would refuse it. Make one with certificates.sh gateway.`,
    );
  if (problems.length > 0) throw new ConfigError(problems, { op: 'read files of section claim' });
  return {
    certificatePem: certificate!.value.pem,
    keyPem: key!.value.pem,
    authorityPem: authority!.value.pem,
    authorityKeyPem: authorityKey!.value.pem,
    keys: keys!,
    template: template!,
    serverName: serverNameOf(certificate!.value.certificate),
    notices,
  };
}

/** What every device of the store is told, but for the template. */
export function storeFacts({
  site,
  timeZone,
  openingHours,
  intervalS,
  claim,
}: GatewayConfig): Omit<StoreFacts, 'template'> {
  return { site, timeZone, openingHours, intervalS, mqttUrl: claim.mqttUrl };
}

type Certificate = { readonly certificate: X509Certificate; readonly pem: string };
type Key = { readonly key: KeyObject; readonly pem: string };

function textIn(field: string, path: string): string {
  if (isCredential(path))
    throw fault(
      `${field} is ${path}, but this program was started without credentials. Start it by its unit with LoadCredential=, or set ${field} to a file.`,
    );
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) throw fault(`${field} is ${path}, which has ${size} bytes; expected a PEM file.`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof LetheError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw fault(
      `${field} is ${path}, which cannot be read (${code}). Correct the path, or let the user of the gateway read it.`,
    );
  }
}

function certificateIn(field: string, path: string): Named<Certificate> {
  const pem = textIn(field, path);
  try {
    return { field, path, value: { certificate: new X509Certificate(pem), pem } };
  } catch {
    throw fault(
      `${field} (${path}) holds no certificate in PEM form. It has to begin with -----BEGIN CERTIFICATE-----.`,
    );
  }
}

/** mode: of who may not have any right to the file. */
function keyIn(field: string, path: string, mode: number): Named<Key> {
  const pem = textIn(field, path);
  const problems: string[] = [];
  const rights = statSync(path).mode & 0o777;
  if ((rights & mode) !== 0)
    problems.push(
      `${field} (${path}) can be read by others (mode ${rights.toString(8).padStart(4, '0')}); expected ${mode === NOT_THE_OWNER ? '0600' : 'none for others'}. Take that away: chmod ${mode === NOT_THE_OWNER ? '600' : 'o='} ${path}`,
    );
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    problems.push(
      /ENCRYPTED/.test(pem)
        ? `${field} (${path}) is locked by a passphrase, which nobody types in when the gateway starts. Take it off: openssl pkey -in FILE -out NEW.`
        : `${field} (${path}) holds no private key in PEM form. Look whether certificate and key are mixed up.`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems, { op: 'read key' });
  return { field, path, value: { key: key!, pem } };
}

function fleetKeysIn(folder: string): CodeKeys {
  try {
    return readFleetKeys(folder);
  } catch (error) {
    if (!(error instanceof LetheError)) throw error;
    throw new ConfigError(
      error.message.split('\n').map((line) => `claim.fleet_keys: ${line}`),
      { op: 'read fleet keys', cause: error },
    );
  }
}

function dateProblems({ field, path, value }: Named<Certificate>, nowMs: number, notices: string[]): string[] {
  const { validFrom, validTo } = value.certificate;
  const name = `${field} (${path})`;
  if (nowMs > Date.parse(validTo))
    return [`${name} has expired on ${day(validTo)}. Make a new one, and check the clock of this machine.`];
  if (nowMs < Date.parse(validFrom))
    return [`${name} is valid only from ${day(validFrom)} on. Check the clock of this machine.`];
  if (nowMs > Date.parse(validTo) - SOON_DAYS * DAY_MS) notices.push(`${name} expires on ${day(validTo)}.`);
  return [];
}

function authorityProblems({ field, path, value }: Named<Certificate>): string[] {
  const problems: string[] = [];
  if (!value.certificate.ca)
    problems.push(`${field} (${path}) is no authority (basicConstraints). Make one with certificates.sh authority.`);
  if (value.certificate.publicKey.asymmetricKeyType !== 'ec')
    problems.push(
      `${field} (${path}) has a key of kind ${value.certificate.publicKey.asymmetricKeyType}; expected an elliptic curve, as certificates.sh makes it.`,
    );
  return problems;
}

function pairProblems(certificate: Named<Certificate>, key: Named<Key>): string[] {
  if (certificate.value.certificate.checkPrivateKey(key.value.key)) return [];
  return [
    `${key.field} (${key.path}) is not the key of ${certificate.field} (${certificate.path}). Put the two that were made together there.`,
  ];
}

function chainProblems({ field, path, value }: Named<Certificate>, authority: Named<Certificate>): string[] {
  const above = authority.value.certificate;
  if (value.certificate.checkIssued(above) && value.certificate.verify(above.publicKey)) return [];
  return [
    `${field} (${path}) was not made by ${authority.field} (${authority.path}), so devices would refuse it. Take the pair of one store.`,
  ];
}

/** DNS names first, as they stand; empty: none. */
function serverNameOf({ subjectAltName = '' }: X509Certificate): string {
  const names = subjectAltName.split(', ').map((entry) => /^(DNS|IP Address):([A-Za-z0-9.:*-]+)$/.exec(entry));
  const found = names.find((match) => match?.[1] === 'DNS') ?? names.find((match) => match !== null);
  return found?.[2] ?? '';
}

function day(text: string): string {
  return new Date(text).toISOString().slice(0, 10);
}

function fault(sentence: string): ConfigError {
  return new ConfigError([sentence], { op: 'read file' });
}
