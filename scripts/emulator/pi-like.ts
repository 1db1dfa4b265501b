/**
 * A card image laid out as Raspberry Pi OS Lite (trixie) is: partition table of the old kind, a FAT partition at 8 MiB with
 * the firmware's files and cloud-init's three, an ext4 partition behind it, both named by the disk's id.
 * It holds no Lethe and no Node. What makes a Raspberry Pi of it is left out and said in PACKAGE list (packages.ts) and
 * here: the firmware (the emulator loads the kernel itself), the real rpicam-vid (a stand-in says that there is no board).
 */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeInitrd } from './initrd.ts';
import { arePackagesHere, kernelRelease, packages } from './packages.ts';
import { CACHE_FOLDER, IMAGE_PROGRAMS, requirePrograms, run } from './tools.ts';

const MIB = 2 ** 20;
const SECTOR_BYTES = 512;
const BOOT_START_MIB = 8;
/** 512 on a real card; smaller, so that the file is. FAT32 needs 65,525 clusters, here of one sector. */
const BOOT_MIB = 64;
/** What the packages take, and room for one version of the application; flashing makes more where it needs it. */
const ROOT_MIB = 1400;
/** Signature of the disk: PARTUUID is made of it, in cmdline.txt and fstab. */
const DISK_ID = 'd1ec8bbc';

export type Image = {
  /** The stock card image, never changed. */
  readonly card: string;
  readonly kernel: string;
  readonly initrd: string;
};

const IMAGE: Image = {
  card: join(CACHE_FOLDER, 'pi-like-trixie-arm64.img'),
  kernel: join(CACHE_FOLDER, 'vmlinuz'),
  initrd: join(CACHE_FOLDER, 'initrd.gz'),
};

export function imageIfThere(): Image | undefined {
  return Object.values(IMAGE).every((path) => existsSync(path)) ? IMAGE : undefined;
}

/** Makes what is not there; `isAnew` makes the layout anew, and `isFetched` the packages as well. */
export function makeImage(say: (line: string) => void, { isAnew = false, isFetched = false } = {}): Image {
  const there = imageIfThere();
  if (there !== undefined && !isAnew && !isFetched) return there;
  requirePrograms(IMAGE_PROGRAMS);
  mkdirSync(CACHE_FOLDER, { recursive: true });
  if (!arePackagesHere()) say(`everything is kept below ${CACHE_FOLDER}`);
  const { archive, deb } = packages(say, isFetched);
  const folder = mkdtempSync(join(tmpdir(), 'lethe-image-'));
  try {
    const root = join(folder, 'root');
    mkdirSync(root);
    say('unpacking the packages and the kernel');
    run('tar', [
      '-xf',
      archive,
      '-C',
      root,
      '--exclude=./dev/*',
      '--exclude=./var/cache/apt/*',
      '--exclude=./var/lib/apt/lists/*',
    ]);
    run('dpkg-deb', ['-x', deb('linux-image'), root]);
    const release = kernelRelease(root);
    run('depmod', ['-b', root, release]);
    makePiLike(root);
    say('writing the card image, the kernel and the initial file system');
    writeFileSync(`${IMAGE.initrd}.part`, makeInitrd(root, deb('busybox-static')));
    renameSync(`${IMAGE.initrd}.part`, IMAGE.initrd);
    renameInto(join(root, 'boot', `vmlinuz-${release}`), IMAGE.kernel);
    writeCard(folder, root, `${IMAGE.card}.part`);
    renameSync(`${IMAGE.card}.part`, IMAGE.card);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`${IMAGE.card}: ${Math.round((statSync(IMAGE.card).blocks * SECTOR_BYTES) / MIB)} MiB on the disk`);
  return IMAGE;
}

function renameInto(source: string, target: string): void {
  cpSync(source, `${target}.part`);
  renameSync(`${target}.part`, target);
  rmSync(source);
}

/** What the packages of Raspberry Pi OS would have set up, as far as Lethe touches it. */
function makePiLike(root: string): void {
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  put('etc/hostname', 'raspberrypi\n');
  put('etc/hosts', '127.0.0.1 localhost\n127.0.1.1 raspberrypi\n::1 localhost\n');
  put(
    'etc/fstab',
    [
      'proc /proc proc defaults 0 0',
      `PARTUUID=${DISK_ID}-01 /boot/firmware vfat defaults 0 2`,
      `PARTUUID=${DISK_ID}-02 / ext4 defaults,noatime 0 1`,
      '',
    ].join('\n'),
  );
  put('etc/rpi-issue', 'A card laid out as Raspberry Pi OS Lite is, made of Debian trixie for the emulator of Lethe\n');
  put('etc/machine-id', '');
  mkdirSync(join(root, 'boot', 'firmware'), { recursive: true });
  // raspberrypi-sys-mods: the groups of the pins, and who owns them.
  const groups = readFileSync(join(root, 'etc/group'), 'utf8');
  ['gpio', 'i2c', 'spi'].forEach((name, index) => {
    if (!new RegExp(`^${name}:`, 'm').test(groups))
      appendFileSync(join(root, 'etc/group'), `${name}:x:${990 - index}:\n`);
  });
  put(
    'usr/lib/udev/rules.d/99-com.rules',
    [
      'SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"',
      'SUBSYSTEM=="gpio*", PROGRAM="/bin/sh -c \'chgrp -R gpio /sys/class/gpio && chmod -R 770 /sys/class/gpio; chgrp -R gpio /sys$devpath && chmod -R 770 /sys$devpath\'"',
      '',
    ].join('\n'),
  );
  put(
    'usr/bin/rpicam-vid',
    '#!/bin/sh\necho "ERROR: rpicam-apps currently only supports the Raspberry Pi platforms." >&2\nexit 255\n',
    0o755,
  );
  rmSync(join(root, 'etc/resolv.conf'), { force: true });
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
}

const BOOT_FILES = {
  'cmdline.txt': `console=serial0,115200 console=tty1 root=PARTUUID=${DISK_ID}-02 rootfstype=ext4 fsck.repair=yes rootwait resize ds=nocloud;i=rpios-image\n`,
  'config.txt':
    '# For more options and information see http://rptl.io/configtxt\ncamera_auto_detect=1\nauto_initramfs=1\narm_64bit=1\n\n[all]\n',
  'meta-data': 'dsmode: local\ninstance_id: rpios-image\n',
  'user-data': '#cloud-config\n# Nothing is set.\n',
  'network-config': '# Nothing is set.\n',
  'issue.txt': 'A card laid out as Raspberry Pi OS Lite is, made of Debian trixie for the emulator of Lethe\n',
};

function writeCard(folder: string, root: string, card: string): void {
  const bootOffset = BOOT_START_MIB * MIB;
  const rootOffset = bootOffset + BOOT_MIB * MIB;
  rmSync(card, { force: true });
  writeFileSync(card, '');
  truncateSync(card, rootOffset + ROOT_MIB * MIB);
  const table = [
    `label: dos\nlabel-id: 0x${DISK_ID}\nunit: sectors`,
    `start=${bootOffset / SECTOR_BYTES}, size=${(BOOT_MIB * MIB) / SECTOR_BYTES}, type=c`,
    `start=${rootOffset / SECTOR_BYTES}, size=${(ROOT_MIB * MIB) / SECTOR_BYTES}, type=83`,
    '',
  ].join('\n');
  run('sfdisk', ['--quiet', card], { input: table });
  const fat = `${card}@@${bootOffset}`;
  // As pi-gen does; it warns of a name in small letters, which is the name that Raspberry Pi OS has.
  const fatWords = ['-F', '32', '-s', '1', '-n', 'bootfs', '--offset', String(bootOffset / SECTOR_BYTES)];
  run('mkfs.vfat', [...fatWords, card, String(BOOT_MIB * 1024)]);
  for (const [name, text] of Object.entries(BOOT_FILES)) {
    writeFileSync(join(folder, name), text);
    run('mcopy', ['-i', fat, join(folder, name), '::/']);
  }
  // Features and label of pi-gen's export-image; the offset makes it a file system inside the file.
  run('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-L', 'rootfs', '-O', '^huge_file,^64bit,^metadata_csum', '-m', '1', '-d', root],
    ...['-E', `offset=${rootOffset}`, card, `${ROOT_MIB * 1024}k`],
  ]);
}
