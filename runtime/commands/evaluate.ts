/**
 * Evaluate: every sub-folder's clip.mp4 against its truth.json; a table for people, JSON for programs.
 * truth.json: { line: [[x, y], [x, y]], in, out, events: [{ t, dir }], in_means, tolerance }, coordinates 0..1.
 * A clip without truth.json has no line: it is played as a detection test and must count nothing.
 * Events are matched one to one within MATCH_S, same direction, nearest first.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { faultsOf } from '../config/faults.ts';
import { type Config, HYSTERESIS_DEFAULT, type LineConfig, MIN_PATH_DEFAULT } from '../config/schema.ts';
import { ConfigError, DriverError, ExitCode, explain, LetheError } from '../errors.ts';
import { loadModel } from '../eye/model.ts';
import { type Crossing, hashCrossings, type ReplayResult, replay } from './replay.ts';

/** Hand counts are good to about half a second, a body takes another half to cross a line. */
const MATCH_S = 1;

const PointSchema = Type.Tuple([Type.Number({ minimum: 0, maximum: 1 }), Type.Number({ minimum: 0, maximum: 1 })]);
const TruthSchema = Type.Object({
  line: Type.Tuple([PointSchema, PointSchema]),
  in: Type.Integer({ minimum: 0 }),
  out: Type.Integer({ minimum: 0 }),
  events: Type.Array(Type.Object({ t: Type.Number({ minimum: 0 }), dir: Type.Enum(['in', 'out']) })),
  in_means: Type.String(),
  tolerance: Type.Optional(Type.Number({ minimum: 0 })),
});
type Truth = Static<typeof TruthSchema>;

export type ClipScore = {
  readonly clip: string;
  readonly truth: Truth | undefined;
  readonly result: ReplayResult | undefined;
  /** True events that a counted one matches. */
  readonly matchedCount: number;
  /** True events missed plus counted ones that match none. */
  readonly errorCount: number;
  /** |counted - true| in plus the same out: what is wrong with the totals that are published. */
  readonly offBy: number;
  readonly problem: string | undefined;
};

/** The way in, from the words of truth.json: the first of these that it contains. */
const WAY_WORDS: readonly (readonly [RegExp, LineConfig['in']])[] = [
  [/left to right/i, 'right'],
  [/right to left/i, 'left'],
  [/upwards/i, 'up'],
  [/downwards/i, 'down'],
];

function lineOf(truth: Truth, file: string): LineConfig {
  const way = WAY_WORDS.find(([words]) => words.test(truth.in_means))?.[1];
  if (way === undefined) {
    throw new LetheError(
      'TRUTH_INVALID',
      `${file}: in_means is "${truth.in_means}"; expected it to say upwards, downwards, left to right or right to left.`,
      ExitCode.dataError,
      { op: 'read truth' },
    );
  }
  const [from, to] = truth.line;
  return { name: 'truth', from, to, in: way, hysteresis: HYSTERESIS_DEFAULT, minPath: MIN_PATH_DEFAULT };
}

function readTruth(file: string): Truth {
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

/** One-to-one matches of the same direction within MATCH_S, nearest pairs first. */
export function matchEvents(truth: readonly { t: number; dir: string }[], counted: readonly Crossing[]): number {
  const pairs = truth.flatMap((event, i) =>
    counted.flatMap((crossing, j) => {
      const gapS = Math.abs(event.t - crossing.atS);
      return event.dir === crossing.direction && gapS <= MATCH_S ? [{ i, j, gapS }] : [];
    }),
  );
  pairs.sort((a, b) => a.gapS - b.gapS);
  const usedTruth = new Set<number>();
  const usedCounted = new Set<number>();
  for (const { i, j } of pairs) {
    if (usedTruth.has(i) || usedCounted.has(j)) continue;
    usedTruth.add(i);
    usedCounted.add(j);
  }
  return usedTruth.size;
}

async function scoreClip(
  config: Config,
  model: ReturnType<typeof loadModel>,
  folder: string,
  clip: string,
): Promise<ClipScore> {
  const truthFile = join(folder, clip, 'truth.json');
  try {
    const truth = existsSync(truthFile) ? readTruth(truthFile) : undefined;
    const lines = truth === undefined ? [] : [lineOf(truth, truthFile)];
    const result = await replay(config, model, { lines, entrances: [], zones: [] }, join(folder, clip, 'clip.mp4'));
    const events = truth?.events ?? [];
    const matchedCount = matchEvents(events, result.crossings);
    const errorCount = events.length - matchedCount + (result.crossings.length - matchedCount);
    const offBy = Math.abs(result.inCount - (truth?.in ?? 0)) + Math.abs(result.outCount - (truth?.out ?? 0));
    return { clip, truth, result, matchedCount, errorCount, offBy, problem: result.error?.message };
  } catch (error) {
    // One unreadable clip must not hide the others; anything unexpected is a bug and goes up.
    if (!(error instanceof LetheError) || error instanceof ConfigError) throw error;
    const nothing = { truth: undefined, result: undefined, matchedCount: 0, errorCount: 0, offBy: 0 };
    return { clip, ...nothing, problem: explain(error) };
  }
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
}

/** Within what the person who counted by hand calls hard to tell. */
function isWithin(offBy: number, truth: Truth | undefined): boolean {
  return offBy <= (truth?.tolerance ?? 0);
}

/** Columns padded to their widest cell; the first left, the rest right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}

function toTable(scores: readonly ClipScore[]): string {
  const header = [
    'clip',
    'true in',
    'out',
    'counted in',
    'out',
    'off by',
    'matched',
    'precision',
    'recall',
    'frames',
    'people',
    'seconds',
  ];
  const rows = scores.map(({ clip, truth, result, matchedCount, offBy, problem }) => {
    if (result === undefined)
      return [clip, ...Array.from({ length: header.length - 2 }, () => '-'), problem ?? 'failed'];
    return [
      clip,
      truth === undefined ? 'no line' : String(truth.in),
      truth === undefined ? '-' : String(truth.out),
      String(result.inCount),
      String(result.outCount),
      `${offBy}${isWithin(offBy, truth) ? '' : ' !'}`,
      String(matchedCount),
      percent(matchedCount, result.crossings.length),
      percent(matchedCount, truth?.events.length ?? 0),
      String(result.framesRead),
      result.tracksMean.toFixed(1),
      result.elapsedS.toFixed(1),
    ];
  });
  return table([header, ...rows]);
}

function summary(scores: readonly ClipScore[]) {
  const trueCount = scores.reduce((sum, { truth }) => sum + (truth?.events.length ?? 0), 0);
  const countedCount = scores.reduce((sum, { result }) => sum + (result?.crossings.length ?? 0), 0);
  const matchedCount = scores.reduce((sum, score) => sum + score.matchedCount, 0);
  const errorCount = scores.reduce((sum, score) => sum + score.errorCount, 0);
  const offBy = scores.reduce((sum, score) => sum + score.offBy, 0);
  const precision = countedCount === 0 ? null : matchedCount / countedCount;
  const recall = trueCount === 0 ? null : matchedCount / trueCount;
  const f1 =
    precision === null || recall === null || precision + recall === 0
      ? null
      : (2 * precision * recall) / (precision + recall);
  return {
    true: trueCount,
    counted: countedCount,
    off_by: offBy,
    matched: matchedCount,
    errors: errorCount,
    precision,
    recall,
    f1,
    crossings_sha256: hashCrossings(scores.flatMap(({ result }) => result?.crossings ?? [])),
  };
}

export type EvaluateOptions = {
  readonly config: Config;
  readonly folder: string;
  readonly json: boolean;
  readonly out: (text: string) => void;
  /** Progress, for people who wait. */
  readonly progress: (text: string) => void;
};

/** `lethe evaluate DIR`. Returns 0, or 65 if any clip could not be evaluated. */
export async function evaluateCommand(options: EvaluateOptions): Promise<ExitCode> {
  const { config, folder } = options;
  let clips: string[];
  try {
    clips = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'clip.mp4')));
  } catch (cause) {
    throw new DriverError('absent', `${folder} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      op: 'read folder',
      cause,
      hint: 'Give a folder whose sub-folders hold a clip.mp4 and a truth.json each.',
    });
  }
  if (clips.length === 0) {
    throw new DriverError('absent', `${folder} has no sub-folder with a clip.mp4.`, {
      op: 'read folder',
      hint: 'Give a folder whose sub-folders hold a clip.mp4 and a truth.json each.',
    });
  }
  const model = loadModel(config.model.manifest, config.model.publicKey);
  const scores: ClipScore[] = [];
  for (const clip of clips.sort()) {
    options.progress(`evaluating ${clip} (${scores.length + 1} of ${clips.length})\n`);
    scores.push(await scoreClip(config, model, folder, clip));
  }
  const total = summary(scores);
  if (options.json) {
    const perClip = scores.map(({ clip, truth, result, matchedCount, errorCount, offBy, problem }) => ({
      clip,
      true_in: truth?.in ?? null,
      true_out: truth?.out ?? null,
      counted_in: result?.inCount ?? null,
      counted_out: result?.outCount ?? null,
      off_by: offBy,
      tolerance: truth?.tolerance ?? 0,
      matched: matchedCount,
      errors: errorCount,
      crossings: result?.crossings.map(({ atS, direction }) => ({ at_s: atS, direction })) ?? [],
      crossings_sha256: hashCrossings(result?.crossings ?? []),
      frames: result?.framesRead ?? 0,
      dropped: result?.framesDropped ?? 0,
      tracks_mean: result?.tracksMean ?? null,
      elapsed_s: result?.elapsedS ?? null,
      problem: problem ?? null,
    }));
    options.out(
      `${JSON.stringify({ model_sha256: model.manifest.sha256, match_s: MATCH_S, clips: perClip, total }, null, 2)}\n`,
    );
  } else {
    const share = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(0)} %`);
    options.out(
      `${toTable(scores)}\n\n${total.matched} of ${total.true} true crossings matched within ${MATCH_S} s, ${total.counted} counted; ` +
        `missed or doubled ${total.errors}; precision ${share(total.precision)}, recall ${share(total.recall)}, F1 ${share(total.f1)}\n` +
        `counts are off by ${total.off_by} in all (${percent(total.off_by, total.true)} of the true crossings); ! is beyond the clip's tolerance\n` +
        `crossings of all clips in this order: sha256 ${total.crossings_sha256}\n` +
        'people: mean number of tracks in view. Numbers on public clips are not the accuracy at somebody’s door.\n',
    );
  }
  return scores.some(({ problem }) => problem !== undefined) ? ExitCode.dataError : ExitCode.ok;
}
