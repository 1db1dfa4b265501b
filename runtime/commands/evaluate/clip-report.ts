/** Clip report: what `lethe evaluate DIR` prints, one row a clip, then everything over all clips. */
import { hashCrossings } from '../replay.ts';
import type { ClipScore } from './clips.ts';
import { MATCH_S, WAYS } from './match.ts';
import { ratesJson, scoreJson, scoreText } from './report.ts';
import { ratesOf, type Sequence, score, scoreSequence } from './score.ts';
import { percent, table } from './table.ts';
import type { Truth } from './truth.ts';

const HEADER = [
  'clip',
  'true in',
  'out',
  'counted in',
  'out',
  'off by',
  'matched',
  'precision',
  'recall',
  'F1',
  'frames',
  'people',
  'seconds',
];

/** Within what the person who counted by hand calls hard to tell. */
function isWithin(offBy: number, truth: Truth | undefined): boolean {
  return offBy <= (truth?.tolerance ?? 0);
}

function clipTable(scores: readonly ClipScore[]): string {
  const rows = scores.map(({ clip, truth, result, matchedCount, offBy, problem }) => {
    if (result === undefined)
      return [clip, ...Array.from({ length: HEADER.length - 2 }, () => '-'), problem ?? 'failed'];
    const rates = ratesOf(truth?.events.length ?? 0, result.crossings.length, matchedCount);
    return [
      clip,
      truth === undefined ? 'no line' : String(truth.in),
      truth === undefined ? '-' : String(truth.out),
      String(result.inCount),
      String(result.outCount),
      `${offBy}${isWithin(offBy, truth) ? '' : ' !'}`,
      String(matchedCount),
      percent(rates.precision, 0),
      percent(rates.recall, 0),
      percent(rates.f1, 0),
      String(result.framesRead),
      result.tracksMean.toFixed(1),
      result.elapsedS.toFixed(1),
    ];
  });
  return table([HEADER, ...rows]);
}

/** The directions apart; those of a clip in which nobody passed and nobody was counted are left out. */
function directionTable(scores: readonly ClipScore[]): string {
  const rows = sequencesOf(scores).flatMap((sequence) =>
    WAYS.flatMap((way) => {
      const { trueCount, countedCount, matchedCount, precision, recall, f1 } = scoreSequence(sequence, way);
      if (trueCount === 0 && countedCount === 0) return [];
      const shares = [precision, recall, f1].map((share) => percent(share, 0));
      return [[`${sequence.name}, ${way}`, ...[trueCount, countedCount, matchedCount].map(String), ...shares]];
    }),
  );
  return table([['clip and direction', 'true', 'counted', 'matched', 'precision', 'recall', 'F1'], ...rows]);
}

function totalOf(scores: readonly ClipScore[]) {
  const sum = (of: (score: ClipScore) => number) => scores.reduce((total, one) => total + of(one), 0);
  const trueCount = sum(({ truth }) => truth?.events.length ?? 0);
  const countedCount = sum(({ result }) => result?.crossings.length ?? 0);
  const { precision, recall, f1 } = ratesOf(
    trueCount,
    countedCount,
    sum(({ matchedCount }) => matchedCount),
  );
  return {
    true: trueCount,
    counted: countedCount,
    off_by: sum(({ offBy }) => offBy),
    matched: sum(({ matchedCount }) => matchedCount),
    errors: sum(({ errorCount }) => errorCount),
    precision,
    recall,
    f1,
    crossings_sha256: hashCrossings(scores.flatMap(({ result }) => result?.crossings ?? [])),
  };
}

/** What could be played, for the figures over all and for the plot. */
export function sequencesOf(scores: readonly ClipScore[]): Sequence[] {
  return scores.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
}

export function clipText(scores: readonly ClipScore[]): string {
  const total = totalOf(scores);
  return (
    `${clipTable(scores)}\n\n${total.matched} of ${total.true} true crossings matched within ${MATCH_S} s, ${total.counted} counted; ` +
    `missed or doubled ${total.errors}; precision ${percent(total.precision, 0)}, recall ${percent(total.recall, 0)}, F1 ${percent(total.f1, 0)}\n` +
    `counts are off by ${total.off_by} in all (${percent(total.true === 0 ? null : total.off_by / total.true, 0)} of the true crossings); ! is beyond the clip's tolerance\n\n` +
    `${directionTable(scores)}\n\n${scoreText(score(sequencesOf(scores)), 'tracks')}\n\n` +
    `crossings of all clips in this order: sha256 ${total.crossings_sha256}\n` +
    'people: mean number of tracks in view. Numbers on public clips are not the accuracy at somebody’s door.\n'
  );
}

export function clipJson(scores: readonly ClipScore[], modelSha256: string): object {
  const clips = scores.map(({ clip, truth, result, sequence, matchedCount, errorCount, offBy, problem }) => ({
    clip,
    true_in: truth?.in ?? null,
    true_out: truth?.out ?? null,
    counted_in: result?.inCount ?? null,
    counted_out: result?.outCount ?? null,
    off_by: offBy,
    tolerance: truth?.tolerance ?? 0,
    matched: matchedCount,
    errors: errorCount,
    directions:
      sequence === undefined
        ? null
        : { in: ratesJson(scoreSequence(sequence, 'in')), out: ratesJson(scoreSequence(sequence, 'out')) },
    crossings: result?.crossings.map(({ atS, direction }) => ({ at_s: atS, direction })) ?? [],
    crossings_sha256: hashCrossings(result?.crossings ?? []),
    frames: result?.framesRead ?? 0,
    dropped: result?.framesDropped ?? 0,
    tracks_mean: result?.tracksMean ?? null,
    elapsed_s: result?.elapsedS ?? null,
    problem: problem ?? null,
  }));
  return { model_sha256: modelSha256, clips, total: totalOf(scores), ...scoreJson(score(sequencesOf(scores))) };
}
