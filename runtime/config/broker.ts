/**
 * How to get at the broker, out of the section `mqtt`: faults between its fields, and where its secrets lie. A secret may
 * be a file, or `credential:NAME`: what systemd hands over with LoadCredential= or LoadCredentialEncrypted= in a folder in
 * memory that only this service can read ($CREDENTIALS_DIRECTORY, systemd.exec(5)).
 */
import { join } from 'node:path';
import type { Config, ConfigFile } from './schema.ts';
import { show } from './words.ts';

const CREDENTIAL = 'credential:';
/** systemd's own bound is the length of a file name; no separator, so that it stays in its folder. */
const CREDENTIAL_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Fields of `mqtt` that hold a file or the name of a credential. */
export const SECRET_FIELDS = ['password_file', 'ca_file', 'cert_file', 'key_file'] as const;

/** What a link is made of, besides the name of its client. Empty: none. */
export type BrokerAccess = {
  readonly url: string;
  readonly username: string;
  readonly passwordFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverName: string;
  readonly protocol: 'auto' | 5 | '3.1.1';
  readonly keepaliveS: number;
};

export function isCredential(path: string): boolean {
  return path.startsWith(CREDENTIAL);
}

/** The path of a credential; without a folder of credentials it stays as it is, and whoever opens it says so. */
export function secretPath(path: string, environment: NodeJS.ProcessEnv): string {
  const folder = environment['CREDENTIALS_DIRECTORY'];
  return isCredential(path) && folder !== undefined ? join(folder, path.slice(CREDENTIAL.length)) : path;
}

/** The section, with the paths of its credentials. */
export function brokerAccess(mqtt: Config['mqtt'], environment: NodeJS.ProcessEnv): BrokerAccess {
  return {
    ...mqtt,
    passwordFile: secretPath(mqtt.passwordFile, environment),
    caFile: secretPath(mqtt.caFile, environment),
    certFile: secretPath(mqtt.certFile, environment),
    keyFile: secretPath(mqtt.keyFile, environment),
  };
}

/** Files that whoever connects has to read. */
export function brokerFiles(mqtt: Config['mqtt'], environment: NodeJS.ProcessEnv): string[] {
  const { passwordFile, caFile, certFile, keyFile } = brokerAccess(mqtt, environment);
  return [passwordFile, caFile, certFile, keyFile].filter((path) => path !== '' && !isCredential(path));
}

/** `--set` words for an open broker inside this program, whatever the file says about another one. */
export function embeddedBrokerWords(port: number): string[] {
  const empty = ['username', ...SECRET_FIELDS, 'server_name'].map((field) => `mqtt.${field}=`);
  return [`mqtt.url=mqtt://127.0.0.1:${port}`, ...empty, 'mqtt.protocol=auto'];
}

/** Faults that several fields of `mqtt` show together, or that a pattern cannot say. */
export function brokerProblems(mqtt: ConfigFile['mqtt']): string[] {
  const problems = [...addressProblems(mqtt.url), ...credentialProblems(mqtt)];
  const [scheme = ''] = mqtt.url.split(':');
  const isSecret = scheme === 'mqtts' || scheme === 'wss';
  if (!isSecret) {
    for (const field of ['ca_file', 'cert_file', 'key_file', 'server_name'] as const) {
      if (mqtt[field] === '') continue;
      problems.push(
        `mqtt.${field} is ${show(mqtt[field])}, but mqtt.url begins with ${scheme}://, which has no TLS. Use ${scheme === 'ws' ? 'wss' : 'mqtts'}:// and the broker's port for it (often ${scheme === 'ws' ? 443 : 8883}), or remove mqtt.${field}.`,
      );
    }
  }
  if ((mqtt.cert_file === '') !== (mqtt.key_file === '')) {
    const [given, missing] = mqtt.key_file === '' ? ['cert_file', 'key_file'] : ['key_file', 'cert_file'];
    problems.push(
      `mqtt.${given} is set without mqtt.${missing}; expected both, as a certificate is worth nothing without its key. Set mqtt.${missing}, or remove mqtt.${given}.`,
    );
  }
  if (mqtt.protocol === '3.1.1' && mqtt.password_file !== '' && mqtt.username === '') {
    problems.push(
      'mqtt.password_file is set without mqtt.username; expected both, as MQTT 3.1.1 has no password without a user. Set mqtt.username.',
    );
  }
  return problems;
}

function addressProblems(text: string): string[] {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return [`mqtt.url is ${show(text)}; expected a host and a port from 1 to 65535. Write it as mqtts://host:8883.`];
  }
  const problems: string[] = [];
  if (url.port === '0') problems.push(`mqtt.url is ${show(text)}; expected a port from 1 to 65535. Correct it.`);
  if (url.search !== '' || url.hash !== '') {
    problems.push(`mqtt.url is ${show(text)}; expected an address without ? and #. Remove what comes after them.`);
  }
  const isWebsocket = url.protocol === 'ws:' || url.protocol === 'wss:';
  if (!isWebsocket && url.pathname.length > 1) {
    problems.push(
      `mqtt.url is ${show(text)}; expected no path, which only ws:// and wss:// have. Remove ${show(url.pathname)}.`,
    );
  }
  return problems;
}

function credentialProblems(mqtt: ConfigFile['mqtt']): string[] {
  return SECRET_FIELDS.filter((field) => isCredential(mqtt[field])).flatMap((field) => {
    const name = mqtt[field].slice(CREDENTIAL.length);
    if (CREDENTIAL_NAME.test(name)) return [];
    return [
      `mqtt.${field} is ${show(mqtt[field])}; expected a name of 1 to 64 letters, digits, dots, _ and - after "credential:". Use the name of LoadCredential= in the unit.`,
    ];
  });
}
