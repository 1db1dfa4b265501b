/**
 * TEST ONLY: what the emulated device has besides what was flashed. It is a second archive behind the initial file system,
 * copied over the card at each start, so that the flashed image stays what our tool made. It holds
 *   /usr/bin/rpicam-vid      the simulated camera (guest/fake-rpicam-vid.c)
 *   a shared folder          /run/lethe-emulator, read only: codes, scene, firewall rules of the test
 *   a root shell             on a virtual serial port, by which the test looks inside; and the journal on another one
 *   a firewall               nothing leaves for anywhere but the emulator's host; ports of the host are given their usual numbers
 *   masks                    timers and consoles that cost time under emulation
 * and, when asked for, an access point on a simulated radio, so that the device finds a Wi-Fi network and no cable.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../../runtime/package.ts';
import { packFolder } from './initrd.ts';
import { run } from './tools.ts';

const AGENT = `#!/bin/bash
# TEST ONLY: a root shell for the emulator's host. One line in: id and a command in base64; one line out: id, exit code, output.
exec 3<>/dev/virtio-ports/lethe.agent
while read -r id words <&3; do
  output=$(timeout 280 /bin/bash -c "$(printf %s "$words" | base64 -d)" 2>&1 </dev/null 3<&-)
  status=$?
  printf '%s %s %s\\n' "$id" "$status" "$(printf %s "$output" | base64 -w0)" >&3
done
`;

const unit = (description: string, more: string, service: string, wantedBy: string) =>
  `[Unit]\nDescription=Emulator of Lethe, test only: ${description}\n${more}\n${service}\n[Install]\nWantedBy=${wantedBy}\n`;

/** The port is there when its driver is; udev tells systemd so. */
const port = (name: string) => `dev-virtio\\x2dports-lethe.${name}.device`;
const portUnit = (name: string) => `DefaultDependencies=no\nBindsTo=${port(name)}\nAfter=${port(name)}\n`;

const UNITS: Readonly<Record<string, string>> = {
  'run-lethe\\x2demulator.mount': unit(
    'folder of the host',
    'DefaultDependencies=no\nBefore=local-fs.target\n',
    '[Mount]\nWhat=lethe\nWhere=/run/lethe-emulator\nType=9p\nOptions=trans=virtio,version=9p2000.L,cache=none,ro\n',
    'local-fs.target',
  ),
  'lethe-emulator-agent.service': unit(
    'a root shell',
    portUnit('agent'),
    '[Service]\nExecStart=/usr/lib/lethe-emulator/agent\nRestart=always\nRestartSec=1\n',
    port('agent'),
  ),
  'lethe-emulator-journal.service': unit(
    'the journal',
    portUnit('journal'),
    "[Service]\nExecStart=/bin/sh -c 'exec journalctl --follow --lines=all --output=short-monotonic --no-hostname >/dev/virtio-ports/lethe.journal'\nRestart=always\nRestartSec=1\n",
    port('journal'),
  ),
  'lethe-emulator-network.service': unit(
    'rules of the test',
    'DefaultDependencies=no\nAfter=local-fs.target\nBefore=network-pre.target\nWants=network-pre.target\nConditionPathExists=/run/lethe-emulator/network.nft\n',
    '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/nft -f /run/lethe-emulator/network.nft\n',
    'sysinit.target',
  ),
};

const SYSTEM_UNITS = 'etc/systemd/system/';

const MASKED = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'],
  ...['e2scrub_reap.service', 'getty@tty1.service', 'serial-getty@ttyAMA0.service', 'systemd-hwdb-update.service'],
];

const TIME_SERVER = '[Time]\nNTP=10.0.2.2\nFallbackNTP=\nPollIntervalMinSec=16\nConnectionRetrySec=5\n';

export type OverlayOptions = {
  /** More files, path from the root → text; those in /usr/lib/lethe-emulator are made executable. */
  readonly more?: Readonly<Record<string, string>>;
  /** Packages whose files are unpacked into it. */
  readonly debs?: readonly string[];
};

/** As `systemctl enable` would. */
function enable(root: string, path: string, text: string): void {
  const target = /^WantedBy=(.+)$/m.exec(text)?.[1];
  if (!path.startsWith(SYSTEM_UNITS) || target === undefined) return;
  const folder = join(root, `${SYSTEM_UNITS}${target}.wants`);
  mkdirSync(folder, { recursive: true });
  symlinkSync(`../${basename(path)}`, join(folder, basename(path)));
}

/** Builds the simulated camera and packs everything; gives the archive. */
export function makeOverlay({ more = {}, debs = [] }: OverlayOptions = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-overlay-'));
  const root = join(folder, 'overlay');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    if (path.startsWith('usr/lib/lethe-emulator/')) chmodSync(join(root, path), 0o755);
  };
  try {
    mkdirSync(join(root, 'usr', 'bin'), { recursive: true });
    const source = join(PACKAGE_ROOT, 'scripts', 'emulator', 'guest', 'fake-rpicam-vid.c');
    run('aarch64-linux-gnu-gcc', ['-O2', '-static', '-o', join(root, 'usr', 'bin', 'rpicam-vid'), source]);
    for (const deb of debs) run('dpkg-deb', ['-x', deb, root]);
    put('usr/lib/lethe-emulator/agent', AGENT);
    put('etc/systemd/timesyncd.conf.d/lethe-emulator.conf', TIME_SERVER);
    const units = Object.entries(UNITS).map(([name, text]): [string, string] => [`${SYSTEM_UNITS}${name}`, text]);
    for (const [path, text] of [...units, ...Object.entries(more)]) {
      put(path, text);
      enable(root, path, text);
    }
    for (const name of MASKED) symlinkSync('/dev/null', join(root, SYSTEM_UNITS, name));
    return packFolder(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
