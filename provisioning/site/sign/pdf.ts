/** The sign as PDF on A4 or A5. Text stays text: it can be searched, copied and read aloud. */
import { Pdf, PT_PER_MM } from '../print/pdf.ts';
import type { Drawing } from './shapes.ts';

/** ISO 216; the drawing is A4 and both are alike up to half a millimetre. */
export const SHEETS = { a4: { widthMm: 210, heightMm: 297 }, a5: { widthMm: 148, heightMm: 210 } } as const;
export type Sheet = keyof typeof SHEETS;

export async function signPdf(drawing: Drawing, sheet: Sheet, author: string, day: string): Promise<Buffer> {
  const { widthMm, heightMm } = SHEETS[sheet];
  const pdf = new Pdf({
    title: drawing.title,
    author,
    language: drawing.language,
    day,
    widthPt: widthMm * PT_PER_MM,
    heightPt: heightMm * PT_PER_MM,
  });
  const factor = (widthMm / drawing.widthMm) * PT_PER_MM;
  const draw = () =>
    pdf.scaled(factor, () => {
      for (const shape of drawing.shapes) {
        if (shape.kind === 'path') pdf.path(shape.path, shape.fill, shape.opacity);
        else pdf.text(shape.text, shape.face, shape.size, shape.x, shape.y, shape.fill);
      }
    });
  pdf.add(pdf.element('Figure', draw, `${drawing.title}. ${drawing.description}`));
  return pdf.bytes();
}
