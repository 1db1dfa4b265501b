/**
 * What is put into an image, as a list: nothing is written here. Everything is in place before the first start, so that
 * the device needs neither network, nor cloud-init, nor a second start: cloud-init is switched off, the wizard that asks for
 * a user is masked, users and links are made here.
 */
import { posix } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import { type Accounts, firstUser, type Identity, withAccounts, withoutPasswords } from './accounts.ts';
import { type Application, applicationEntries, unitFiles } from './application.ts';
import {
  withCardSparing,
  withFirmwareLines,
  withHostname,
  withKernelWords,
  withoutPublishing,
  withWirelessOn,
} from './edits.ts';
import type { Entry, Ext4, File, Stat } from './ext4.ts';
import type { Credentials, PublicKeyFile } from './keys.ts';
import {
  BOOKWORM_DROP_IN,
  bookwormLinks,
  MASKED,
  MASKED_WITHOUT_SSH,
  maskLink,
  PACKAGE_UNITS,
  placeOf,
  SYSTEM_UNITS,
} from './services.ts';
import type { System } from './system.ts';
import { CONNECTION_PATH, connectionFile, type WifiWish } from './wifi.ts';

const ETC = '/etc/lethe';
const ACCOUNT_FILES = {
  passwd: '/etc/passwd',
  group: '/etc/group',
  shadow: '/etc/shadow',
  gshadow: '/etc/gshadow',
} as const;
/** Units of other ways to prepare a first start; ours is done already. */
const PRESEED_UNITS = ['rpi-preseed.service', 'rpi-preseed-runcmd-early.service', 'rpi-preseed-runcmd-late.service'];
const VOICE = 'lethe-voice';

/** What whoever flashes wants; checked before. */
export type Wishes = {
  readonly hostname: string;
  readonly timeZone: string;
  /** ISO 3166 alpha-2, for the radio's rules. */
  readonly country?: string;
  readonly wifi?: WifiWish;
  /** Lines for authorized_keys; empty: no SSH. */
  readonly sshKeys: readonly string[];
  /** lethe.json; without it the device scans for a code. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly credentials: Credentials;
  readonly fleetKeys: readonly PublicKeyFile[];
  readonly releaseKeys: readonly PublicKeyFile[];
  /** board.json: pins of lamp and button (GPIO numbers); the only device whose codes it takes. */
  readonly board: { readonly led_gpio?: number; readonly button_gpio?: number; readonly device?: string };
};

export type Contents = {
  readonly entries: readonly Entry[];
  /** Files of the boot partition. */
  readonly boot: ReadonlyMap<string, Buffer>;
  readonly kernelWords: readonly string[];
  readonly firmwareLines: readonly string[];
  readonly identities: readonly Identity[];
  readonly lockedUsers: readonly string[];
  /** Unit → reason. */
  readonly masked: ReadonlyMap<string, string>;
  /** Our units that start by themselves. */
  readonly enabled: readonly string[];
};

export async function contentsFor(options: {
  readonly root: Ext4;
  readonly system: System;
  readonly application: Application;
  readonly wishes: Wishes;
  readonly nowMs: number;
}): Promise<Contents> {
  const { root, system, application, wishes } = options;
  const units = unitFiles(application);
  const accounts = await accountsFor(root, units.get('sysusers.conf') ?? '', options.nowMs);
  const masked = await maskedFor(root, wishes.sshKeys.length > 0);
  const bookworm = system.release === 'bookworm' ? unitFiles(application, 'bookworm') : new Map<string, string>();
  const kernelWords = [
    ...(units.get('cmdline.txt') ?? '').trim().split(/\s+/),
    ...(wishes.country === undefined ? [] : [`cfg80211.ieee80211_regdom=${wishes.country}`]),
  ];
  const firmwareLines = firmwareFor(system.config);
  const entries = [
    ...accounts.entries,
    ...(await systemEntries(root, system, wishes)),
    ...settingEntries(units),
    ...settingEntries(bookworm),
    ...[...masked.keys()].map(maskLink),
    ...(await watchdogEntries(root)),
    ...applicationEntries(application),
    ...bookwormLinks([...bookworm.keys()], bookworm),
    ...deviceEntries(wishes, accounts.identities),
    ...(await networkEntries(root, wishes)),
    ...(await sshEntries(root, wishes.sshKeys)),
  ];
  return {
    entries: await withFolders(root, entries),
    boot: new Map([
      ['cmdline.txt', Buffer.from(withKernelWords(system.cmdline, kernelWords))],
      ['config.txt', Buffer.from(withFirmwareLines(system.config, firmwareLines))],
    ]),
    kernelWords,
    firmwareLines,
    identities: accounts.identities,
    lockedUsers: accounts.locked,
    masked,
    enabled: enabledAmong(entries),
  };
}

/** sysctl, journald, sysusers …: each says in its first line where it belongs. */
function settingEntries(units: ReadonlyMap<string, string>): File[] {
  return [...units]
    .filter(([name]) => name.endsWith('.conf') && name !== BOOKWORM_DROP_IN)
    .map(([name, text]) => {
      const path = placeOf(text);
      if (path === undefined)
        throw new ImageError(
          'APPLICATION',
          `provisioning/units/${name} does not say in its first line where it goes.`,
          {
            op: 'read application',
          },
        );
      return rootFile(path, text);
    });
}

async function accountsFor(root: Ext4, sysusers: string, nowMs: number) {
  const stats = await root.stat(Object.values(ACCOUNT_FILES));
  const texts: Record<string, string> = {};
  for (const [key, path] of Object.entries(ACCOUNT_FILES)) texts[key] = (await root.read(path)).toString('utf8');
  const { accounts, identities } = withAccounts(texts as Accounts, sysusers, nowMs);
  const { shadow, locked } = withoutPasswords(accounts.shadow);
  const after: Accounts = { ...accounts, shadow };
  const entries = Object.entries(ACCOUNT_FILES).map(([key, path]) =>
    rewritten(path, after[key as keyof Accounts], stats.get(path)),
  );
  return { entries, identities, locked };
}

async function maskedFor(root: Ext4, hasSsh: boolean): Promise<Map<string, string>> {
  const wanted = {
    ...MASKED,
    ...(hasSsh ? {} : MASKED_WITHOUT_SSH),
    ...Object.fromEntries(PRESEED_UNITS.map((name) => [name, 'what it would set is set in the image already'])),
  };
  const there = await root.stat(Object.keys(wanted).map((name) => `${PACKAGE_UNITS}/${name}`));
  return new Map(Object.entries(wanted).filter(([name]) => there.has(`${PACKAGE_UNITS}/${name}`)));
}

async function systemEntries(root: Ext4, system: System, { hostname, timeZone }: Wishes): Promise<Entry[]> {
  const paths = ['/etc/fstab', '/etc/hosts', '/etc/avahi/avahi-daemon.conf'];
  const stats = await root.stat(paths);
  const edited = async (path: string, edit: (text: string) => string) =>
    stats.has(path) ? [rewritten(path, edit((await root.read(path)).toString('utf8')), stats.get(path))] : [];
  if (!(await root.has(`/usr/share/zoneinfo/${timeZone}`)))
    throw new ImageError(
      'TIME_ZONE',
      `The image has no time zone ${timeZone}; expected an IANA name such as Europe/Stockholm.`,
      {
        op: 'set time zone',
        hint: 'Give another with --time-zone.',
      },
    );
  return [
    ...(await edited('/etc/fstab', (text) => withCardSparing(text, ['/var/log']))),
    ...(await edited('/etc/hosts', (text) => withHostname(text, hostname))),
    ...(await edited('/etc/avahi/avahi-daemon.conf', withoutPublishing)),
    rootFile('/etc/hostname', `${hostname}\n`),
    { kind: 'link', path: '/etc/localtime', target: `/usr/share/zoneinfo/${timeZone}` },
    rootFile('/etc/timezone', `${timeZone}\n`),
    // systemd starts no clock before the date of this file: a lower bound until the time is known (systemd NEWS, 251).
    rootFile('/usr/lib/clock-epoch', ''),
    ...(system.firstStart === 'cloud-init'
      ? [rootFile('/etc/cloud/cloud-init.disabled', 'Everything is set in the image.\n')]
      : []),
  ];
}

/** Our units that start by themselves, or are watched for. */
function enabledAmong(entries: readonly Entry[]): string[] {
  const wanted = entries.filter(({ kind, path }) => kind === 'link' && /\.wants\/lethe-/.test(path));
  return [...new Set(wanted.map(({ path }) => posix.basename(path)))];
}

/**
 * Raspberry Pi OS sets the watchdog to 16 s in a file whose name comes after ours, and the last one counts
 * (systemd-system.conf(5)); the counter of the older boards ends before that.
 */
async function watchdogEntries(root: Ext4): Promise<Entry[]> {
  const name = '70-rpi-enable-watchdog.conf';
  if (!(await root.has(`/usr/lib/systemd/system.conf.d/${name}`))) return [];
  return [{ kind: 'link', path: `/etc/systemd/system.conf.d/${name}`, target: '/dev/null' }];
}

/** /etc/lethe. Secrets are readable for the voice alone. */
function deviceEntries(wishes: Wishes, identities: readonly Identity[]): Entry[] {
  const { config, credentials, fleetKeys, releaseKeys, board } = wishes;
  const voice = identities.find(({ name }) => name === VOICE)?.id;
  if (voice === undefined)
    throw new ImageError('APPLICATION', `provisioning/units/sysusers.conf has no user ${VOICE}.`, {
      op: 'read application',
    });
  const secret = (name: string, from: Buffer | undefined): Entry[] =>
    from === undefined ? [] : [{ kind: 'file', path: `${ETC}/${name}`, mode: 0o640, uid: 0, gid: voice, from }];
  const open = (name: string, from: Buffer | undefined): Entry[] =>
    from === undefined ? [] : [rootFile(`${ETC}/${name}`, from)];
  return [
    { kind: 'folder', path: ETC, mode: 0o755, uid: 0, gid: 0 },
    ...open('board.json', Buffer.from(`${JSON.stringify(board)}\n`)),
    ...open('lethe.json', config === undefined ? undefined : Buffer.from(`${JSON.stringify(config, null, 2)}\n`)),
    ...open('ca.crt', credentials.ca),
    ...open('device.crt', credentials.certificate),
    ...secret('device.key', credentials.key),
    ...secret('mqtt-password', credentials.password),
    ...keyEntries(`${ETC}/fleet`, fleetKeys),
    ...keyEntries(`${ETC}/release`, releaseKeys),
  ];
}

function keyEntries(folder: string, keys: readonly PublicKeyFile[]): Entry[] {
  return [
    { kind: 'folder', path: folder, mode: 0o755, uid: 0, gid: 0 },
    ...keys.map(({ keyId, pem }) => rootFile(`${folder}/${keyId}.pem`, pem)),
  ];
}

/** Wi-Fi, and the radio itself: Raspberry Pi OS keeps it off until a country is known. */
async function networkEntries(root: Ext4, { wifi, country }: Wishes): Promise<Entry[]> {
  const state = '/var/lib/NetworkManager/NetworkManager.state';
  const before = (await root.stat([state])).get(state);
  const radio =
    country === undefined || before === undefined
      ? []
      : [rewritten(state, withWirelessOn((await root.read(state)).toString('utf8')), before)];
  if (wifi === undefined) return radio;
  const connection: File = { ...rootFile(CONNECTION_PATH, connectionFile(wifi)), mode: 0o600 };
  return [...radio, connection];
}

async function sshEntries(root: Ext4, sshKeys: readonly string[]): Promise<Entry[]> {
  if (sshKeys.length === 0) return [];
  const user = firstUser((await root.read(ACCOUNT_FILES.passwd)).toString('utf8'));
  if (user === undefined)
    throw new ImageError(
      'WRONG_SYSTEM',
      'The image has no user with the number 1000, whom the key for SSH could be given.',
      {
        op: 'open SSH',
        hint: 'Take the image as it was downloaded, or leave --ssh-key out.',
      },
    );
  const owner = { uid: user.uid, gid: user.gid };
  return [
    { kind: 'folder', path: `${user.home}/.ssh`, mode: 0o700, ...owner },
    {
      kind: 'file',
      path: `${user.home}/.ssh/authorized_keys`,
      mode: 0o600,
      ...owner,
      from: Buffer.from(`${sshKeys.join('\n')}\n`),
    },
    // The first value of a setting counts (sshd_config(5)), hence 00.
    rootFile(
      '/etc/ssh/sshd_config.d/00-lethe.conf',
      'PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n',
    ),
    {
      kind: 'link',
      path: `${SYSTEM_UNITS}/multi-user.target.wants/ssh.service`,
      target: `${PACKAGE_UNITS}/ssh.service`,
    },
  ];
}

function firmwareFor(config: string): string[] {
  return [
    // Stock; said again for whoever took it out.
    ...(/^camera_auto_detect=1$/m.test(config) ? [] : ['camera_auto_detect=1']),
    'dtparam=watchdog=on',
    'dtoverlay=disable-bt',
  ];
}

function rootFile(path: string, text: string | Buffer): File {
  const from = Buffer.isBuffer(text) ? text : Buffer.from(text, 'utf8');
  return { kind: 'file', path, mode: 0o644, uid: 0, gid: 0, from };
}

/** The same file with another text: rights and owner stay. */
function rewritten(path: string, text: string, before: Stat | undefined): File {
  const { mode, uid, gid } = before ?? { mode: 0o644, uid: 0, gid: 0 };
  return { kind: 'file', path, mode, uid, gid, from: Buffer.from(text, 'utf8') };
}

/** Each path once (the last one counts), folders before what lies in them, with those that are missing on the way. */
async function withFolders(root: Ext4, entries: readonly Entry[]): Promise<Entry[]> {
  const once = [...new Map(entries.map((entry) => [entry.path, entry])).values()];
  const own = new Set(once.filter(({ kind }) => kind === 'folder').map(({ path }) => path));
  const parents = new Set<string>();
  for (const { path } of once)
    for (let folder = posix.dirname(path); folder !== '/'; folder = posix.dirname(folder))
      if (!own.has(folder)) parents.add(folder);
  const there = await root.stat([...parents]);
  const missing = [...parents].filter((path) => !there.has(path));
  const folders = [
    ...once.filter(({ kind }) => kind === 'folder'),
    ...missing.map((path): Entry => ({ kind: 'folder', path, mode: 0o755, uid: 0, gid: 0 })),
  ];
  folders.sort((one, other) => (one.path < other.path ? -1 : 1));
  return [...folders, ...once.filter(({ kind }) => kind !== 'folder')];
}
