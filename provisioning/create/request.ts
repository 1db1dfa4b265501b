/**
 * Words of the command line → what codes are to be made of. Every fault is collected and told at once, with its option: nothing
 * is made before all of it is right. The passphrase is never part of a message.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { explain, LetheError, ProvisioningError } from '../../runtime/errors.ts';
import { countryProblems, hostProblems, nameProblems, wifiProblems } from '../payload/check.ts';
import { caPinOf } from '../payload/keys.ts';
import {
  CLAIM_PORT_DEFAULT,
  MQTT_PORT_DEFAULT,
  type SetupLine,
  VALID_S_DEFAULT,
  VALID_S_MAX,
  WIFI_SECURITIES,
  type WifiAccess,
  type WifiSecurity,
} from '../payload/payload.ts';
import { chooseFleetKey, type FleetPrivateKey, keyFolders } from './keys.ts';
import { linesFromFile } from './lines.ts';
import { secretFromFile, secretFromKeyboard } from './secret.ts';

/** As commander hands them over; nothing is checked yet. */
export type CreateWords = {
  readonly site?: string;
  readonly device?: readonly string[];
  readonly host?: string;
  readonly mqttPort?: string;
  readonly claimPort?: string;
  readonly ca?: string;
  readonly folder?: string;
  readonly key?: string;
  readonly wifiSsid?: string;
  readonly wifiPassphraseFile?: string;
  readonly wifiSecurity?: string;
  readonly hidden?: boolean;
  readonly country?: string;
  readonly valid?: string;
  readonly lines?: string;
};

export type CodeRequest = {
  readonly key: FleetPrivateKey;
  readonly site: string;
  /** One code for each; [undefined]: one code for any device of the site. */
  readonly devices: readonly (string | undefined)[];
  readonly host: string;
  readonly mqttPort: number;
  readonly claimPort: number;
  readonly caPin: string;
  readonly validS: number;
  readonly wifi: WifiAccess | undefined;
  readonly country: string | undefined;
  readonly lines: readonly SetupLine[] | undefined;
  /** What the person should know although it is no fault. */
  readonly remarks: readonly string[];
};

const DEVICES_MAX = 100;
const VALID_S_WARNING = 3600;
/** 2026-01-01: a computer whose clock is before this program was written makes codes that have expired. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Throws `ProvisioningError` with all faults. `nowMs` is the clock of this computer. */
export async function readRequest(words: CreateWords, nowMs: number): Promise<CodeRequest> {
  const faults = new Faults();
  const remarks: string[] = [];
  if (nowMs < EARLIEST_MS)
    faults.add(`The clock says ${new Date(nowMs).toISOString()}; expected the time of today. Set the clock.`);
  const site = faults.need(words.site, '--site NAME', 'Write the site as in the topics.');
  if (site !== undefined) faults.add(...nameProblems('--site', site));
  // Names of hosts and of countries mean the same in any case.
  const host = faults
    .need(words.host, '--host NAME', "Write a name or address of the gateway's certificate.")
    ?.toLowerCase();
  if (host !== undefined) faults.add(...hostProblems('--host', host));
  const country = words.country?.toUpperCase();
  if (country !== undefined) faults.add(...countryProblems('--country', country));
  const devices = devicesOf(words.device ?? [], faults);
  const ca = faults.need(words.ca, '--ca FILE', "Give the ca.crt of the store's authority.");
  const caPin = ca && faults.attempt(() => pinOf(ca, nowMs));
  const key = faults.attempt(() => chooseFleetKey(keyFolders(words.folder), words.key));
  const validS = faults.attempt(() => secondsOf(words.valid), VALID_S_DEFAULT);
  const mqttPort = faults.attempt(() => portOf('--mqtt-port', words.mqttPort, MQTT_PORT_DEFAULT));
  const claimPort = faults.attempt(() => portOf('--claim-port', words.claimPort, CLAIM_PORT_DEFAULT));
  const setupLines = words.lines === undefined ? undefined : faults.attempt(() => linesFromFile(words.lines!));
  const security = securityOf(words, faults);
  const wifi = await wifiOf(words, security, faults);
  faults.throwIfAny();

  if (validS > VALID_S_WARNING)
    remarks.push(
      `The code is good for ${spanText(validS)}: so long a copy of the picture is as good as the picture. Minutes are meant.`,
    );
  if (setupLines !== undefined && setupLines.rounded.length > 0)
    remarks.push(`Rounded to half a per cent of the picture: ${setupLines.rounded.join(', ')}.`);
  if (setupLines !== undefined && setupLines.leftBehind.length > 0)
    remarks.push(`A code has no room for entrances and zones; these stay behind: ${setupLines.leftBehind.join(', ')}.`);
  if (wifi !== undefined && words.country === undefined)
    remarks.push('No --country: a board that was not flashed with one keeps its radio off.');
  if (wifi?.security === 'open')
    remarks.push('The Wi-Fi is open: what the device sends is encrypted all the same (TLS), but anybody may join.');
  return {
    key: key!,
    site: site!,
    devices,
    host: host!,
    mqttPort: mqttPort!,
    claimPort: claimPort!,
    caPin: caPin!,
    validS,
    wifi,
    country,
    lines: setupLines?.lines,
    remarks,
  };
}

/** `15 minutes`, `2 hours`, `7 days`, `90 seconds`. */
export function spanText(seconds: number): string {
  const [name, unitS] = (
    [
      ['day', 86_400],
      ['hour', 3600],
      ['minute', 60],
      ['second', 1],
    ] as const
  ).find(([, size]) => seconds >= size && seconds % size === 0) ?? ['second', 1];
  const count = seconds / unitS;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

function devicesOf(words: readonly string[], faults: Faults): readonly (string | undefined)[] {
  const names = words.flatMap((word) => word.split(',')).map((name) => name.trim());
  faults.add(...names.flatMap((name) => nameProblems('--device', name)));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0)
    faults.add(`--device has ${[...new Set(twice)].join(', ')} more than once; expected each device once. Remove one.`);
  if (names.length > DEVICES_MAX)
    faults.add(`--device has ${names.length} names; expected at most ${DEVICES_MAX} at a time. Make them in parts.`);
  return names.length === 0 ? [undefined] : names;
}

function pinOf(path: string, nowMs: number): string {
  const fail = (what: string, hint: string, cause?: unknown) =>
    new ProvisioningError('PROVISIONING_CA', `--ca ${path} ${what}. ${hint}`, { op: 'read authority', cause });
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw fail(`is no certificate that can be read (${code})`, "Give the ca.crt of the store's authority.", cause);
  }
  if (!certificate.ca) throw fail('is not the certificate of an authority', 'Give ca.crt, not gateway.crt.');
  if (Date.parse(certificate.validTo) <= nowMs)
    throw fail(`has expired (${certificate.validTo})`, 'Make a new authority first.');
  return caPinOf(certificate);
}

function secondsOf(word: string | undefined): number {
  if (word === undefined) return VALID_S_DEFAULT;
  const [, count, unit = ''] = /^([1-9]\d{0,5})([smhd])$/.exec(word) ?? [];
  const seconds = Number(count) * (UNIT_S[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds <= VALID_S_MAX) return seconds;
  throw fault(
    `--valid is ${JSON.stringify(word)}; expected a span such as 90s, 15m, 2h or 7d, at most 7 days. Leave it out to use 15m.`,
  );
}

function portOf(option: string, word: string | undefined, byDefault: number): number {
  if (word === undefined) return byDefault;
  const port = /^\d{1,5}$/.test(word) ? Number(word) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw fault(`${option} is ${JSON.stringify(word)}; expected 1 to 65535. Leave it out to use ${byDefault}.`);
}

function securityOf({ wifiSecurity }: CreateWords, faults: Faults): WifiSecurity {
  const known = WIFI_SECURITIES.find((security) => security === (wifiSecurity ?? 'wpa'));
  if (known === undefined)
    faults.add(
      `--wifi-security is ${JSON.stringify(wifiSecurity)}; expected ${WIFI_SECURITIES.join(', ')}. Use wpa if in doubt.`,
    );
  return known ?? 'wpa';
}

async function wifiOf(words: CreateWords, security: WifiSecurity, faults: Faults): Promise<WifiAccess | undefined> {
  const { wifiSsid: ssid, wifiPassphraseFile: file, hidden: isHidden = false } = words;
  if (ssid === undefined) {
    if (file !== undefined || words.wifiSecurity !== undefined || isHidden)
      faults.add(
        'There are options of Wi-Fi but no --wifi-ssid; expected its name. Leave all of them out for a cable.',
      );
    return undefined;
  }
  const passphrase = await passphraseOf(ssid, file, security, faults);
  if (passphrase === undefined) return undefined;
  const wifi = { ssid, passphrase, security, isHidden };
  faults.add(...wifiProblems(wifi));
  return wifi;
}

async function passphraseOf(
  ssid: string,
  file: string | undefined,
  security: WifiSecurity,
  faults: Faults,
): Promise<string | undefined> {
  if (security === 'open') {
    if (file !== undefined) faults.add('An open Wi-Fi has no passphrase. Leave --wifi-passphrase-file out.');
    return '';
  }
  if (file !== undefined) return faults.attempt(() => normalised(secretFromFile(file)));
  if (!process.stdin.isTTY) {
    faults.add(
      'There is no passphrase for the Wi-Fi; expected --wifi-passphrase-file FILE, - for standard input, or a terminal on which to ask. Say --wifi-security open if it has none.',
    );
    return undefined;
  }
  // Who has something to correct anyhow is not asked first.
  if (faults.hasAny()) return undefined;
  return normalised(await secretFromKeyboard(`Passphrase of the Wi-Fi ${JSON.stringify(ssid)} (not shown): `));
}

/** A key of 64 digits may be written in capitals too; it has one form in a code. */
function normalised(passphrase: string): string {
  return /^[0-9a-fA-F]{64}$/.test(passphrase) ? passphrase.toLowerCase() : passphrase;
}

function fault(message: string): ProvisioningError {
  return new ProvisioningError('PROVISIONING_REQUEST', message, { op: 'read options' });
}

/** Collects; a step that fails gives undefined (or `otherwise`), and the rest is looked at all the same. */
class Faults {
  readonly #messages: string[] = [];
  hasAny(): boolean {
    return this.#messages.length > 0;
  }
  add(...messages: readonly string[]): void {
    this.#messages.push(...messages);
  }
  need(value: string | undefined, option: string, remedy: string): string | undefined {
    if (value === undefined) this.add(`${option} is missing. ${remedy}`);
    return value;
  }
  attempt<T>(step: () => T, otherwise: T): T;
  attempt<T>(step: () => T): T | undefined;
  attempt<T>(step: () => T, otherwise?: T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof LetheError)) throw error;
      this.add(explain(error));
      return otherwise;
    }
  }
  throwIfAny(): void {
    if (this.#messages.length > 0) throw fault(this.#messages.join('\n'));
  }
}
