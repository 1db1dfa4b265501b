/**
 * Clips: the sub-folders of a folder that hold a clip.mp4, each played through the product and held against its truth.json.
 * A clip without truth.json has no line: it is played as a detection test and must count nothing.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { ConfigError, DriverError, explain, LetheError } from '../../errors.ts';
import type { Model } from '../../eye/model.ts';
import { type ReplayResult, replay } from '../replay.ts';
import { matchEvents } from './match.ts';
import type { Sequence } from './score.ts';
import { lineOf, readTruth, type Truth } from './truth.ts';

export type ClipScore = {
  readonly clip: string;
  readonly truth: Truth | undefined;
  readonly result: ReplayResult | undefined;
  /** Undefined when nothing of the clip could be played. */
  readonly sequence: Sequence | undefined;
  /** True events that a counted one matches. */
  readonly matchedCount: number;
  /** True events missed plus counted ones that match none. */
  readonly errorCount: number;
  /** |counted - true| in plus the same out: what is wrong with the totals that are published. */
  readonly offBy: number;
  readonly problem: string | undefined;
};

/** Names of the sub-folders with a clip, sorted. Throws DriverError absent when there is none. */
export function findClips(folder: string): string[] {
  const hint = 'Give a folder whose sub-folders hold a clip.mp4 and a truth.json each.';
  let clips: string[];
  try {
    clips = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'clip.mp4')));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new DriverError('absent', `${folder} cannot be read (${code}).`, { op: 'read folder', cause, hint });
  }
  if (clips.length === 0)
    throw new DriverError('absent', `${folder} has no sub-folder with a clip.mp4.`, { op: 'read folder', hint });
  return clips.sort();
}

export async function scoreClip(config: Config, model: Model, folder: string, clip: string): Promise<ClipScore> {
  const truthFile = join(folder, clip, 'truth.json');
  try {
    const truth = existsSync(truthFile) ? readTruth(truthFile) : undefined;
    const lines = truth === undefined ? [] : [lineOf(truth, truthFile)];
    const result = await replay(config, model, { lines, entrances: [], zones: [] }, join(folder, clip, 'clip.mp4'));
    const events = truth?.events ?? [];
    const matchedCount = matchEvents(events, result.crossings);
    const errorCount = events.length - matchedCount + (result.crossings.length - matchedCount);
    const offBy = Math.abs(result.inCount - (truth?.in ?? 0)) + Math.abs(result.outCount - (truth?.out ?? 0));
    const sequence = sequenceOf(clip, truth, result);
    return { clip, truth, result, sequence, matchedCount, errorCount, offBy, problem: result.error?.message };
  } catch (error) {
    // One unreadable clip must not hide the others; anything unexpected is a bug and goes up.
    if (!(error instanceof LetheError) || error instanceof ConfigError) throw error;
    const nothing = { truth: undefined, result: undefined, sequence: undefined };
    return { clip, ...nothing, matchedCount: 0, errorCount: 0, offBy: 0, problem: explain(error) };
  }
}

/** Nobody has written down how many people are in view of a clip: the tracks stand for them. */
function sequenceOf(clip: string, truth: Truth | undefined, { crossings, framesSeen }: ReplayResult): Sequence {
  const inViewAt = (atS: number) => framesSeen[lastBefore(framesSeen, atS)]?.trackCount ?? 0;
  const [first, last] = [framesSeen[0], framesSeen.at(-1)];
  const frameS = first && last && framesSeen.length > 1 ? (last.atS - first.atS) / (framesSeen.length - 1) : 0;
  return {
    name: clip,
    durationS: (last?.atS ?? 0) + frameS,
    truth: (truth?.events ?? []).map(({ t, dir }) => ({
      atS: t,
      direction: dir as 'in' | 'out',
      peopleInView: inViewAt(t),
    })),
    counted: crossings.map(({ atS, direction }) => ({ atS, direction, peopleInView: inViewAt(atS) })),
  };
}

/** Place of the last frame at or before atS; -1: none. */
function lastBefore(frames: ReplayResult['framesSeen'], atS: number): number {
  let low = -1;
  let high = frames.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (frames[middle]!.atS <= atS) low = middle;
    else high = middle;
  }
  return low;
}
