/**
 * A template becomes a paper: `{{name}}` is replaced once, from left to right, and what was put in is not looked at again,
 * so that a value cannot smuggle in a placeholder. Three kinds of names:
 *   facts and fields (values.ts): escaped for Markdown, or where the configuration is silent a mark to fill in;
 *   marks `{{proved}}`, `{{measured}}`, `{{believed}}`, `{{judgement}}`, levels `{{low}}` …, tables and the legend;
 *   `{{fill: what}}`: something that only a person can know, said in the language of the paper.
 * Every mark to fill in is also returned with its line, so that the command can say where a person is needed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../runtime/package.ts';
import type { SiteFacts } from './facts.ts';
import type { Language, TextName } from './languages.ts';
import { valuesOf } from './values.ts';
import { WORDS } from './words/words.ts';

export type OpenPlace = {
  /** From 1, in the Markdown file. */
  readonly line: number;
  /** In the language of the paper. */
  readonly what: string;
};
export type FilledText = { readonly markdown: string; readonly open: readonly OpenPlace[] };

const PLACEHOLDER = /\{\{([^{}]+)\}\}/g;
const FILL = 'fill:';

export function readTemplate(language: Language, name: TextName): string {
  return readFileSync(join(PACKAGE_ROOT, 'provisioning', 'site', language, `${name}.md`), 'utf8');
}

/** Throws on a placeholder that nobody knows: a template of ours is wrong then, and a test finds it first. */
export function fillTemplate(template: string, language: Language, facts: SiteFacts): FilledText {
  const values = valuesOf(language, facts);
  const { fill } = WORDS[language];
  const markdown = template
    .replace(PLACEHOLDER, (_, name: string) => {
      if (name.startsWith(FILL)) return `**[${fill} ${name.slice(FILL.length).trim()}]**`;
      const value = values[name];
      if (value === undefined) throw new Error(`{{${name}}} is not known in ${language}`);
      return value;
    })
    .replace(/ {2,}/g, ' ');
  return { markdown, open: openPlaces(markdown, fill) };
}

/** Marks to fill in, with their lines. What stands in a value cannot look like one: its brackets are escaped. */
export function openPlaces(markdown: string, fill: string): OpenPlace[] {
  const begin = `**[${fill} `;
  return markdown.split('\n').flatMap((text, index) =>
    text
      .split(begin)
      .slice(1)
      .map((rest) => ({ line: index + 1, what: rest.slice(0, rest.indexOf(']**')) })),
  );
}
