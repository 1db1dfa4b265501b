/**
 * How long to wait before the next attempt: full jitter, i.e. anywhere between the least wait and a ceiling that doubles
 * with each failure (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): after a power cut a shop
 * full of counters must not come back in the same moment, again and again.
 */
export type BackoffRange = { readonly retryMinMs: number; readonly retryMaxMs: number };

/** 2^16 times any least wait is beyond any ceiling that makes sense; it keeps the power finite. */
const DOUBLINGS_MAX = 16;

/** failureCount: attempts in a row that failed before this one, from 0. random: uniform in [0, 1). */
export function retryDelayMs(failureCount: number, range: BackoffRange, random: () => number = Math.random): number {
  const { retryMinMs, retryMaxMs } = range;
  const ceilingMs = Math.min(retryMaxMs, 2 * retryMinMs * 2 ** Math.min(failureCount, DOUBLINGS_MAX));
  return retryMinMs + random() * (ceilingMs - retryMinMs);
}
