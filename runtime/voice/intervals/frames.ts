/**
 * Frames: from the eye's running numbers, which begin at 0 with every boot of it, to what happened to pictures in one
 * interval. As with totals (totals.ts) a record that was lost is made good by the next, and one that is read twice adds nothing.
 * What an eye read after its last report is in no interval when it is killed: at most a second of pictures.
 * Memory: one small object an interval, and one for each of the last few boots of the eye.
 */
import type { CorridorRecord } from '../../corridor/record.ts';

/** Pictures of one interval. */
export type FrameTally = {
  read: number;
  erased: number;
  dropped: number;
  /** Longest residency of pixels and of everything derived, µs; 0: none was told. */
  pixelsUsMax: number;
  derivedUsMax: number;
  /** Eyes whose first report fell into it. */
  eyeStarts: number;
  /** SHA-256 of the models that looked at them, hexadecimal, in order. */
  models: string[];
};

/** What was last heard of one boot of the eye. */
export type EyeFrames = {
  readonly boot: number;
  /** Read, erased, dropped since its boot; null: not told yet. */
  counts: [read: number, erased: number, dropped: number] | null;
  /** Both halves of its model's SHA-256, hexadecimal; empty: not told yet. */
  model: [string, string];
};

export type FramesAdded = {
  readonly read: number;
  readonly erased: number;
  readonly dropped: number;
  /** It was the first report of an eye that counts from 0. */
  readonly isStart: boolean;
};

/** As in totals.ts: the last records of an eye that ends may arrive behind the first ones of its successor. */
const BOOTS_KEPT = 4;
/** An honest eye has one model; more than these are not told apart. */
const MODELS_KEPT = 4;

export function emptyFrames(): FrameTally {
  return { read: 0, erased: 0, dropped: 0, pixelsUsMax: 0, derivedUsMax: 0, eyeStarts: 0, models: [] };
}

/** The entry of that boot, made if there is none. eyes: newest first, changed in place. */
export function eyeOfBoot(eyes: EyeFrames[], boot: number): EyeFrames {
  const known = eyes.find((candidate) => candidate.boot === boot);
  if (known !== undefined) return known;
  const made: EyeFrames = { boot, counts: null, model: ['', ''] };
  eyes.unshift(made);
  eyes.length = Math.min(eyes.length, BOOTS_KEPT);
  return made;
}

/**
 * What is new in a record of kind frames, or undefined if its numbers went backwards, which no honest eye's do (`eye` is
 * unchanged). countFrom: as takeTotals says.
 */
export function takeFrames(
  eye: EyeFrames,
  { a, b, c }: CorridorRecord,
  countFrom: 'zero' | 'here',
): FramesAdded | undefined {
  const isFirst = eye.counts === null;
  const before = eye.counts ?? (countFrom === 'zero' ? [0, 0, 0] : [a, b, c]);
  const added = { read: a - before[0]!, erased: b - before[1]!, dropped: c - before[2]! };
  if (added.read < 0 || added.erased < 0 || added.dropped < 0) return undefined;
  eye.counts = [a, b, c];
  return { ...added, isStart: isFirst && countFrom === 'zero' };
}

/** Half 0 comes first; a new one makes the old second half worthless. */
export function takeModelHalf(eye: EyeFrames, { index, a, b, c, d }: CorridorRecord): void {
  const half = [a, b, c, d].map((word) => word.toString(16).padStart(8, '0')).join('');
  if (index === 0 && half !== eye.model[0]) eye.model = [half, ''];
  else eye.model[index] = half;
}

/** SHA-256 of its model in hexadecimal; empty: not known whole. */
export function modelOf({ model }: EyeFrames): string {
  return model[0] === '' || model[1] === '' ? '' : model[0] + model[1];
}

export function addFrames(tally: FrameTally, added: FramesAdded): void {
  tally.read += added.read;
  tally.erased += added.erased;
  tally.dropped += added.dropped;
  if (added.isStart) tally.eyeStarts += 1;
}

export function noteLongest(tally: FrameTally, pixelsUs: number, derivedUs: number): void {
  tally.pixelsUsMax = Math.max(tally.pixelsUsMax, pixelsUs);
  tally.derivedUsMax = Math.max(tally.derivedUsMax, derivedUs);
}

/** model: empty changes nothing. */
export function noteModel(tally: FrameTally, model: string): void {
  if (model !== '' && !tally.models.includes(model) && tally.models.length < MODELS_KEPT) tally.models.push(model);
}

/** What happened in `other` happened here. */
export function addFrameTally(tally: FrameTally, other: FrameTally): void {
  for (const field of ['read', 'erased', 'dropped', 'eyeStarts'] as const) tally[field] += other[field];
  noteLongest(tally, other.pixelsUsMax, other.derivedUsMax);
  for (const model of other.models) noteModel(tally, model);
}
