/**
 * Proves that the broker takes the new certificate, before anything is installed: TLS first, by which it can be told who
 * answers there, then one MQTT connection as the voice will make it. The link reads its secrets from files; these lie in
 * memory, in the unit's own runtime folder, for as long as it takes.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { checkServerIdentity, connect } from 'node:tls';
import type { Settings } from '../settings.ts';
import { connectionFault, type Fault } from './authority.ts';

export type BrokerFiles = { readonly caFile: string; readonly certFile: string; readonly keyFile: string };

/** One connection as the voice makes it (drivers/link/trial.ts); `fault` is a sentence, empty when the broker let us in. */
export type BrokerTrial = (
  options: BrokerFiles & {
    readonly url: string;
    readonly serverName: string;
    readonly protocol: 'auto' | 5 | '3.1.1';
    readonly keepaliveS: number;
    readonly clientId: string;
  },
  timeoutMs: number,
) => Promise<{ readonly fault: string }>;

const CONNECT_MS_MAX = 15_000;
const PRIVATE = 0o600;

/** folder: in memory, and ours alone. */
export async function proveBroker(settings: Settings, folder: string, trial: BrokerTrial): Promise<Fault | undefined> {
  const files = {
    caFile: join(folder, 'ca.crt'),
    certFile: join(folder, 'device.crt'),
    keyFile: join(folder, 'device.key'),
  };
  try {
    writeFileSync(files.caFile, settings.ca, { mode: PRIVATE });
    writeFileSync(files.certFile, settings.certificate, { mode: PRIVATE });
    writeFileSync(files.keyFile, settings.key, { mode: PRIVATE });
    return (await tlsFault(settings)) ?? (await mqttFault(settings, files, trial));
  } finally {
    for (const path of Object.values(files)) rmSync(path, { force: true });
  }
}

async function mqttFault({ config }: Settings, files: BrokerFiles, trial: BrokerTrial): Promise<Fault | undefined> {
  const { url, serverName, protocol, keepaliveS } = config.mqtt;
  const clientId = `lethe-setup-${config.site}-${config.device}`;
  const { fault } = await trial({ url, serverName, protocol, keepaliveS, clientId, ...files }, CONNECT_MS_MAX);
  return fault === '' ? undefined : { refusal: 'gateway_unreachable', reason: fault };
}

/** Whose certificate the broker has; undefined: the right one. */
function tlsFault({ config, ca, certificate, key }: Settings): Promise<Fault | undefined> {
  const { hostname, port, protocol } = new URL(config.mqtt.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const name = config.mqtt.serverName === '' ? host : config.mqtt.serverName;
  const place = `the broker at ${hostname}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: port === '' ? (protocol === 'wss:' ? 443 : 8883) : Number(port),
      ca,
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      timeout: CONNECT_MS_MAX,
      ...(isIP(name) === 0 && { servername: name }),
      checkServerIdentity: (_host, peer) => checkServerIdentity(name, peer),
    });
    const end = (fault: Fault | undefined) => {
      socket.destroy();
      resolve(fault);
    };
    socket.once('secureConnect', () => end(undefined));
    socket.once('timeout', () => end({ refusal: 'gateway_unreachable', reason: `${place} does not answer.` }));
    socket.on('error', (error) => end(connectionFault(error, place)));
  });
}

/** For a program that was handed its secrets by systemd: the text of one credential; undefined: there is none. Throws system errors. */
export function readCredential(name: string, folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}
