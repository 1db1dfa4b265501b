/** Output: results as text or as JSON, and the plot beside either. */
import { writeFileSync } from 'node:fs';
import { ExitCode, LetheError } from '../../errors.ts';
import { drawPlot, type PlotOptions } from './plot.ts';
import type { Sequence } from './score.ts';

/** Where results go. */
export type Output = {
  readonly json: boolean;
  /** File for the plot. */
  readonly svg?: string | undefined;
  readonly out: (text: string) => void;
  /** Progress, for people who wait. */
  readonly progress: (text: string) => void;
};

/** Prints the one that is asked for, and draws the plot if there is a file for it. */
export function deliver(
  { json, svg, out }: Output,
  sequences: readonly Sequence[],
  plot: PlotOptions,
  results: { readonly text: () => string; readonly json: () => object },
): void {
  if (svg !== undefined) writePlot(svg, drawPlot(sequences, plot));
  if (json) out(`${JSON.stringify(results.json(), null, 2)}\n`);
  else out(results.text() + (svg === undefined ? '' : `plot: ${svg}\n`));
}

function writePlot(file: string, svg: string): void {
  try {
    writeFileSync(file, svg);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LetheError('PLOT_UNWRITABLE', `--svg ${file} cannot be written (${code}).`, ExitCode.ioError, {
      op: 'write plot',
      hint: 'Give a file in a folder that exists and may be written to.',
      cause,
    });
  }
}
