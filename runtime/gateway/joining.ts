/**
 * Devices that join a running store: a claim brings them, and from then on they are expected and count. What they need in the
 * database is made first; when it cannot be written, it is tried again each second.
 * Memory: those that wait.
 */
import type { Doors } from './books/doors.ts';
import type { Newcomer, Roster } from './roster.ts';

export type JoiningOptions = {
  readonly roster: Roster;
  readonly doors: Doors;
  /** One transaction; false: it failed, and everything is as it was before. */
  readonly write: (work: () => void) => boolean;
  /** The roster has changed: to be reckoned and told anew. */
  readonly onJoined: (devices: readonly string[]) => void;
  /** One sentence. */
  readonly onNotice: (sentence: string) => void;
};

export class Joining {
  readonly #options: JoiningOptions;
  #waiting: Newcomer[] = [];

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  add(newcomer: Newcomer): void {
    this.#waiting.push(newcomer);
    this.tick();
  }

  tick(): void {
    const newcomers = this.#waiting;
    if (newcomers.length === 0) return;
    const { roster, doors, write, onJoined, onNotice } = this.#options;
    const joined = roster.with(newcomers);
    if (!write(() => doors.prepare(joined.doors))) return;
    this.#waiting = [];
    roster.take(joined);
    const names = newcomers.map(({ device }) => device);
    onJoined(names);
    for (const device of roster.doorless.filter((name) => names.includes(name)))
      onNotice(
        `Device ${device} claimed and is in no door, as a door has its name already or there are too many. Write its lines into a door of the configuration.`,
      );
  }
}
