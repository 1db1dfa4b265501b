/**
 * The sign at the door, in one language or in several: a picture, one headline, one sentence, what does not happen, who
 * answers for it, and the way to the notice. First layer of the information that Articles 12 and 13 GDPR ask for; the
 * notice is the second (EDPB Guidelines 3/2019 on video devices, section 7).
 * Sizes are of A4; A5 is the same at 71 %, where the smallest text is still 7.6 points. Capitals are to be 1/300 of the
 * distance or more (DIN 1450): the headline's read from 3 m on A4 and from 2 m on A5, in several languages too.
 * What the configuration leaves empty becomes a dotted line to write on: a sign is never printed with a wrong name.
 */
import type { SiteFacts } from '../facts.ts';
import type { Language } from '../languages.ts';
import { GREY, INK, PAPER, RIVER, RULE } from '../print/colours.ts';
import { type Face, widthOf, wrap } from '../print/fonts.ts';
import { type SignWords, WORDS } from '../words/words.ts';
import { pictogram } from './pictogram.ts';
import { QUIET_MODULES, qrCode } from './qr.ts';
import { circle, type Drawing, mm, rect, type Shape, stroke } from './shapes.ts';

const WIDTH = 210;
const HEIGHT = 297;
const MARGIN = 17;
const INNER = WIDTH - 2 * MARGIN;
/** Ends of the space between the picture and the line above who is responsible. */
const FOOT_TOP = 228;
const SMALL = 3.8;
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
  write(lines: readonly string[], face: Face, size: number, fill: string, lead = 1.25): void {
    for (const text of lines) {
      this.y += size * lead;
      this.shapes.push({ kind: 'text', text, face, size, x: this.#x, y: this.y - size * 0.28, fill });
    }
  }
  /** Room for a hand that writes. */
  dotted(width: number): void {
    this.y += 8.5;
    for (let x = 0; x <= width; x += 1.8)
      this.shapes.push({ kind: 'path', path: circle(this.#x + x, this.y - 1.2, 0.28), fill: GREY });
  }
}

/** Lines at the largest size between `from` and `to` mm at which the text fits into so many lines, by steps of 0.25 mm. */
function fitted(text: string, face: Face, from: number, to: number, linesMax: number, width = INNER) {
  for (let size = from; ; size -= 0.25) {
    const lines = wrap(text, face, size, width);
    const fits = lines.length <= linesMax && lines.every((line) => widthOf(line, face, size) <= width);
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

/** Headline, sentence and three promises, each with a tick. */
function oneLanguage(words: SignWords, top: number): Shape[] {
  const column = new Column(MARGIN, top);
  const headline = fitted(words.headline, 'bold', 23, 12, 2);
  column.write(headline.lines, 'bold', headline.size, INK, 1.08);
  column.y += 3.5;
  const sentence = fitted(words.sentence, 'regular', 8.2, 5, 2);
  column.write(sentence.lines, 'regular', sentence.size, INK);
  column.y += 3.5;
  const promises = new Column(MARGIN + 10, column.y);
  const size = Math.min(...words.promises.map((promise) => fitted(promise, 'bold', 7, 4, 1, INNER - 10).size));
  for (const promise of words.promises) {
    promises.write([promise], 'bold', size, RIVER, 1.36);
    const base = promises.y - size * 0.28;
    promises.shapes.push(
      { kind: 'path', path: stroke(MARGIN + 0.8, base - 2.2, MARGIN + 2.6, base - 0.4, 1.1), fill: RIVER },
      { kind: 'path', path: stroke(MARGIN + 2.6, base - 0.4, MARGIN + 6, base - 4.8, 1.1), fill: RIVER },
    );
  }
  return [...column.shapes, ...promises.shapes];
}

/** A headline and two sentences a language, as large as the room allows. */
function severalLanguages(all: readonly SignWords[], top: number): Shape[] {
  const drawn = (scale: number): Column => {
    const column = new Column(MARGIN, top);
    all.forEach((words, index) => {
      if (index > 0) column.y += 4.2 * scale;
      const headline = fitted(words.headline, 'bold', 12 * scale, 7, 1);
      column.write(headline.lines, 'bold', headline.size, INK, 1.1);
      column.y += 0.5;
      const text = `${words.sentence} ${words.promisesShort}`;
      column.write(wrap(text, 'regular', 5.6 * scale, INNER), 'regular', 5.6 * scale, GREY, 1.22);
    });
    return column;
  };
  for (let scale = 1.25; ; scale -= 0.02) {
    const column = drawn(scale);
    if (column.y <= FOOT_TOP - 5 || scale < 0.5) return column.shapes;
  }
}

/** Who answers for it and how they are reached, left of the code. */
function responsible(all: readonly SignWords[], facts: SiteFacts): Shape[] {
  const { controller, dataProtectionOfficer } = facts.config.papers;
  const column = new Column(MARGIN, FOOT_TOP + 5);
  column.write(wrap(joined(all, 'responsible'), 'regular', SMALL, FOOT_INNER), 'regular', SMALL, GREY);
  if (controller.name === '') column.dotted(FOOT_INNER);
  else {
    const name = fitted(controller.name, 'bold', 5.6, 4, 2, FOOT_INNER);
    column.write(name.lines, 'bold', name.size, INK);
  }
  const reach = [controller.email, controller.phone].filter((text) => text !== '').join('  ·  ');
  for (const text of [controller.address, reach]) {
    if (text === '') column.dotted(FOOT_INNER);
    else column.write(wrap(text, 'regular', 4.2, FOOT_INNER), 'regular', 4.2, INK);
  }
  if (dataProtectionOfficer !== '')
    column.write(wrap(dataProtectionOfficer, 'regular', SMALL, FOOT_INNER), 'regular', SMALL, INK);
  column.y += 2;
  const [first] = all;
  const text = `${first!.purpose}. ${first!.rights}`;
  column.write(wrap(text, 'regular', SMALL, FOOT_INNER), 'regular', SMALL, GREY);
  return column.shapes;
}

/** The code with its caption, and the address in letters for who has no telephone at hand. */
function wayToNotice(all: readonly SignWords[], address: string): Shape[] {
  const column = new Column(QR_LEFT, FOOT_TOP + 5);
  if (address === '') {
    for (const words of all) {
      column.write(wrap(words.ask, 'bold', 4.4, QR_SIZE), 'bold', 4.4, INK);
      column.y += 2;
    }
    return column.shapes;
  }
  const code = qrCode(address);
  // The quiet zone is white paper already: the code itself is set to the column's edges.
  const module = QR_SIZE / (code.modules - 2 * QUIET_MODULES);
  const shift = QUIET_MODULES * module;
  const top = column.y + 1.5;
  column.shapes.push({ kind: 'path', path: code.path(QR_LEFT - shift, top - shift, module), fill: INK });
  column.y = top + QR_SIZE + 1.5;
  column.write(wrap(joined(all, 'scan'), 'bold', SMALL, QR_SIZE), 'bold', SMALL, INK);
  column.write(brokenAddress(address.replace(/^https:\/\//, '')), 'regular', 3.4, GREY, 1.2);
  return column.shapes;
}

/** Lines of at most the code's width, broken wherever the edge is: an address has no blanks. */
function brokenAddress(address: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const letter of address) {
    if (line !== '' && widthOf(line + letter, 'regular', 3.4) > QR_SIZE) {
      lines.push(line);
      line = '';
    }
    line += letter;
  }
  return [...lines, line];
}

function joined(all: readonly SignWords[], key: 'responsible' | 'scan'): string {
  return [...new Set(all.map((words) => words[key]))].join(' · ');
}

/** Throws nothing: with an empty configuration it is a sign to fill in by hand. */
export function signDrawing(facts: SiteFacts, languages: readonly [Language, ...Language[]]): Drawing {
  const all = languages.map((language) => WORDS[language].sign);
  const isSingle = all.length === 1;
  const panelHeight = isSingle ? 112 : 88;
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
