/**
 * Conversions between the units this program uses; names end in the unit: `latencyMs`, `frameBytes`.
 * Monotonic times are microseconds in a double (exact up to 285 years), wall-clock times are milliseconds since 1970 UTC.
 */
export const US_PER_MS = 1000;
export const US_PER_S = 1_000_000;
export const MS_PER_S = 1000;
export const MS_PER_MINUTE = 60_000;

/** RFC 3339, UTC: 2026-01-05T12:00:00.000Z */
export function rfc3339(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** Planar YUV420: full-size luma, two chroma planes of half width and half height. */
export function yuv420Bytes(strideBytes: number, heightPx: number): number {
  return (strideBytes * heightPx * 3) / 2;
}

/** The nearest value of 0..1: what lies beyond a picture's edge is at its edge. */
export function within01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
