/**
 * Text of the configuration inside Markdown: shown as it was written, whatever it contains. CommonMark lets every ASCII
 * punctuation mark be escaped; those are that could open emphasis, code, a link, an image, HTML, an entity, a table cell,
 * a heading, strike-through, a formula or a template. `://` and `www.` are taken apart, because GitHub makes links of bare addresses.
 */
export function escapeMarkdown(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\\`*_[\]<>&|~#{}$^]/g, '\\$&')
    .replace(/:\/\//g, '\\://')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}\\.`);
}
