/**
 * A disk in memory that can lose power. What was written lies in its page cache; only what was synced is sure to be there
 * after a cut. Of the rest any part may be: of each sector of 512 bytes one of the versions that were written since the last
 * sync, the old one, or, as cards do, rubbish; the file's end anywhere between; names of folders as after any of the last
 * changes (journals commit in order). The rules are harsher than ext4's: a file's sync does not bring its name along.
 */
import { dirname } from 'node:path';
import type { Claim, Disk, DiskFile } from '../../drivers/database/disk.ts';

const SECTOR_BYTES = 512;
const GROWTH_BYTES = 65_536;
/** Of the sectors that a cut finds unsynced. */
const RUBBISH_SHARE = 0.05;

export type DiskOptions = {
  /** As under Node's permission model: sync says no. */
  readonly forbidsFsync?: boolean;
  /** The positive control: what should be durable is not. */
  readonly ignoresSyncs?: boolean;
};

type Bytes = { bytes: Uint8Array; size: number };
type Change = { readonly offset: number; readonly bytes: Uint8Array } | { readonly size: number };
type Content = { readonly cache: Bytes; readonly kept: Bytes; readonly changes: Change[] };

export class PowerCut extends Error {}

export class SimulatedDisk implements Disk {
  /** Every change fails with this code of the system; readFault: every read. */
  fault: string | undefined;
  readFault: string | undefined;
  /** So many more operations that change something, then the power is gone; undefined: it stays. */
  operationsLeft: number | undefined;
  /** Since the beginning. */
  operationCount = 0;
  syncCount = 0;
  readonly options: DiskOptions;
  #names = new Map<string, Content>();
  #keptNames = new Map<string, Content>();
  /** Names after each change that is not settled, oldest first. */
  #nameChanges: { readonly folder: string; readonly names: Map<string, Content> }[] = [];
  /** Grows with each cut: handles of an earlier one are dead. */
  #life = 0;

  constructor(options: DiskOptions = {}) {
    this.options = options;
  }

  open(path: string, how: 'read' | 'write' | 'create'): DiskFile {
    this.#check(this.#life, how === 'create' && !this.#names.has(path));
    let content = this.#names.get(path);
    if (content === undefined) {
      if (how !== 'create') throw systemError('ENOENT');
      content = { cache: empty(), kept: empty(), changes: [] };
      this.#names.set(path, content);
      this.#noteNames(path);
    }
    return this.#handle(content);
  }

  exists(path: string): boolean {
    return this.#names.has(path);
  }

  remove(path: string): void {
    this.#check(this.#life, true);
    this.#names.delete(path);
    this.#noteNames(path);
  }

  rename(from: string, to: string): void {
    this.#check(this.#life, true);
    this.#names.set(to, this.#names.get(from)!);
    this.#names.delete(from);
    this.#noteNames(to);
  }

  makeFolder(): void {}

  settle(folder: string): void {
    this.#check(this.#life, true);
    if (this.options.ignoresSyncs) return;
    const last = this.#nameChanges.findLastIndex((change) => change.folder === folder);
    if (last < 0) return;
    this.#keptNames = this.#nameChanges[last]!.names;
    this.#nameChanges = this.#nameChanges.slice(last + 1);
  }

  claim(): Claim {
    this.#check(this.#life, true);
    return { isHeld: () => true, release: () => {} };
  }

  /** The program dies and the power stays: what it wrote is there. */
  kill(): void {
    this.#life += 1;
    this.operationsLeft = undefined;
  }

  /** The power goes and comes back. random: 0..1, as Math.random. */
  cut(random: () => number): void {
    this.kill();
    const last = Math.floor(random() * (this.#nameChanges.length + 1)) - 1;
    if (last >= 0) this.#keptNames = this.#nameChanges[last]!.names;
    this.#nameChanges = [];
    for (const content of new Set([...this.#keptNames.values(), ...this.#names.values()])) loseSome(content, random);
    this.#names = new Map(this.#keptNames);
  }

  /** Bytes of a file as a program sees them; undefined: no such file. */
  bytesOf(path: string): Uint8Array | undefined {
    const cache = this.#names.get(path)?.cache;
    return cache?.bytes.slice(0, cache.size);
  }

  /** Somebody else wrote a file, and it is on the disk. */
  put(path: string, bytes: Uint8Array): void {
    const content: Content = { cache: empty(), kept: empty(), changes: [] };
    for (const target of [content.cache, content.kept]) apply(target, { offset: 0, bytes });
    this.#names.set(path, content);
    this.#keptNames.set(path, content);
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  #noteNames(path: string): void {
    this.#nameChanges.push({ folder: dirname(path), names: new Map(this.#names) });
  }

  #check(life: number, changes: boolean): void {
    if (life !== this.#life) throw new PowerCut('this program is dead');
    if (!changes) {
      if (this.readFault !== undefined) throw systemError(this.readFault);
      return;
    }
    if (this.operationsLeft !== undefined) {
      if (this.operationsLeft === 0) throw new PowerCut('no power');
      this.operationsLeft -= 1;
    }
    this.operationCount += 1;
    if (this.fault !== undefined) throw systemError(this.fault);
  }

  #handle(content: Content): DiskFile {
    const life = this.#life;
    const { forbidsFsync, ignoresSyncs } = this.options;
    const check = (changes: boolean) => this.#check(life, changes);
    const change = (made: Change) => {
      apply(content.cache, made);
      content.changes.push(made);
    };
    return {
      read(target, offset) {
        check(false);
        const { bytes, size } = content.cache;
        const count = Math.max(0, Math.min(target.length, size - offset));
        target.set(bytes.subarray(offset, offset + count));
        return count;
      },
      write(bytes, offset) {
        check(true);
        change({ offset, bytes: bytes.slice() });
      },
      writeThrough: (bytes, offset) => {
        const made = { offset, bytes: bytes.slice() };
        // A cut in the midst of it may leave a part.
        content.changes.push(made);
        check(true);
        apply(content.cache, made);
        if (ignoresSyncs) return;
        this.syncCount += 1;
        // With it goes the inode: a shorter file is shorter on the disk as well.
        for (const before of content.changes) if ('size' in before) apply(content.kept, before);
        apply(content.kept, made);
        const left = content.changes.filter((before) => !('size' in before) && !covers(made, before));
        content.changes.splice(0, content.changes.length, ...left);
      },
      sizeBytes: () => content.cache.size,
      truncate(size) {
        check(true);
        change({ size });
      },
      sync: () => {
        if (forbidsFsync) return false;
        check(true);
        if (ignoresSyncs) return true;
        this.syncCount += 1;
        for (const made of content.changes.splice(0)) apply(content.kept, made);
        return true;
      },
      close() {},
    };
  }
}

function empty(): Bytes {
  return { bytes: new Uint8Array(0), size: 0 };
}

function apply(target: Bytes, change: Change): void {
  if ('size' in change) {
    if (change.size < target.size) target.bytes.fill(0, change.size, target.size);
    target.size = Math.min(target.size, change.size);
    return;
  }
  const end = change.offset + change.bytes.length;
  if (end > target.bytes.length) {
    const larger = new Uint8Array(Math.max(end + GROWTH_BYTES, 2 * target.bytes.length));
    larger.set(target.bytes);
    target.bytes = larger;
  }
  target.bytes.set(change.bytes, change.offset);
  target.size = Math.max(target.size, end);
}

function covers(outer: Change, inner: Change): boolean {
  if ('size' in outer || 'size' in inner) return false;
  return outer.offset <= inner.offset && inner.offset + inner.bytes.length <= outer.offset + outer.bytes.length;
}

/** Of what was not synced, any part; afterwards cache and disk are the same again. */
function loseSome({ cache, kept, changes }: Content, random: () => number): void {
  const pending = changes.splice(0);
  const sizeMin = Math.min(kept.size, ...pending.map((change) => ('size' in change ? change.size : kept.size)));
  const sizeMax = Math.max(
    kept.size,
    ...pending.map((change) => ('size' in change ? 0 : change.offset + change.bytes.length)),
  );
  for (const change of pending) {
    if ('size' in change) continue;
    for (let from = change.offset; from < change.offset + change.bytes.length; ) {
      const to = Math.min((Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES, change.offset + change.bytes.length);
      if (random() < 0.5)
        apply(kept, { offset: from, bytes: change.bytes.subarray(from - change.offset, to - change.offset) });
      else if (random() < RUBBISH_SHARE) spoil(kept, Math.floor(from / SECTOR_BYTES) * SECTOR_BYTES, random);
      from = to;
    }
  }
  if (sizeMax > sizeMin && pending.length > 0) {
    const size = [sizeMin, sizeMax, sizeMin + Math.floor(random() * (sizeMax - sizeMin))][Math.floor(random() * 3)]!;
    if (size < kept.size) apply(kept, { size });
  }
  cache.bytes = kept.bytes.slice();
  cache.size = kept.size;
}

function spoil(target: Bytes, offset: number, random: () => number): void {
  apply(target, { offset, bytes: Uint8Array.from({ length: SECTOR_BYTES }, () => Math.floor(random() * 256)) });
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
