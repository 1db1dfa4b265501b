/**
 * What one line, door or store counted in one interval, and how several of them become one. Pure arithmetic: the rest of
 * the gateway decides when and keeps the results.
 */
import type { DoorConfig } from './config.ts';

/** People; all whole and 0 or more. */
export type Counts = { readonly in: number; readonly out: number; readonly netIn: number; readonly netOut: number };

/** Words of the payload, from best to worst; the database keeps the index. */
export const QUALITIES = ['ok', 'degraded', 'paused', 'camera_lost'] as const;
export type Quality = (typeof QUALITIES)[number];

/** What one line said of one interval of the gateway, in one record or in several shorter ones. */
export type LineSum = Counts & {
  /** Seconds that its records cover; all of the interval when it is its length, or more after a device lost its memory. */
  readonly spanS: number;
  readonly samples: number;
  readonly expected: number;
  /** Index in QUALITIES of the worst. */
  readonly quality: number;
};

export const NO_COUNTS: Counts = Object.freeze({ in: 0, out: 0, netIn: 0, netOut: 0 });
export const NO_SUM: LineSum = Object.freeze({ ...NO_COUNTS, spanS: 0, samples: 0, expected: 0, quality: 0 });

export function plus(a: Counts, b: Counts): Counts {
  return { in: a.in + b.in, out: a.out + b.out, netIn: a.netIn + b.netIn, netOut: a.netOut + b.netOut };
}

export function minus(a: Counts, b: Counts): Counts {
  return { in: a.in - b.in, out: a.out - b.out, netIn: a.netIn - b.netIn, netOut: a.netOut - b.netOut };
}

/** Field by field the larger of both. */
export function larger(a: Counts, b: Counts): Counts {
  return {
    in: Math.max(a.in, b.in),
    out: Math.max(a.out, b.out),
    netIn: Math.max(a.netIn, b.netIn),
    netOut: Math.max(a.netOut, b.netOut),
  };
}

export function isNothing(counts: Counts): boolean {
  return counts.in === 0 && counts.out === 0 && counts.netIn === 0 && counts.netOut === 0;
}

export function plusSum(a: LineSum, b: LineSum): LineSum {
  return {
    ...plus(a, b),
    spanS: a.spanS + b.spanS,
    samples: a.samples + b.samples,
    expected: a.expected + b.expected,
    quality: Math.max(a.quality, b.quality),
  };
}

/**
 * A door from its lines: beside each other they add up; where they see the same people the one that saw most is nearest to
 * the truth. Each direction by itself, as one camera may see better who comes and the other who goes.
 * With either, one more record never makes a door smaller: totals cannot fall.
 */
export function doorCounts(lines: readonly Counts[], overlap: DoorConfig['overlap']): Counts {
  return lines.reduce(overlap === 'sum' ? plus : larger, NO_COUNTS);
}
