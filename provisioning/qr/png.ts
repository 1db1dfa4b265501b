/**
 * Portable Network Graphics (ISO/IEC 15948) as far as our own drawings need it: one bit or eight a sample, no filter, no
 * interlace. zlib of Node does the packing, so a library would only add the framing that stands here.
 * No real camera's picture ever reaches this file: it draws codes, simulated scenes and what the bench made up.
 */
import { crc32, deflateSync } from 'node:zlib';
import type { QrMatrix } from './matrix.ts';

export type PngImage = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** bit: one bit a pixel, most significant first, 1 is white. grey, rgb: one byte a sample. */
  readonly kind: 'bit' | 'grey' | 'rgb';
  /** [heightPx, bytes of a row], no padding between rows. */
  readonly samples: Uint8Array;
};

/** Bit depth and colour type of the header (table 11.1). */
const HEADER = { bit: [1, 0], grey: [8, 0], rgb: [8, 2] } as const;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function encodePng({ widthPx, heightPx, kind, samples }: PngImage): Buffer {
  const rowBytes = { bit: Math.ceil(widthPx / 8), grey: widthPx, rgb: widthPx * 3 }[kind];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set(HEADER[kind], 8);
  // Each row begins with the number of its filter: none.
  const rows = Buffer.alloc(heightPx * (rowBytes + 1));
  for (let row = 0; row < heightPx; row += 1)
    rows.set(samples.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A code with its quiet zone, each module a square of `modulePx` pixels. */
export function qrPng(matrix: QrMatrix, modulePx: number): Buffer {
  const sidePx = matrix.length * modulePx;
  const rowBytes = Math.ceil(sidePx / 8);
  const samples = new Uint8Array(rowBytes * sidePx);
  for (let y = 0; y < sidePx; y += 1) {
    const row = matrix[Math.floor(y / modulePx)]!;
    for (let x = 0; x < sidePx; x += 1)
      if (!row[Math.floor(x / modulePx)]) samples[y * rowBytes + (x >> 3)]! |= 0x80 >> (x & 7);
  }
  return encodePng({ widthPx: sidePx, heightPx: sidePx, kind: 'bit', samples });
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
