/** The sign as SVG. All text is outlined, so it looks the same without our font; title and description say it in words. */
import { outlineOf } from '../print/fonts.ts';
import type { Drawing, Shape } from './shapes.ts';

export function svgText(drawing: Drawing): string {
  const { widthMm, heightMm, title, description, language, shapes } = drawing;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthMm}mm" height="${heightMm}mm" viewBox="0 0 ${widthMm} ${heightMm}" role="img" xml:lang="${language}" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="description">${escapeXml(description)}</desc>`,
    ...shapes.map(element),
    '</svg>\n',
  ].join('\n');
}

function element(shape: Shape): string {
  if (shape.kind === 'text') {
    const { text, face, size, x, y, fill } = shape;
    return `<path fill="${fill}" d="${outlineOf(text, face, size, x, y)}"/>`;
  }
  const opacity = shape.opacity === undefined ? '' : ` fill-opacity="${shape.opacity}"`;
  return `<path fill="${shape.fill}"${opacity} d="${shape.path}"/>`;
}

/** All but XML 1.0's production 2, Char: XML has no way to write these. */
const NO_XML_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** For text and attributes. */
export function escapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return text.replace(NO_XML_CHARACTER, '').replace(/[&<>"']/g, (c) => named[c]!);
}
