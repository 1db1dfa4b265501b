/**
 * The typeface of all papers: Atkinson Hyperlegible Next (Braille Institute; SIL Open Font License 1.1), drawn for
 * people who see badly, which is what a sign at a door is for. Measures text, and outlines it for the SVG, which must not
 * depend on a font that the reader's machine lacks.
 *
 * Why these packages: @fontsource carries the font with its licence, unchanged and released monthly; fontkit (foliojs)
 * is what pdfkit lays out text with, so that SVG and PDF break lines alike. The font's files hold Latin letters
 * without and with the marks of central Europe; a letter in neither cannot be printed, and the command says so.
 * Memory: six fonts of about 50 kB, read at first use; loaded by `lethe papers` only.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font } from 'fontkit';
import { unpackWoff } from './woff.ts';

export type Face = 'regular' | 'bold' | 'italic';

const FILES: Readonly<Record<Face, string>> = { regular: '400-normal', bold: '700-normal', italic: '400-italic' };
const SUBSETS = ['latin', 'latin-ext'] as const;

export type FontFile = { readonly name: string; readonly bytes: Uint8Array; readonly font: Font };
export type Run = { readonly file: FontFile; readonly text: string };

const loaded = new Map<Face, readonly FontFile[]>();

/** The files of one face, the one with plain Latin first. */
export function fontFiles(face: Face): readonly FontFile[] {
  let files = loaded.get(face);
  if (files === undefined) {
    files = SUBSETS.map((subset) => {
      const file = `atkinson-hyperlegible-next-${subset}-${FILES[face]}.woff`;
      const address = import.meta.resolve(`@fontsource/atkinson-hyperlegible-next/files/${file}`);
      const bytes = unpackWoff(readFileSync(fileURLToPath(address)));
      return { name: `${face}-${subset}`, bytes, font: create(bytes) };
    });
    loaded.set(face, files);
  }
  return files;
}

function fileFor(letter: string, face: Face): FontFile | undefined {
  return fontFiles(face).find(({ font }) => font.hasGlyphForCodePoint(letter.codePointAt(0)!));
}

/** Letters of `text` that no file holds, each once. */
export function unprintable(text: string): string[] {
  return [...new Set(text.normalize('NFC'))].filter((letter) => fileFor(letter, 'regular') === undefined);
}

/** Pieces that one file can draw. A letter that none has becomes a question mark: see `unprintable`. */
export function runsOf(text: string, face: Face): Run[] {
  const runs: { file: FontFile; text: string }[] = [];
  for (const letter of text.normalize('NFC')) {
    const file = fileFor(letter, face);
    const last = runs.at(-1);
    const drawn = file === undefined ? '?' : letter;
    const drawnBy = file ?? fontFiles(face)[0]!;
    if (last?.file === drawnBy) last.text += drawn;
    else runs.push({ file: drawnBy, text: drawn });
  }
  return runs;
}

/** Widths in em: the same words come again and again, and laying them out is what setting a paper spends its time on. */
const widthsEm = new Map<string, number>();
const WIDTHS_MAX = 50_000;

/** In units of `size`. */
export function widthOf(text: string, face: Face, size: number): number {
  const key = `${face} ${text}`;
  let widthEm = widthsEm.get(key);
  if (widthEm === undefined) {
    widthEm = 0;
    for (const { file, text: part } of runsOf(text, face))
      widthEm += file.font.layout(part).advanceWidth / file.font.unitsPerEm;
    if (widthsEm.size >= WIDTHS_MAX) widthsEm.clear();
    widthsEm.set(key, widthEm);
  }
  return widthEm * size;
}

/** SVG path of `text` with its base line beginning at (x, y); y grows downwards. */
export function outlineOf(text: string, face: Face, size: number, x: number, y: number): string {
  const commands: string[] = [];
  let left = x;
  for (const { file, text: part } of runsOf(text, face)) {
    const scale = size / file.font.unitsPerEm;
    const { glyphs, positions } = file.font.layout(part);
    glyphs.forEach((glyph, index) => {
      const { xOffset, yOffset, xAdvance } = positions[index]!;
      const path = glyph.path.scale(scale, -scale).translate(left + xOffset * scale, y - yOffset * scale);
      commands.push(shortened(path.toSVG()));
      left += xAdvance * scale;
    });
  }
  return commands.join('');
}

/** A hundredth of a millimetre is finer than any printer at these sizes. */
function shortened(path: string): string {
  return path.replace(/-?\d+\.\d+(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2))));
}

/**
 * Words of `text` in lines of at most `widthMax`; no-break spaces do not break. A word that is wider is broken where it
 * must be: somebody's name may be longer than the sign is wide.
 */
export function wrap(text: string, face: Face, size: number, widthMax: number): string[] {
  const lines: string[] = [];
  let line = '';
  const fits = (candidate: string) => widthOf(candidate, face, size) <= widthMax;
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const letter of fits(word) ? [word] : word) {
      if (line !== '' && !fits(line + letter)) {
        lines.push(line);
        line = '';
      }
      line += letter;
    }
  }
  return line === '' ? lines : [...lines, line];
}
