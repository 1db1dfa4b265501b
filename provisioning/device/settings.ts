/**
 * From the gateway's answer to what is installed: certificate, key and authority belong together and to this code, and the
 * configuration is one that the voice would take. Asked by claim before the broker is tried, and by settle again, since claim
 * speaks to a network and settle writes as root.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { boardModel } from '../../runtime/config/board.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import type { Config } from '../../runtime/config/schema.ts';
import { ConfigError } from '../../runtime/errors.ts';
import { caPinOf } from '../payload/keys.ts';
import type { SetupPayload } from '../payload/payload.ts';
import type { Board } from './card.ts';
import { CREDENTIAL_PATHS } from './places.ts';
import type { ClaimAnswer } from './state.ts';

export type Settings = {
  /** PEM texts as they were parsed and written again: nothing else that stood in them is installed. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The whole lethe.json. */
  readonly configText: string;
  readonly config: Config;
};

/** Fields with paths: a gateway says what is counted, not which files of the device are opened. */
const PATH_FIELDS = [
  'state_dir',
  'model.manifest',
  'mqtt.password_file',
  'mqtt.ca_file',
  'mqtt.cert_file',
  'mqtt.key_file',
  'camera.video.source',
] as const;

/** The settings, or every fault as a sentence. */
export function settingsFrom(
  answer: ClaimAnswer,
  keyPem: string,
  payload: Pick<SetupPayload, 'site' | 'device' | 'caPin'>,
  board: Board,
): Settings | readonly string[] {
  const key = privateKeyIn(keyPem);
  const ca = certificateIn(answer.ca);
  const certificate = certificateIn(answer.certificate);
  if (key === undefined || ca === undefined || certificate === undefined)
    return ['the answer has something that is no key or no certificate; expected PEM.'];
  const merged = withOurs(answer.config, board);
  const parsed = configIn(merged);
  const problems = [
    ...credentialProblems({ key, ca, certificate }, payload.caPin, answer.device),
    ...pathProblems(answer.config),
    ...('problems' in parsed ? parsed.problems : nameProblems(parsed.config, answer.device, payload)),
  ];
  if (problems.length > 0 || 'problems' in parsed) return problems;
  return {
    ca: ca.toString(),
    certificate: certificate.toString(),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    configText: `${JSON.stringify(merged, null, 2)}\n`,
    config: parsed.config,
  };
}

function credentialProblems(
  {
    key,
    ca,
    certificate,
  }: { readonly key: KeyObject; readonly ca: X509Certificate; readonly certificate: X509Certificate },
  caPin: string,
  device: string,
): string[] {
  const problems: string[] = [];
  if (caPinOf(ca) !== caPin) problems.push('the authority in the answer is not the one that the code names.');
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    problems.push('the certificate in the answer is not signed by the authority.');
  if (!certificate.publicKey.equals(createPublicKey(key)))
    problems.push('the certificate in the answer is for another key than ours.');
  if (!certificate.subject.split('\n').includes(`CN=${device}`))
    problems.push(
      `the certificate in the answer is not for ${JSON.stringify(device.slice(0, 40))}, the name in the same answer.`,
    );
  return problems;
}

function pathProblems(config: Readonly<Record<string, unknown>>): string[] {
  return PATH_FIELDS.filter((field) => {
    let value: unknown = config;
    for (const name of field.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name];
    return value !== undefined && value !== '';
  }).map((field) => `${field} is set; expected no paths in a configuration from the gateway. Remove it there.`);
}

function nameProblems(config: Config, device: string, payload: Pick<SetupPayload, 'site' | 'device'>): string[] {
  const problems: string[] = [];
  if (config.site !== payload.site)
    problems.push(`site is ${config.site}; expected ${payload.site}, for which the code was made.`);
  if (config.device !== device)
    problems.push(`device is ${config.device}; expected ${device}, as the answer says beside it.`);
  if (payload.device !== undefined && payload.device !== device)
    problems.push(`the answer is for ${device}; expected ${payload.device}, for which the code was made.`);
  if (!/^(mqtts|wss):/.test(config.mqtt.url))
    problems.push(
      `mqtt.url is ${config.mqtt.url}; expected mqtts:// or wss://, as the counts of a store are not public.`,
    );
  return problems;
}

/** The paths of our files, and the pins of the board where the gateway says none. */
function withOurs(config: Readonly<Record<string, unknown>>, board: Board): Record<string, unknown> {
  const pins = {
    ...(board.ledGpio !== undefined && { led_bcm: board.ledGpio }),
    ...(board.buttonGpio !== undefined && { button_bcm: board.buttonGpio }),
  };
  const gpio = { ...pins, ...partOf(config, 'gpio') };
  return {
    ...config,
    ...(Object.keys(gpio).length > 0 && { gpio }),
    mqtt: { ...partOf(config, 'mqtt'), ...CREDENTIAL_PATHS },
  };
}

function partOf(config: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const part = config[name];
  return part !== null && typeof part === 'object' && !Array.isArray(part) ? (part as Record<string, unknown>) : {};
}

function configIn(
  file: Record<string, unknown>,
): { readonly config: Config } | { readonly problems: readonly string[] } {
  try {
    return { config: parseConfig(file, 'check configuration of the gateway', boardModel()) };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems };
    throw error;
  }
}

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function privateKeyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
