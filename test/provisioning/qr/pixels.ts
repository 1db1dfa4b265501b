/** Drawings of a code back into grey pixels, and these into text by the device's own decoder. */
import { inflateSync } from 'node:zlib';
import { openDecoder } from '../../../provisioning/device/scan/decoder.ts';

export type Pixels = { readonly widthPx: number; readonly heightPx: number; readonly grey: Uint8Array };

/** Pixels of each module, where a drawing has none of its own. */
const MODULE_PX = 4;

export async function textsIn({ widthPx, heightPx, grey }: Pixels): Promise<readonly string[]> {
  const decoder = await openDecoder(widthPx, heightPx);
  return decoder.read((target) => target.set(grey)).texts;
}

/** Portable Network Graphics of one bit or of eight, grey, without filters. */
export function pixelsOfPng(png: Buffer): Pixels {
  const [widthPx, heightPx, bits] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24]!];
  const start = png.indexOf('IDAT') + 4;
  const rows = inflateSync(png.subarray(start, start + png.readUInt32BE(start - 8)));
  const rowBytes = Math.ceil((widthPx * bits) / 8) + 1;
  const grey = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1) {
      const byte = rows[y * rowBytes + 1 + ((x * bits) >> 3)]!;
      grey[y * widthPx + x] = bits === 8 ? byte : ((byte >> (7 - (x & 7))) & 1) * 255;
    }
  return { widthPx, heightPx, grey };
}

/** The one path of a page, which is in modules, on white. */
export function pixelsOfPage(svg: string): Pixels {
  const path = / d="([^"]+)"/.exec(svg)![1]!;
  const rectangles = [...path.matchAll(/M(\d+) (\d+)H(\d+)V(\d+)H\d+Z/g)].map((match) => match.slice(1).map(Number));
  const side = Math.max(...rectangles.map(([, , right]) => right!)) + 4;
  const isDark = (column: number, row: number) =>
    rectangles.some(([left, top, right]) => row === top && column >= left! && column < right!);
  return drawn(side, side, isDark);
}

/** What a terminal shows: for each character whether its upper and its lower half are light. */
export function pixelsOfLines(lines: readonly (readonly (readonly [above: boolean, below: boolean])[])[]): Pixels {
  const columns = lines[0]!.length;
  return drawn(columns, lines.length * 2, (column, row) => lines[row >> 1]![column]![row & 1] === false);
}

function drawn(columns: number, rows: number, isDark: (column: number, row: number) => boolean): Pixels {
  const [widthPx, heightPx] = [columns * MODULE_PX, rows * MODULE_PX];
  const grey = new Uint8Array(widthPx * heightPx).fill(255);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) {
      if (!isDark(column, row)) continue;
      for (let y = row * MODULE_PX; y < (row + 1) * MODULE_PX; y += 1)
        grey.fill(0, y * widthPx + column * MODULE_PX, y * widthPx + (column + 1) * MODULE_PX);
    }
  return { widthPx, heightPx, grey };
}
