/** The findings as text for a person, in colours where a terminal shows them, and as JSON for a script. */
import { COLOURS, type Colour, type Finding } from './finding.ts';

/** SGR numbers of ECMA-48; amber is bright yellow. The word stands there in any case: colours alone tell some nothing. */
const SGR: Readonly<Record<Colour, number>> = { red: 31, amber: 93, green: 32, grey: 90 };
const WORD_WIDTH = Math.max(...COLOURS.map((colour) => colour.length));

export function renderFindings(findings: readonly Finding[], isColoured: boolean): string {
  const nameWidth = Math.max(...findings.map(({ name }) => name.length));
  const margin = ' '.repeat(WORD_WIDTH + nameWidth + 4);
  const paint = (colour: Colour, text: string) => (isColoured ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text);
  const blocks = findings.map(({ name, colour, found, why, remedy }) =>
    [
      `${paint(colour, colour.padEnd(WORD_WIDTH))}  ${name.padEnd(nameWidth)}  ${found}`,
      `${margin}${why}`,
      ...(remedy === '' ? [] : [`${margin}→ ${remedy}`]),
    ].join('\n'),
  );
  return `${blocks.join('\n')}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const named = (colour: Colour) => findings.filter((finding) => finding.colour === colour).map(({ name }) => name);
  const counts = COLOURS.map((colour) => `${named(colour).length} ${colour}`).join(', ');
  const reds = named('red');
  const verdict = reds.length === 0 ? 'Nothing is red.' : `Red: ${reds.join(', ')}.`;
  return `${counts}. ${verdict}`;
}

export function renderJson(findings: readonly Finding[]): string {
  const counts = Object.fromEntries(
    COLOURS.map((colour) => [colour, findings.filter((finding) => finding.colour === colour).length]),
  );
  return `${JSON.stringify({ good: counts['red'] === 0, counts, checks: findings }, null, 2)}\n`;
}
