/** Figures of a row of times. Shortest and median are what other programs on the machine disturb least; p99 shows them most. */

export type Summary = {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
};

/** Nearest rank: the smallest value that `share` of all values do not exceed. values: sorted, one or more. */
export function quantile(values: ArrayLike<number>, share: number): number {
  return values[Math.max(0, Math.ceil(values.length * share) - 1)]!;
}

/** times: in any order and unit, one or more. */
export function summarise(times: ArrayLike<number>): Summary {
  const sorted = Float64Array.from(times).sort();
  if (sorted.length === 0) throw new RangeError('no times to summarise');
  return { count: sorted.length, min: sorted[0]!, median: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** How far two engines are apart, in quantisation steps of the output. */
export type Distance = { readonly max: number; readonly mean: number };

/** actual and expected: the same outputs in the same order. Infinite where their lengths differ. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): Distance {
  if (actual.length !== expected.length || actual.length === 0) return { max: Infinity, mean: Infinity };
  let max = 0;
  let sum = 0;
  for (let i = 0; i < actual.length; i += 1) {
    const steps = Math.abs(actual[i]! - expected[i]!);
    // Written this way so that a NaN is not passed over.
    if (!(steps <= max)) max = steps;
    sum += steps;
  }
  return { max, mean: sum / actual.length };
}

/** In the unit of the values. */
export type Spread = { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };

/** All 0 without a value. */
export function spreadOf(values: ArrayLike<number>): Spread {
  if (values.length === 0) return { p50: 0, p95: 0, p99: 0, max: 0 };
  const sorted = Float64Array.from(values).sort();
  return {
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}
