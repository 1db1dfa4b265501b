/**
 * The words of `npm run flash`, and what they mean together. All mistakes are told at once, before anything is read or written.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ImageError } from '../../runtime/errors.ts';
import { nameProblems } from '../payload/check.ts';
import type { Wishes } from './contents.ts';
import { deviceConfig, type SecretSources } from './device-config.ts';
import { credentials, publicKeys } from './keys.ts';
import { type WifiWish, wifiProblems } from './wifi.ts';

export const HELP = `Puts Lethe into an image of Raspberry Pi OS Lite (64-bit; trixie or bookworm), as it was downloaded. No root, no mount.
The device counts at its first start, or waits for a QR code. What will be changed is listed before anything is.

  npm run -s flash -- --image IN.img.xz --config lethe.json --ca ca.crt --certificate device.crt --key device.key --out OUT.img
  npm run -s flash -- --image IN.img.xz --fleet-key fleet.pem --out OUT.img
  npm run -s flash -- --image IN.img.xz --fleet-key fleet.pem --device /dev/sdb

from and to
  --image FILE          the image: .img, .img.xz, .img.gz or .img.zst; only read
  --sha256 HEX          its checksum, from the page of the download
  --bundle FILE.lethe   the application, as \`npm run -s lethe -- bundle\` makes it; without it: made now
  --tree DIR            the same, as a folder
  --out FILE            image to write; must not be there yet
  --device /dev/…       card to write, in place of --out or as well; asks for its name
  --yes-erase NAME      its model or serial number, for scripts
  --allow-large         a card of more than 256 GB
  --dry-run             list what would be changed, and end

it counts at once
  --config FILE         lethe.json; files that its mqtt section names are taken along
  --set FIELD=VALUE     set one field over the file, such as mqtt.url=mqtts://gateway.store:8883; repeatable
  --site NAME --name NAME   site and device; over the file
  --ca, --certificate, --key, --password-file FILE   for the broker; over the file

it waits for a code (also what a factory reset leads to)
  --fleet-key FILE      public key of the fleet, Ed25519 in PEM; repeatable
  --name NAME           it takes codes for this device only (and those for any); without it: the first that it is shown

the device
  --release-key FILE    public key of releases, for updates; repeatable
  --hostname NAME       without it: lethe, or the device's name
  --time-zone ZONE      without it: the configuration's, or UTC
  --country XX          where it hangs, for the radio's rules
  --wifi-ssid NAME --wifi-passphrase-file FILE   [--wifi-security wpa|sae|open] [--wifi-hidden]
  --led-gpio N --button-gpio N   pins of lamp and button, 2..27
  --ssh-key FILE        public key that may log in; without it nobody can
`;

const OPTIONS = {
  image: { type: 'string' },
  sha256: { type: 'string' },
  bundle: { type: 'string' },
  tree: { type: 'string' },
  out: { type: 'string' },
  device: { type: 'string' },
  'yes-erase': { type: 'string' },
  'allow-large': { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  site: { type: 'string' },
  name: { type: 'string' },
  ca: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
  'password-file': { type: 'string' },
  'fleet-key': { type: 'string', multiple: true },
  'release-key': { type: 'string', multiple: true },
  hostname: { type: 'string' },
  'time-zone': { type: 'string' },
  country: { type: 'string' },
  'wifi-ssid': { type: 'string' },
  'wifi-passphrase-file': { type: 'string' },
  'wifi-security': { type: 'string' },
  'wifi-hidden': { type: 'boolean', default: false },
  'led-gpio': { type: 'string' },
  'button-gpio': { type: 'string' },
  'ssh-key': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

type Words = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export type FlashOptions = {
  readonly image: string;
  readonly sha256?: string;
  readonly bundle?: string;
  readonly tree?: string;
  readonly out?: string;
  readonly device?: string;
  readonly yesErase?: string;
  readonly isLargeAllowed: boolean;
  readonly isDryRun: boolean;
  readonly wishes: Wishes;
};

/** Undefined: help was asked for. Throws ImageError, or ConfigError for the configuration. */
export function readOptions(args: readonly string[], nowMs: number): FlashOptions | undefined {
  const words = wordsOf(args);
  if (words.help === true) return undefined;
  const problems = [...placeProblems(words), ...deviceProblems(words)];
  const wifi = wifiOf(words, problems);
  const sshKeys = sshKeysOf(words['ssh-key'], problems);
  const isConfigured = words.config !== undefined || words.set !== undefined;
  const fleetPaths = words['fleet-key'] ?? [];
  if (!isConfigured && fleetPaths.length === 0)
    problems.push(
      'Neither --config (it counts at once) nor --fleet-key (it waits for a code) is given; expected one of them, or both.',
    );
  if (!isConfigured && words.site !== undefined)
    problems.push(
      '--site belongs to a configuration, which is not given; a code says it by itself. Add --config or --set, or leave it out.',
    );
  if (!isConfigured && words.name !== undefined) problems.push(...nameProblems('--name', words.name));
  throwIf(problems);

  const given: SecretSources = pick({
    ca: words.ca,
    certificate: words.certificate,
    key: words.key,
    password: words['password-file'],
  });
  const configured = isConfigured
    ? deviceConfig({
        path: words.config,
        overrides: [
          ...(words.set ?? []),
          ...overrideOf('site', words.site),
          ...overrideOf('device', words.name),
          ...overrideOf('time_zone', words['time-zone']),
        ],
        given,
        pins: boardOf(words),
      })
    : undefined;
  return {
    image: words.image!,
    isLargeAllowed: words['allow-large'] === true,
    isDryRun: words['dry-run'] === true,
    ...pick({
      sha256: words.sha256,
      bundle: words.bundle,
      tree: words.tree,
      out: words.out,
      device: words.device,
      yesErase: words['yes-erase'],
    }),
    wishes: {
      hostname: words.hostname ?? hostnameFrom(configured?.device ?? words.name ?? ''),
      timeZone: words['time-zone'] ?? configured?.timeZone ?? 'UTC',
      ...pick({ country: words.country, wifi, config: configured?.file }),
      sshKeys,
      credentials: credentials(configured?.sources ?? given, nowMs),
      fleetKeys: publicKeys(fleetPaths, 'fleet'),
      releaseKeys: publicKeys(words['release-key'] ?? [], 'release'),
      // A configuration has its name in itself; after a reset such a card may become another device.
      board: { ...boardOf(words), ...(isConfigured ? {} : pick({ device: words.name })) },
    },
  };
}

function wordsOf(args: readonly string[]): Words {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw usage([(error as Error).message.split('. ')[0] ?? 'unknown option']);
  }
}

function placeProblems(words: Words): string[] {
  const problems: string[] = [];
  if (words.image === undefined)
    problems.push('--image is missing; expected an image of Raspberry Pi OS Lite (64-bit).');
  if (words.out === undefined && words.device === undefined && words['dry-run'] !== true)
    problems.push('Neither --out FILE nor --device /dev/… is given; expected where to write.');
  if (words.bundle !== undefined && words.tree !== undefined)
    problems.push('--bundle and --tree are both given; expected one of them.');
  if (words.bundle !== undefined && (words['release-key'] ?? []).length === 0)
    problems.push(
      '--bundle is given without --release-key; expected the public key of whoever released it, to check its signature.',
    );
  if (words['yes-erase'] !== undefined && words.device === undefined)
    problems.push('--yes-erase is given without --device.');
  if (words.sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(words.sha256))
    problems.push('--sha256 is no SHA-256; expected 64 hex digits.');
  // libext2fs and mtools read an offset behind these signs.
  for (const [name, path] of [
    ['--image', words.image],
    ['--out', words.out],
  ] as const)
    if (path !== undefined && /[?\n]|@@/.test(path))
      problems.push(`${name} has "?", "@@" or a line break in its path; expected none. Rename it.`);
  return problems;
}

function deviceProblems(words: Words): string[] {
  const problems: string[] = [];
  if (words.hostname !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(words.hostname))
    problems.push(
      `--hostname is ${JSON.stringify(words.hostname)}; expected 1 to 63 lower-case letters, digits and hyphens (RFC 1123).`,
    );
  if (words.country !== undefined && !/^[A-Z]{2}$/.test(words.country))
    problems.push(`--country is ${JSON.stringify(words.country)}; expected two capitals, such as SE.`);
  if (words['time-zone'] !== undefined && !/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+){0,2}$/.test(words['time-zone']))
    problems.push(
      `--time-zone is ${JSON.stringify(words['time-zone'])}; expected an IANA name such as Europe/Stockholm.`,
    );
  for (const name of ['led-gpio', 'button-gpio'] as const) {
    const pin = words[name];
    if (pin !== undefined && !(/^\d{1,2}$/.test(pin) && Number(pin) >= 2 && Number(pin) <= 27))
      problems.push(`--${name} is ${JSON.stringify(pin)}; expected the number of a pin on the header, 2..27.`);
  }
  if (words['led-gpio'] !== undefined && words['led-gpio'] === words['button-gpio'])
    problems.push('Lamp and button are on the same pin.');
  return problems;
}

function wifiOf(words: Words, problems: string[]): WifiWish | undefined {
  const {
    'wifi-ssid': ssid,
    'wifi-passphrase-file': file,
    'wifi-security': security = file === undefined ? 'open' : 'wpa',
  } = words;
  if (ssid === undefined) {
    if (file !== undefined || words['wifi-security'] !== undefined || words['wifi-hidden'] === true)
      problems.push('Words for Wi-Fi are given without --wifi-ssid.');
    return undefined;
  }
  if (security !== 'wpa' && security !== 'sae' && security !== 'open') {
    problems.push(`--wifi-security is ${JSON.stringify(security)}; expected wpa, sae or open.`);
    return undefined;
  }
  if (words.country === undefined) problems.push('Wi-Fi needs --country: without it the radio stays off.');
  if (file === undefined && words['wifi-security'] === undefined)
    problems.push('Wi-Fi has no passphrase; expected --wifi-passphrase-file FILE, or --wifi-security open.');
  const wish: WifiWish = {
    ssid,
    passphrase: file === undefined ? '' : (textOf(file, problems) ?? '').replace(/\r?\n$/, ''),
    security,
    isHidden: words['wifi-hidden'] === true,
  };
  problems.push(...wifiProblems(wish));
  return wish;
}

/** Lines of authorized_keys: type and base64. A private key that was given by mistake is refused. */
function sshKeysOf(path: string | undefined, problems: string[]): string[] {
  if (path === undefined) return [];
  const text = textOf(path, problems) ?? '';
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const isKey = (line: string) =>
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]{40,}( [ -~]*)?$/.test(line);
  if (lines.length === 0 || !lines.every(isKey))
    problems.push(`${path} holds no public keys for SSH; expected lines such as "ssh-ed25519 AAAA… name".`);
  return lines;
}

function textOf(path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    problems.push(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return undefined;
  }
}

function boardOf(words: Words): { led_gpio?: number; button_gpio?: number } {
  return {
    ...(words['led-gpio'] === undefined ? {} : { led_gpio: Number(words['led-gpio']) }),
    ...(words['button-gpio'] === undefined ? {} : { button_gpio: Number(words['button-gpio']) }),
  };
}

function overrideOf(field: string, word: string | undefined): string[] {
  return word === undefined ? [] : [`${field}=${JSON.stringify(word)}`];
}

/** Letters, digits and hyphens of a device's name; `lethe-` in front, so that it is told from other machines. */
function hostnameFrom(device: string): string {
  const plain = device
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 50)
    .replace(/-$/, '');
  return plain === '' ? 'lethe' : `lethe-${plain}`;
}

/** The fields that are there; `exactOptionalPropertyTypes` takes no undefined. */
function pick<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function throwIf(problems: readonly string[]): void {
  if (problems.length > 0) throw usage(problems);
}

function usage(problems: readonly string[]): ImageError {
  return new ImageError('USAGE', problems, { op: 'read options', hint: 'npm run -s flash -- --help lists them.' });
}
