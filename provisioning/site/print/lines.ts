/**
 * Spans of text → lines that fit a width. Marks become pills, what is to be filled in and code get a background, long
 * addresses break at their slashes, and a word that is wider than the column breaks anywhere rather than run off the page.
 */
import { LANGUAGES } from '../languages.ts';
import { MARKS, WORDS } from '../words/words.ts';
import { FILL_BACKGROUND, INK, MARK_COLOURS, MIST, PAPER, RIVER } from './colours.ts';
import { type Face, widthOf } from './fonts.ts';
import type { Span } from './markdown.ts';

/** A piece that is not broken. */
export type Atom = {
  readonly text: string;
  readonly face: Face;
  readonly size: number;
  readonly colour: string;
  /** Empty: none. Neighbours with the same group share one. */
  readonly background: string;
  readonly group: number;
  readonly link: string;
  /** Room on both sides, inside the background. */
  readonly padding: number;
  /** A blank stood before it. */
  readonly isSpaced: boolean;
  readonly width: number;
};
export type Placed = { readonly atom: Atom; readonly x: number };
export type Line = readonly Placed[];

const PILL_SHARE = 0.76;

/** Label → colour, in every language: a paper that was filled in by hand does not say which it is in. */
const PILLS = new Map<string, string>(
  LANGUAGES.flatMap((language) =>
    MARKS.map((mark) => [`[${WORDS[language].marks[mark]}]`, MARK_COLOURS[mark]] as const),
  ),
);
const FILLS = LANGUAGES.map((language) => `[${WORDS[language].fill} `);

export function atomsOf(spans: readonly Span[], size: number, isBold: boolean): Atom[] {
  const atoms: Atom[] = [];
  let isSpaced = false;
  spans.forEach(({ text, style }, group) => {
    const pill = style.bold ? PILLS.get(text) : undefined;
    if (pill !== undefined) {
      const face = 'bold';
      const pillSize = size * PILL_SHARE;
      const label = text.slice(1, -1);
      const width = widthOf(label, face, pillSize) + pillSize * 0.9;
      atoms.push({
        text: label,
        face,
        size: pillSize,
        colour: PAPER,
        background: pill,
        group,
        link: '',
        padding: pillSize * 0.45,
        isSpaced,
        width,
      });
      isSpaced = false;
      return;
    }
    const isFill = style.bold && FILLS.some((begin) => text.startsWith(begin));
    const face: Face = isFill ? 'regular' : isBold || style.bold ? 'bold' : style.italic ? 'italic' : 'regular';
    const shown = isFill ? text.slice(1, -1) : text;
    const background = isFill ? FILL_BACKGROUND : style.code ? MIST : '';
    const colour = style.link === '' ? INK : RIVER;
    for (const [index, word] of shown.split(' ').entries()) {
      if (index > 0) isSpaced = true;
      if (word === '') continue;
      for (const [part, piece] of pieces(word, style.code || style.link !== '').entries()) {
        const width = widthOf(piece, face, size);
        atoms.push({
          text: piece,
          face,
          size,
          colour,
          background,
          group,
          link: style.link,
          padding: 0,
          isSpaced: isSpaced && part === 0,
          width,
        });
        isSpaced = false;
      }
    }
  });
  return atoms;
}

/** Where a long address may break: behind each slash. */
function pieces(word: string, isAddress: boolean): string[] {
  return isAddress ? word.split(/(?<=\/)(?!\/)/) : [word];
}

/** Letters of an atom that is wider than a whole line, one by one. */
function letters(atom: Atom): Atom[] {
  return [...atom.text].map((text, index) => ({
    ...atom,
    text,
    isSpaced: atom.isSpaced && index === 0,
    width: widthOf(text, atom.face, atom.size),
  }));
}

export function layLines(atoms: readonly Atom[], widthMax: number): Line[] {
  const lines: Placed[][] = [];
  let line: Placed[] = [];
  let x = 0;
  const place = (atom: Atom) => {
    const blank = atom.isSpaced && line.length > 0 ? widthOf(' ', 'regular', atom.size) : 0;
    if (line.length > 0 && x + blank + atom.width > widthMax) {
      lines.push(line);
      line = [];
      x = 0;
    } else x += blank;
    line.push({ atom, x });
    x += atom.width;
  };
  for (const atom of atoms) for (const part of atom.width > widthMax ? letters(atom) : [atom]) place(part);
  if (line.length > 0) lines.push(line);
  return lines;
}

/** Width of the widest atom, and of all in one line. */
export function widthsOf(atoms: readonly Atom[]): { readonly least: number; readonly natural: number } {
  const natural = layLines(atoms, Number.POSITIVE_INFINITY)[0]?.at(-1);
  return {
    least: Math.max(0, ...atoms.map(({ width }) => width)),
    natural: natural === undefined ? 0 : natural.x + natural.atom.width,
  };
}
