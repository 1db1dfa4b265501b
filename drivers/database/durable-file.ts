/**
 * A file of the database whose `sync` holds also where fsync is forbidden (Node's permission model: see
 * runtime/durable.ts). Until then it remembers which pages were written, and where fsync is not to be had, these pages are
 * read back from the page cache and written once more through a descriptor with O_SYNC, neighbours in one go. That costs
 * the card what fsync would have cost it: the same pages, once. The file's size goes with the last of them.
 * Memory: one number a page written since the last sync; one buffer of RUN_PAGES_MAX pages for all files.
 */
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';

/** Pages of the kernel's page cache: what a card is written in. */
const PAGE_BYTES = 4096;
/** More than fit in one write; longer runs are written in pieces. */
const RUN_PAGES_MAX = 64;

const buffer = new Uint8Array(RUN_PAGES_MAX * PAGE_BYTES);

/** Counted over all files since the program began, for the sake of the card. */
export const written = { writeCount: 0, writeBytes: 0, syncCount: 0, syncPages: 0, folderSyncCount: 0 };

export class DurableFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  /** Indices of pages that are not known to be on the disk. */
  readonly #dirty = new Set<number>();
  /** The file was cut and nothing was written since. */
  #isCut = false;
  /** Its name is not known to be on the disk. */
  #isNew: boolean;

  constructor(disk: Disk, path: string, how: 'read' | 'write' | 'create') {
    this.#disk = disk;
    this.#path = path;
    this.#isNew = how === 'create' && !disk.exists(path);
    this.#file = disk.open(path, how);
  }

  read(target: Uint8Array, offset: number): number {
    return this.#file.read(target, offset);
  }

  write(bytes: Uint8Array, offset: number): void {
    written.writeCount += 1;
    written.writeBytes += bytes.length;
    const lastPage = Math.floor((offset + bytes.length - 1) / PAGE_BYTES);
    for (let page = Math.floor(offset / PAGE_BYTES); page <= lastPage; page++) this.#dirty.add(page);
    this.#file.write(bytes, offset);
  }

  sizeBytes(): number {
    return this.#file.sizeBytes();
  }

  truncate(sizeBytes: number): void {
    this.#file.truncate(sizeBytes);
    this.#isCut = true;
  }

  /** On return everything written before is on the disk, and so is the file's name. */
  sync(): void {
    written.syncCount += 1;
    written.syncPages += this.#dirty.size;
    if (!this.#file.sync()) this.#writeThrough();
    this.#dirty.clear();
    this.#isCut = false;
    if (!this.#isNew) return;
    written.folderSyncCount += 1;
    this.#disk.settle(dirname(this.#path));
    this.#isNew = false;
  }

  close(): void {
    this.#file.close();
  }

  #writeThrough(): void {
    const sizeBytes = this.#file.sizeBytes();
    const lastPage = Math.ceil(sizeBytes / PAGE_BYTES) - 1;
    // A new size alone goes with the page that is now the last.
    if (this.#isCut && lastPage >= 0) this.#dirty.add(lastPage);
    const pages = [...this.#dirty].filter((page) => page <= lastPage).sort((a, b) => a - b);
    for (let start = 0; start < pages.length; ) {
      let end = start + 1;
      while (end < pages.length && pages[end] === pages[end - 1]! + 1 && end - start < RUN_PAGES_MAX) end += 1;
      const offset = pages[start]! * PAGE_BYTES;
      const run = buffer.subarray(0, Math.min((end - start) * PAGE_BYTES, sizeBytes - offset));
      this.#file.read(run, offset);
      this.#file.writeThrough(run, offset);
      start = end;
    }
  }
}
