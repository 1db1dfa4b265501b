/**
 * The initial file system: busybox, the modules of a virtual disk, and one script that mounts the card and goes on there.
 * It stands for the firmware of a board, which the emulated machine has none of, and is no part of what we flash.
 * A second archive behind it is the test overlay: files that are copied over the card's at each start (overlay.ts).
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { modulesInOrder } from './packages.ts';
import { run, runBytes } from './tools.ts';

/** A PCI disk and the file system on it, which asks for its checksum by name (a soft dependency, so it stands here). */
const MODULES = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4'];
const APPLETS = ['sh', 'mount', 'insmod', 'mkdir', 'cp', 'cat', 'sleep', 'switch_root', 'umount', 'mknod', 'echo'];

const INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
root=
for word in $(cat /proc/cmdline); do case $word in lethe.root=*) root=\${word#*=} ;; esac; done
turns=0
until [ -b "$root" ]; do
  turns=$((turns + 1))
  [ $turns -lt 200 ] || { echo "emulator: no disk $root"; sleep 5; echo o >/proc/sysrq-trigger; }
  sleep 0.05
done
mount -t ext4 "$root" /card || echo "emulator: $root cannot be mounted"
[ ! -d /overlay ] || cp -a /overlay/. /card/
umount /proc /sys
mount -o move /dev /card/dev
exec switch_root /card /sbin/init
`;

/** `root`: a tree with the modules of the kernel. Gives the compressed archive. */
export function makeInitrd(root: string, busyboxDeb: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-initrd-'));
  try {
    for (const name of ['bin', 'proc', 'sys', 'dev', 'card', 'modules']) mkdirSync(join(folder, name));
    const unpacked = join(folder, 'unpacked');
    run('dpkg-deb', ['-x', busyboxDeb, unpacked]);
    copyFileSync(join(unpacked, 'usr', 'bin', 'busybox'), join(folder, 'bin', 'busybox'));
    rmSync(unpacked, { recursive: true });
    for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet));
    const modules = modulesInOrder(root, MODULES);
    const names = modules.map((path) => basename(path).replace(/\.xz$/, ''));
    modules.forEach((path, index) => {
      const bytes = path.endsWith('.xz') ? runBytes('xz', ['-dc', path]) : runBytes('cat', [path]);
      writeFileSync(join(folder, 'modules', names[index]!), bytes);
    });
    writeFileSync(join(folder, 'modules', 'order'), `${names.join('\n')}\n`);
    writeFileSync(join(folder, 'init'), INIT);
    chmodSync(join(folder, 'init'), 0o755);
    return packFolder(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder as an archive that the kernel unpacks; everything belongs to root. */
export function packFolder(folder: string): Buffer {
  const list = run('find', ['.', '-mindepth', '1'], { cwd: folder });
  const archive = runBytes('cpio', ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], { cwd: folder, input: list });
  return gzipSync(archive, { level: 6 });
}
