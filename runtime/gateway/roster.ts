/**
 * Who belongs to the store: the devices and doors of the file, and the devices that claimed their certificates here. A claimed
 * device that no door of the file has is a door of its own, called like it, so it counts at once; the day somebody writes it
 * into a door of the file, that holds.
 * Memory: names.
 */
import { DOORS_MAX, type DoorConfig, type GatewayConfig, OTHER_NAME, STORE_NAME } from './config.ts';

/** A device by a claim, with its lines and entrances that are ways into the store. */
export type Newcomer = { readonly device: string; readonly counters: readonly string[] };

/** Devices in the order of the file, then by name. */
export type Members = { readonly devices: readonly string[]; readonly doors: readonly DoorConfig[] };

type Joined = Members & { readonly newcomers: ReadonlyMap<string, Newcomer> };

export class Roster implements Members {
  devices: readonly string[] = [];
  doors: readonly DoorConfig[] = [];
  readonly #file: Members;
  #newcomers: ReadonlyMap<string, Newcomer> = new Map();

  constructor(file: Pick<GatewayConfig, 'devices' | 'doors'>, newcomers: readonly Newcomer[]) {
    this.#file = file;
    this.take(this.with(newcomers));
  }

  /** What it would be with these; nothing changes yet. */
  with(newcomers: readonly Newcomer[]): Joined {
    const all = new Map([...this.#newcomers, ...newcomers.map((newcomer) => [newcomer.device, newcomer] as const)]);
    const sorted = [...all.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
    const { devices, doors } = this.#file;
    const inFile = devicesOf(doors);
    const taken = new Set([...doors.map(({ name }) => name), STORE_NAME, OTHER_NAME]);
    const own = sorted
      .filter(({ device }) => !inFile.has(device) && !taken.has(device))
      .map(
        ({ device, counters }): DoorConfig => ({
          name: device,
          of: counters.map((line) => ({ device, line })),
          overlap: 'sum',
        }),
      );
    return {
      newcomers: all,
      devices: [...new Set([...devices, ...sorted.map(({ device }) => device)])],
      doors: [...doors, ...own.slice(0, DOORS_MAX - doors.length)],
    };
  }

  take({ newcomers, devices, doors }: Joined): void {
    this.#newcomers = newcomers;
    this.devices = devices;
    this.doors = doors;
  }

  /** Claimed devices that are in no door, because a door has their name or there are too many. */
  get doorless(): string[] {
    const inDoors = devicesOf(this.doors);
    return [...this.#newcomers.keys()].filter((device) => !inDoors.has(device)).sort();
  }
}

function devicesOf(doors: readonly DoorConfig[]): Set<string> {
  return new Set(doors.flatMap(({ of }) => of.map(({ device }) => device)));
}
