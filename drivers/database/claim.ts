/**
 * One process a database: a file beside it, `<path>-owner`, names the process that has it.
 * Why not a lock of the kernel: Node has none (flock, fcntl), and SQLite's own are taken through fcntl. A name in a file
 * outlives kill -9, so it only counts while that process lives: same boot of the machine, same process id, same start
 * time where /proc can be read (Node's permission model forbids it to the voice; the boot's id it may read).
 * What that misses (a process that cannot be seen from here, as in another container; two that take over the same dead
 * one's file in the same instant) is caught by the owner itself: it reads the file before each transaction, and stops when another one's
 * name stands there. So two never write for long, and the one that goes says why.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import { writeDurable } from '../../runtime/durable.ts';
import { DatabaseError } from '../../runtime/errors.ts';
import type { Claim } from './disk.ts';

/** What this process has, by the path of the database. */
const held = new Set<string>();

type Owner = { readonly pid: number; readonly boot: string; readonly start: string; readonly token: string };

/** One for each start of the kernel; in the list of what the voice may read (runtime/isolation/paths.ts). */
const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Throws DatabaseError `busy` with the process's number while that lives. */
export function claimFile(databasePath: string): Claim {
  const path = `${databasePath}-owner`;
  const before = ownerOf(path);
  if (held.has(databasePath) || (before !== undefined && isAlive(before)))
    throw new DatabaseError(
      'busy',
      `${databasePath} is in use by process ${before?.pid}; expected one process a file.`,
      {
        op: 'open database',
        hint: `Stop that process first (is Lethe running twice, or twice with the same state_dir?). If process ${before?.pid} is something else, remove ${path}.`,
      },
    );
  const me: Owner = { pid: process.pid, boot: bootId(), start: startOf(process.pid), token: randomUUID() };
  const text = JSON.stringify(me);
  writeDurable(path, text);
  held.add(databasePath);
  return {
    isHeld: () => textOf(path) === text,
    release: () => {
      held.delete(databasePath);
      if (textOf(path) === text) unlinkSync(path);
    },
  };
}

function ownerOf(path: string): Owner | undefined {
  try {
    return JSON.parse(textOf(path)) as Owner;
  } catch {
    // Missing, or torn by a power cut: nobody's.
    return undefined;
  }
}

function isAlive({ pid, boot, start }: Owner): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || boot !== bootId()) return false;
  // What this process has is in `held`: another one had its number before.
  if (pid === process.pid || !exists(pid)) return false;
  const startNow = startOf(pid);
  return startNow === '' || start === '' || startNow === start;
}

/** Signal 0 reaches nobody and says whether there is somebody. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function bootId(): string {
  return textOf(BOOT_ID_FILE).trim();
}

/** Clock ticks from the machine's start to the process's; '': not to be known (proc(5), field 22 of stat). */
function startOf(pid: number): string {
  // The name, in brackets, may hold anything but the last bracket.
  const afterName = textOf(`/proc/${pid}/stat`).split(')').at(-1) ?? '';
  return afterName.trim().split(' ')[19] ?? '';
}

/** '' if it cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
