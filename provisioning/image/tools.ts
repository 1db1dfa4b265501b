/**
 * The programs that do the work on an image: sfdisk, mtools, debugfs and friends. They need neither root nor a mount. Each is
 * started with an array of arguments, without a shell, in English, and without this program's environment beyond PATH.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';

/** Program → Debian package. */
const PACKAGES = {
  sfdisk: 'fdisk',
  mcopy: 'mtools',
  mdir: 'mtools',
  mdel: 'mtools',
  debugfs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  dumpe2fs: 'e2fsprogs',
  'fsck.fat': 'dosfstools',
  xz: 'xz-utils',
  zstd: 'zstd',
  lsblk: 'util-linux',
  findmnt: 'util-linux',
  dd: 'coreutils',
} as const;
export type Tool = keyof typeof PACKAGES;

/** What any image needs. */
export const IMAGE_TOOLS: readonly Tool[] = [
  'sfdisk',
  'mcopy',
  'mdir',
  'debugfs',
  'e2fsck',
  'resize2fs',
  'dumpe2fs',
  'fsck.fat',
];
export const CARD_TOOLS: readonly Tool[] = ['lsblk', 'findmnt', 'dd'];

/** Where e2fsprogs and fdisk are on Debian; not in the PATH of an ordinary user. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
/** Enough for a listing of 100,000 files; more is not an answer of these programs. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export type Ran = { readonly code: number; readonly out: string; readonly err: string };
export type RunOptions = {
  /** Folder to run in; names relative to it need no quoting. */
  readonly folder?: string;
  readonly input?: string;
  /** Exit codes that are no fault; only 0 without it. */
  readonly codes?: readonly number[];
};

/** Throws one error for all that are missing. `path`: as $PATH; `folders`: where else to look. */
export function requireTools(
  tools: readonly Tool[],
  path = process.env['PATH'] ?? '',
  folders: readonly string[] = SYSTEM_FOLDERS,
): void {
  const missing = tools.filter((tool) => pathOf(tool, path, folders) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(' ');
  throw new ImageError('TOOLS', `${missing.join(', ')} not found; expected in PATH or /usr/sbin.`, {
    op: 'look for programs',
    hint: `sudo apt-get install ${packages}   (or your system's packages of the same programs)`,
  });
}

/** Runs to the end and returns what it said; text is UTF-8. Throws ImageError on another exit code than expected. */
export async function run(tool: Tool, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = start(tool, args, options.folder);
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const code = await ended(child);
  const ran: Ran = { code, out: (await out).toString('utf8'), err: (await err).toString('utf8') };
  if (!(options.codes ?? [0]).includes(code))
    throw new ImageError('TOOL_FAILED', `${tool} ended with ${code}: ${lastLines(ran.err || ran.out)}`, {
      op: `run ${tool}`,
      hint: `If the disk is not full, please report it with this command: ${tool} ${args.join(' ')}`,
    });
  return ran;
}

/** Its standard output as bytes, at most `bytesMax` of it. */
export async function runForBytes(tool: Tool, args: readonly string[], bytesMax: number): Promise<Buffer> {
  const child = start(tool, args);
  const err = collect(child.stderr);
  child.stdin?.on('error', () => {});
  child.stdin?.end();
  const parts: Buffer[] = [];
  let length = 0;
  child.stdout?.on('data', (part: Buffer) => {
    if (length >= bytesMax) return;
    parts.push(part.subarray(0, bytesMax - length));
    length += part.length;
  });
  await ended(child);
  await err;
  return Buffer.concat(parts);
}

export function start(tool: Tool, args: readonly string[], folder?: string): ChildProcess {
  const program = pathOf(tool);
  if (program === undefined) requireTools([tool]);
  return spawn(program ?? tool, args, {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: {
      PATH: SYSTEM_FOLDERS.join(delimiter),
      LC_ALL: 'C',
      // mtools refuses partitions whose size is no multiple of their invented tracks; a card has no tracks.
      MTOOLS_SKIP_CHECK: '1',
      // No pager of debugfs, and no configuration file of whoever runs us.
      DEBUGFS_PAGER: '__none__',
      MTOOLSRC: '/dev/null',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Exit code; 128 + n is not told apart from a signal: neither is success. */
export function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 128));
  });
}

function pathOf(
  tool: Tool,
  path = process.env['PATH'] ?? '',
  folders: readonly string[] = SYSTEM_FOLDERS,
): string | undefined {
  return [...path.split(delimiter), ...folders]
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, tool))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream ?? []) {
    length += part.length;
    if (length <= OUTPUT_BYTES_MAX) parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ').slice(0, 400);
}
