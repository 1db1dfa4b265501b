/**
 * The sign at the door, in one language or in several: a picture, one headline, one sentence, what does not happen, who
 * answers for it, and the way to the notice. First layer of the information that Articles 12 and 13 GDPR ask for; the
 * notice is the second (EDPB Guidelines 3/2019 on video devices, section 7).
 * Sizes are of A4; A5 is the same at 71 %, where the smallest text is still 6.8 points. Capitals of 1/300 of the distance
 * can be read (DIN 1450): the headline from 4 m on A4 and 3 m on A5; with five languages from 2 m on A4.
 * What the configuration leaves empty becomes a dotted line to write on: a sign is never printed with a wrong name.
 */

import { QUIET_MODULES } from '../../qr/matrix.ts';
import type { SiteFacts } from '../facts.ts';
import type { Language } from '../languages.ts';
import { GREY, INK, PAPER, RIVER, RULE } from '../print/colours.ts';
import { type Face, widthOf, wrap } from '../print/fonts.ts';
import { type SignWords, WORDS } from '../words/words.ts';
import { pictogram } from './pictogram.ts';
import { qrCode } from './qr.ts';
import { circle, type Drawing, mm, rect, type Shape, stroke } from './shapes.ts';

const WIDTH = 210;
const HEIGHT = 297;
const MARGIN = 17;
const INNER = WIDTH - 2 * MARGIN;
/** Ends of the space between the picture and the line above who is responsible. */
const FOOT_TOP = 226;
/** Printers leave a border. */
const BOTTOM = HEIGHT - 7;
const SMALL = 3.8;
/** Smaller than this nobody reads it from a step away; our own words never get there. */
const SCALE_MIN = 0.4;
const QR_SIZE = 42;
const QR_LEFT = WIDTH - MARGIN - QR_SIZE;
const FOOT_INNER = QR_LEFT - MARGIN - 10;

/** Draws downwards and remembers where it is. */
class Column {
  readonly shapes: Shape[] = [];
  y: number;
  readonly #x: number;
  constructor(x: number, y: number) {
    this.#x = x;
    this.y = y;
  }
  /** `lead`: from base line to base line, in em. */
  write(lines: readonly string[], face: Face, size: number, fill: string, lead = 1.25, indent = 0): void {
    for (const text of lines) {
      this.y += size * lead;
      this.shapes.push({ kind: 'text', text, face, size, x: this.#x + indent, y: this.y - size * 0.28, fill });
    }
  }
  /** Room for a hand that writes. */
  dotted(width: number): void {
    this.y += 8.5;
    for (let x = 0; x <= width; x += 1.8)
      this.shapes.push({ kind: 'path', path: circle(this.#x + x, this.y - 1.2, 0.28), fill: GREY });
  }
}

/** Whole words only: lines at the largest size between `from` and `to` mm at which the text fits into so many lines, by steps of 0.25 mm. */
function fitted(text: string, face: Face, from: number, to: number, linesMax: number, width = INNER) {
  for (let size = from; ; size -= 0.25) {
    const lines = wrap(text, face, size, width);
    const isWhole = text.split(' ').every((word) => widthOf(word, face, size) <= width);
    const fits = isWhole && lines.length <= linesMax;
    if (fits || size <= to) return { lines, size };
  }
}

/** From the top of the page to a wavy edge around `y`: the river that the program is called after. */
function water(y: number): string {
  const crest = 8;
  const at = (share: number) => mm(WIDTH * share);
  return (
    `M0 0H${WIDTH}V${mm(y)}C${at(0.84)} ${mm(y + crest)} ${at(0.68)} ${mm(y - crest)} ${at(0.5)} ${mm(y)}` +
    `C${at(0.32)} ${mm(y + crest)} ${at(0.16)} ${mm(y - crest)} 0 ${mm(y)}Z`
  );
}

function panel(height: number): Shape[] {
  return [
    { kind: 'path', path: rect(0, 0, WIDTH, HEIGHT), fill: PAPER },
    { kind: 'path', path: water(height + 3.2), fill: RIVER },
    { kind: 'path', path: water(height), fill: INK },
    ...pictogram(WIDTH / 2, height * 0.13, height * 0.88, INK),
  ];
}

/** Headline, sentence and three promises, each with a tick, as large as the room allows. */
function oneLanguage(words: SignWords, top: number): Shape[] {
  return largest(1, (scale) => {
    const column = new Column(MARGIN, top);
    const headline = fitted(words.headline, 'bold', 23 * scale, 12, 2);
    column.write(headline.lines, 'bold', headline.size, INK, 1.08);
    column.y += 3;
    // A little smaller in one line rather than large in one and a half.
    const inOne = fitted(words.sentence, 'regular', 8.2 * scale, 6.6 * scale, 1);
    const sentence = inOne.lines.length === 1 ? inOne : fitted(words.sentence, 'regular', 8.2 * scale, 5, 2);
    column.write(sentence.lines, 'regular', sentence.size, INK);
    column.y += 3;
    promises(words.promises, column, scale);
    return column;
  });
}

function promises(texts: readonly string[], column: Column, scale: number): void {
  const indent = 10;
  const size = Math.min(...texts.map((text) => fitted(text, 'bold', 7 * scale, 4, 1, INNER - indent).size));
  for (const text of texts) {
    column.write([text], 'bold', size, RIVER, 1.36, indent);
    const base = column.y - size * 0.28;
    column.shapes.push(
      { kind: 'path', path: stroke(MARGIN + 0.8, base - 2.2, MARGIN + 2.6, base - 0.4, 1.1), fill: RIVER },
      { kind: 'path', path: stroke(MARGIN + 2.6, base - 0.4, MARGIN + 6, base - 4.8, 1.1), fill: RIVER },
    );
  }
}

/** What `draw` makes at the largest scale, falling from `from`, at which it ends above `bottom`. */
function largest(from: number, draw: (scale: number) => Column, bottom = FOOT_TOP - 5): Shape[] {
  for (let scale = from; ; scale -= 0.02) {
    const column = draw(scale);
    if (column.y <= bottom || scale < SCALE_MIN) return column.shapes;
  }
}

/** A headline and two lines a language, as large as the room allows. */
function severalLanguages(all: readonly SignWords[], top: number): Shape[] {
  return largest(1.3, (scale) => {
    const column = new Column(MARGIN, top);
    all.forEach((words, index) => {
      if (index > 0) column.y += 4.2 * scale;
      const headline = fitted(words.headline, 'bold', 12 * scale, 7, 1);
      column.write(headline.lines, 'bold', headline.size, INK, 1.1);
      column.y += 0.5;
      const size = 5.6 * scale;
      column.write(wrap(words.sentence, 'regular', size, INNER), 'regular', size, INK, 1.22);
      column.write(wrap(words.promisesShort, 'regular', size, INNER), 'regular', size, RIVER, 1.22);
    });
    return column;
  });
}

/** Who answers for it and how they are reached, left of the code. Long names and addresses are set smaller. */
function responsible(all: readonly SignWords[], facts: SiteFacts): Shape[] {
  const { controller, dataProtectionOfficer } = facts.config.papers;
  const label = [...new Set(all.map((words) => words.responsible))].join(' · ');
  const reach = [controller.email, controller.phone].filter((text) => text !== '').join(' · ');
  const { officer, purpose, rights } = all[0]!;
  const draw = (scale: number): Column => {
    const column = new Column(MARGIN, FOOT_TOP + 5);
    const write = (text: string, face: Face, size: number, fill: string) =>
      column.write(wrap(text, face, size * scale, FOOT_INNER), face, size * scale, fill);
    const writeOrDots = (text: string, face: Face, size: number) =>
      text === '' ? column.dotted(FOOT_INNER) : write(text, face, size, INK);
    write(label, 'regular', SMALL, GREY);
    writeOrDots(controller.name, 'bold', 5.6);
    writeOrDots(controller.address, 'regular', 4.2);
    writeOrDots(reach, 'regular', 4.2);
    if (dataProtectionOfficer !== '') write(`${officer}: ${dataProtectionOfficer}`, 'regular', SMALL, INK);
    column.y += 2;
    write(`${purpose}. ${rights}`, 'regular', SMALL, GREY);
    return column;
  };
  return largest(1, draw, BOTTOM);
}

/** The code with its caption, and the address in letters for who has no telephone at hand. */
function wayToNotice(all: readonly SignWords[], address: string): Shape[] {
  return largest(1, (scale) => (address === '' ? askStaff(all, scale) : codeAndAddress(all, address, scale)), BOTTOM);
}

function askStaff(all: readonly SignWords[], scale: number): Column {
  const column = new Column(QR_LEFT, FOOT_TOP + 5);
  const size = 4.4 * scale;
  for (const { ask } of all) {
    column.write(wrap(ask, 'bold', size, QR_SIZE), 'bold', size, INK);
    column.y += 2 * scale;
  }
  return column;
}

function codeAndAddress(all: readonly SignWords[], address: string, scale: number): Column {
  const column = new Column(QR_LEFT, FOOT_TOP + 5);
  const code = qrCode(address);
  // The quiet zone is white paper already: the code itself is set to the column's edges.
  const module = QR_SIZE / (code.modules - 2 * QUIET_MODULES);
  const shift = QUIET_MODULES * module;
  const top = column.y + 1.5;
  column.shapes.push({ kind: 'path', path: code.path(QR_LEFT - shift, top - shift, module), fill: INK });
  column.y = top + QR_SIZE + 1.5;
  // In two languages at most: there is no room for five, and the code itself says what to do.
  const captions = all.slice(0, 2).flatMap((words) => wrap(words.scan, 'bold', SMALL * scale, QR_SIZE));
  column.write(captions, 'bold', SMALL * scale, INK);
  const size = 3.4 * scale;
  column.write(wrap(address.replace(/^https:\/\//, ''), 'regular', size, QR_SIZE), 'regular', size, GREY, 1.2);
  return column;
}

/** Throws nothing: with an empty configuration it is a sign to fill in by hand. */
export function signDrawing(facts: SiteFacts, languages: readonly [Language, ...Language[]]): Drawing {
  const all = languages.map((language) => WORDS[language].sign);
  const isSingle = all.length === 1;
  const panelHeight = isSingle ? 112 : 78;
  const [first] = all;
  return {
    widthMm: WIDTH,
    heightMm: HEIGHT,
    language: languages[0],
    title: all.map((words) => words.headline).join(' · '),
    description: [
      ...all.flatMap(({ sentence, promises }) => [sentence, ...promises]),
      facts.config.papers.controller.name,
    ]
      .filter((text) => text !== '')
      .join(' '),
    shapes: [
      ...panel(panelHeight),
      ...(isSingle ? oneLanguage(first!, panelHeight + 12) : severalLanguages(all, panelHeight + 12)),
      { kind: 'path', path: rect(MARGIN, FOOT_TOP, INNER, 0.35), fill: RULE },
      ...responsible(all, facts),
      ...wayToNotice(all, facts.config.papers.noticeUrl),
    ],
  };
}
