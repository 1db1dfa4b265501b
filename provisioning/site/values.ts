/** What stands behind each `{{name}}` of the templates, in one language. See fill.ts. */
import { escapeMarkdown } from './escape.ts';
import {
  authorityOf,
  CHECKS,
  type Check,
  type FIELD_KEYS,
  fieldValues,
  RESIDENCY_GOAL_MS,
  type SiteFacts,
} from './facts.ts';
import { type Language, longDate } from './languages.ts';
import { LEVELS, MARKS, WORDS } from './words/words.ts';

/** As on the wire; rounded up to a tenth below. */
const BYTES_PER_KB = 1000;

export function valuesOf(language: Language, facts: SiteFacts): Readonly<Record<string, string>> {
  return {
    ...fields(language, facts),
    ...labels(language),
    ...deviceFacts(language, facts),
    legend: legend(language),
    table_topics: topicTable(language, facts),
    table_checks: checkTable(language),
  };
}

/** Fields of the section `papers`; an empty one becomes a mark to fill in. */
function fields(language: Language, facts: SiteFacts): Record<string, string> {
  const words = WORDS[language];
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries(fieldValues(facts.config)))
    values[key] =
      value === '' ? `**[${words.fill} ${words.fields[key as (typeof FIELD_KEYS)[number]]}]**` : escapeMarkdown(value);
  const { noticeUrl, countsKeptDays } = facts.config.papers;
  if (noticeUrl !== '') values['notice_url'] = `<${noticeUrl}>`;
  if (countsKeptDays > 0) values['counts_kept'] = `${count(language, countsKeptDays)}\u00a0${words.days}`;
  const { url } = authorityOf(facts.config);
  values['authority_url'] = url === '' ? '' : `<${url}>`;
  return values;
}

function labels(language: Language): Record<string, string> {
  const words = WORDS[language];
  const values: Record<string, string> = {};
  for (const mark of MARKS) values[mark] = `**[${words.marks[mark]}]**`;
  for (const level of LEVELS) values[level] = `**${words.levels[level]}**`;
  for (const [check, command] of Object.entries(CHECKS)) values[`check_${check}`] = command;
  return values;
}

function deviceFacts(language: Language, { config, code, day }: SiteFacts): Record<string, string> {
  const { none } = WORDS[language];
  const list = (texts: readonly string[]) => (texts.length === 0 ? none : texts.map(escapeMarkdown).join(', '));
  return {
    site: config.site,
    device: config.device,
    date: longDate(language, day),
    version: escapeMarkdown(code.version),
    frame: `${config.camera.widthPx}\u00a0×\u00a0${config.camera.heightPx}`,
    rate: count(language, config.camera.frameRateHz),
    lines: list(config.lines.map(({ name }) => name)),
    zones: list(config.zones.map(({ name }) => name)),
    hours: list(config.openingHours),
    interval: count(language, config.intervalS),
    broker: escapeMarkdown(config.mqtt.url),
    residency_ms: count(language, RESIDENCY_GOAL_MS),
    record_bytes: count(language, code.recordBytes),
    records_per_second: count(language, code.recordsPerSecondMax),
    corridor_kb: count(language, Math.ceil((code.recordBytes * code.recordsPerSecondMax * 10) / BYTES_PER_KB) / 10),
    ledger_mb: count(language, code.ledgerMb),
    state_file: code.stateFile,
    topic_privacy: code.topics.find(({ key }) => key === 'privacy')?.topic ?? '',
  };
}

function count(language: Language, value: number): string {
  // French sets a narrow no-break space between thousands, which the typeface lacks.
  return new Intl.NumberFormat(language === 'en' ? 'en-GB' : language).format(value).replaceAll('\u202f', '\u00a0');
}

function legend(language: Language): string {
  const { legendIntro, marks, markMeanings } = WORDS[language];
  return [legendIntro, '', ...MARKS.map((mark) => `- **[${marks[mark]}]** ${markMeanings[mark]}`)].join('\n');
}

/** Everything that can leave the device: topic, what it says, and the names of all fields, as the code has them. */
function topicTable(language: Language, { config, code }: SiteFacts): string {
  const { topicHead, topics } = WORDS[language];
  const isSimulated = config.camera.driver === 'scene';
  const rows = code.topics
    .filter(({ key }) => key !== 'simulation' || isSimulated)
    .filter(({ key }) => key !== 'discovery' || config.homeAssistant.enabled)
    .map(
      ({ key, topic, fields: names }) =>
        `| \`${topic}\` | ${topics[key] ?? ''} | ${names.join(', ').replaceAll('_', '\\_')} |`,
    );
  return [`| ${topicHead.join(' | ')} |`, '|---|---|---|', ...rows].join('\n');
}

/** Commands that anybody with access to the device can run. */
function checkTable(language: Language): string {
  const { checkHead, checks } = WORDS[language];
  const rows = Object.entries(CHECKS)
    .filter(([check]) => check !== 'papers')
    .map(([check, command]) => `| \`${command}\` | ${checks[check as Check]} |`);
  return [`| ${checkHead.join(' | ')} |`, '|---|---|', ...rows].join('\n');
}
