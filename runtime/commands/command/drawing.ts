/**
 * The view of set-up mode in characters: lines, zones and the points where people are. A character is about twice as high as
 * wide, so a picture of 4 : 3 has 8 columns for 3 rows. Pure: positions in, text out.
 */
import type { Config } from '../../config/schema.ts';

export type Place = readonly [x: number, y: number];

const PERSON = '●';
const LINE = '─';
const ZONE = '·';
const ARROWS = { up: '↑', down: '↓', left: '←', right: '→' } as const;
/** Columns a row, for 4 : 3. */
const COLUMNS_PER_ROW = 8 / 3;
const ROWS_MIN = 6;
const ROWS_MAX = 48;

/** As large as the terminal lets it be; both at least a little. */
export function sizeFor(terminalColumns: number, terminalRows: number): { columns: number; rows: number } {
  const rows = Math.max(ROWS_MIN, Math.min(ROWS_MAX, terminalRows, Math.floor(terminalColumns / COLUMNS_PER_ROW)));
  return { columns: Math.round(rows * COLUMNS_PER_ROW), rows };
}

/** Rows of the picture with its frame; people are over everything else. */
export function draw(
  { lines, zones }: Pick<Config, 'lines' | 'zones'>,
  dots: readonly Place[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => ' '));
  const put = ([x, y]: Place, mark: string) => {
    const row = Math.min(rows - 1, Math.floor(y * rows));
    const column = Math.min(columns - 1, Math.floor(x * columns));
    cells[row]![column] = mark;
  };
  const stroke = (from: Place, to: Place, mark: string) => {
    const steps = 2 * Math.max(1, Math.abs(to[0] - from[0]) * columns, Math.abs(to[1] - from[1]) * rows);
    for (let i = 0; i <= steps; i++) put(between(from, to, i / steps), mark);
  };
  for (const { polygon } of zones)
    for (const [i, corner] of polygon.entries()) stroke(corner, polygon[(i + 1) % polygon.length]!, ZONE);
  for (const { from, to, name, in: way } of lines) {
    stroke(from, to, LINE);
    for (const share of [0.25, 0.5, 0.75]) put(between(from, to, share), ARROWS[way]);
    for (const [i, letter] of [...name].entries()) put([from[0] + (i + 1) / columns, from[1]], letter);
  }
  for (const dot of dots) put(dot, PERSON);
  const edge = '─'.repeat(columns);
  return [`┌${edge}┐`, ...cells.map((row) => `│${row.join('')}│`), `└${edge}┘`];
}

function between([x0, y0]: Place, [x1, y1]: Place, share: number): Place {
  return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}
