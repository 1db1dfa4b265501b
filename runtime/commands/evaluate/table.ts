/** Text for people: columns, shares, and what is written where there is no number. */

/** Columns padded to their widest cell; the first left, the rest right. Rows are equally long. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}

/** 0.987 → `98.7 %`; null → `-`. */
export function percent(share: number | null, digits = 1): string {
  return share === null ? '-' : `${(100 * share).toFixed(digits)} %`;
}

/** With its sign: `+1.2 %`, `-0.4 %`, and `0.0 %` for what rounds to it. */
export function signedPercent(share: number | null, digits = 1): string {
  if (share === null) return '-';
  const text = (100 * share).toFixed(digits);
  if (Number(text) === 0) return `${Math.abs(Number(text)).toFixed(digits)} %`;
  return `${share > 0 ? '+' : ''}${text} %`;
}
