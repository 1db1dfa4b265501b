/**
 * Records that are missing: their device is asked to send them again (`cmd/resend`), since it keeps what it sent. A broker
 * that died after its acknowledgement, or a gateway that was put up late, costs nothing then.
 * A moment is waited first, because what comes out of order looks like a gap; then the oldest gap of a device is asked for,
 * with growing pauses, and at last given up: health goes on saying so, and a few times a day it is tried again.
 * Memory: one entry a gap that was asked for, at most GAPS_MAX.
 */
import type { OpenNumbers } from './books/records.ts';

/** A backlog comes in order; a second connection or a resend does not. */
const WAIT_MS = 10_000;
const PAUSE_MIN_MS = 15_000;
const TRIES_MAX = 6;
const PAUSE_GIVEN_UP_MS = 6 * 3_600_000;
/** Numbers in one request: half a minute of a device that sends again at its full rate. */
export const NUMBERS_PER_REQUEST = 1000;
/** Requests a tick, so that a store full of devices does not send all of it at once. */
const REQUESTS_PER_TICK = 5;
/** Gaps of one epoch that are looked at. */
const GAPS_PER_EPOCH = 32;
const GAPS_MAX = 10_000;

/** Answers after which asking again is of no use. */
const FINAL_REFUSALS = ['other_epoch', 'not_kept', 'unknown_command'];

type Gap = { readonly firstSeenMs: number; tries: number; nextMs: number; isGivenUp: boolean; size: number };

export type GapsOptions = {
  readonly isOnline: (device: string) => boolean;
  /** Asks for the numbers from first to last, under an id of its own. */
  readonly ask: (device: string, id: string, epochId: string, first: number, last: number) => void;
};

export class Gaps {
  readonly #options: GapsOptions;
  readonly #gaps = new Map<string, Gap>();
  /** Id of a request → its gap. */
  readonly #asked = new Map<string, string>();
  #requestCount = 0;
  readonly #idPrefix: string;

  /** idPrefix: another one each life, so that an old answer is not taken for a new one. */
  constructor(idPrefix: string, options: GapsOptions) {
    this.#idPrefix = idPrefix;
    this.#options = options;
  }

  /** Every few seconds. nowMs: monotonic. */
  tick(open: readonly OpenNumbers[], nowMs: number): void {
    const known = new Set<string>();
    let requests = 0;
    for (const { device, epochId, seen } of open) {
      let isAsked = false;
      for (const { first, last } of seen.gaps(GAPS_PER_EPOCH)) {
        const key = `${device}/${epochId}/${first}`;
        known.add(key);
        const gap = this.#gapAt(key, nowMs);
        if (gap === undefined) continue;
        gap.size = last - first + 1;
        if (isAsked || requests >= REQUESTS_PER_TICK || nowMs < gap.nextMs || !this.#options.isOnline(device)) continue;
        isAsked = true;
        requests += 1;
        this.#ask(key, gap, device, epochId, first, Math.min(last, first + NUMBERS_PER_REQUEST - 1), nowMs);
      }
    }
    for (const key of this.#gaps.keys()) if (!known.has(key)) this.#gaps.delete(key);
    for (const [id, key] of this.#asked) if (!known.has(key)) this.#asked.delete(id);
  }

  /** A device answered. refusal: a code; empty: it sends. */
  answered(id: string, refusal: string, nowMs: number): void {
    const key = this.#asked.get(id);
    const gap = key === undefined ? undefined : this.#gaps.get(key);
    this.#asked.delete(id);
    if (gap !== undefined && FINAL_REFUSALS.includes(refusal)) giveUp(gap, nowMs);
  }

  /** Numbers that were asked for in vain. */
  get givenUpCount(): number {
    let count = 0;
    for (const gap of this.#gaps.values()) if (gap.isGivenUp) count += gap.size;
    return count;
  }

  #gapAt(key: string, nowMs: number): Gap | undefined {
    const known = this.#gaps.get(key);
    if (known !== undefined || this.#gaps.size >= GAPS_MAX) return known;
    const gap = { firstSeenMs: nowMs, tries: 0, nextMs: nowMs + WAIT_MS, isGivenUp: false, size: 0 };
    this.#gaps.set(key, gap);
    return gap;
  }

  #ask(key: string, gap: Gap, device: string, epochId: string, first: number, last: number, nowMs: number): void {
    gap.tries += 1;
    if (gap.tries > TRIES_MAX) giveUp(gap, nowMs);
    else gap.nextMs = nowMs + PAUSE_MIN_MS * 2 ** (gap.tries - 1);
    this.#requestCount += 1;
    const id = `${this.#idPrefix}-${this.#requestCount}`;
    this.#asked.set(id, key);
    this.#options.ask(device, id, epochId, first, last);
  }
}

function giveUp(gap: Gap, nowMs: number): void {
  gap.isGivenUp = true;
  gap.nextMs = nowMs + PAUSE_GIVEN_UP_MS;
}
