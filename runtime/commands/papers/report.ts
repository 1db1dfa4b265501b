/** What `lethe papers` says when it is done: what was written, and what is left to a person, with field, file and line. */
import { openFields } from '../../../provisioning/site/facts.ts';
import { type Language, TEXTS } from '../../../provisioning/site/languages.ts';
import type { Paper } from '../../../provisioning/site/papers.ts';
import { WORDS } from '../../../provisioning/site/words/words.ts';
import type { Config } from '../../config/schema.ts';

export type ReportFacts = {
  readonly config: Config;
  readonly papers: readonly Paper[];
  /** Whose words name the places: one of those that were written. */
  readonly language: Language;
  readonly folder: string;
};

const FIELD_COLUMN = 44;

export function papersReport(facts: ReportFacts): string {
  const sections = [files(facts), emptyFields(facts), openPlaces(facts), takenForGranted(facts)];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function files({ papers, folder }: ReportFacts): string {
  return [`${papers.length} files in ${folder}:`, ...papers.map(({ path }) => `  ${path}`)].join('\n');
}

function emptyFields({ config, language }: ReportFacts): string {
  const open = openFields(config);
  if (open.length === 0) return '';
  const rows = open.map(({ field, key, optional }) => {
    const what = WORDS[language].fields[key];
    return `  ${field.padEnd(FIELD_COLUMN)}${what}${optional ? ' (if there is one)' : ''}`;
  });
  return ['Empty in the configuration; fill in there and run this again:', ...rows].join('\n');
}

/** Of one language; the others have the same places. What the configuration would fill in is told above, once. */
function openPlaces({ papers, language }: ReportFacts): string {
  const fromConfig = Object.values(WORDS[language].fields);
  const blocks = TEXTS.flatMap((name) => {
    const paper = papers.find(({ path }) => path === `${language}/${name}.md`);
    const open = paper?.open.filter(({ what }) => !fromConfig.includes(what)) ?? [];
    if (open.length === 0) return [];
    return [`  ${language}/${name}.md:`, ...open.map(({ line, what }) => `    line ${String(line).padEnd(5)}${what}`)];
  });
  if (blocks.length === 0) return '';
  return [
    'For a person to fill in, in the Markdown; `lethe papers --pdf FILE` then sets its PDF again. Other languages: the same places.',
    ...blocks,
  ].join('\n');
}

/** What the papers say of every counter, and this configuration does not bear out. */
function takenForGranted({ config, papers }: ReportFacts): string {
  const { camera, gpio, mqtt, papers: section } = config;
  const notes: string[] = [];
  if (camera.driver === 'scene')
    notes.push(
      'camera.driver is scene, a simulation; the papers speak of a camera. Use the configuration of the counter at the door.',
    );
  if (gpio.driver === 'memory' || gpio.buttonBcm < 0)
    notes.push(
      'The papers offer a button that pauses the counter; the configuration has none (gpio.button_bcm, gpio.driver).',
    );
  if (/^(mqtt|ws):/.test(mqtt.url))
    notes.push(`mqtt.url is ${mqtt.url}: numbers travel unencrypted; the assessment (risk R8) has to answer for that.`);
  if (section.country === 'de' && section.authority.name === '')
    notes.push('Germany has a supervisory authority in each Land: set papers.authority.name and papers.authority.url.');
  if (papers.some(({ path }) => path === 'sign.svg'))
    notes.push(
      'The sign in several languages tells purpose and rights in the first one only; where the law wants them in another, put that first or hang its own sign.',
    );
  if (notes.length === 0) return '';
  return ['Look at:', ...notes.map((note) => `  ${note}`)].join('\n');
}
