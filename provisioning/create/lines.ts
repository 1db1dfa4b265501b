/**
 * Counting lines of a lethe.json for a code: places rounded to what a code can say, what is a default left out.
 * Zones, entrances and all the rest do not travel: the gateway hands them to the device, and a code has 300 characters.
 */
import { loadConfig } from '../../runtime/config/config.ts';
import { HYSTERESIS_DEFAULT, type LineConfig, MIN_PATH_DEFAULT } from '../../runtime/config/schema.ts';
import { HYSTERESIS_STEPS, PLACE_STEPS, type SetupLine } from '../payload/payload.ts';

export type SetupLines = {
  readonly lines: readonly SetupLine[];
  /** Names of lines that were moved by rounding, by half a per cent of the picture at most. */
  readonly rounded: readonly string[];
  /** What else the file has that belongs to lines: it stays behind. */
  readonly leftBehind: readonly string[];
};

/** Throws `ConfigError` with every fault of the file. */
export function linesFromFile(path: string): SetupLines {
  const { lines, entrances, zones } = loadConfig({ path });
  const rounded = lines.filter((line) => [...line.from, ...line.to].some((place) => toStep(place) !== place));
  return {
    lines: lines.map(setupLine),
    rounded: rounded.map(({ name }) => name),
    leftBehind: [...entrances, ...zones].map(({ name }) => name),
  };
}

function setupLine(line: LineConfig): SetupLine {
  const [fromX = 0, fromY = 0] = line.from;
  const [toX = 0, toY = 0] = line.to;
  const isUsual = line.hysteresis === HYSTERESIS_DEFAULT && line.minPath === MIN_PATH_DEFAULT;
  return {
    name: line.name,
    from: [toStep(fromX), toStep(fromY)],
    to: [toStep(toX), toStep(toY)],
    in: line.in,
    ...(isUsual
      ? {}
      : {
          hysteresis: Math.round(line.hysteresis * HYSTERESIS_STEPS) / HYSTERESIS_STEPS,
          min_path: toStep(line.minPath),
        }),
  };
}

function toStep(place: number): number {
  return Math.round(place * PLACE_STEPS) / PLACE_STEPS;
}
