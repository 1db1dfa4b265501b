/**
 * Residency: how long a picture, and what was derived from it, was in our memory. Fixed histograms, nothing is allocated
 * per frame: one of the present minute and one since the eye's boot, for pixels and for everything derived.
 *
 * What counts:
 * - a frame that was looked at counts in both: first byte → slot all zero (pixels), first byte → every tensor zero (derived);
 * - a frame that was dropped (torn, late, the camera stopped in its middle) counts in pixels alone: its bytes lay in the slot
 *   until they were erased, and nothing was derived. So pixels.count = frames read + dropped, derived.count = frames read,
 *   and a picture that hung in the slot is in the maximum although nobody looked at it;
 * - a frame that is in the slot now counts in no histogram yet, but its age counts in the longest of the running second;
 * - a frame is over the limit when anything of it was there for longer than the limit; each such frame counts once.
 * The clock starts when the first read of a frame has returned, which takes 4 KiB (drivers/fifo.ts): its copying lies
 * before it, at most 0.05 ms at the median and 0.12 at p99 (`npm run -s bench -- residency`, on the README's server; most
 * of that is the bench's own way from JavaScript into the kernel).
 *
 * Scale: buckets of 10 µs up to 20 ms, then one for all above; the maximum is kept exactly. Percentiles are given as the
 * upper edge of their bucket, so they err towards the worse by at most 10 µs; above the scale they are the maximum.
 * Memory: four tables of 2,001 doubles, 64 kB; doubles because whole numbers of 32 bits run over in two years at 60 Hz.
 */
const BUCKET_US = 10;
const BUCKET_COUNT = 2000;

export class ResidencyHistogram {
  count = 0;
  usMax = 0;
  readonly #buckets = new Float64Array(BUCKET_COUNT + 1);

  record(us: number): void {
    const bucket = us < BUCKET_US * BUCKET_COUNT ? (us / BUCKET_US) | 0 : BUCKET_COUNT;
    this.#buckets[Math.max(0, bucket)]! += 1;
    this.count += 1;
    if (us > this.usMax) this.usMax = us;
  }

  /** share 0..1; microseconds, 0 when nothing was recorded. Above 20 ms: the maximum. */
  percentileUs(share: number): number {
    const rank = Math.ceil(this.count * share);
    let seen = 0;
    for (let bucket = 0; bucket <= BUCKET_COUNT; bucket++) {
      seen += this.#buckets[bucket]!;
      if (seen >= rank && seen > 0)
        return bucket === BUCKET_COUNT ? this.usMax : Math.min(this.usMax, (bucket + 1) * BUCKET_US);
    }
    return 0;
  }

  reset(): void {
    this.count = 0;
    this.usMax = 0;
    this.#buckets.fill(0);
  }
}

/** Residencies of one kind, pixels or derived. */
export class Residency {
  readonly minute = new ResidencyHistogram();
  readonly sinceBoot = new ResidencyHistogram();
  /** Since the last `takeLongestUs`. */
  #usLongest = 0;

  record(us: number): void {
    this.minute.record(us);
    this.sinceBoot.record(us);
    if (us > this.#usLongest) this.#usLongest = us;
  }

  /** The longest since the last call; 0: no frame. */
  takeLongestUs(): number {
    const us = this.#usLongest;
    this.#usLongest = 0;
    return us;
  }
}

/** Everything that is noted of how long frames lived. Told by the frame loop, read by the eye's reports. */
export class FrameResidency {
  readonly pixels = new Residency();
  readonly derived = new Residency();
  /** Frames over the limit since boot. */
  overlongCount = 0;
  /** The longest over the limit since the last `takeOverlongUs`. */
  #usOverlong = 0;
  readonly #usMax: number;

  /** usMax: the limit, µs; a frame that was there for exactly as long is not over it. */
  constructor(usMax: number) {
    this.#usMax = usMax;
  }

  /** A frame that was looked at. First byte → slot zero, first byte → every tensor zero; the second is never shorter. */
  recordFrame(pixelsUs: number, derivedUs: number): void {
    this.pixels.record(pixelsUs);
    this.derived.record(derivedUs);
    this.#hold(derivedUs);
  }

  /** A frame that was dropped: only its pixels were ever there. */
  recordDropped(pixelsUs: number): void {
    this.pixels.record(pixelsUs);
    this.#hold(pixelsUs);
  }

  /** The longest over the limit since the last call; 0: none was. */
  takeOverlongUs(): number {
    const us = this.#usOverlong;
    this.#usOverlong = 0;
    return us;
  }

  #hold(us: number): void {
    if (us <= this.#usMax) return;
    this.overlongCount += 1;
    if (us > this.#usOverlong) this.#usOverlong = us;
  }
}
