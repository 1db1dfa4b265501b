/**
 * What is on disk while a device is set up, and which step that is. Read this first, then join/, claim/ and settle/.
 *
 * | step | what is on disk | written by |
 * |---|---|---|
 * | blank | nothing of the below | |
 * | accepted | setup.json with the code; its nonce in spent.json | join |
 * | joined | setup.json says so; the Wi-Fi connection is with NetworkManager | join |
 * | key made | attempt.json with the private key for this nonce | claim, when the time is known |
 * | claimed | attempt.json has certificate, CA and configuration too | claim |
 * | ended | attempt.json says claimed (the broker let us in), or why not | claim |
 * | installed | /etc/lethe: ca.crt, device.crt, device.key, then lethe.json | settle |
 * | done | setup.json and attempt.json are gone | settle |
 *
 * Each file is replaced whole (write beside, sync, rename, sync the folder), and each step is one file, so that a power cut
 * leaves the step before or the step after. The next start goes on there. A token is not burnt by a cut: the key is on disk
 * before it is sent, and the gateway gives the same key the same answer again.
 * setup.json is written before the nonce is spent: the other way round a cut between the two would burn the code.
 * "Time known" is no step: each start has to find that out anew.
 */
import { isRefusal, type Refusal } from '../payload/refusals.ts';
import type { SetupDisk } from './disk.ts';
import type { Places } from './places.ts';

/** Root's alone: code and key are secrets. */
const PRIVATE = 0o600;
/** The attempt is claim's, and settle reads it by its group. */
const SHARED = 0o640;

export type PendingSetup = { readonly code: string; readonly nonce: string; readonly step: 'accepted' | 'joined' };

export type ClaimAnswer = {
  readonly device: string;
  /** PEM, both. */
  readonly certificate: string;
  readonly ca: string;
  /** As the gateway sent it. */
  readonly config: Readonly<Record<string, unknown>>;
};

export type ClaimAttempt = {
  readonly nonce: string;
  /** PKCS#8 PEM, EC P-256. */
  readonly key: string;
  readonly answer?: ClaimAnswer;
  /** claimed: the answer was tried at the broker. A refusal: this code has no future. Without: under way. */
  readonly outcome?: 'claimed' | Refusal;
};

/** Nonces kept; the oldest go. A code is good for 7 days at most, and nobody shows a device a thousand in that time. */
const SPENT_MAX = 1000;
const NONCE = /^[0-9a-f]{16}$/;

export class SetupState {
  readonly #disk: SetupDisk;
  readonly #places: Places;
  constructor(disk: SetupDisk, places: Places) {
    this.#disk = disk;
    this.#places = places;
  }

  /** undefined: none, or nothing that can be used. */
  readPending(): PendingSetup | undefined {
    const { code, nonce, step } = this.#readJson(this.#places.setup);
    if (typeof code !== 'string' || typeof nonce !== 'string' || !NONCE.test(nonce)) return undefined;
    return { code, nonce, step: step === 'joined' ? 'joined' : 'accepted' };
  }

  writePending(pending: PendingSetup): void {
    this.#disk.replace(this.#places.setup, JSON.stringify({ v: 1, ...pending }), PRIVATE);
  }

  removePending(): void {
    this.#disk.remove(this.#places.setup);
  }

  isSpent(nonce: string): boolean {
    return this.#spent().includes(nonce);
  }

  spend(nonce: string): void {
    const spent = this.#spent();
    if (!spent.includes(nonce)) this.#writeSpent([...spent, nonce].slice(-SPENT_MAX));
  }

  /** A code whose fault was not its own (no access point, no network) may be shown again. */
  release(nonce: string): void {
    const spent = this.#spent();
    if (spent.includes(nonce)) this.#writeSpent(spent.filter((other) => other !== nonce));
  }

  readAttempt(): ClaimAttempt | undefined {
    const { nonce, key, answer, outcome } = this.#readJson(this.#places.attempt);
    if (typeof nonce !== 'string' || !NONCE.test(nonce) || typeof key !== 'string') return undefined;
    const known = claimAnswerIn(answer);
    const isEnd = outcome === 'claimed' ? known !== undefined : typeof outcome === 'string' && isRefusal(outcome);
    return {
      nonce,
      key,
      ...(known && { answer: known }),
      ...(isEnd && { outcome: outcome as 'claimed' | Refusal }),
    };
  }

  writeAttempt(attempt: ClaimAttempt): void {
    this.#disk.replace(this.#places.attempt, JSON.stringify({ v: 1, ...attempt }), SHARED);
  }

  removeAttempt(): void {
    this.#disk.remove(this.#places.attempt);
  }

  /** Of a code: what is on disk for it. */
  attemptFor(nonce: string): ClaimAttempt | undefined {
    const attempt = this.readAttempt();
    return attempt?.nonce === nonce ? attempt : undefined;
  }

  #spent(): string[] {
    const { nonces } = this.#readJson(this.#places.spent);
    return Array.isArray(nonces) ? nonces.filter((nonce) => typeof nonce === 'string' && NONCE.test(nonce)) : [];
  }

  #writeSpent(nonces: readonly string[]): void {
    this.#disk.replace(this.#places.spent, JSON.stringify({ v: 1, nonces }), PRIVATE);
  }

  /** {} for what is not there or not an object: a damaged file is as good as none, the code can be shown again. */
  #readJson(path: string): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(this.#disk.read(path) ?? '{}');
      return value !== null && typeof value === 'object' && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : {};
    } catch (error) {
      if (error instanceof SyntaxError) return {};
      throw error;
    }
  }
}

/** undefined: not of that form. What its parts say is for `settingsFrom` to check. */
export function claimAnswerIn(value: unknown): ClaimAnswer | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { device, certificate, ca, config } = value as Record<string, unknown>;
  const isWhole =
    typeof device === 'string' &&
    typeof certificate === 'string' &&
    typeof ca === 'string' &&
    config !== null &&
    typeof config === 'object' &&
    !Array.isArray(config);
  return isWhole ? { device, certificate, ca, config: config as Record<string, unknown> } : undefined;
}
