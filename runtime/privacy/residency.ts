/**
 * Residency: how long a picture, and what was derived from it, was in our memory. Two fixed histograms, no allocation.
 * Buckets of 10 µs up to 20 ms, then one for all above; the maximum is kept exactly. Percentiles are given as the upper
 * edge of their bucket, so they err towards the worse by at most 10 µs.
 */
const BUCKET_US = 10;
const BUCKET_COUNT = 2000;

export class ResidencyHistogram {
  count = 0;
  usMax = 0;
  readonly #buckets = new Uint32Array(BUCKET_COUNT + 1);

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
