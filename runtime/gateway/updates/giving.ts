/**
 * Who is given the bundle: a device that the store knows, with a certificate that was not revoked, and not too many at once. The
 * bundle is no secret; this is about the gateway's line and disk, and about who comes near its files.
 * Memory: one number a device that is fetching.
 */
import type { Release } from './release-watch.ts';

/** As many devices as may be busy, and some that come for the rest after a cut. */
export const GIVEN_MORE = 4;
/** A device that lost its connection comes anew before we hear of the loss. */
const GIVEN_PER_DEVICE_MAX = 3;
const RETRY_S = 30;

export type GivingOptions = {
  readonly release: () => Release | undefined;
  readonly atOnce: number;
  readonly isKnown: (device: string) => boolean;
  readonly isRevoked: (serial: string) => boolean;
};

export type Refusal = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
};
export type GivenBundle = {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly end: () => void;
};

export class Giving {
  givenCount = 0;
  readonly #options: GivingOptions;
  readonly #open = new Map<string, number>();

  constructor(options: GivingOptions) {
    this.#options = options;
  }

  /** caller: by a certificate of the store that holds; undefined: without. */
  give(sha256: string, caller: { readonly name: string; readonly serial: string } | undefined): GivenBundle | Refusal {
    const { release, isKnown, isRevoked, atOnce } = this.#options;
    if (caller === undefined)
      return refusal(403, 'certificate_needed', "Show the device's certificate, which must be of this store and hold.");
    const { name, serial } = caller;
    if (!isKnown(name)) return refusal(403, 'unknown_device', `${name} is no device of this store.`);
    if (isRevoked(serial)) return refusal(403, 'revoked', `This certificate of ${name} was replaced or taken back.`);
    const current = release();
    if (current?.manifest.sha256 !== sha256)
      return refusal(404, 'not_offered', 'This bundle is not offered, or not any more.');
    const own = this.#open.get(name) ?? 0;
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    if (own >= GIVEN_PER_DEVICE_MAX || all >= atOnce + GIVEN_MORE)
      return { ...refusal(503, 'busy', 'Too many fetch it now.'), headers: { 'retry-after': String(RETRY_S) } };
    this.#open.set(name, own + 1);
    this.givenCount += 1;
    return { path: current.path, bytes: current.bytes, sha256, end: () => this.#end(name) };
  }

  #end(name: string): void {
    const left = (this.#open.get(name) ?? 0) - 1;
    if (left > 0) this.#open.set(name, left);
    else this.#open.delete(name);
  }
}

function refusal(status: number, code: string, message: string): Refusal {
  return { status, body: JSON.stringify({ v: 1, error: { code, message } }) };
}
