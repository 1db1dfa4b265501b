/**
 * The packages of the image: a Debian trixie for arm64 as Raspberry Pi OS Lite is one, without what only a board can use,
 * and without Node (Lethe brings its own). mmdebstrap takes about four minutes on two processors, so the tree is kept as an
 * archive; kernel and what the test overlay needs are fetched as packages, and unpacked without running their scripts,
 * which would make two initial file systems under emulation (five minutes each).
 * Absent, unlike Raspberry Pi OS: cloud-init (it would cost half a minute of each emulated start; what we flash must not
 * depend on it), the kernel and the camera programs of the Raspberry Pi, whose archive is not Debian's.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_FOLDER, IMAGE_PROGRAMS, missingTool, requireForeignPrograms, requirePrograms, run } from './tools.ts';

export const SUITE = 'trixie';

const INCLUDED = [
  ...[
    'systemd',
    'systemd-sysv',
    'udev',
    'dbus',
    'systemd-timesyncd',
    'systemd-resolved',
    'kmod',
    'procps',
    'passwd',
    'login',
  ],
  ...['network-manager', 'wpasupplicant', 'wireless-regdb', 'iw', 'rfkill', 'iproute2', 'iputils-ping', 'nftables'],
  ...['ca-certificates', 'e2fsprogs', 'dosfstools', 'fdisk', 'tzdata'],
];
/** Fetched beside the tree: hostapd is the test's Wi-Fi access point, busybox the initial file system. */
const FETCHED = ['busybox-static', 'hostapd'];
const LEFT_OUT = ['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

/** Changes when the list does, so that an old archive is not taken for the new one. */
const KEY = createHash('sha256')
  .update(JSON.stringify([SUITE, INCLUDED, FETCHED]))
  .digest('hex')
  .slice(0, 8);
const ARCHIVE = join(CACHE_FOLDER, `packages-${KEY}.tar`);
const PACKAGES = join(CACHE_FOLDER, `packages-${KEY}`);

export type Packages = {
  /** Archive of the root file system, owners and modes included. */
  readonly archive: string;
  /** Path of a fetched package; `linux-image` is the kernel. */
  readonly deb: (name: string) => string;
};

/** From the cache, or made now. `isAnew`: made in any case. Throws LetheError TOOL_MISSING. */
export function packages(say: (line: string) => void, isAnew: boolean): Packages {
  if (isAnew || !existsSync(ARCHIVE)) fetch(say);
  return { archive: ARCHIVE, deb };
}

export function arePackagesHere(): boolean {
  return existsSync(ARCHIVE);
}

function deb(name: string): string {
  // The kernel's own package, not the one that only names the newest.
  const found = readdirSync(PACKAGES).find((file) => file.startsWith(`${name}-`) || file.startsWith(`${name}_`));
  if (found === undefined)
    throw missingTool(
      `the package ${name} is not in ${PACKAGES}.`,
      'Make it anew: npm run -s emulator -- image --anew',
    );
  return join(PACKAGES, found);
}

function fetch(say: (line: string) => void): void {
  requirePrograms(IMAGE_PROGRAMS);
  requireForeignPrograms();
  say(`packages of Debian ${SUITE} for arm64, about five minutes`);
  rmSync(PACKAGES, { recursive: true, force: true });
  mkdirSync(PACKAGES, { recursive: true });
  const part = `${ARCHIVE}.part`;
  // The host's apt-get with the settings of the new system: no emulation for what only fetches.
  const fetchThem =
    'cd "$LETHE_PACKAGES" && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && ' +
    `apt-get download $(apt-cache depends linux-image-arm64 | sed -n "s/^ *Depends: //p") ${FETCHED.join(' ')}`;
  run(
    'mmdebstrap',
    [
      ...['--arch=arm64', '--variant=minbase', '--format=tar', `--include=${INCLUDED.join(',')}`, ...LEFT_OUT],
      ...['--aptopt=APT::Install-Recommends "false"', `--customize-hook=${fetchThem}`, SUITE, part],
    ],
    { isShown: true, env: { LETHE_PACKAGES: PACKAGES } },
  );
  renameSync(part, ARCHIVE);
}

/** What the kernel of the package is called, such as 6.12.57+deb13-arm64. */
export function kernelRelease(root: string): string {
  const [release] = readdirSync(join(root, 'usr', 'lib', 'modules'));
  if (release === undefined)
    throw missingTool('the kernel package holds no modules.', 'Make it anew: npm run -s emulator -- image --anew');
  return release;
}

/** The module and what it needs, in the order of loading: paths below the folder of modules. */
export function modulesInOrder(root: string, names: readonly string[]): string[] {
  const folder = join(root, 'usr', 'lib', 'modules', kernelRelease(root));
  const needs = new Map(
    readFileSync(join(folder, 'modules.dep'), 'utf8')
      .split('\n')
      .map((line): [string, string[]] => {
        const [path = '', rest = ''] = line.split(':');
        return [path, rest.split(' ').filter((word) => word !== '')];
      }),
  );
  const nameOf = (path: string) => (path.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
  const builtIn = readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n').map(nameOf);
  const order: string[] = [];
  const add = (path: string): void => {
    if (order.includes(path)) return;
    for (const need of needs.get(path) ?? []) add(need);
    order.push(path);
  };
  for (const name of names) {
    const path = [...needs.keys()].find((candidate) => nameOf(candidate) === name);
    if (path !== undefined) add(path);
    else if (!builtIn.includes(name))
      throw missingTool(
        `the kernel has no module ${name}.`,
        'Make the image anew: npm run -s emulator -- image --anew',
      );
  }
  return order.map((path) => join(folder, path));
}
