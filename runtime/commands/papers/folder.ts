/**
 * The folder of the papers. What was written is remembered by its SHA-256 in `.papers.json`, so that a paper somebody has
 * worked on since is never overwritten unasked: everything is looked at before anything is written, and one changed
 * file stops all. Files are written beside and renamed; the list comes last, and what equals the new paper counts as
 * ours, so that a run that was cut off can simply be repeated.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Paper } from '../../../provisioning/site/papers.ts';
import { ExitCode, LetheError } from '../../errors.ts';

const LIST = '.papers.json';
type Written = Readonly<Record<string, string>>;

/** Throws LetheError with all files that somebody changed, or with what the disk says. Nothing is written then. */
export function writePapers(folder: string, papers: readonly Paper[], isForced: boolean): void {
  const before = readList(folder);
  const changed = papers.filter(({ path, bytes }) => {
    const found = hashOnDisk(join(folder, path));
    return found !== undefined && found !== before[path] && found !== sha256(bytes);
  });
  if (changed.length > 0 && !isForced) {
    throw new LetheError(
      'PAPERS_CHANGED',
      changed
        .map(
          ({ path }) =>
            `${join(folder, path)} is not as it was written; expected an untouched paper. It is left alone.`,
        )
        .join('\n'),
      ExitCode.failed,
      { op: 'write papers', hint: 'Write to another folder with --out, or overwrite all of them with --force.' },
    );
  }
  for (const { path, bytes } of papers) replaceFile(join(folder, path), bytes);
  const after = { ...before, ...Object.fromEntries(papers.map(({ path, bytes }) => [path, sha256(bytes)])) };
  replaceFile(join(folder, LIST), Buffer.from(`${JSON.stringify({ v: 1, files: after }, undefined, 2)}\n`));
}

/** Throws LetheError, exit 74. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const beside = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(beside, bytes);
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw ioError(path, 'written', cause);
  }
}

function hashOnDisk(path: string): string | undefined {
  try {
    return sha256(readFileSync(path));
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw ioError(path, 'read', cause);
  }
}

/** A list that is damaged or of another version knows nothing: then every paper that is there counts as changed. */
function readList(folder: string): Written {
  try {
    const list = JSON.parse(readFileSync(join(folder, LIST), 'utf8')) as { v?: unknown; files?: Written } | null;
    return list?.v === 1 && typeof list.files === 'object' && list.files !== null ? list.files : {};
  } catch {
    return {};
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function ioError(path: string, what: 'read' | 'written', cause: unknown): LetheError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new LetheError(
    'PAPERS_IO',
    `${path} cannot be ${what} (${code}); expected a folder of papers.`,
    ExitCode.ioError,
    {
      op: 'write papers',
      cause,
      hint: 'Check the folder given with --out, its owner and the space on its disk.',
    },
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
