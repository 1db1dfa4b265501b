/**
 * A disk that can be read and not be written (full, read-only, another's), with what SQLite would write kept in memory and
 * forgotten when the file is closed: bringing a log into its file is part of reading a database.
 * Memory: the pages written, as a rule none; a log of the size that sqlite.ts allows at most.
 */
import type { Disk, DiskFile } from './disk.ts';

const PAGE_BYTES = 4096;
const HELD = { isHeld: () => true, release: () => {} };

export function overlayOn(base: Disk): Disk {
  const removed = new Set<string>();
  const files = new Map<string, OverlayFile>();
  return {
    open(path) {
      const known = files.get(path);
      if (known !== undefined) return known;
      const file = new OverlayFile(!removed.has(path) && base.exists(path) ? base.open(path, 'read') : undefined);
      files.set(path, file);
      return file;
    },
    exists: (path) => files.has(path) || (!removed.has(path) && base.exists(path)),
    remove(path) {
      removed.add(path);
      files.delete(path);
    },
    rename() {
      throw new Error('nothing is renamed on an overlay');
    },
    makeFolder: () => {},
    settle: () => {},
    claim: () => HELD,
  };
}

class OverlayFile implements DiskFile {
  readonly #base: DiskFile | undefined;
  readonly #pages = new Map<number, Uint8Array>();
  #sizeBytes: number;

  constructor(base: DiskFile | undefined) {
    this.#base = base;
    this.#sizeBytes = base?.sizeBytes() ?? 0;
  }

  read(target: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(target.length, this.#sizeBytes - offset));
    for (let done = 0; done < count; ) {
      const inPage = (offset + done) % PAGE_BYTES;
      const piece = Math.min(PAGE_BYTES - inPage, count - done);
      target.set(this.#page((offset + done - inPage) / PAGE_BYTES).subarray(inPage, inPage + piece), done);
      done += piece;
    }
    return count;
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) {
      const inPage = (offset + done) % PAGE_BYTES;
      const piece = Math.min(PAGE_BYTES - inPage, bytes.length - done);
      const index = (offset + done - inPage) / PAGE_BYTES;
      const page = this.#page(index);
      page.set(bytes.subarray(done, done + piece), inPage);
      this.#pages.set(index, page);
      done += piece;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, offset + bytes.length);
  }

  writeThrough(bytes: Uint8Array, offset: number): void {
    this.write(bytes, offset);
  }

  sizeBytes(): number {
    return this.#sizeBytes;
  }

  truncate(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    for (const index of this.#pages.keys()) if (index * PAGE_BYTES >= sizeBytes) this.#pages.delete(index);
  }

  sync(): boolean {
    return true;
  }

  /** The base stays open for whoever opens the file again: SQLite does so with its log. */
  close(): void {}

  /** As written, or as it lies on the base; a copy in that case. */
  #page(index: number): Uint8Array {
    const written = this.#pages.get(index);
    if (written !== undefined) return written;
    const page = new Uint8Array(PAGE_BYTES);
    this.#base?.read(page, index * PAGE_BYTES);
    return page;
  }
}
