/** Counters: whatever has a number in and a number out. Lines in the order of the configuration, then entrances. */
import type { Config } from './schema.ts';

type Named = {
  readonly lines: readonly { readonly name: string }[];
  readonly entrances: readonly { readonly name: string }[];
};

/** Their names; the place in this list is the counterIndex of the eye and of its records. */
export function counterNames({ lines, entrances }: Named): string[] {
  return [...lines, ...entrances].map(({ name }) => name);
}

/** The counters that together are the way into the shop: entrances, and the lines that belong to none. */
export function outerCounters({
  lines,
  entrances,
  occupancy,
}: Pick<Config, 'lines' | 'entrances' | 'occupancy'>): string[] {
  if (occupancy.counters.length > 0) return [...occupancy.counters];
  const merged = new Set(entrances.flatMap((entrance) => entrance.lines));
  return counterNames({ lines: lines.filter(({ name }) => !merged.has(name)), entrances });
}

/** Stands for the whole store where a zone's name could stand in a topic; no zone may be called so. */
export const STORE = 'store';
