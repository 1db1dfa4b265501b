/**
 * The files between the scan and the later steps of the setup, and those that it reads. Of all these it writes two.
 *
 *   code      the code, for join: written beside and renamed, so that whoever waits for it sees a whole one; 0640. Join removes it
 *   taken     SHA-256 of the code that was handed on, for the scan itself when it starts again: the installer still holds it
 *             up, and the lamp goes on saying that it was taken
 *   refusal   one word, by a later step: why what the code says could not be done
 *   fleet/    public keys of those who may make codes
 *
 * Which nonces were used is root's alone to know: join refuses such a code, and that refusal comes back here.
 */
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CodeMoment } from '../../payload/code.ts';
import { type CodeKeys, readFleetKeys } from '../../payload/keys.ts';
import { isRefusal, type Refusal } from '../../payload/refusals.ts';
import { momentNow } from '../moment.ts';
import type { Places } from '../places.ts';

export type ScanPlaces = Pick<Places, 'config' | 'code' | 'refusal' | 'fleetFolder' | 'timeKnown'>;

export type TakenCode = {
  /** For comparing (`digestOf`): the code itself is a secret and is not kept. */
  readonly digest: string;
  readonly takenAtMs: number;
  /** A later step has refused something since: that code, as there is no other. */
  readonly isRefused: boolean;
};

/** What is read here is a word or a digest; more is nonsense, and is not read into memory. */
const FILE_BYTES_MAX = 256;

export class SetupFiles {
  readonly #places: ScanPlaces;
  readonly #taken: string;
  /** When the refusal that was told last was written, ms since 1970. */
  #refusalToldMs = Number.NEGATIVE_INFINITY;

  constructor(places: ScanPlaces) {
    this.#places = places;
    this.#taken = join(dirname(places.code), 'taken');
  }

  /** Throws ProvisioningError: none there, or one that cannot be used. */
  keys(): CodeKeys {
    return readFleetKeys(this.#places.fleetFolder);
  }

  moment(): CodeMoment {
    return momentNow(this.#places.timeKnown);
  }

  /**
   * Of the code that was handed on last; undefined: none was. Both times are of one clock; when that was set back in between,
   * the age decides (scan.ts).
   */
  taken(): TakenCode | undefined {
    const takenAtMs = changedMs(this.#taken);
    if (takenAtMs === undefined) return undefined;
    const refusalMs = changedMs(this.#places.refusal);
    return {
      digest: readText(this.#taken) ?? '',
      takenAtMs,
      isRefused: refusalMs !== undefined && refusalMs >= takenAtMs,
    };
  }

  /** The word of a later step that was not told here before; at the start whatever lies there. */
  takeRefusal(): Refusal | undefined {
    const atMs = changedMs(this.#places.refusal);
    if (atMs === undefined || atMs === this.#refusalToldMs) return undefined;
    this.#refusalToldMs = atMs;
    const word = readText(this.#places.refusal)?.trim();
    return word !== undefined && isRefusal(word) ? word : undefined;
  }

  /** The setup is done: there is a configuration, and somebody else wants the camera. */
  isConfigured(): boolean {
    return changedMs(this.#places.config) !== undefined;
  }

  /** Nothing was handed on. Throws system errors. */
  forgetTaken(): void {
    rmSync(this.#taken, { force: true });
    rmSync(this.#places.code, { force: true });
  }

  /** There is the whole code, or none. Throws system errors. */
  handOn(text: string): void {
    // First: nobody knows when join takes the code and refuses it.
    replace(this.#taken, digestOf(text), 0o600);
    try {
      replace(this.#places.code, text, 0o640);
    } catch (error) {
      rmSync(this.#taken, { force: true });
      throw error;
    }
  }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** In memory (tmpfs): nothing to sync. */
function replace(path: string, text: string, mode: number): void {
  const beside = `${path}.part`;
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { flag: 'wx', mode: 0o600 });
  // By name, as the permission model forbids it by descriptor; before anybody looks for it. The mode at creation would be
  // cut by the umask.
  chmodSync(beside, mode);
  renameSync(beside, path);
}

/** undefined: not there, not readable, or too large. */
function readText(path: string): string | undefined {
  try {
    return statSync(path).size <= FILE_BYTES_MAX ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function changedMs(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}
