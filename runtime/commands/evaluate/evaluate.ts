/**
 * Evaluate: how well the product counts, against people who counted by hand (DIR/<clip>/clip.mp4 and truth.json) or against
 * a suite of simulated entrances whose truth is exact (--scenes). Text for people, JSON for programs, a plot (SVG) for both.
 * Read on in: clips and scenes (what is played), match (which event is which), score (what it is worth), ../statistics
 * (verdicts and bounds), report, clip-report and scene-report (what is printed), plot (what is drawn).
 */
import type { Config } from '../../config/schema.ts';
import { ExitCode } from '../../errors.ts';
import { loadModel } from '../../eye/model.ts';
import { clipJson, clipText, sequencesOf } from './clip-report.ts';
import { type ClipScore, findClips, scoreClip } from './clips.ts';
import { deliver, type Output } from './output.ts';

export type EvaluateOptions = Output & { readonly config: Config; readonly folder: string };

/** `lethe evaluate DIR`. Returns 0, or 65 if any clip could not be evaluated. */
export async function evaluateCommand(options: EvaluateOptions): Promise<ExitCode> {
  const { config, folder } = options;
  const clips = findClips(folder);
  const model = loadModel(config.model.manifest, config.model.publicKey);
  const scores: ClipScore[] = [];
  for (const clip of clips) {
    options.progress(`evaluating ${clip} (${scores.length + 1} of ${clips.length})\n`);
    scores.push(await scoreClip(config, model, folder, clip));
  }
  const plot = { title: 'Counted against counted by hand', entranceWord: 'clip', densityWord: 'tracks' } as const;
  deliver(options, sequencesOf(scores), plot, {
    text: () => clipText(scores),
    json: () => clipJson(scores, model.manifest.sha256),
  });
  return scores.some(({ problem }) => problem !== undefined) ? ExitCode.dataError : ExitCode.ok;
}
