/**
 * Bytes allocated per step, by the slope of the heap: growth over a short and over a long run, each after gc(), several
 * times; the difference of the minima per step. A minimum removes page-sized steps of the heap and what the engine's
 * own compilers allocate now and then; a median would not. Needs a young generation that no run can fill.
 */
export const COLLECTOR_FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'] as const;

export type SlopeOptions = {
  readonly warmUpSteps: number;
  readonly shortSteps: number;
  readonly longSteps: number;
  readonly repetitions: number;
};

export const SLOPE_DEFAULTS: SlopeOptions = {
  warmUpSteps: 20_000,
  shortSteps: 2_000,
  longSteps: 17_000,
  repetitions: 5,
};

/** The collector; throws without it, so that nothing passes by not being measured. */
export function collector(): () => void {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error(`start this file with ${COLLECTOR_FLAGS.join(' ')}`);
  return gc;
}

/** run(n) makes n steps. Bytes per step; may be slightly below 0. */
export function slopeBytes(run: (stepCount: number) => void, options: SlopeOptions = SLOPE_DEFAULTS): number {
  const collect = collector();
  const growth = (stepCount: number): number => {
    collect();
    const before = process.memoryUsage().heapUsed;
    run(stepCount);
    return process.memoryUsage().heapUsed - before;
  };
  run(options.warmUpSteps);
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  for (let i = 0; i < options.repetitions; i += 1) {
    short = Math.min(short, growth(options.shortSteps));
    long = Math.min(long, growth(options.longSteps));
  }
  return (long - short) / (options.longSteps - options.shortSteps);
}
