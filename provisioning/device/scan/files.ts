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
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeMoment } from '../../payload/code.ts';
import { type CodeKeys, readFleetKeys } from '../../payload/keys.ts';
import { isRefusal, type Refusal } from '../../payload/refusals.ts';

export type SetupPaths = {
  /** Folder between the steps, in memory: `code`, `taken`, `refusal`. */
  readonly setupDir: string;
  /** Folder of the fleet's public keys. */
  readonly fleetDir: string;
  /** Is there when a time server has answered since the start. */
  readonly timeFile: string;
};

/** What is read here is a word or a digest; more is nonsense, and is not read into memory. */
const FILE_BYTES_MAX = 256;

export class SetupFiles {
  readonly #paths: SetupPaths;
  readonly #code: string;
  readonly #taken: string;
  readonly #refusal: string;
  /** When the refusal that was told last was written, ms since 1970. */
  #refusalToldMs = Number.NEGATIVE_INFINITY;

  constructor(paths: SetupPaths) {
    this.#paths = paths;
    this.#code = join(paths.setupDir, 'code');
    this.#taken = join(paths.setupDir, 'taken');
    this.#refusal = join(paths.setupDir, 'refusal');
  }

  /** Throws ProvisioningError: none there, or one that cannot be used. */
  keys(): CodeKeys {
    return readFleetKeys(this.#paths.fleetDir);
  }

  moment(nowMs: number): CodeMoment {
    return { nowMs, isTimeKnown: existsSync(this.#paths.timeFile) };
  }

  /**
   * Digest of the code that was handed on and that nobody has refused since; undefined: there is none. Both times are of one
   * clock; when that was set back in between, the age decides (scan.ts).
   */
  underWay(): { readonly digest: string; readonly takenAtMs: number } | undefined {
    const takenAtMs = changedMs(this.#taken);
    if (takenAtMs === undefined) return undefined;
    const refusalMs = changedMs(this.#refusal);
    if (refusalMs !== undefined && refusalMs >= takenAtMs) return undefined;
    return { digest: readText(this.#taken) ?? '', takenAtMs };
  }

  /** The word of a later step that was not told here before; at the start whatever lies there. */
  takeRefusal(): Refusal | undefined {
    const atMs = changedMs(this.#refusal);
    if (atMs === undefined || atMs === this.#refusalToldMs) return undefined;
    this.#refusalToldMs = atMs;
    const word = readText(this.#refusal)?.trim();
    return word !== undefined && isRefusal(word) ? word : undefined;
  }

  /** There is the whole code, or none. Throws system errors. */
  handOn(text: string): void {
    // First: nobody knows when join takes the code and refuses it.
    replace(this.#taken, digestOf(text), 0o600);
    replace(this.#code, text, 0o640);
  }
}

/** For comparing with `underWay`: the code itself is a secret and is not kept. */
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
