/** What will be changed, in words, before anything is. Secrets are named, never shown. */
import { APPLICATION_FOLDER } from '../device/layout.ts';
import type { Contents, Wishes } from './contents.ts';
import { bytesOf, type Entry, type Room } from './ext4.ts';
import type { Layout } from './layout.ts';
import { megabytes } from './progress.ts';
import type { RoomPlan } from './room.ts';
import type { System } from './system.ts';

const WIDTH = 14;

export type Plan = {
  readonly image: string;
  readonly imageBytes: number;
  readonly layout: Layout;
  readonly system: System;
  readonly version: string;
  readonly contents: Contents;
  readonly wishes: Wishes;
  readonly room: Room;
  readonly roomPlan: RoomPlan;
  readonly to: readonly string[];
};

export function planText(plan: Plan): string {
  const { layout, system, contents, wishes, room, roomPlan } = plan;
  const { identities, lockedUsers, masked, enabled, kernelWords, firmwareLines } = contents;
  const rows: [string, string | readonly string[]][] = [
    ['image', `${plan.image}, ${megabytes(plan.imageBytes)} unpacked; only read`],
    ['system', `${system.name}; ${system.issue}; first start by ${system.firstStart}, which is not used`],
    [
      'partition 1',
      `FAT, ${megabytes(layout.boot.lengthBytes)} at ${megabytes(layout.boot.startBytes)}; changed: ${[...contents.boot.keys()].join(', ')}`,
    ],
    [
      'partition 2',
      `ext4, ${megabytes(layout.root.lengthBytes)}, ${megabytes(Math.max(0, room.freeBytes))} free; ${megabytes(roomPlan.neededBytes)} are put in${
        roomPlan.growthBytes > 0 ? `; grows by ${megabytes(roomPlan.growthBytes)}` : ''
      }`,
    ],
    ['disk id', `0x${layout.diskId}, stays`],
    ['kernel', kernelWords.join(' ')],
    ['firmware', firmwareLines.join(', ')],
    ['application', applicationRow(plan)],
    ['starts', enabled.join(', ') || 'nothing by itself'],
    ['switched off', [...masked].map(([unit, why]) => `${unit}: ${why}`)],
    ['accounts', identities.map(({ name, id, isUser }) => `${isUser ? 'user' : 'group'} ${name} (${id})`).join(', ')],
    ['log-in', loginRow(wishes, lockedUsers)],
    [
      'name',
      `${wishes.hostname}, time zone ${wishes.timeZone}${wishes.country === undefined ? '' : `, country ${wishes.country}`}`,
    ],
    ['network', networkRow(wishes)],
    ['set up', setUpRow(wishes)],
    ['files', otherFiles(contents.entries)],
    ...(system.warnings.length > 0 ? [['NOTE', system.warnings] as [string, readonly string[]]] : []),
    ['written to', plan.to.length > 0 ? plan.to : 'nothing: this is a dry run'],
  ];
  return rows.flatMap(([name, text]) => lines(name, typeof text === 'string' ? [text] : text)).join('\n');
}

function lines(name: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => `${(index === 0 ? name : '').padEnd(WIDTH)}${text}`);
}

function applicationRow({ version, contents }: Plan): string {
  const files = contents.entries.filter((entry) => entry.kind === 'file' && entry.path.startsWith(APPLICATION_FOLDER));
  const bytes = files.reduce((sum, entry) => sum + (entry.kind === 'file' ? bytesOf(entry) : 0), 0);
  return `Lethe ${version}: ${files.length} files, ${megabytes(bytes)}, to ${APPLICATION_FOLDER}/a; current is a`;
}

function loginRow({ sshKeys }: Wishes, locked: readonly string[]): string {
  const passwords = locked.length === 0 ? 'no password is usable' : `passwords are made unusable: ${locked.join(', ')}`;
  const ssh =
    sshKeys.length === 0
      ? 'SSH off'
      : `SSH for ${sshKeys.length} key${sshKeys.length === 1 ? '' : 's'} of the first user, without passwords`;
  return `${passwords}; ${ssh}`;
}

function networkRow({ wifi, country }: Wishes): string {
  if (wifi !== undefined)
    return `Wi-Fi ${JSON.stringify(wifi.ssid)} (${wifi.security}${wifi.isHidden ? ', hidden' : ''}), and cable`;
  return country === undefined
    ? 'cable; the radio stays off until a country is known'
    : 'cable; the radio is on, Wi-Fi comes with the code';
}

function setUpRow({ config, fleetKeys, releaseKeys, credentials }: Wishes): string[] {
  const secrets = Object.keys(credentials).join(', ') || 'none';
  return [
    config === undefined
      ? 'no configuration: it waits for a QR code'
      : `counts at once as ${String(config['site'] ?? 'demo')}/${String(config['device'] ?? 'door1')}; files: ${secrets}`,
    `fleet keys: ${fleetKeys.map(({ keyId }) => keyId).join(', ') || 'none: no code will be accepted'}`,
    `release keys: ${releaseKeys.map(({ keyId }) => keyId).join(', ') || 'none: no update will be accepted'}`,
  ];
}

/** What is written besides the application, the links of units and the masks. */
function otherFiles(entries: readonly Entry[]): string[] {
  const paths = entries
    .filter(
      (entry) =>
        entry.kind !== 'folder' &&
        !entry.path.startsWith(`${APPLICATION_FOLDER}/`) &&
        !entry.path.startsWith('/etc/systemd/system/'),
    )
    .map((entry) => entry.path);
  const rows: string[] = [];
  for (const path of new Set(paths)) {
    const row = rows.at(-1);
    if (row !== undefined && row.length + path.length < 100) rows[rows.length - 1] = `${row}, ${path}`;
    else rows.push(path);
  }
  return rows;
}
