/**
 * The memory of another process, by /proc: which pieces it consists of and what is in them. Only pages that exist are read
 * (/proc/PID/pagemap tells which): V8 reserves gigabytes that nobody ever wrote to, and reading must not make them exist.
 * Needs the right to trace the process: same user, no stricter than kernel.yama.ptrace_scope 1 for a child of ours, else
 * root. Whoever wants one moment and not a blur stops the process first.
 * Memory: the buffer that the caller hands in.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { DriverError } from '../../errors.ts';

/** A line of /proc/PID/maps. */
export type Mapping = {
  readonly from: number;
  readonly to: number;
  /** Such as `rw-p`. */
  readonly flags: string;
  /** File, `[heap]`, `[stack]` …, or empty: anonymous. */
  readonly name: string;
};

const PAGE_BYTES = 4096;
const PAGEMAP_ENTRY_BYTES = 8;
/** Bits 63 (present) and 62 (swapped) of an entry are in its last byte (Documentation/admin-guide/mm/pagemap.rst). */
const EXISTS = 0xc0;

export class ProcessMemory {
  readonly pid: number;
  readonly #memory: number;
  readonly #pagemap: number;

  /** Throws DriverError: no such process, or not ours to look into. */
  constructor(pid: number) {
    this.pid = pid;
    this.#memory = openProc(pid, 'mem');
    this.#pagemap = openProc(pid, 'pagemap');
  }

  /** Every mapping that has pages which can be read. `[vvar]` and the like belong to the kernel. */
  mappings(): Mapping[] {
    return readFileSync(`/proc/${this.pid}/maps`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, from = '', to = '', flags = '', name = ''] =
          /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+\s*(.*)$/.exec(line) ?? [];
        if (!flags.startsWith('r') || /^\[(vvar|vvar_vclock|vsyscall)\]$/.test(name)) return [];
        return [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16), flags, name }];
      });
  }

  /**
   * Calls `onBytes` with the existing pages of a mapping, in order, as long stretches: at most `buffer.length` at a time,
   * and where one stretch is cut, the next begins `overlapBytes` (a multiple of 8) before the cut. Returns bytes read.
   */
  read(
    mapping: Mapping,
    buffer: Uint8Array,
    overlapBytes: number,
    onBytes: (bytes: Uint8Array, address: number) => void,
  ): number {
    let total = 0;
    for (const [from, to] of this.#existing(mapping)) {
      total += to - from;
      for (let at = from; at < to; ) {
        const bytes = this.readAt(at, buffer, Math.min(buffer.length, to - at));
        if (bytes === 0) break;
        onBytes(buffer.subarray(0, bytes), at);
        if (at + bytes >= to) break;
        at += bytes - overlapBytes;
      }
    }
    return total;
  }

  /** Reads the first `bytes` of `buffer` from an address. Bytes read; 0 where the kernel refuses (memory of a device). */
  readAt(address: number, buffer: Uint8Array, bytes = buffer.length): number {
    try {
      return readSync(this.#memory, buffer, 0, bytes, address);
    } catch (error) {
      if (['EIO', 'EFAULT'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
      throw error;
    }
  }

  close(): void {
    closeSync(this.#memory);
    closeSync(this.#pagemap);
  }

  /** Stretches [from, to) of pages that exist, in memory or in swap. */
  *#existing({ from, to }: Mapping): Generator<readonly [number, number]> {
    const entries = Buffer.alloc(PAGEMAP_ENTRY_BYTES * 8192);
    let begin = -1;
    for (let at = from; at < to; ) {
      const wanted = Math.min(entries.length, ((to - at) / PAGE_BYTES) * PAGEMAP_ENTRY_BYTES);
      const bytes = readSync(this.#pagemap, entries, 0, wanted, (at / PAGE_BYTES) * PAGEMAP_ENTRY_BYTES);
      if (bytes === 0) break;
      for (let entry = 0; entry < bytes; entry += PAGEMAP_ENTRY_BYTES, at += PAGE_BYTES) {
        const exists = (entries[entry + PAGEMAP_ENTRY_BYTES - 1]! & EXISTS) !== 0;
        if (exists && begin < 0) begin = at;
        if (!exists && begin >= 0) {
          yield [begin, at];
          begin = -1;
        }
      }
    }
    if (begin >= 0) yield [begin, to];
  }
}

function openProc(pid: number, what: string): number {
  try {
    return openSync(`/proc/${pid}/${what}`, 'r');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const isGone = code === 'ENOENT' || code === 'ESRCH';
    throw new DriverError(
      'absent',
      isGone ? `process ${pid} has ended.` : `the memory of process ${pid} cannot be read (${code}).`,
      {
        op: 'read memory',
        hint: isGone
          ? 'Look in the log for the reason.'
          : 'Run this as the same user with kernel.yama.ptrace_scope at 0 or 1, or as root; a container must not drop SYS_PTRACE.',
        cause,
      },
    );
  }
}
