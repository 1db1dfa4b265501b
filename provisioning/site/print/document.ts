/**
 * Sets a paper on A4 pages: headings, paragraphs, lists, tables, quoted letters. Blocks flow downwards and go to the next
 * page when they do not fit; a heading stays with what follows it, a row of a table stays whole. Tagged in reading order.
 */
import { GREY, MIST, RIVER, RULE } from './colours.ts';
import { widthOf } from './fonts.ts';
import { type Atom, atomsOf, type Line, layLines, widthsOf } from './lines.ts';
import type { Block, Span } from './markdown.ts';
import { Pdf, PT_PER_MM } from './pdf.ts';

const PAGE = { width: 210 * PT_PER_MM, height: 297 * PT_PER_MM };
const MARGIN = { left: 64, right: 64, top: 62, bottom: 70 };
const INNER = PAGE.width - MARGIN.left - MARGIN.right;
const BOTTOM = PAGE.height - MARGIN.bottom;
const BODY = 10;
const CELL = 8.8;
/** Base line to base line, em. */
const LEAD = 1.45;
const HEADINGS = {
  1: { size: 23, before: 0, after: 14, role: 'H1' },
  2: { size: 14.5, before: 16, after: 6, role: 'H2' },
  3: { size: 11.2, before: 10, after: 4, role: 'H3' },
} as const;
const AFTER = 6.5;
const CELL_PADDING = 5;

export type DocumentFacts = {
  readonly title: string;
  readonly author: string;
  readonly language: string;
  readonly day: string;
  /** At the foot of every page, beside the number. */
  readonly foot: string;
};

type Room = { readonly x: number; readonly width: number; readonly size: number; readonly isQuote: boolean };

export async function documentPdf(blocks: readonly Block[], facts: DocumentFacts): Promise<Buffer> {
  const { title, author, language, day, foot } = facts;
  const pdf = new Pdf({ title, author, language, day, widthPt: PAGE.width, heightPt: PAGE.height });
  new Flow(pdf).set(blocks, { x: MARGIN.left, width: INNER, size: BODY, isQuote: false });
  pdf.onEveryPage((page, pages) => {
    const y = PAGE.height - 38;
    const number = `${page} / ${pages}`;
    pdf.rectangle(MARGIN.left, y - 14, INNER, 0.6, RULE);
    pdf.text(foot, 'regular', 7.6, MARGIN.left, y, GREY);
    pdf.text(number, 'regular', 7.6, PAGE.width - MARGIN.right - widthOf(number, 'regular', 7.6), y, GREY);
  });
  return pdf.bytes();
}

type Element = ReturnType<Pdf['element']>;

class Flow {
  readonly #pdf: Pdf;
  /** Top of what comes next. */
  #y = MARGIN.top;

  constructor(pdf: Pdf) {
    this.#pdf = pdf;
  }

  set(blocks: readonly Block[], room: Room): void {
    for (const [index, block] of blocks.entries()) {
      const next = blocks[index + 1];
      for (const element of this.#elements(block, room, next)) this.#pdf.add(element);
    }
  }

  /** Drawing happens when an element is added, in order. */
  #elements(block: Block, room: Room, next: Block | undefined): Element[] {
    switch (block.kind) {
      case 'heading':
        return [this.#heading(block, room, next)];
      case 'paragraph': {
        const draw = () => {
          this.#paragraph(block.spans, room);
          this.#skip(AFTER, room);
        };
        return [this.#pdf.element('P', draw)];
      }
      case 'list':
        return [this.#list(block, room)];
      case 'table':
        return [this.#table(block, room)];
      case 'quote': {
        const inside = { ...room, x: room.x + 14, width: room.width - 14, isQuote: true };
        const children = block.blocks.flatMap((child) => this.#elements(child, inside, undefined));
        return [this.#pdf.element('BlockQuote', children)];
      }
      case 'rule':
        return [];
    }
  }

  #heading(block: Extract<Block, { kind: 'heading' }>, room: Room, next: Block | undefined): Element {
    const { size, before, after, role } = HEADINGS[block.level];
    const draw = () => {
      const lines = layLines(atomsOf(block.spans, size, true), room.width);
      // Room for the heading and some lines of what it is about; a heading below another asks for its room, too.
      const company = next?.kind === 'heading' ? 95 : 52;
      if (this.#y > MARGIN.top) this.#y += before;
      this.#ensure(lines.length * size * 1.2 + after + company);
      if (block.level === 1) {
        this.#pdf.rectangle(room.x, this.#y, 46, 4, RIVER, 2);
        this.#y += 18;
      }
      for (const line of lines) this.#line(line, room, size, 1.2);
      this.#y += after;
    };
    return this.#pdf.element(role, draw);
  }

  #paragraph(spans: readonly Span[], room: Room): void {
    const lines = layLines(atomsOf(spans, room.size, false), room.width);
    // No single line at the foot of a page.
    this.#ensure(Math.min(lines.length, 2) * room.size * LEAD);
    for (const line of lines) this.#line(line, room, room.size, LEAD);
  }

  #list(block: Extract<Block, { kind: 'list' }>, room: Room): Element {
    const indent = block.start === undefined ? 13 : 18;
    const inside = { ...room, x: room.x + indent, width: room.width - indent };
    const items = block.items.map((blocks, index) => {
      const label = block.start === undefined ? '•' : `${block.start + index}.`;
      const draw = () => {
        for (const [at, child] of blocks.entries()) {
          if (child.kind !== 'paragraph') continue;
          const top = this.#y;
          this.#ensure(2 * room.size * LEAD);
          if (at === 0) {
            const base = (this.#y === top ? top : this.#y) + room.size * (LEAD - 0.42);
            this.#pdf.text(label, block.start === undefined ? 'bold' : 'regular', room.size, room.x + 1, base, RIVER);
          }
          this.#paragraph(child.spans, inside);
        }
        this.#skip(index === block.items.length - 1 ? AFTER : 3, room);
      };
      return this.#pdf.element('LI', [this.#pdf.element('LBody', draw)]);
    });
    return this.#pdf.element('L', items);
  }

  #table(block: Extract<Block, { kind: 'table' }>, room: Room): Element {
    const head = block.head.map((cell) => atomsOf(cell, CELL, true));
    const rows = block.rows.map((row) => row.map((cell) => atomsOf(cell, CELL, false)));
    const hasHead = head.some((cell) => cell.length > 0);
    const widths = columnWidths(hasHead ? [head, ...rows] : rows, room.width);
    const laid = rows.map((row) => row.map((cell, index) => layLines(cell, widths[index]! - 2 * CELL_PADDING)));
    const laidHead = head.map((cell, index) => layLines(cell, widths[index]! - 2 * CELL_PADDING));
    const children = laid.map((row, index) => {
      const cells = row.map((lines, column) => {
        const draw = () => {
          if (column === 0) this.#startRow(row, hasHead && index > 0 ? laidHead : undefined, widths, room);
          this.#cell(lines, column, widths, room);
          if (column < row.length - 1) return;
          this.#endRow(row, room);
          if (index === laid.length - 1) this.#skip(AFTER + 3, room);
        };
        return this.#pdf.element('TD', draw);
      });
      return this.#pdf.element('TR', cells);
    });
    const headRow = hasHead
      ? [this.#pdf.element('TR', [this.#pdf.element('TH', () => this.#head(laidHead, laid[0], widths, room))])]
      : [];
    return this.#pdf.element('Table', [...headRow, ...children]);
  }

  #startRow(row: readonly Line[][], head: readonly Line[][] | undefined, widths: readonly number[], room: Room): void {
    if (this.#y + rowHeight(row) <= BOTTOM) return;
    this.#nextPage();
    if (head !== undefined) this.#head(head, undefined, widths, room);
  }

  #head(head: readonly Line[][], first: readonly Line[][] | undefined, widths: readonly number[], room: Room): void {
    this.#ensure(rowHeight(head) + (first === undefined ? 0 : rowHeight(first)));
    this.#pdf.rectangle(room.x, this.#y, room.width, rowHeight(head), MIST);
    head.forEach((lines, column) => {
      this.#cell(lines, column, widths, room);
    });
    this.#endRow(head, room);
  }

  #cell(lines: readonly Line[], column: number, widths: readonly number[], room: Room): void {
    const left = widths.slice(0, column).reduce((sum, width) => sum + width, 0);
    const top = this.#y;
    this.#y += CELL_PADDING - 1;
    const inside = { ...room, x: room.x + left + CELL_PADDING, isQuote: false };
    for (const line of lines) this.#line(line, inside, CELL, LEAD - 0.08);
    this.#y = top;
  }

  #endRow(row: readonly Line[][], room: Room): void {
    this.#y += rowHeight(row);
    this.#pdf.rectangle(room.x, this.#y - 0.3, room.width, 0.6, RULE);
  }

  #line(line: Line, room: Room, size: number, lead: number): void {
    const height = size * lead;
    if (this.#y + height > BOTTOM + size) this.#nextPage();
    const base = this.#y + height - size * 0.42;
    if (room.isQuote) this.#pdf.rectangle(room.x - 12, this.#y, 2.2, height, RULE);
    for (const { first, last } of backgrounds(line)) {
      const { atom } = first;
      const isPill = atom.padding > 0;
      const grow = isPill ? 0 : 1.2;
      const width = last.x + last.atom.width - first.x;
      this.#pdf.rectangle(
        room.x + first.x - grow,
        base - size * 0.82,
        width + 2 * grow,
        size * 1.12,
        atom.background,
        isPill ? size * 0.56 : 2,
      );
    }
    for (const { atom, x } of line) {
      const lift = atom.padding > 0 ? (size - atom.size) * 0.34 - size * 0.02 : 0;
      this.#pdf.text(atom.text, atom.face, atom.size, room.x + x + atom.padding, base - lift, atom.colour);
      if (atom.link !== '') this.#pdf.link(room.x + x, base - size * 0.9, atom.width, size * 1.2, atom.link);
    }
    this.#y += height;
  }

  #skip(height: number, room: Room): void {
    if (room.isQuote) this.#pdf.rectangle(room.x - 12, this.#y, 2.2, height, RULE);
    this.#y += height;
  }

  #ensure(height: number): void {
    if (this.#y + height > BOTTOM) this.#nextPage();
  }

  #nextPage(): void {
    this.#pdf.newPage();
    this.#y = MARGIN.top;
  }
}

function rowHeight(row: readonly Line[][]): number {
  return Math.max(1, ...row.map((lines) => lines.length)) * CELL * (LEAD - 0.08) + 2 * CELL_PADDING;
}

/** Columns get what they need if there is room; else their widest word, and of the rest a share by what they still lack. */
function columnWidths(rows: readonly (readonly Atom[])[][], widthMax: number): number[] {
  const columns = rows[0]?.length ?? 0;
  const needs = Array.from({ length: columns }, (_, column) => {
    const widths = rows.map((row) => widthsOf(row[column] ?? []));
    return {
      least: Math.max(...widths.map(({ least }) => least)) + 2 * CELL_PADDING,
      natural: Math.max(...widths.map(({ natural }) => natural)) + 2 * CELL_PADDING,
    };
  });
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const natural = sum(needs.map((need) => need.natural));
  if (natural <= widthMax)
    return needs.map((need, index) => (index === columns - 1 ? need.natural + widthMax - natural : need.natural));
  const least = sum(needs.map((need) => need.least));
  if (least >= widthMax) return needs.map((need) => (need.least / least) * widthMax);
  // By the root: a column of a whole sentence does not starve one of three words.
  const wants = needs.map((need) => Math.sqrt(need.natural - need.least));
  return needs.map((need, index) => need.least + ((widthMax - least) * wants[index]!) / sum(wants));
}

/** First and last atom of each stretch with one background. */
function backgrounds(line: Line): { first: Line[number]; last: Line[number] }[] {
  const stretches: { first: Line[number]; last: Line[number] }[] = [];
  for (const placed of line) {
    if (placed.atom.background === '') continue;
    const last = stretches.at(-1);
    if (last?.last.atom.group === placed.atom.group && last.last.atom.background === placed.atom.background)
      last.last = placed;
    else stretches.push({ first: placed, last: placed });
  }
  return stretches;
}
