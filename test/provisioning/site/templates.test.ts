// Goal: every language has every paper with the same facts, marks, commands and topics; nothing stays unfilled, nothing is promised that is not.
// Method: templates and words of all languages compared piece by piece; topics against the code's own list; commands against the command line.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHECKS } from '../../../provisioning/site/facts.ts';
import { fillTemplate, readTemplate } from '../../../provisioning/site/fill.ts';
import { LANGUAGES, TEXTS } from '../../../provisioning/site/languages.ts';
import { unprintable } from '../../../provisioning/site/print/fonts.ts';
import { MARKS, WORDS } from '../../../provisioning/site/words/words.ts';
import { leavingTopics } from '../../../runtime/commands/papers/leaving.ts';
import { ConfigSchema } from '../../../runtime/config/schema.ts';
import { sourceRoot } from '../../fakes/root.ts';
import { siteConfig, siteFacts } from '../../fakes/site.ts';

/** `{{…}}` in order, what is to be filled in as one word: it is said in each language. */
function placeholders(text: string): string[] {
  return [...text.matchAll(/\{\{([^}]*)\}\}/g)].map(([, name = '']) => (name.startsWith('fill:') ? 'fill' : name));
}

/** The skeleton: headings, list items, rows of tables and quoted lines. */
function skeleton(text: string): string[] {
  return text.split('\n').flatMap((line) => /^(#+ |- |\d+\. |\||>)/.exec(line)?.[0] ?? []);
}

test('all languages have the same facts, marks and places to fill in, in the same order', () => {
  for (const name of TEXTS) {
    const english = readTemplate('en', name);
    assert.ok(placeholders(english).length > 20, name);
    for (const language of LANGUAGES) {
      const text = readTemplate(language, name);
      assert.equal(placeholders(text), placeholders(english), `${language}/${name}.md`);
      assert.equal(skeleton(text), skeleton(english), `${language}/${name}.md`);
    }
  }
});

test('languages of the papers are those of the configuration', () => {
  const { items } = ConfigSchema.properties.papers.properties.languages;
  assert.equal([...(items as unknown as { enum: string[] }).enum].sort(), [...LANGUAGES].sort());
});

test('every placeholder is known, and nothing of a template stays behind', () => {
  for (const language of LANGUAGES)
    for (const name of TEXTS)
      assert.not.match(
        fillTemplate(readTemplate(language, name), language, siteFacts()).markdown,
        /\{\{|\}\}|undefined/,
      );
});

test('every letter of every paper is in its typeface', () => {
  for (const language of LANGUAGES)
    for (const name of TEXTS) {
      const { markdown } = fillTemplate(readTemplate(language, name), language, siteFacts());
      assert.equal(unprintable(markdown.replaceAll('\n', '')), [], `${language}/${name}.md`);
    }
});

test('an unknown placeholder is refused', () => {
  assert.throws(() => fillTemplate('{{controler_name}}', 'en', siteFacts()), /controler_name/);
});

test('each paper but the letters carries all three kinds of statements, and explains them', () => {
  for (const language of LANGUAGES)
    for (const name of TEXTS) {
      const { markdown } = fillTemplate(readTemplate(language, name), language, siteFacts());
      for (const mark of MARKS) {
        const label = `**[${WORDS[language].marks[mark]}]**`;
        assert.ok(markdown.split(label).length > 2, `${language}/${name}.md: ${label} beyond the legend`);
      }
    }
});

test('what leaves the device is in notice, assessment and record, topic by topic', () => {
  const rest = { camera: {}, home_assistant: { enabled: true } };
  const names = leavingTopics(siteConfig({}, rest)).map(({ topic }) => topic);
  for (const language of LANGUAGES)
    for (const name of ['notice', 'dpia', 'record'] as const) {
      const { markdown } = fillTemplate(readTemplate(language, name), language, siteFacts({}, rest));
      for (const topic of names) assert.ok(markdown.includes(`\`${topic}`), `${language}/${name}.md: ${topic}`);
    }
});

test('the topic of the simulated camera is not named for a real one, nor Home Assistant where it is not used', () => {
  assert.not.match(fillTemplate(readTemplate('en', 'notice'), 'en', siteFacts()).markdown, /simulation|homeassistant/);
});

test('every topic is described in every language', () => {
  const keys = leavingTopics(siteConfig())
    .map(({ key }) => key)
    .sort();
  for (const language of LANGUAGES) {
    const { topics } = WORDS[language];
    assert.equal(Object.keys(topics).sort(), keys, language);
    for (const key of keys) assert.ok(topics[key]!.length > 10, `${language}: ${key}`);
  }
});

test('the commands that papers name exist', () => {
  const folder = join(sourceRoot(), 'runtime', 'command-line');
  const source = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  for (const command of Object.values(CHECKS)) {
    const [name = '', option] = command
      .replace(/^lethe /, '')
      .replace(/ FILE$/, '')
      .split(' ');
    const begin = source.indexOf(`command('${name}`);
    const end = source.indexOf('program.command', begin + 1);
    const block = begin < 0 ? '' : source.slice(begin, end < 0 ? undefined : end);
    const exists = begin >= 0 && (option === undefined || block.includes(`'${option}`));
    const word = option === undefined ? name : `${name} ${option}`;
    assert.ok(exists, `lethe ${word}`);
  }
});

test('limits are said in every language: buffers of the camera, init_on_free, no guarantee', () => {
  for (const language of LANGUAGES) {
    const text = readTemplate(language, 'dpia');
    for (const word of ['rpicam-vid', 'init_on_free=1', 'WP 248', '{{check_tally}}'])
      assert.ok(text.includes(word), `${language}: ${word}`);
    assert.ok(placeholders(text).filter((name) => name === 'believed').length >= 8, language);
  }
});

test('an empty configuration fills nothing in, and says where', () => {
  const facts = siteFacts({
    country: '',
    place: '',
    controller: {},
    data_protection_officer: '',
    notice_url: '',
    recipients: '',
    counts_kept_days: 0,
  });
  for (const language of LANGUAGES) {
    const { markdown, open } = fillTemplate(readTemplate(language, 'notice'), language, facts);
    for (const what of Object.values(WORDS[language].fields).filter(
      (what) => what !== WORDS[language].fields.notice_url,
    )) {
      const place = open.find((found) => found.what === what);
      assert.ok(place, `${language}: ${what}`);
      assert.ok(markdown.split('\n')[place!.line - 1]!.includes(what));
    }
  }
});

test('French sets no-break spaces before its double marks, and every language its own quotation marks', () => {
  const breaking = / [:;!?»]|« /;
  for (const name of TEXTS) assert.not.match(readTemplate('fr', name).replace(/\{\{fill: /g, ''), breaking, name);
  const quotes = { sv: /”[^“„«]+”/, en: /“[^“”]+”/, de: /„[^„“]+“/, fr: /«\u00a0[^«»]+\u00a0»/, es: /«[^«»]+»/ };
  for (const language of LANGUAGES) {
    const text = TEXTS.map((name) => readTemplate(language, name)).join('\n');
    assert.match(text, quotes[language], language);
    assert.not.match(text, /"|\w'\w/, `${language}: typewriter marks`);
  }
});

test.run();
