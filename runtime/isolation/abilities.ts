/**
 * What this machine can enforce, found out by doing it once with a program that does nothing: kernels, distributions and
 * containers forbid namespaces in too many ways to predict them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VIEW_NAMESPACES, viewWords } from './view.ts';

export type Ability = { readonly works: true } | { readonly works: false; readonly why: string };

export type Abilities = {
  /** The Node that eye and voice run on, and its options (process.allowedNodeEnvironmentFlags). */
  readonly node: string;
  readonly nodeFlags: { has(flag: string): boolean };
  /** A user namespace with an empty network namespace. */
  readonly namespaces: Ability;
  /** A view of a few paths (view.ts); needs namespaces. */
  readonly view: Ability;
  readonly coreLimit: Ability;
  /** The kernel shows pins, so the pin driver will load its native part. */
  readonly hasPins: boolean;
};

const PROBE_MS_MAX = 10_000;
/** Maps this user to itself: files keep their owner, and no capability is left after the next program begins. */
export const USER_NAMESPACE: readonly string[] = ['--user', '--map-current-user'];
export const NO_CORE: readonly string[] = ['prlimit', '--core=0:0'];
/** Enough to run a program; without /etc and /proc umount(8) cannot let go of the old root. */
const SYSTEM: readonly string[] = ['/usr', '/bin', '/lib', '/lib64', '/etc', '/proc'];

export function probeAbilities(): Abilities {
  return {
    node: process.execPath,
    nodeFlags: process.allowedNodeEnvironmentFlags,
    namespaces: tryOut(['unshare', ...USER_NAMESPACE, '--net', 'true']),
    view: probeView(),
    coreLimit: tryOut([...NO_CORE, 'true']),
    hasPins: existsSync('/sys/class/gpio/export'),
  };
}

function probeView(): Ability {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'lethe-view-'));
    const shown = SYSTEM.map((path) => ({ path, mode: 'read' }) as const);
    return tryOut(['unshare', ...USER_NAMESPACE, ...VIEW_NAMESPACES, ...viewWords(folder, shown), 'true']);
  } catch (error) {
    return { works: false, why: (error as Error).message };
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function tryOut([program, ...words]: readonly string[]): Ability {
  const { status, error, stderr } = spawnSync(program!, words, { encoding: 'utf8', timeout: PROBE_MS_MAX });
  if (status === 0) return { works: true };
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
    return { works: false, why: `${program} is not installed` };
  return {
    works: false,
    why: (stderr ?? '').trim().split('\n')[0] || error?.message || `${program} ended with ${status}`,
  };
}
