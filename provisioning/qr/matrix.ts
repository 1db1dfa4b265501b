/**
 * Text → the modules of a QR code. This file owns the package `qr`.
 * Why `qr` (Paul Miller): no dependencies, no build step, released this autumn, MIT or Apache-2.0, and its decoder lets the tests
 * read the code back. `qrcode` was last released in 2024 and brings yargs and pngjs; `uqr` is as small, but without a
 * decoder. The tests and the bench import its decoder.
 */
import encodeQR from 'qr';

/** ISO/IEC 18004: four modules of light around the code. */
export const QUIET_MODULES = 4;

/** How much of the code may be hidden: low mends 7 %, medium 15 %. More mending means more and smaller modules. */
export type Correction = 'low' | 'medium';

/** true is dark; as many rows as columns, quiet zone included. */
export type QrMatrix = readonly (readonly boolean[])[];

export function qrMatrix(text: string, correction: Correction): QrMatrix {
  return encodeQR(text, 'raw', { ecc: correction, border: QUIET_MODULES });
}

/** First dark module and the one behind the last, for each run of a row: neighbours in one piece leave no hair lines. */
export function darkRuns(row: readonly boolean[]): [start: number, end: number][] {
  const runs: [number, number][] = [];
  row.forEach((isDark, index) => {
    if (!isDark) return;
    const last = runs.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else runs.push([index, index + 1]);
  });
  return runs;
}
