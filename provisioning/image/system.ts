/**
 * Which system an image holds, and whether we can use it: Raspberry Pi OS Lite, 64 bits, trixie or bookworm, as downloaded.
 * All faults are told at once. Read only.
 * How the first start is customised is told by the boot partition and the packages: cloud-init (user-data), rpi-preseed, or
 * the older firstrun (rpi-imager, doc/os_customisation_formats.md). We use none of the three: everything is put in offline.
 */
import { ImageError } from '../../runtime/errors.ts';
import { Ext4, superBlock } from './ext4.ts';
import { Fat } from './fat.ts';
import type { Layout } from './layout.ts';
import { firstBytes } from './source.ts';

const RELEASES = ['trixie', 'bookworm'] as const;
export type Release = (typeof RELEASES)[number];
/** Who prepares the first start in the image as it was downloaded. */
export type FirstStart = 'cloud-init' | 'rpi-preseed' | 'firstrun';

export type System = {
  readonly release: Release;
  /** PRETTY_NAME of os-release. */
  readonly name: string;
  /** First line of /etc/rpi-issue: `Raspberry Pi reference 2026-…`. */
  readonly issue: string;
  readonly firstStart: FirstStart;
  readonly cmdline: string;
  readonly config: string;
  /** What fsck.fat found in the boot partition as it came; nothing may be added to it. */
  readonly bootFaults: readonly string[];
  readonly warnings: readonly string[];
};

export type Volumes = { readonly root: Ext4; readonly boot: Fat };

/** e_machine, System V ABI. */
const ELF_MACHINES: Readonly<Record<number, string>> = { 40: '32-bit (armhf)', 62: 'for PCs (x86-64)', 183: 'aarch64' };
const AARCH64 = 0xb7;
const PROGRAMS = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd', '/usr/bin/bash', '/bin/bash'];
/** Files that only customising puts on the boot partition. */
const CUSTOMISED = ['firstrun.sh', 'custom.toml', 'userconf', 'userconf.txt', 'ssh', 'ssh.txt', 'wpa_supplicant.conf'];
const DESKTOP = ['/usr/sbin/lightdm', '/usr/bin/labwc', '/usr/bin/wayfire', '/usr/share/xsessions'];
const LITE = 'Take Raspberry Pi OS Lite (64-bit): raspberrypi.com/software/operating-systems, as it was downloaded.';

/** Opens both file systems, or says what is wrong with them. */
export async function openVolumes(path: string, layout: Layout): Promise<Volumes> {
  const problems: string[] = [];
  const boot = new Fat(path, layout.boot.startBytes, layout.boot.lengthBytes);
  await boot.names().catch(() => problems.push('The first partition holds no FAT file system.'));
  const { isExt, isOpen } = superBlock(firstBytes(path, 2048, layout.root.startBytes));
  if (!isExt) problems.push('The second partition holds no ext4 file system.');
  if (isOpen)
    problems.push('The system partition was not closed: it is the copy of a card that was running, or still mounted.');
  const root = new Ext4(path, layout.root.startBytes);
  if (problems.length === 0) {
    const faults = await root.faults();
    if (faults.length > 0) problems.push(`The system partition is damaged: ${faults.join(' | ')}`);
  }
  if (problems.length > 0) throw new ImageError('DAMAGED', problems, { op: 'read image', hint: LITE });
  return { root, boot };
}

export async function readSystem({ root, boot }: Volumes): Promise<System> {
  const release = await root.text('/usr/lib/os-release');
  const issue = await root.text('/etc/rpi-issue');
  const names = await boot.names();
  const problems = [
    ...(await architectureProblems(root)),
    ...releaseProblems(release, issue),
    ...bootProblems(names),
    ...((await root.has('/opt/lethe')) ? ['The image holds Lethe already; expected one as it was downloaded.'] : []),
  ];
  if (problems.length > 0) throw new ImageError('WRONG_SYSTEM', problems, { op: 'look at image', hint: LITE });
  const bootFaults = await boot.faults();
  const cmdline = (await boot.read('cmdline.txt')).toString('utf8');
  if (/\bsystemd\.run=/.test(cmdline))
    throw new ImageError(
      'WRONG_SYSTEM',
      'cmdline.txt starts a script (systemd.run=): the image was customised already.',
      {
        op: 'look at image',
        hint: LITE,
      },
    );
  return {
    release: releaseWord(release, 'VERSION_CODENAME') as Release,
    name: releaseWord(release, 'PRETTY_NAME'),
    issue: issue?.split('\n')[0] ?? '',
    firstStart: await firstStartOf(root, names),
    cmdline,
    config: (await boot.read('config.txt')).toString('utf8'),
    bootFaults,
    warnings: [
      ...(await warningsOf(root)),
      ...(bootFaults.length > 0 ? [`The boot partition came with small faults: ${bootFaults.join(' | ')}`] : []),
    ],
  };
}

function releaseWord(text: string | undefined, key: string): string {
  return new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(text ?? '')?.[1] ?? '';
}

function releaseProblems(release: string | undefined, issue: string | undefined): string[] {
  if (release === undefined) return ['There is no /usr/lib/os-release; expected a Debian system.'];
  const name = releaseWord(release, 'PRETTY_NAME') || releaseWord(release, 'ID') || 'unknown';
  // The 32-bit system calls itself raspbian; its programs were told of already.
  if (!['debian', 'raspbian'].includes(releaseWord(release, 'ID')) || issue === undefined)
    return [`The system is ${name} without /etc/rpi-issue; expected Raspberry Pi OS.`];
  const word = releaseWord(release, 'VERSION_CODENAME');
  return RELEASES.some((known) => known === word)
    ? []
    : [`The system is ${name} (${word}); expected ${RELEASES.join(' or ')}.`];
}

async function architectureProblems(root: Ext4): Promise<string[]> {
  const there = await root.stat(PROGRAMS);
  const program = PROGRAMS.find((path) => there.get(path)?.kind === 'regular');
  if (program === undefined) return ['There is neither systemd nor bash in the image; expected a Debian system.'];
  const head = await root.read(program, 20);
  const machine = head.length === 20 && head.toString('latin1', 1, 4) === 'ELF' ? head.readUInt16LE(18) : 0;
  if (machine === AARCH64) return [];
  return [`The system is ${ELF_MACHINES[machine] ?? `of another kind (${machine})`}; expected 64-bit ARM (aarch64).`];
}

function bootProblems(names: ReadonlySet<string>): string[] {
  const problems = ['cmdline.txt', 'config.txt']
    .filter((name) => !names.has(name))
    .map((name) => `The boot partition has no ${name}; expected the firmware files of a Raspberry Pi.`);
  const customised = CUSTOMISED.filter((name) => names.has(name));
  if (customised.length > 0)
    problems.push(
      `The boot partition has ${customised.join(', ')}: the image was customised already (Raspberry Pi Imager).`,
    );
  return problems;
}

async function firstStartOf(root: Ext4, names: ReadonlySet<string>): Promise<FirstStart> {
  if (names.has('rpi-preseed.toml') || (await root.has('/usr/lib/systemd/system/rpi-preseed.service')))
    return 'rpi-preseed';
  return names.has('user-data') || (await root.has('/usr/bin/cloud-init')) ? 'cloud-init' : 'firstrun';
}

async function warningsOf(root: Ext4): Promise<string[]> {
  const wanted = ['/usr/bin/rpicam-vid', '/usr/sbin/NetworkManager', ...DESKTOP];
  const there = await root.stat(wanted);
  return [
    ...(DESKTOP.some((path) => there.has(path))
      ? [
          'This is an image with a desktop: it works, but it is larger and runs much that a counter does not need. Lite is meant.',
        ]
      : []),
    ...(there.has('/usr/bin/rpicam-vid')
      ? []
      : ['/usr/bin/rpicam-vid is missing: without it the camera cannot be read.']),
    ...(there.has('/usr/sbin/NetworkManager') ? [] : ['NetworkManager is missing: without it Wi-Fi cannot be set up.']),
  ];
}
