/** A machine for the checks of `doctor --privacy`: a Raspberry Pi with the image and the units, on which everything is closed. */
import type { FileStatus, Finding, PrivacyProbes } from '../../../../runtime/commands/privacy-doctor/finding.ts';
import { examinePrivacy } from '../../../../runtime/commands/privacy-doctor/privacy-doctor.ts';
import type { ProgramResult } from '../../../../runtime/commands/run-program.ts';

export type World = {
  userId: number;
  nodeOptions: string;
  temporaryFolder: string;
  stateFolder: string;
  /** Undefined takes a file of the good machine away. */
  files: Record<string, string | undefined>;
  links: Record<string, string>;
  statuses: Record<string, FileStatus>;
  kernelConfig: string | undefined;
  programs: Record<string, ProgramResult>;
};

export const EYE = 200;
export const VOICE = 300;
export const CAMERA = 210;

export const SWAPS_HEAD = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
export const limits = (core: string) => `Limit                     Soft Limit           Hard Limit           Units
Max core file size        ${core.padEnd(21)}unlimited            bytes
`;

/** SIGUSR1 is bit 9. Node under its permission model blocks it and does not catch it. */
export type Masks = { readonly blocked?: string; readonly ignored?: string; readonly caught?: string };
export function status(userId: number, parentPid: number, masks: Masks = { blocked: '0000000000000200' }, swapKb = 0) {
  const nothing = '0000000000000000';
  return `Name:	node
PPid:	${parentPid}
Uid:	${userId}	${userId}	${userId}	${userId}
VmSwap:	${swapKb} kB
SigBlk:	${masks.blocked ?? nothing}
SigIgn:	${masks.ignored ?? '0000000001001000'}
SigCgt:	${masks.caught ?? '0000000100004402'}
`;
}

export const words = (...all: string[]) => `${all.join('\0')}\0`;
const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs
    lo:       0       0
`;

const running = (pid: number, userId: number, parentPid: number, ...commandLine: string[]) => ({
  [`/proc/${pid}/status`]: status(userId, parentPid),
  [`/proc/${pid}/cmdline`]: words(...commandLine),
  [`/proc/${pid}/environ`]: 'PATH=/usr/bin\0LANG=C\0',
  [`/proc/${pid}/limits`]: limits('0'),
  [`/proc/${pid}/cgroup`]: '0::/system.slice/lethe.service\n',
  [`/proc/${pid}/net/dev`]: NET_DEV,
});

export const PROGRAMS = {
  ...running(EYE, 990, 1, '/usr/bin/node', '--experimental-permission', '/usr/lib/lethe/dist/runtime/eye/main.js'),
  ...running(VOICE, 991, 1, '/usr/bin/node', '--experimental-permission', '/usr/lib/lethe/dist/runtime/voice/main.js'),
  ...running(CAMERA, 990, EYE, 'rpicam-vid', '--codec', 'yuv420'),
} as const;

/** Every file of the running programs taken away. */
export const nothingRuns = Object.fromEntries(Object.keys(PROGRAMS).map((path) => [path, undefined]));

export function image(): World {
  return {
    userId: 0,
    nodeOptions: '',
    temporaryFolder: '/run/lethe',
    stateFolder: '/var/lib/lethe',
    files: {
      '/proc/swaps': SWAPS_HEAD,
      '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
      '/sys/power/state': 'freeze mem\n',
      '/proc/cmdline': 'console=tty1 root=PARTUUID=1-02 init_on_free=1 init_on_alloc=1 cgroup_enable=memory\n',
      '/proc/self/limits': limits('0'),
      '/proc/sys/kernel/core_pattern': '|/bin/false\n',
      '/proc/sys/fs/suid_dumpable': '0\n',
      '/sys/kernel/kexec_crash_loaded': '0\n',
      '/sys/kernel/kexec_crash_size': '0\n',
      '/proc/sys/kernel/yama/ptrace_scope': '2\n',
      '/run/systemd/journal': '',
      '/etc/systemd/journald.conf.d/lethe.conf': '[Journal]\nStorage=volatile\n',
      '/proc/self/mountinfo':
        '22 1 8:2 / / rw shared:1 - ext4 /dev/mmcblk0p2 rw\n25 22 0:23 / /run rw - tmpfs tmpfs rw\n',
      ...PROGRAMS,
    },
    links: {
      '/proc/self/ns/net': 'net:[1]',
      [`/proc/${EYE}/ns/net`]: 'net:[2]',
      [`/proc/${VOICE}/ns/net`]: 'net:[1]',
    },
    statuses: { '/var/lib/lethe': { mode: 0o40700, userId: 991 } },
    kernelConfig: 'CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n# CONFIG_INIT_ON_FREE_DEFAULT_ON is not set\n',
    programs: {
      dmesg: { outcome: 'ok', output: '[    0.1] mem auto-init: stack:off, heap alloc:on, heap free:on\n' },
    },
  };
}

export type Change = Partial<Omit<World, 'programs'>> & { readonly programs?: World['programs'] };

export function probesOf(change: Change = {}): PrivacyProbes {
  const good = image();
  const files = { ...good.files, ...change.files };
  const links = { ...good.links, ...change.links };
  const statuses = { ...good.statuses, ...change.statuses };
  const programs = { ...good.programs, ...change.programs };
  const { userId, nodeOptions, temporaryFolder, stateFolder } = { ...good, ...change };
  const config = 'kernelConfig' in change ? change.kernelConfig : good.kernelConfig;
  return {
    userId,
    nodeOptions,
    temporaryFolder,
    stateFolder,
    readText: (path) => files[path],
    exists: (path) => files[path] !== undefined,
    list: (folder) => {
      const paths = [...Object.keys(files).filter((path) => files[path] !== undefined), ...Object.keys(links)];
      const names = paths.flatMap((path) =>
        path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0]! : [],
      );
      return names.length > 0 ? [...new Set(names)] : undefined;
    },
    link: (path) => links[path],
    status: (path) => statuses[path],
    kernelConfig: () => config,
    run: (program, more) => programs[[program, ...more].join(' ')] ?? { outcome: 'absent', output: '' },
  };
}

export function look(change: Change = {}): Map<string, Finding> {
  return new Map(examinePrivacy(probesOf(change)).map((finding) => [finding.name, finding]));
}
