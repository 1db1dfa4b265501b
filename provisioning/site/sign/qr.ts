/**
 * The QR code of the notice's address.
 * Why `qr` (Paul Miller): no dependencies, no build step, released this autumn, MIT or Apache-2.0, and its decoder lets the tests
 * read the code back. `qrcode` was last released in 2024 and brings yargs and pngjs; `uqr` is as small, but without a
 * decoder. Only this file imports it; the tests import its decoder.
 */
import encodeQR from 'qr';
import { mm } from './shapes.ts';

/** ISO/IEC 18004: four modules of light around the code. */
export const QUIET_MODULES = 4;
/** Of the code, for a fingerprint, a scratch or a reflection on the door's glass: medium mends 15 %. */
const CORRECTION = 'medium';

export type QrCode = {
  /** Along one side, quiet zone included. */
  readonly modules: number;
  /** Dark modules as one path, quiet zone beginning at (x, y), a module `size` mm wide. */
  readonly path: (x: number, y: number, size: number) => string;
};

export function qrCode(address: string): QrCode {
  const rows = encodeQR(address, 'raw', { ecc: CORRECTION, border: QUIET_MODULES });
  const path = (x: number, y: number, size: number) =>
    rows
      .flatMap((row, rowIndex) =>
        darkRuns(row).map(([start, end]) => {
          const [left, right] = [mm(x + start * size), mm(x + end * size)];
          return `M${left} ${mm(y + rowIndex * size)}H${right}V${mm(y + (rowIndex + 1) * size)}H${left}Z`;
        }),
      )
      .join('');
  return { modules: rows.length, path };
}

/** First dark module and the one behind the last, for each run: neighbours in one piece leave no hair lines. */
function darkRuns(row: readonly boolean[]): [start: number, end: number][] {
  const runs: [number, number][] = [];
  row.forEach((isDark, index) => {
    if (!isDark) return;
    const last = runs.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else runs.push([index, index + 1]);
  });
  return runs;
}
