/**
 * Truth: what somebody counted by hand in a clip, as truth.json beside it:
 * { line: [[x, y], [x, y]], in, out, events: [{ t, dir }], in_means, tolerance }, coordinates 0..1, t in seconds of the clip.
 */
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { faultsOf } from '../../config/faults.ts';
import { HYSTERESIS_DEFAULT, type LineConfig, MIN_PATH_DEFAULT } from '../../config/schema.ts';
import { ExitCode, LetheError } from '../../errors.ts';

const PointSchema = Type.Tuple([Type.Number({ minimum: 0, maximum: 1 }), Type.Number({ minimum: 0, maximum: 1 })]);
const TruthSchema = Type.Object({
  line: Type.Tuple([PointSchema, PointSchema]),
  in: Type.Integer({ minimum: 0 }),
  out: Type.Integer({ minimum: 0 }),
  events: Type.Array(Type.Object({ t: Type.Number({ minimum: 0 }), dir: Type.Enum(['in', 'out']) })),
  in_means: Type.String(),
  tolerance: Type.Optional(Type.Number({ minimum: 0 })),
});
export type Truth = Static<typeof TruthSchema>;

/** The way in, from the words of truth.json: the first of these that it contains. */
const WAY_WORDS: readonly (readonly [RegExp, LineConfig['in']])[] = [
  [/left to right/i, 'right'],
  [/right to left/i, 'left'],
  [/upwards/i, 'up'],
  [/downwards/i, 'down'],
];

/** A line as the product has it by default, at a place and way that the truth gives. */
export function lineBetween(
  name: string,
  from: readonly [number, number],
  to: readonly [number, number],
  way: LineConfig['in'],
): LineConfig {
  return {
    name,
    from: [from[0], from[1]],
    to: [to[0], to[1]],
    in: way,
    hysteresis: HYSTERESIS_DEFAULT,
    minPath: MIN_PATH_DEFAULT,
  };
}

/** Throws LetheError where the words do not say which way is in; file is named in it. */
export function lineOf(truth: Truth, file: string): LineConfig {
  const way = WAY_WORDS.find(([words]) => words.test(truth.in_means))?.[1];
  if (way === undefined) {
    throw new LetheError(
      'TRUTH_INVALID',
      `${file}: in_means is "${truth.in_means}"; expected it to say upwards, downwards, left to right or right to left.`,
      ExitCode.dataError,
      { op: 'read truth' },
    );
  }
  return lineBetween('truth', truth.line[0], truth.line[1], way);
}

/** Throws LetheError with every fault of the file. */
export function readTruth(file: string): Truth {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new LetheError('TRUTH_INVALID', `${file} is not JSON: ${(cause as Error).message}`, ExitCode.dataError, {
      op: 'read truth',
      cause,
    });
  }
  if (Value.Check(TruthSchema, parsed)) return parsed;
  throw new LetheError('TRUTH_INVALID', `${file}: ${faultsOf(TruthSchema, parsed)}.`, ExitCode.dataError, {
    op: 'read truth',
  });
}
