/**
 * The QR code of the notice's address, as a path of the sign.
 */
import { darkRuns, qrMatrix } from '../../qr/matrix.ts';
import { mm } from './shapes.ts';

/** Of the code, for a fingerprint, a scratch or a reflection on the door's glass: medium mends 15 %. */
const CORRECTION = 'medium';

export type QrCode = {
  /** Along one side, quiet zone included. */
  readonly modules: number;
  /** Dark modules as one path, quiet zone beginning at (x, y), a module `size` mm wide. */
  readonly path: (x: number, y: number, size: number) => string;
};

export function qrCode(address: string): QrCode {
  const rows = qrMatrix(address, CORRECTION);
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
