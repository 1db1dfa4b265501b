/**
 * Papers for the site: a sign for the door, the privacy notice behind its QR code, an impact assessment, an entry for the
 * record of processing, and answers to requests, in each language asked for.
 *
 *   configuration, code, day ─► facts.ts ─► fill.ts (templates <language>/*.md, words/) ─► Markdown ─► print/ ─► PDF
 *                                     └────► sign/ ─► shapes ─► SVG and PDF
 *
 * Pure but for reading its own templates and fonts: the same facts give the same bytes. The command (commands/papers) writes them.
 * The Markdown is the paper that a person goes on with; its PDF can be made again from it (`pdfOfMarkdown`).
 */
import type { SiteFacts } from './facts.ts';
import { fillTemplate, type OpenPlace, readTemplate } from './fill.ts';
import { LANGUAGE_NAMES, type Language, longDate, TEXTS } from './languages.ts';
import { documentPdf } from './print/document.ts';
import { readMarkdown } from './print/markdown.ts';
import { signPdf } from './sign/pdf.ts';
import type { Drawing } from './sign/shapes.ts';
import { signDrawing } from './sign/sign.ts';
import { svgText } from './sign/svg.ts';

export type Paper = {
  /** Below the folder of the papers: `sv/dpia.md`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Of a Markdown file: what a person still has to fill in. */
  readonly open: readonly OpenPlace[];
};

export async function makePapers(facts: SiteFacts, languages: readonly [Language, ...Language[]]): Promise<Paper[]> {
  const papers: Paper[] = [];
  for (const language of languages) {
    papers.push(...(await signPapers(`${language}/sign`, signDrawing(facts, [language]), facts)));
    for (const name of TEXTS) {
      const { markdown, open } = fillTemplate(readTemplate(language, name), language, facts);
      const pdf = await pdfOfMarkdown(markdown, language, facts.config.papers.controller.name, facts.day);
      papers.push(
        { path: `${language}/${name}.md`, bytes: Buffer.from(markdown), open },
        { path: `${language}/${name}.pdf`, bytes: pdf, open: [] },
      );
    }
  }
  if (languages.length > 1) papers.push(...(await signPapers('sign', signDrawing(facts, languages), facts)));
  return papers;
}

async function signPapers(path: string, drawing: Drawing, { config, day }: SiteFacts): Promise<Paper[]> {
  const author = config.papers.controller.name;
  return [
    { path: `${path}.svg`, bytes: Buffer.from(svgText(drawing)), open: [] },
    { path: `${path}-a4.pdf`, bytes: await signPdf(drawing, 'a4', author, day), open: [] },
    { path: `${path}-a5.pdf`, bytes: await signPdf(drawing, 'a5', author, day), open: [] },
  ];
}

/** Sets Markdown as a paper, filled in by hand or not. Its first heading is the title. */
export function pdfOfMarkdown(markdown: string, language: Language, author: string, day: string): Promise<Buffer> {
  const blocks = readMarkdown(markdown);
  const heading = blocks.find((block) => block.kind === 'heading');
  const title = heading?.kind === 'heading' ? heading.spans.map(({ text }) => text).join('') : 'Lethe';
  const foot = `${title} · ${LANGUAGE_NAMES[language]} · ${longDate(language, day)}`;
  return documentPdf(blocks, { title, author, language, day, foot });
}
