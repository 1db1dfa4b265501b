/**
 * The configuration as it is on the device: checked here as the device will check it, with its files at their places in
 * /etc/lethe. A configuration that the device would refuse never gets onto a card.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import { isCredential } from '../../runtime/config/broker.ts';
import { parseConfig, readConfigFile } from '../../runtime/config/config.ts';
import type { CredentialPaths } from './keys.ts';

const ETC = '/etc/lethe';
/** Field of `mqtt` → our word for it, and its place on the device. */
const FILES = {
  ca_file: { word: 'ca', place: `${ETC}/ca.crt` },
  cert_file: { word: 'certificate', place: `${ETC}/device.crt` },
  key_file: { word: 'key', place: `${ETC}/device.key` },
  password_file: { word: 'password', place: `${ETC}/mqtt-password` },
} as const;
const STATE_FOLDER = '/var/lib/lethe';
/** What the check of a configuration holds it against: no counter of ours runs on another board. */
const BOARD = 'Raspberry Pi';

export type SecretSources = CredentialPaths;

export type DeviceConfig = {
  readonly file: Readonly<Record<string, unknown>>;
  /** Files of this machine to take along. */
  readonly sources: SecretSources;
  readonly device: string;
  readonly timeZone: string;
};

/** `given`: files named on the command line, which go before those of the configuration. Throws ConfigError with every fault. */
export function deviceConfig(options: {
  readonly path: string | undefined;
  readonly overrides: readonly string[];
  readonly given: SecretSources;
  readonly pins: { readonly led_gpio?: number; readonly button_gpio?: number };
}): DeviceConfig {
  const { path, overrides, given, pins } = options;
  const file = readConfigFile({ path, overrides });
  const base = path === undefined ? process.cwd() : dirname(resolve(path));
  const mqtt = sectionOf(file, 'mqtt');
  const sources: Record<string, string> = {};
  for (const [field, { word, place }] of Object.entries(FILES)) {
    const named = mqtt[field];
    const fromFile =
      typeof named === 'string' && named !== '' && !isCredential(named) && !named.startsWith(`${ETC}/`)
        ? isAbsolute(named)
          ? named
          : resolve(base, named)
        : undefined;
    const source = given[word] ?? fromFile;
    if (source === undefined) continue;
    sources[word] = source;
    mqtt[field] = place;
  }
  const whole: Record<string, unknown> = {
    ...file,
    state_dir: STATE_FOLDER,
    // The default counts in a simulated entrance.
    camera: { driver: 'rpicam', ...sectionOf(file, 'camera') },
    ...(Object.keys(mqtt).length === 0 ? {} : { mqtt }),
    ...withPins(file, pins),
  };
  const config = parseConfig(whole, path === undefined ? 'check configuration' : `check ${path}`, BOARD);
  return { file: whole, sources, device: config.device, timeZone: config.timeZone };
}

function withPins(
  file: Record<string, unknown>,
  pins: { led_gpio?: number; button_gpio?: number },
): Record<string, unknown> {
  if (Object.keys(pins).length === 0) return {};
  const { led_gpio: led, button_gpio: button } = pins;
  return {
    gpio: {
      ...sectionOf(file, 'gpio'),
      ...(led === undefined ? {} : { led_bcm: led }),
      ...(button === undefined ? {} : { button_bcm: button }),
    },
  };
}

/** A copy of a section; an empty one where the file has none, or something else that the check will tell of. */
function sectionOf(file: Record<string, unknown>, name: string): Record<string, unknown> {
  const section = file[name];
  return section !== null && typeof section === 'object' && !Array.isArray(section) ? { ...section } : {};
}
