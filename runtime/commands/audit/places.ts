/**
 * Where the audit looks: every mapping of a process, the files that it has open, folders, the pipe of the corridor. Each
 * look tells how many bytes were searched, how many of them come from a picture, and in which form.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Mapping, ProcessMemory } from '../../privacy/search/process-memory.ts';
import { type Find, OVERLAP_BYTES } from '../../privacy/search/scanner.ts';

/** A piece that stays in the processor's caches while it is looked at in ten ways. */
const CHUNK_BYTES = 2 ** 18;
/** A pipe holds no more (64 KiB unless somebody enlarged it). */
const PIPE_BYTES_MAX = 2 ** 20;

export type PlaceResult = {
  /** `memory of the eye`, `open files of the voice`, `state folder` … */
  readonly place: string;
  /** Mapping or file. */
  readonly detail: string;
  readonly searchedBytes: number;
  readonly foundBytes: number;
  /** Longest run, in values. */
  readonly longestRun: number;
  /** Forms in which something was found. */
  readonly forms: readonly string[];
};

export type Scan = (bytes: Uint8Array, onFind: (find: Find) => void) => void;

/** Adds up what is found in one mapping or file; overlapping finds count once. */
class Tally {
  readonly place: string;
  readonly detail: string;
  searchedBytes = 0;
  longestRun = 0;
  readonly #spans: [from: number, to: number][] = [];
  readonly #forms = new Set<string>();

  constructor(place: string, detail: string) {
    this.place = place;
    this.detail = detail;
  }

  add(address: number, { offset, spanBytes, valueCount, form }: Find): void {
    this.#spans.push([address + offset, address + offset + spanBytes]);
    this.longestRun = Math.max(this.longestRun, valueCount);
    this.#forms.add(form);
  }

  result(): PlaceResult {
    let foundBytes = 0;
    let end = Number.NEGATIVE_INFINITY;
    for (const [from, to] of this.#spans.sort(([a], [b]) => a - b)) {
      foundBytes += Math.max(0, to - Math.max(from, end));
      end = Math.max(end, to);
    }
    const { place, detail, searchedBytes, longestRun } = this;
    return { place, detail, searchedBytes, foundBytes, longestRun, forms: [...this.#forms].sort() };
  }
}

/**
 * All that a process has in memory. which: `written` leaves out what comes from files and was never changed (programs and
 * libraries), which a picture cannot get into without being written.
 */
export function searchMemory(program: string, pid: number, scan: Scan, which: 'all' | 'written'): PlaceResult[] {
  const memory = new ProcessMemory(pid);
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    return memory
      .mappings()
      .filter(({ flags }) => which === 'all' || flags[1] === 'w')
      .map((mapping) => searchMapping(memory, mapping, `memory of the ${program}`, buffer, scan));
  } finally {
    memory.close();
    buffer.fill(0);
  }
}

function searchMapping(
  memory: ProcessMemory,
  mapping: Mapping,
  place: string,
  buffer: Uint8Array,
  scan: Scan,
): PlaceResult {
  const range = `${mapping.from.toString(16)}-${mapping.to.toString(16)}`;
  const tally = new Tally(place, `${range} ${mapping.flags} ${mapping.name}`.trimEnd());
  tally.searchedBytes = memory.read(mapping, buffer, OVERLAP_BYTES, (bytes, address) =>
    scan(bytes, (find) => tally.add(address, find)),
  );
  return tally.result();
}

/** Files that a process has open, deleted ones too; pipes, sockets and devices have no content to look at. */
export function searchOpenFiles(program: string, pid: number, scan: Scan): PlaceResult[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    try {
      return searchFile(`open files of the ${program}`, readlinkSync(path), path, scan);
    } catch {
      return []; // Closed while we looked; or a socket, which cannot be opened.
    }
  });
}

/** Every file below `folder` that was changed since `sinceMs`; what may not be read is a result of its own. */
export function searchFolder(place: string, folder: string, sinceMs: number, scan: Scan): PlaceResult[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (stat.isDirectory()) return searchFolder(place, path, sinceMs, scan);
    return stat.isFile() && stat.mtimeMs >= sinceMs ? searchFile(place, path, path, scan) : [];
  });
}

function searchFile(place: string, name: string, path: string, scan: Scan): PlaceResult[] {
  // Without waiting: a pipe without a writer would keep us for ever, and is no file anyway.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    if (!fstatSync(fd).isFile()) return [];
    const tally = new Tally(place, name);
    for (let at = 0, bytes = CHUNK_BYTES; bytes === CHUNK_BYTES; at += CHUNK_BYTES - OVERLAP_BYTES) {
      bytes = readSync(fd, buffer, 0, CHUNK_BYTES, at);
      scan(buffer.subarray(0, bytes), (find) => tally.add(at, find));
      tally.searchedBytes = at + bytes;
    }
    return [tally.result()];
  } finally {
    closeSync(fd);
    buffer.fill(0);
  }
}

/** What waits in a named pipe is read, searched and put back. Only while nobody else reads or writes there. */
export function searchPipe(place: string, path: string, scan: Scan): PlaceResult {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const bytes = new Uint8Array(PIPE_BYTES_MAX);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) read = readNow(fd, bytes, length);
    const waiting = bytes.subarray(0, length);
    const result = searchBytes(place, path, waiting, scan);
    if (length > 0) writeSync(fd, waiting);
    return result;
  } finally {
    closeSync(fd);
  }
}

function readNow(fd: number, bytes: Uint8Array, offset: number): number {
  try {
    return readSync(fd, bytes, offset, bytes.length - offset, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function searchBytes(place: string, detail: string, bytes: Uint8Array, scan: Scan): PlaceResult {
  const tally = new Tally(place, detail);
  tally.searchedBytes = bytes.length;
  scan(bytes, (find) => tally.add(0, find));
  return tally.result();
}
