/**
 * A disk for updates that can lose power: paths with files and links. What `replace`, `remove` and `switchLink` did is there
 * when they have returned, and is there or not when the power goes in the middle of them. What was unpacked or removed since
 * the last `sync` may be there in any part.
 */

import type { Manifest } from '../../provisioning/bundle/manifest.ts';
import type { CheckedBundle, UpdateDisk } from '../../provisioning/device/update/disk.ts';
import { BundleError, type BundleErrorKind } from '../../runtime/errors.ts';
import { PowerCut } from './disk.ts';

/** What a bundle of the tests holds: JSON of this. */
export type FakeBundle = {
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  /** Found when it is opened. */
  readonly refusal?: BundleErrorKind;
  /** The disk is full after so many files. */
  readonly fullAfter?: number;
};

type Entry = { readonly text: string } | { readonly target: string };

export class FakeUpdateDisk implements UpdateDisk {
  /** So many more operations, then the power is gone in the middle of one; undefined: it stays. */
  operationsLeft: number | undefined;
  operationCount = 0;
  free = 1e9;
  /** The positive control: what should be durable is not. */
  ignoresSyncs = false;
  random: () => number = Math.random;
  #entries = new Map<string, Entry>();
  #kept = new Map<string, Entry>();

  /** As flashed: on the disk for good. */
  put(path: string, entry: Entry): void {
    this.#entries.set(path, entry);
    this.#kept.set(path, entry);
  }

  /** The power goes and comes back. */
  cut(): void {
    const paths = new Set([...this.#entries.keys(), ...this.#kept.keys()]);
    for (const path of paths) {
      const [now, before] = [this.#entries.get(path), this.#kept.get(path)];
      if (now === before) continue;
      const left = this.random() < 0.5 ? now : before;
      for (const entries of [this.#entries, this.#kept]) {
        if (left === undefined) entries.delete(path);
        else entries.set(path, left);
      }
    }
    this.operationsLeft = undefined;
  }

  read(path: string): string | undefined {
    const entry = this.#entries.get(path);
    return entry !== undefined && 'text' in entry ? entry.text : undefined;
  }
  exists(path: string): boolean {
    return this.#entries.has(path) || this.list(path).length > 0;
  }
  linkTarget(path: string): string | undefined {
    const entry = this.#entries.get(path);
    return entry !== undefined && 'target' in entry ? entry.target : undefined;
  }
  list(folder: string): string[] {
    const prefix = `${folder}/`;
    const below = [...this.#entries.keys()].filter((path) => path.startsWith(prefix));
    return [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0]!))].sort();
  }
  treeBytes(): number {
    return 0;
  }
  freeBytes(): number {
    return this.free;
  }

  replace(path: string, text: string): void {
    this.#durably(() => this.put(path, { text }));
  }
  remove(path: string): void {
    this.#durably(() => {
      this.#entries.delete(path);
      this.#kept.delete(path);
    });
  }
  switchLink(path: string, target: string): void {
    this.#durably(() => this.put(path, { target }));
  }
  removeTree(folder: string): void {
    for (const path of [...this.#entries.keys()].filter((one) => one.startsWith(`${folder}/`))) {
      this.#step();
      this.#entries.delete(path);
    }
  }
  sync(): void {
    this.#durably(() => {
      if (!this.ignoresSyncs) this.#kept = new Map(this.#entries);
    });
  }

  async openBundle(path: string, _keys: unknown, allows: (manifest: Manifest) => void): Promise<CheckedBundle> {
    const { version, files, refusal, fullAfter = Infinity } = JSON.parse(this.read(path)!) as FakeBundle;
    const refuse = (kind: BundleErrorKind) => new BundleError(kind, `refused: ${kind}.`, { op: 'open bundle' });
    if (refusal !== undefined) throw refuse(refusal);
    const manifest = {
      version,
      target: 'linux-arm64',
      from_min: '0.0.0',
      unpacked_bytes: 1000,
      file_count: 4,
    } as Manifest;
    allows(manifest);
    return {
      manifest,
      close: () => {},
      unpackTo: async (folder) => {
        Object.entries(files).forEach(([name, text], i) => {
          if (i >= fullAfter) throw refuse('no_room');
          this.#step();
          this.#entries.set(`${folder}/${name}`, { text });
        });
      },
    };
  }

  #step(): void {
    if (this.operationsLeft === 0) throw new PowerCut('no power');
    if (this.operationsLeft !== undefined) this.operationsLeft -= 1;
    this.operationCount += 1;
  }

  #durably(change: () => void): void {
    try {
      this.#step();
    } catch (error) {
      // In the middle of it: done or not.
      if (this.random() < 0.5) change();
      throw error;
    }
    change();
  }
}
