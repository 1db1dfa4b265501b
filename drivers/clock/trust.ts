/**
 * Whether the clock was set since the machine started, as files tell it: Node has no adjtimex(2), and the voice starts no
 * programs. systemd-timesyncd leaves a file when a server has answered (systemd-timesyncd.service(8)), and lethe-time.service
 * leaves one whoever sets the clock, timesyncd, chrony or ntpd.
 * What cannot be known: a clock that a person has set, and one of a board with a battery, count as not set; a machine with
 * neither service (a laptop under `lethe run` with chrony, a container) is unknown; how far off a set clock is.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockTrust, TimeSource } from '../../runtime/ports/time-source.ts';

/** Of timesyncd, and of provisioning/units/lethe-time.service. */
export const TIME_FOLDERS: readonly string[] = ['/run/systemd/timesync', '/run/lethe-time'];
const MARK = 'synchronized';

export class FileTimeSource implements TimeSource {
  readonly #folders: readonly string[];
  #isSynced = false;

  constructor(folders: readonly string[] = TIME_FOLDERS) {
    this.#folders = folders;
  }

  trust(): ClockTrust {
    this.#isSynced ||= this.#folders.some((folder) => exists(join(folder, MARK)));
    if (this.#isSynced) return 'synced';
    return this.#folders.some(exists) ? 'unsynced' : 'unknown';
  }
}

/** What the permission model hides is not there. */
function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
