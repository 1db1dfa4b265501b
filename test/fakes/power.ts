/**
 * The disk of the setup on a machine that can lose its power. What is written beside is durable when its write returns
 * (O_SYNC); a name is only when its folder was synced. A cut falls between any two of those steps: of the names of a folder
 * that were not synced the first ones may have happened and the later ones not, as journals commit in order. /run is memory.
 */
import { dirname } from 'node:path';
import type { SetupDisk } from '../../provisioning/device/disk.ts';

export class PowerCut extends Error {}

type NameChange = { readonly path: string; readonly text: string | undefined };

export class PowerDisk implements SetupDisk {
  /** Files as a running program sees them. */
  #seen = new Map<string, string>();
  #durable = new Map<string, string>();
  /** Folder → changes of names that are not synced yet. */
  readonly #pending = new Map<string, NameChange[]>();
  readonly modes = new Map<string, number>();
  #stepsLeft = Number.POSITIVE_INFINITY;
  stepCount = 0;
  /** Code of the system error with which every write fails; undefined: none. */
  fault: string | undefined;

  /** The power goes after so many steps from now. */
  cutAfter(stepCount: number): void {
    this.#stepsLeft = stepCount;
  }

  /** Anything at which the power may go. */
  step(): void {
    this.stepCount += 1;
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) throw new PowerCut('the power is gone');
  }

  /** keep: 0..1, how much of what was not synced happened all the same. */
  powerUp(keep: number): void {
    for (const changes of this.#pending.values())
      for (const change of changes.slice(0, Math.floor(keep * (changes.length + 1)))) apply(this.#durable, change);
    this.#pending.clear();
    this.#seen = new Map(this.#durable);
    this.#stepsLeft = Number.POSITIVE_INFINITY;
  }

  read(path: string): string | undefined {
    return this.#seen.get(path);
  }

  replace(path: string, text: string, mode: number): void {
    this.#fail();
    this.step(); // written beside
    this.#change({ path, text });
    this.modes.set(path, mode);
    this.step();
    this.#sync(dirname(path));
    this.step();
  }

  remove(path: string): void {
    if (!this.#seen.has(path)) return;
    this.#fail();
    this.#change({ path, text: undefined });
    this.step();
    this.#sync(dirname(path));
    this.step();
  }

  /** What a program that has nothing to do with power puts there, such as the scan. */
  put(path: string, text: string): void {
    this.#seen.set(path, text);
    if (!isMemory(path)) this.#durable.set(path, text);
  }

  paths(): string[] {
    return [...this.#seen.keys()].sort();
  }

  #change(change: NameChange): void {
    apply(this.#seen, change);
    if (isMemory(change.path)) return;
    const folder = dirname(change.path);
    this.#pending.set(folder, [...(this.#pending.get(folder) ?? []), change]);
  }

  #sync(folder: string): void {
    for (const change of this.#pending.get(folder) ?? []) apply(this.#durable, change);
    this.#pending.delete(folder);
  }

  #fail(): void {
    if (this.fault !== undefined)
      throw Object.assign(new Error(`${this.fault}: as the test asked for`), { code: this.fault });
  }
}

function isMemory(path: string): boolean {
  return path.startsWith('/run/');
}

function apply(files: Map<string, string>, { path, text }: NameChange): void {
  if (text === undefined) files.delete(path);
  else files.set(path, text);
}
