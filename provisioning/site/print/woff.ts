/**
 * WOFF → the font that is packed in it (W3C WOFF 1.0, sections 3 to 5): each table is unpacked by zlib and put behind an
 * ordinary directory. Why here: fontkit unpacks WOFF itself, in JavaScript and anew for every PDF, which took two thirds
 * of the time of `lethe papers` (2.2 of 3.5 s for 58 files).
 */
import { strict as assert } from 'node:assert';
import { inflateSync } from 'node:zlib';

const WOFF = 0x774f4646;
const HEADER_BYTES = 44;
const ENTRY_BYTES = 20;
const SFNT_HEADER_BYTES = 12;
const SFNT_ENTRY_BYTES = 16;

export function unpackWoff(woff: Buffer): Buffer {
  assert.equal(woff.readUInt32BE(0), WOFF, 'a font of the package is no WOFF file');
  const tableCount = woff.readUInt16BE(12);
  const header = Buffer.alloc(SFNT_HEADER_BYTES + tableCount * SFNT_ENTRY_BYTES);
  header.writeUInt32BE(woff.readUInt32BE(4), 0);
  header.writeUInt16BE(tableCount, 4);
  const power = Math.floor(Math.log2(tableCount));
  header.writeUInt16BE(2 ** power * SFNT_ENTRY_BYTES, 6);
  header.writeUInt16BE(power, 8);
  header.writeUInt16BE((tableCount - 2 ** power) * SFNT_ENTRY_BYTES, 10);
  const parts: Buffer[] = [header];
  let offset = header.length;
  for (let index = 0; index < tableCount; index += 1) {
    const entry = HEADER_BYTES + index * ENTRY_BYTES;
    const [from, packedBytes, bytes] = [4, 8, 12].map((at) => woff.readUInt32BE(entry + at)) as [
      number,
      number,
      number,
    ];
    const packed = woff.subarray(from, from + packedBytes);
    const table = packedBytes < bytes ? inflateSync(packed) : packed;
    assert.equal(table.length, bytes, 'a table of the font is damaged');
    const target = SFNT_HEADER_BYTES + index * SFNT_ENTRY_BYTES;
    woff.copy(header, target, entry, entry + 4);
    header.writeUInt32BE(woff.readUInt32BE(entry + 16), target + 4);
    header.writeUInt32BE(offset, target + 8);
    header.writeUInt32BE(bytes, target + 12);
    // Tables begin at multiples of four bytes.
    const padding = Buffer.alloc((4 - (bytes % 4)) % 4);
    parts.push(table, padding);
    offset += bytes + padding.length;
  }
  return Buffer.concat(parts);
}
