/**
 * The programs that the emulator needs, and how they are run. All that is missing is named at once, with the one line that
 * installs it. No shell: arguments are arrays.
 */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ExitCode, LetheError } from '../../runtime/errors.ts';

/** Program → Debian package. */
const PACKAGE_OF = {
  'qemu-system-aarch64': 'qemu-system-arm',
  'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
  mcopy: 'mtools',
  'mkfs.vfat': 'dosfstools',
  sfdisk: 'fdisk',
  mke2fs: 'e2fsprogs',
  setpriv: 'util-linux',
  cpio: 'cpio',
  xz: 'xz-utils',
  'dpkg-deb': 'dpkg',
  depmod: 'kmod',
  mmdebstrap: 'mmdebstrap',
  'arch-test': 'arch-test',
  'qemu-aarch64-static': 'qemu-user-static',
} as const;
export type Program = keyof typeof PACKAGE_OF;

/** What makes the image, and what runs it once it is there. */
export const IMAGE_PROGRAMS: readonly Program[] = [
  ...(['mmdebstrap', 'arch-test', 'qemu-aarch64-static', 'dpkg-deb', 'depmod', 'cpio', 'xz'] as const),
  ...(['sfdisk', 'mke2fs', 'mkfs.vfat', 'mcopy'] as const),
];
export const RUN_PROGRAMS: readonly Program[] = [
  ...(['qemu-system-aarch64', 'setpriv', 'aarch64-linux-gnu-gcc', 'cpio', 'mcopy', 'sfdisk'] as const),
];

/** Folders where Debian keeps programs of the administrator, which are not in everybody's PATH. */
const ADMIN_FOLDERS = ['/usr/sbin', '/sbin'];
export const PATH = [process.env['PATH'] ?? '/usr/bin:/bin', ...ADMIN_FOLDERS].join(delimiter);

/** What is kept between runs; some hundred megabytes, never in the repository. */
export const CACHE_FOLDER = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lethe', 'emulator');

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function missingPrograms(programs: readonly Program[]): Program[] {
  const folders = PATH.split(delimiter);
  return programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

/** The line that installs what is missing. */
export function installLine(programs: readonly Program[]): string {
  const packages = new Set(programs.map((program) => PACKAGE_OF[program]));
  return `sudo apt-get install --no-install-recommends ${[...packages].join(' ')}`;
}

export function missingTool(message: string, hint: string): LetheError {
  return new LetheError('TOOL_MISSING', message, ExitCode.unavailable, { op: 'prepare emulator', hint });
}

/** Throws LetheError TOOL_MISSING (exit 69) with all that is missing. */
export function requirePrograms(programs: readonly Program[]): void {
  const missing = missingPrograms(programs);
  if (missing.length > 0) {
    throw missingTool(`programs are missing: ${missing.join(', ')}.`, `Install them: ${installLine(missing)}`);
  }
}

/** Can this machine run arm64 programs by itself? mmdebstrap runs the packages' own scripts. */
export function requireForeignPrograms(): void {
  if (run('arch-test', ['arm64'], { allowFailure: true }).includes('ok')) return;
  const mounted = existsSync('/proc/sys/fs/binfmt_misc/register');
  throw missingTool(
    'this machine does not run arm64 programs, which the packages of the image bring along.',
    `${mounted ? '' : 'sudo mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; '}sudo apt-get install binfmt-support qemu-user-static; sudo update-binfmts --enable qemu-aarch64`,
  );
}

export type RunOptions = {
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Messages of the program go to ours: for what takes minutes. */
  readonly isShown?: boolean;
  readonly allowFailure?: boolean;
  readonly timeoutMs?: number;
};

/** Ten minutes: the longest step, the packages, takes four on two processors. */
const TIMEOUT_MS = 600_000;

/** Runs a program to its end; gives its standard output. Throws LetheError TOOL_FAILED with the end of its messages. */
export function run(program: string, words: readonly string[], options: RunOptions = {}): string {
  return runBytes(program, words, options).toString('utf8');
}

export function runBytes(program: string, words: readonly string[], options: RunOptions = {}): Buffer {
  const { cwd, input, env = {}, isShown = false, allowFailure = false, timeoutMs = TIMEOUT_MS } = options;
  const spawnOptions: SpawnSyncOptions = {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', isShown ? 2 : 'pipe'],
    env: { ...process.env, PATH, LC_ALL: 'C', ...env },
    timeout: timeoutMs,
    maxBuffer: 2 ** 30,
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  };
  const { status, signal, error, stdout, stderr } = spawnSync(program, words, spawnOptions);
  if (status === 0 || (allowFailure && status !== null)) return stdout as Buffer;
  const end = error?.message ?? (signal === null ? `exit ${status}` : `signal ${signal}`);
  const said = stderr === null ? '' : `\n${stderr.toString().trim().split('\n').slice(-8).join('\n')}`;
  throw new LetheError(
    'TOOL_FAILED',
    `${program} ${words.slice(0, 6).join(' ')} failed: ${end}.${said}`,
    ExitCode.failed,
    {
      op: 'prepare emulator',
    },
  );
}
