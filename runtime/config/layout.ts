/**
 * Faults of what lies in the picture, beyond what the schema sees field by field: lines, entrances and zones.
 * Every fault is a sentence with field, value, expectation and remedy, and all of them are told at once. Where the
 * right value can be reckoned, the sentence holds it: who stands on a ladder does not want to guess.
 * Lengths and distances are in picture heights, so that a picture's shape does not matter.
 */
import { within01 } from '../units.ts';
import { counterNames, STORE } from './counters.ts';
import type { ConfigFile } from './schema.ts';
import { show, suggest } from './words.ts';

type Line = ConfigFile['lines'][number];
type Zone = ConfigFile['zones'][number];
type Point = readonly [number, number];

const LENGTH_MIN = 0.05;
/** Below sin(15°) the way in runs almost along the line, and which side is "in" would hang on rounding. */
const ACROSS_MIN = 0.26;
/** A zone of less than half a per cent of the picture holds not even one person's jitter. */
const AREA_MIN = 0.005;

/** `lines`, `entrances` and `zones` may have holes: entries that were taken out for a fault of their own. */
export function layoutProblems(file: ConfigFile): string[] {
  const { camera } = file;
  const aspect = camera.width_px / camera.height_px;
  const problems = [...nameProblems(file, ['lines', 'entrances']), ...nameProblems(file, ['zones'])];
  each(file.lines, (line, at) => problems.push(...lineProblems(line, at, aspect, file.person_size)), 'lines');
  problems.push(...entranceProblems(file), ...occupancyProblems(file));
  each(file.zones, (zone, at) => problems.push(...zoneProblems(zone, at, file)), 'zones');
  return problems;
}

function each<T>(list: readonly T[], visit: (item: T, at: string) => void, field: string): void {
  list.forEach((item, index) => {
    if (item !== undefined) visit(item, `${field}.${index}`);
  });
}

/** Names that share a topic must differ: lines and entrances do, zones have topics of their own. */
function nameProblems(file: ConfigFile, fields: readonly ('lines' | 'entrances' | 'zones')[]): string[] {
  const problems: string[] = [];
  const firstAt = new Map<string, string>();
  for (const field of fields) {
    each<{ name: string }>(
      file[field],
      ({ name }, at) => {
        const first = firstAt.get(name);
        if (first === undefined) firstAt.set(name, at);
        else
          problems.push(
            `${at}.name is ${show(name)}; expected a name that ${first} does not have. Rename one of them.`,
          );
      },
      field,
    );
  }
  return problems;
}

function lineProblems(line: Line, at: string, aspect: number, personSize: number): string[] {
  const dx = line.to[0] - line.from[0];
  const dy = line.to[1] - line.from[1];
  const length = Math.hypot(dx, dy);
  if (length < LENGTH_MIN) {
    return [
      `${at} is ${length.toFixed(3)} long; expected at least ${LENGTH_MIN} of the picture. Move from and to apart.`,
    ];
  }
  const across = line.in === 'up' || line.in === 'down' ? Math.abs(dx) / length : Math.abs(dy) / length;
  if (across < ACROSS_MIN) {
    const other = Math.abs(dx) > Math.abs(dy) ? 'up or down' : 'left or right';
    return [`${at}.in is ${show(line.in)}, which runs along the line; expected a way across it. Use ${other}.`];
  }
  return edgeProblems(line, at, aspect, personSize);
}

/**
 * A line with less than one person between it and the picture's edge never counts: nobody is ever seen on its outer side
 * (peers have years of such reports). The room on a side is how far the picture goes on across the line, in the median
 * of three places on it, so that a line may well end at an edge.
 */
function edgeProblems(line: Line, at: string, aspect: number, personSize: number): string[] {
  const from: Point = [line.from[0] * aspect, line.from[1]];
  const along: Point = [line.to[0] * aspect - from[0], line.to[1] - from[1]];
  const length = Math.hypot(...along);
  for (const sign of [1, -1]) {
    const normal: Point = [(-along[1] / length) * sign, (along[0] / length) * sign];
    const rooms = [0.25, 0.5, 0.75]
      .map((share) => roomFrom([from[0] + along[0] * share, from[1] + along[1] * share], normal, aspect))
      .sort((a, b) => a - b);
    const room = rooms[1]!;
    if (room >= personSize) continue;
    const shift = personSize - room;
    const moved = [line.from, line.to].map(([x, y]) => [
      twoDigits(x - (normal[0] * shift) / aspect),
      twoDigits(y - normal[1] * shift),
    ]);
    return [
      `${at} is ${room.toFixed(2)} of the picture's height away from its ${edgeName(normal)} edge; expected at least person_size (${personSize}), because nobody is seen whole on a side that is narrower than a person. ` +
        `Move it to from ${JSON.stringify(moved[0])}, to ${JSON.stringify(moved[1])}, turn the camera that way, or correct person_size.`,
    ];
  }
  return [];
}

/** From a point of the picture [0, aspect] × [0, 1] in a direction of length 1: how far to the edge. */
function roomFrom([x, y]: Point, [wayX, wayY]: Point, aspect: number): number {
  const toX = wayX > 0 ? (aspect - x) / wayX : wayX < 0 ? -x / wayX : Number.POSITIVE_INFINITY;
  const toY = wayY > 0 ? (1 - y) / wayY : wayY < 0 ? -y / wayY : Number.POSITIVE_INFINITY;
  return Math.min(toX, toY);
}

function edgeName([wayX, wayY]: Point): string {
  if (Math.abs(wayY) >= Math.abs(wayX)) return wayY < 0 ? 'upper' : 'lower';
  return wayX < 0 ? 'left' : 'right';
}

function twoDigits(value: number): number {
  return Math.round(100 * within01(value)) / 100;
}

function entranceProblems(file: ConfigFile): string[] {
  const problems: string[] = [];
  const lineNames = file.lines.flatMap((line) => line?.name ?? []);
  const entranceOf = new Map<string, string>();
  each(
    file.entrances,
    (entrance, at) => {
      for (const name of entrance.lines) {
        if (!lineNames.includes(name)) problems.push(unknown(`${at}.lines`, name, 'a line', lineNames));
        const other = entranceOf.get(name);
        if (other !== undefined)
          problems.push(
            `${at}.lines holds ${show(name)}, and so does ${other === at ? 'the same list before it' : other}; expected each line once. Remove one of them.`,
          );
        entranceOf.set(name, at);
      }
    },
    'entrances',
  );
  return problems;
}

function occupancyProblems(file: ConfigFile): string[] {
  const problems: string[] = [];
  const present = { lines: file.lines.filter(Boolean), entrances: file.entrances.filter(Boolean) };
  const names = counterNames(present);
  const { counters } = file.occupancy;
  for (const name of counters) {
    if (!names.includes(name)) problems.push(unknown('occupancy.counters', name, 'a line or entrance', names));
  }
  for (const entrance of present.entrances.filter(({ name }) => counters.includes(name))) {
    for (const name of entrance.lines.filter((line) => counters.includes(line))) {
      problems.push(
        `occupancy.counters holds ${show(name)} and ${show(entrance.name)}, of which it is part; expected each way in once. Remove ${show(name)}.`,
      );
    }
  }
  return problems;
}

function unknown(field: string, name: string, kind: string, known: readonly string[]): string {
  const meant = suggest(name, known);
  const remedy = meant === undefined ? `Known here: ${known.join(', ') || 'none'}.` : `Did you mean ${show(meant)}?`;
  return `${field} holds ${show(name)}; expected the name of ${kind}. ${remedy}`;
}

function zoneProblems({ name, polygon, passes }: Zone, at: string, file: ConfigFile): string[] {
  const problems: string[] = [];
  if (name === STORE) {
    problems.push(
      `${at}.name is ${show(name)}, under which the whole store is published; expected another name. Rename it.`,
    );
  }
  const names = counterNames({ lines: file.lines.filter(Boolean), entrances: file.entrances.filter(Boolean) });
  if (passes !== '' && !names.includes(passes))
    problems.push(unknown(`${at}.passes`, passes, 'a line or entrance', names));
  const crossing = crossingEdges(polygon);
  if (crossing !== undefined) {
    const [i, k] = crossing;
    problems.push(
      `${at}.polygon crosses itself: the edge from corner ${i} to ${(i + 1) % polygon.length} meets that from ${k} to ${(k + 1) % polygon.length} (counted from 0); expected corners in order around the zone. Sort them.`,
    );
  } else if (areaOf(polygon) < AREA_MIN) {
    problems.push(
      `${at}.polygon has an area of ${areaOf(polygon).toFixed(4)} of the picture; expected at least ${AREA_MIN}. Move its corners apart.`,
    );
  }
  return problems;
}

/** The shoelace formula. */
function areaOf(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [i, [x, y]] of polygon.entries()) {
    const [nextX, nextY] = polygon[(i + 1) % polygon.length]!;
    twice += x * nextY - nextX * y;
  }
  return Math.abs(twice) / 2;
}

/** The first two edges that meet though they are no neighbours. */
function crossingEdges(polygon: readonly Point[]): readonly [number, number] | undefined {
  const count = polygon.length;
  for (let i = 0; i < count; i++) {
    for (let k = i + 1; k < count; k++) {
      const areNeighbours = k === i + 1 || (i === 0 && k === count - 1);
      if (areNeighbours) continue;
      if (doMeet(polygon[i]!, polygon[(i + 1) % count]!, polygon[k]!, polygon[(k + 1) % count]!)) return [i, k];
    }
  }
  return undefined;
}

/** Whether two segments share a point, by the signs of four triangles (Cormen et al., Introduction to Algorithms, 33.1). */
function doMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const side = (p: Point, q: Point, r: Point) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  const isBetween = (p: Point, q: Point, r: Point) =>
    Math.min(p[0], q[0]) <= r[0] &&
    r[0] <= Math.max(p[0], q[0]) &&
    Math.min(p[1], q[1]) <= r[1] &&
    r[1] <= Math.max(p[1], q[1]);
  const c1 = side(a, b, c);
  const d1 = side(a, b, d);
  const a1 = side(c, d, a);
  const b1 = side(c, d, b);
  if (c1 !== d1 && a1 !== b1 && c1 * d1 !== 0 && a1 * b1 !== 0) return true;
  return (
    (c1 === 0 && isBetween(a, b, c)) ||
    (d1 === 0 && isBetween(a, b, d)) ||
    (a1 === 0 && isBetween(c, d, a)) ||
    (b1 === 0 && isBetween(c, d, b))
  );
}
