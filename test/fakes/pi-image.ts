/**
 * Images with the layout and the files of Raspberry Pi OS as pi-gen makes it (stage1, stage2, export-image), but small and
 * without a system in them: an MBR, FAT at 8 MiB, ext4 behind it. Made without root: sfdisk, mformat, mke2fs -d.
 * And a folder that looks like the application for a device.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sourceRoot } from './root.ts';

const MIB = 1024 * 1024;
const BOOT_START_MIB = 8;
const BOOT_MIB = 40;
export const DISK_ID = '5f6d7a01';
export const ELF_AARCH64 = 0xb7;
export const ELF_ARM = 0x28;
export const ELF_X86_64 = 0x3e;

export type PiImage = {
  readonly release?: 'trixie' | 'bookworm' | 'bullseye' | 'forky';
  /** os-release's ID. */
  readonly id?: string;
  readonly machine?: number;
  readonly rootMib?: number;
  /** Path → contents; null: not there. Over the stock files of the system, and of the boot partition. */
  readonly root?: Readonly<Record<string, string | null>>;
  readonly boot?: Readonly<Record<string, string | null>>;
  /** Of the two partitions; 'gpt': another kind of table. */
  readonly types?: readonly string[] | 'gpt';
};

const NAMES = {
  trixie: '13 (trixie)',
  bookworm: '12 (bookworm)',
  bullseye: '11 (bullseye)',
  forky: '14 (forky)',
} as const;

/** First bytes of a program for that machine (e_machine). */
export function elf(machine: number): string {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(machine, 18);
  return head.toString('latin1');
}

function rootFiles({ release = 'trixie', id = 'debian', machine = ELF_AARCH64 }: PiImage): Record<string, string> {
  const unit = '[Unit]\nDescription=stock\n';
  const units = ['userconfig', 'sshswitch', 'bluetooth', 'hciuart', 'ssh', 'avahi-daemon', 'systemd-timesyncd'];
  return {
    'usr/lib/os-release': `PRETTY_NAME="Debian GNU/Linux ${NAMES[release]}"\nID=${id}\nVERSION_CODENAME=${release}\n`,
    'etc/rpi-issue': 'Raspberry Pi reference 2026-11-10\nGenerated using pi-gen, stage2\n',
    'usr/lib/systemd/systemd': elf(machine),
    'usr/bin/rpicam-vid': elf(machine),
    'usr/sbin/NetworkManager': elf(machine),
    'usr/share/zoneinfo/UTC': 'TZif2',
    'usr/share/zoneinfo/Europe/Stockholm': 'TZif2',
    'etc/passwd':
      'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\nsshd:x:999:65534::/run/sshd:/usr/sbin/nologin\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n',
    'etc/group': 'root:x:0:\nshadow:x:42:\nvideo:x:44:pi\ngpio:x:997:pi\npi:x:1000:\n',
    'etc/shadow':
      'root:*:20400:0:99999:7:::\nnobody:*:20400:0:99999:7:::\nsshd:!:20400::::::\npi:!:20400:0:99999:7:::\n',
    'etc/gshadow': 'root:*::\nshadow:*::\nvideo:*::pi\ngpio:!::pi\npi:!::\n',
    'etc/fstab': `proc            /proc           proc    defaults          0       0\nPARTUUID=${DISK_ID}-01  /boot/firmware  vfat    defaults          0       2\nPARTUUID=${DISK_ID}-02  /               ext4    defaults,noatime  0       1\n`,
    'etc/hosts': '127.0.0.1\tlocalhost\n::1\t\tlocalhost\n\n127.0.1.1\traspberrypi\n',
    'etc/hostname': 'raspberrypi\n',
    'etc/timezone': 'Europe/London\n',
    'etc/avahi/avahi-daemon.conf': '[server]\nuse-ipv4=yes\n\n[publish]\npublish-hinfo=no\n#disable-publishing=no\n',
    'etc/ssh/sshd_config': 'Include /etc/ssh/sshd_config.d/*.conf\n',
    'var/lib/NetworkManager/NetworkManager.state': '[main]\nWirelessEnabled=false\n',
    'var/log/placeholder': '',
    'home/pi/.bashrc': '',
    ...Object.fromEntries(units.map((name) => [`usr/lib/systemd/system/${name}.service`, unit])),
    ...(release === 'bookworm' ? { 'usr/lib/systemd/system/dphys-swapfile.service': unit } : {}),
    ...(release === 'trixie' ? { 'usr/bin/cloud-init': '#!/usr/bin/python3\n', 'etc/cloud/cloud.cfg': '' } : {}),
  };
}

function bootFiles({ release = 'trixie' }: PiImage): Record<string, string> {
  const first = release === 'trixie' ? 'resize' : 'quiet init=/usr/lib/raspberrypi-sys-mods/firstboot';
  return {
    'cmdline.txt': `console=serial0,115200 console=tty1 root=PARTUUID=${DISK_ID}-02 rootfstype=ext4 fsck.repair=yes rootwait ${first}\n`,
    'config.txt':
      'dtparam=audio=on\ncamera_auto_detect=1\ndisplay_auto_detect=1\nauto_initramfs=1\narm_64bit=1\n\n[cm4]\notg_mode=1\n\n[all]\n',
    'issue.txt': 'Raspberry Pi reference 2026-11-10\n',
    'kernel8.img': 'kernel',
    ...(release === 'trixie'
      ? {
          'user-data': '#cloud-config\n',
          'meta-data': 'dsmode: local\ninstance_id: rpios-image\n',
          'network-config': '',
        }
      : {}),
  };
}

/** Writes an image; returns nothing but the file. */
export function makePiImage(path: string, options: PiImage = {}): void {
  const { rootMib = 64, types = ['c', '83'] } = options;
  const rootStartMib = BOOT_START_MIB + BOOT_MIB;
  writeFileSync(path, '');
  truncateSync(path, (rootStartMib + rootMib + (types === 'gpt' ? 1 : 0)) * MIB);
  const starts = [`${BOOT_START_MIB}MiB, ${BOOT_MIB}MiB`, `${rootStartMib}MiB, ${rootMib}MiB`];
  const table =
    types === 'gpt'
      ? `label: gpt\n${starts.join('\n')}\n`
      : `label: dos\nlabel-id: 0x${DISK_ID}\n${types.map((type, index) => `${starts[index] ?? ', 1MiB'}, ${type}`).join('\n')}\n`;
  tool('sfdisk', ['-q', path], table);
  const folder = mkdtempSync(join(tmpdir(), 'lethe-stock-'));
  try {
    const boot = fill(join(folder, 'boot'), { ...bootFiles(options), ...options.boot });
    // mformat makes FAT32 of so few clusters with one sector each.
    tool('mformat', [
      '-i',
      `${path}@@${BOOT_START_MIB * MIB}`,
      '-F',
      '-c',
      '1',
      '-T',
      String((BOOT_MIB * MIB) / 512),
      '-v',
      'BOOTFS',
      '::',
    ]);
    tool('mcopy', ['-i', `${path}@@${BOOT_START_MIB * MIB}`, '-s', ...boot, '::/']);
    const root = join(folder, 'root');
    fill(root, { ...rootFiles(options), ...options.root });
    for (const [link, target] of [
      ['bin', 'usr/bin'],
      ['lib', 'usr/lib'],
      ['sbin', 'usr/sbin'],
      ['etc/os-release', '../usr/lib/os-release'],
    ] as const)
      symlinkSync(target, join(root, link));
    chmodSync(join(root, 'etc/shadow'), 0o640);
    chmodSync(join(root, 'etc/gshadow'), 0o640);
    // The features of pi-gen (export-image/prerun.sh).
    tool('mke2fs', [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-L',
      'rootfs',
      '-O',
      '^huge_file',
      '-b',
      '4096',
      '-d',
      root,
      '-E',
      `offset=${rootStartMib * MIB}`,
      path,
      `${rootMib * 1024}k`,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder as `lethe bundle --tree` makes it, with our real units and a program that is none. */
export function makeApplication(folder: string, extra: Readonly<Record<string, string>> = {}): string {
  fill(folder, {
    'bin/node': elf(ELF_AARCH64) + 'n'.repeat(300_000),
    'dist/runtime/main.js': 'export {};\n',
    'dist/runtime/eye/main.js': 'export {};\n',
    'dist/runtime/voice/main.js': 'export {};\n',
    'node_modules/@scope/p+q/a b.js': 'x\n',
    'package.json': '{"name":"lethe","version":"1.2.3","type":"module"}\n',
    ...extra,
  });
  chmodSync(join(folder, 'bin/node'), 0o755);
  cpSync(join(sourceRoot(), 'provisioning/units'), join(folder, 'provisioning/units'), { recursive: true });
  return folder;
}

/** Returns the paths of the top. */
function fill(folder: string, files: Readonly<Record<string, string | null>>): string[] {
  mkdirSync(folder, { recursive: true });
  const tops = new Set<string>();
  for (const [path, text] of Object.entries(files)) {
    if (text === null) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, 'latin1');
    tops.add(join(folder, path.split('/')[0]!));
  }
  return [...tops];
}

function tool(name: string, args: readonly string[], input = ''): void {
  const done = spawnSync(name, args, {
    input,
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', MTOOLS_SKIP_CHECK: '1' },
  });
  if (done.status !== 0) throw new Error(`${name} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
}
