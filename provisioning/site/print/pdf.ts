/**
 * PDF files: a page to draw on, tagged for screen readers, and the same bytes for the same content.
 * Why `pdfkit` (foliojs): alive (several releases this year), embeds subsets of fonts, writes tagged PDF, and compresses
 * with its own code, so that bytes do not depend on the version of Node. `pdf-lib` has had no release since 2021;
 * `jspdf` cannot tag. Only this file imports it, and only `lethe papers` loads this file.
 * Determinism: the one thing that pdfkit takes from the clock is the date of creation, which is handed in.
 */
import PDFDocument, { type StructureElement } from 'pdfkit';
import { type Face, fontFiles, runsOf, widthOf } from './fonts.ts';

export const PT_PER_MM = 72 / 25.4;

export type PdfFacts = {
  readonly title: string;
  readonly author: string;
  readonly language: string;
  /** YYYY-MM-DD */
  readonly day: string;
  readonly widthPt: number;
  readonly heightPt: number;
};

/** Kinds of structure used here, as PDF names them (ISO 32000-1, 14.8.4). */
export type Role =
  | 'H1'
  | 'H2'
  | 'H3'
  | 'P'
  | 'L'
  | 'LI'
  | 'LBody'
  | 'Table'
  | 'TR'
  | 'TH'
  | 'TD'
  | 'BlockQuote'
  | 'Figure';

/** All measures in points, origin top left, y downwards. */
export class Pdf {
  readonly #document: PDFDocument;
  readonly #chunks: Uint8Array[] = [];
  readonly #done: Promise<Buffer>;

  constructor(facts: PdfFacts) {
    const { title, author, language, day, widthPt, heightPt } = facts;
    this.#document = new PDFDocument({
      size: [widthPt, heightPt],
      margin: 0,
      bufferPages: true,
      lang: language,
      tagged: true,
      displayTitle: true,
      pdfVersion: '1.7',
      info: { Title: title, ...(author === '' ? {} : { Author: author }), CreationDate: new Date(`${day}T00:00:00Z`) },
    });
    this.#done = new Promise((resolve, reject) => {
      this.#document.on('data', (chunk) => void this.#chunks.push(chunk));
      this.#document.on('end', () => resolve(Buffer.concat(this.#chunks)));
      this.#document.on('error', reject);
    });
    for (const face of ['regular', 'bold', 'italic'] as const)
      for (const { name, bytes } of fontFiles(face)) this.#document.registerFont(name, bytes);
  }

  text(text: string, face: Face, size: number, x: number, y: number, colour: string): void {
    let left = x;
    for (const run of runsOf(text, face)) {
      this.#document.font(run.file.name).fontSize(size).fillColor(colour);
      this.#document.text(run.text, left, y, { lineBreak: false, baseline: 'alphabetic' });
      left += widthOf(run.text, face, size);
    }
  }

  rectangle(x: number, y: number, width: number, height: number, colour: string, radius = 0): void {
    if (radius > 0) this.#document.roundedRect(x, y, width, height, radius);
    else this.#document.rect(x, y, width, height);
    this.#document.fill(colour);
  }

  /** Path in SVG's language. */
  path(path: string, colour: string, opacity = 1): void {
    this.#document.save().fillOpacity(opacity).path(path).fill(colour).restore();
  }

  link(x: number, y: number, width: number, height: number, address: string): void {
    this.#document.link(x, y, width, height, address);
  }

  /** Everything drawn in `draw` is `factor` as large. */
  scaled(factor: number, draw: () => void): void {
    this.#document.save().scale(factor);
    draw();
    this.#document.restore();
  }

  newPage(): void {
    // Not addPage: what is being tagged goes on on the new page.
    this.#document.continueOnNewPage();
  }

  /** An element of the reading order; content is drawn when the element is added. */
  element(role: Role, content: (() => void) | StructureElement[], alt?: string): StructureElement {
    return this.#document.struct(role, alt === undefined ? {} : { alt }, content);
  }

  add(element: StructureElement): void {
    this.#document.addStructure(element);
  }

  /** Drawn for the eye only: lines, backgrounds, page numbers. */
  artifact(draw: () => void): void {
    this.#document.markContent('Artifact');
    draw();
    this.#document.endMarkedContent();
  }

  /** Calls `draw` on every page, with its number and how many there are. */
  onEveryPage(draw: (page: number, pages: number) => void): void {
    const { start, count } = this.#document.bufferedPageRange();
    for (let index = 0; index < count; index += 1) {
      this.#document.switchToPage(start + index);
      this.artifact(() => draw(index + 1, count));
    }
  }

  async bytes(): Promise<Buffer> {
    this.#document.end();
    return this.#done;
  }
}
