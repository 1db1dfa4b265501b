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
  /** A line may end before it. */
  readonly mayBreak: boolean;
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
  spans.forEach((span, group) => {
    const look = lookOf(span, size, isBold);
    for (const [index, word] of look.text.split(' ').entries()) {
      if (index > 0) isSpaced = true;
      if (word === '') continue;
      for (const [part, text] of pieces(word, span).entries()) {
        const width = widthOf(text, look.face, look.size) + 2 * look.padding;
        atoms.push({ ...look, text, group, isSpaced, mayBreak: isSpaced || part > 0, width });
        isSpaced = false;
      }
    }
  });
  return atoms;
}

type Look = Pick<Atom, 'text' | 'face' | 'size' | 'colour' | 'background' | 'link' | 'padding'>;

function lookOf({ text, style }: Span, size: number, isBold: boolean): Look {
  const pill = style.bold ? PILLS.get(text) : undefined;
  if (pill !== undefined) {
    const pillSize = size * PILL_SHARE;
    // A label of two words stays one pill.
    const label = text.slice(1, -1).replaceAll(' ', '\u00a0');
    const padding = pillSize * 0.45;
    return { text: label, face: 'bold', size: pillSize, colour: PAPER, background: pill, link: '', padding };
  }
  const { link, code } = style;
  if (style.bold && FILLS.some((begin) => text.startsWith(begin)))
    return {
      text: text.slice(1, -1),
      face: 'regular',
      size,
      colour: INK,
      background: FILL_BACKGROUND,
      link,
      padding: 0,
    };
  const face: Face = isBold || style.bold ? 'bold' : style.italic ? 'italic' : 'regular';
  const colour = link === '' ? INK : RIVER;
  return { text, face, size, colour, background: code ? MIST : '', link, padding: 0 };
}

/** Where a long address may break: behind each slash. */
function pieces(word: string, { style }: Span): string[] {
  return style.code || style.link !== '' ? word.split(/(?<=\/)(?!\/)/) : [word];
}

/** Atoms that must not be parted: what has no blank between, such as a full stop behind a pill or a bracket before code. */
function words(atoms: readonly Atom[]): Atom[][] {
  const groups: Atom[][] = [];
  for (const atom of atoms) {
    const last = groups.at(-1);
    if (atom.mayBreak || last === undefined) groups.push([atom]);
    else last.push(atom);
  }
  return groups;
}

/** Letters of an atom that is wider than a whole line, one by one. */
function letters(atom: Atom): Atom[] {
  return [...atom.text].map((text, index) => ({
    ...atom,
    text,
    isSpaced: atom.isSpaced && index === 0,
    mayBreak: true,
    width: widthOf(text, atom.face, atom.size),
  }));
}

function widthOfAll(atoms: readonly Atom[]): number {
  return atoms.reduce((sum, { width }) => sum + width, 0);
}

export function layLines(atoms: readonly Atom[], widthMax: number): Line[] {
  const lines: Placed[][] = [];
  let line: Placed[] = [];
  let x = 0;
  const place = (word: readonly Atom[]) => {
    const [first] = word;
    const blank = first?.isSpaced && line.length > 0 ? widthOf(' ', 'regular', first.size) : 0;
    if (line.length > 0 && x + blank + widthOfAll(word) > widthMax) {
      lines.push(line);
      line = [];
      x = 0;
    } else x += blank;
    for (const atom of word) {
      line.push({ atom, x });
      x += atom.width;
    }
  };
  for (const word of words(atoms)) {
    if (widthOfAll(word) <= widthMax) place(word);
    else for (const letter of word.flatMap(letters)) place([letter]);
  }
  if (line.length > 0) lines.push(line);
  return lines;
}

/** Width of the widest word, and of all in one line. */
export function widthsOf(atoms: readonly Atom[]): { readonly least: number; readonly natural: number } {
  const natural = layLines(atoms, Number.POSITIVE_INFINITY)[0]?.at(-1);
  return {
    least: Math.max(0, ...words(atoms).map(widthOfAll)),
    natural: natural === undefined ? 0 : natural.x + natural.atom.width,
  };
}
