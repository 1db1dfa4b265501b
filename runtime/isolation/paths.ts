/**
 * Which paths eye and voice see. One list serves both guards: Node's permission model gets `read` and `write`, the kernel's
 * view these and what the system's own programs and libraries need besides (`system`), which no JavaScript has to open.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokerFiles } from '../config/broker.ts';
import type { Config } from '../config/schema.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from '../corridor/control.ts';
import { PACKAGE_ROOT } from '../package.ts';
import type { Role } from './isolation.ts';
import type { Shown } from './view.ts';

export type Paths = {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly system: readonly Shown[];
};

export type PathsRequest = {
  readonly config: Config;
  /** File of the configuration, where there is one. */
  readonly configPath: string | undefined;
  /** Folder of the FIFOs. */
  readonly runtimeDir: string;
  readonly extraReadPaths: readonly string[];
  readonly node: string;
  /** What of the machine this eye needs besides the picture's source. */
  readonly startsProgram: boolean;
  readonly usesPins: boolean;
  readonly environment: NodeJS.ProcessEnv;
};

/** Folder in the runtime folder in which a camera makes its pipes. */
export const CAMERA_FOLDER = 'camera';
/** Where the compiled program lies: `dist/` in a checkout. */
const PROGRAM_ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIBRARIES = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc'];
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];
/** Told by the device tree; the configuration asks which board this is. */
const BOARD = '/proc/device-tree/model';
/** Of the kernel: tells whether the process that had the ledger may still be there (drivers/database/claim.ts). */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** Whether a time server has answered since the machine started (drivers/clock/trust.ts). */
const TIME = ['/run/systemd/timesync', '/run/lethe-time'];
/** Where name resolution may have its sockets (systemd-resolved, avahi for .local, nscd). */
const RESOLVERS = ['/run/systemd/resolve', '/run/avahi-daemon/socket', '/run/nscd'];

export function pathsOf(role: Role, request: PathsRequest): Paths {
  const { read, write, system } = role === 'eye' ? pathsOfEye(request) : pathsOfVoice(request);
  const fifos = [CORRIDOR_FIFO, CONTROL_FIFO].map((name) => join(request.runtimeDir, name));
  const written = unique([...write, ...fifos].flatMap(withTarget));
  return {
    // What is written is opened for reading as well: a pipe so that it never ends, a ledger to go on from.
    read: unique([...program(request), ...read, ...request.extraReadPaths].flatMap(withTarget).concat(written)),
    write: written,
    system: [...[...LIBRARIES, '/proc', request.node].map((path) => ({ path, mode: 'read' }) as const), ...system],
  };
}

type RolePaths = {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly system: readonly Shown[];
};

/** Without tests and scripts; node_modules also as the folder that we are installed in. */
function program({ configPath }: PathsRequest): string[] {
  const around = dirname(PACKAGE_ROOT);
  return [
    join(PROGRAM_ROOT, 'runtime'),
    join(PROGRAM_ROOT, 'drivers'),
    // Node looks for the nearest package.json on its way up.
    join(PROGRAM_ROOT, 'package.json'),
    join(PACKAGE_ROOT, 'package.json'),
    join(PACKAGE_ROOT, 'node_modules'),
    ...(basename(around) === 'node_modules' ? [around] : []),
    BOARD,
    ...(configPath === undefined ? [] : [configPath]),
  ];
}

function pathsOfEye({ config, runtimeDir, startsProgram, usesPins, environment }: PathsRequest): RolePaths {
  const { manifest } = config.model;
  const { driver, video } = config.camera;
  const isFile = driver === 'video' && !/^[a-z0-9+.-]+:\/\//i.test(video.source);
  const isModule = driver === 'rpicam';
  const otherProgram = environment['LETHE_RPICAM_VID'];
  return {
    read: [
      // The folder, not the file: weights and signature lie beside the manifest, which names them.
      manifest === '' ? join(PACKAGE_ROOT, 'models', 'person') : dirname(manifest),
      ...(isFile ? [video.source] : []),
      ...(isModule ? [join(PACKAGE_ROOT, 'drivers', 'camera', 'rpicam', 'shim'), '/proc'] : []),
      ...(isModule && otherProgram !== undefined ? [otherProgram] : []),
      // Looked for where there are none, too: the driver says what it did not find.
      ...(config.gpio.driver === 'memory' ? [] : ['/sys/class/gpio']),
    ],
    write: [
      ...(startsProgram ? [join(runtimeDir, CAMERA_FOLDER)] : []),
      ...(usesPins ? ['/sys/class/gpio', '/sys/devices/platform'] : []),
    ],
    system: isModule
      ? [
          { path: '/dev', mode: 'write' },
          { path: '/sys', mode: 'read' },
          { path: '/run/udev', mode: 'read' },
        ]
      : DEVICES.map((path) => ({ path, mode: 'write' })),
  };
}

function pathsOfVoice({ config, environment }: PathsRequest): RolePaths {
  return {
    // The marks by name too: Node takes a folder that is not there at the start for a file.
    read: [
      ...brokerFiles(config.mqtt, environment),
      BOOT_ID,
      ...TIME,
      ...TIME.map((folder) => join(folder, 'synchronized')),
    ],
    write: [config.stateDir],
    // No /dev: what is not in the view cannot be opened, whatever device nodes the machine has.
    system: [
      ...DEVICES.filter((path) => path !== '/dev/zero').map((path) => ({ path, mode: 'write' }) as const),
      ...[...resolverFolders(), ...TIME].map((path) => ({ path, mode: 'read' }) as const),
    ],
  };
}

/** The folder of resolv.conf too, where that is a link: its file is replaced when the network changes. */
function resolverFolders(): string[] {
  const [, target] = withTarget('/etc/resolv.conf');
  const folder = target === undefined ? '/etc' : dirname(target);
  return unique(['/', '/run', '/etc'].includes(folder) ? RESOLVERS : [...RESOLVERS, folder]);
}

/** A path through a link is opened by both names. */
function withTarget(path: string): string[] {
  try {
    const target = realpathSync(path);
    return target === path ? [path] : [path, target];
  } catch {
    return [path];
  }
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => (path.length > 1 ? path.replace(/\/+$/, '') : path)))];
}
