/**
 * Where the programs of the setup find and leave things. `--root DIR` puts all of it below another folder, as systemd's own
 * tools have it: for tests, and for looking at a card that is mounted somewhere.
 */
import { join, resolve } from 'node:path';
import { ConfigError } from '../../runtime/errors.ts';

export type Places = {
  /** With it the device counts, without it it looks for a code. */
  readonly config: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Public keys of who may make codes. */
  readonly fleetFolder: string;
  /** Pins of this board, known before there is a configuration. */
  readonly boardFile: string;
  /** In memory: the code that was seen, and the word for the lamp. */
  readonly code: string;
  readonly refusal: string;
  /** Of the scan, for itself: a digest of the code that it handed on. */
  readonly taken: string;
  /** The setup that is under way; root's alone, as the code has the Wi-Fi passphrase in it. */
  readonly setup: string;
  readonly spent: string;
  /** There while a reset is under way. */
  readonly resetMark: string;
  /** The claim that is under way, with the private key. */
  readonly attempt: string;
  /** Made by systemd-timesyncd when it has asked somebody. */
  readonly timeKnown: string;
  readonly connections: string;
  readonly modprobe: string;
};

/** What stands in lethe.json, whatever the root is. */
export const CREDENTIAL_PATHS = {
  ca_file: '/etc/lethe/ca.crt',
  cert_file: '/etc/lethe/device.crt',
  key_file: '/etc/lethe/device.key',
} as const;

export function placesBelow(root: string): Places {
  const at = (path: string) => join(root, path);
  return {
    config: at('/etc/lethe/lethe.json'),
    caFile: at(CREDENTIAL_PATHS.ca_file),
    certFile: at(CREDENTIAL_PATHS.cert_file),
    keyFile: at(CREDENTIAL_PATHS.key_file),
    fleetFolder: at('/etc/lethe/fleet'),
    boardFile: at('/etc/lethe/board.json'),
    code: at('/run/lethe-setup/code'),
    refusal: at('/run/lethe-setup/refusal'),
    taken: at('/run/lethe-setup/taken'),
    setup: at('/var/lib/lethe-setup/setup.json'),
    spent: at('/var/lib/lethe-setup/spent.json'),
    resetMark: at('/var/lib/lethe-setup/reset'),
    attempt: at('/var/lib/lethe-claim/attempt.json'),
    timeKnown: at('/run/systemd/timesync/synchronized'),
    connections: at('/etc/NetworkManager/system-connections'),
    modprobe: at('/etc/modprobe.d'),
  };
}

export type WifiPlaces = {
  readonly connectionsFolder: string;
  readonly modprobeFolder: string;
  readonly nmcli?: string;
  readonly iw?: string;
};

/** What the Wi-Fi driver is given. Below another root, that root's programs: nothing of this machine's network is touched. */
export function wifiPlacesBelow(root: string): WifiPlaces {
  const { connections, modprobe } = placesBelow(root);
  const programs = root === '/' ? {} : { nmcli: join(root, '/usr/bin/nmcli'), iw: join(root, '/usr/sbin/iw') };
  return { connectionsFolder: connections, modprobeFolder: modprobe, ...programs };
}

/** The words of a setup program: `--root DIR` and nothing else. Throws ConfigError. */
export function readRoot(words: readonly string[]): string {
  const [option, folder, ...rest] = words;
  if (option === undefined) return '/';
  if (option === '--root' && folder !== undefined && rest.length === 0) return resolve(folder);
  throw new ConfigError([`the words are ${JSON.stringify(words)}; expected --root DIR or none. Correct the unit.`], {
    op: 'read words',
  });
}
