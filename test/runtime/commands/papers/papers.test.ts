// Goal: `lethe papers` writes, says what is left to a person, never overwrites their work unasked, and refuses to write what is not so.
// Method: the command run into temporary folders; files changed by hand in between; its output read.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { leavingTopics } from '../../../../runtime/commands/papers/leaving.ts';
import { languageOfPath, papersCommand, pdfAgain } from '../../../../runtime/commands/papers/papers.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import type { Config } from '../../../../runtime/config/schema.ts';
import { ConfigError, ExitCode, LetheError } from '../../../../runtime/errors.ts';
import { siteConfig } from '../../../fakes/site.ts';

const base = mkdtempSync(join(tmpdir(), 'lethe-papers-'));
test.after(() => rmSync(base, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(base, `run-${++folders}`);

async function run(config: Config, folder: string, more: { isForced?: boolean; day?: string } = {}): Promise<string> {
  let text = '';
  const { isForced = false, day = '2026-11-27' } = more;
  const out = (part: string) => {
    text += part;
  };
  assert.is(await papersCommand({ config, languages: ['en'], folder, isForced, day, out }), ExitCode.ok);
  return text;
}

async function failure(promise: Promise<unknown>): Promise<LetheError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, LetheError);
    return error as LetheError;
  }
  throw new Error('it was expected to fail');
}

test('what is left to a person is told with field, file and line', async () => {
  const folder = newFolder();
  const text = await run(siteConfig({ recipients: '' }), folder);
  assert.match(text, /papers\.recipients\s+who receives the numbers/);
  assert.not.match(text, /papers\.place\s/);
  const [, line = '0', what = ''] = /en\/dpia\.md:\n {4}line (\d+)\s+(.*)\n/.exec(text) ?? [];
  const markdown = readFileSync(join(folder, 'en', 'dpia.md'), 'utf8').split('\n');
  assert.ok(what !== '' && markdown[Number(line) - 1]!.includes(what), `${line}: ${what}`);
});

test('what the papers take for granted and the configuration does not have is told', async () => {
  const text = await run(
    siteConfig({}, { camera: {}, gpio: { button_bcm: -1 }, mqtt: { url: 'mqtt://gateway:1883' } }),
    newFolder(),
  );
  assert.match(text, /camera\.driver is scene/);
  assert.match(text, /gpio\.button_bcm/);
  assert.match(text, /mqtt:\/\/gateway:1883: numbers travel unencrypted/);
});

test('a second run over untouched papers goes through, with a new day too', async () => {
  const folder = newFolder();
  await run(siteConfig(), folder);
  await run(siteConfig(), folder);
  await run(siteConfig({ place: 'Elsewhere' }), folder, { day: '2026-12-01' });
  assert.match(readFileSync(join(folder, 'en', 'notice.md'), 'utf8'), /Elsewhere/);
});

test('papers that somebody changed stop all, each is named, and nothing is written', async () => {
  const folder = newFolder();
  await run(siteConfig(), folder);
  for (const name of ['notice.md', 'sign.svg']) writeFileSync(join(folder, 'en', name), 'by hand');
  const before = readFileSync(join(folder, 'en', 'record.md'), 'utf8');
  const error = await failure(run(siteConfig({ place: 'Elsewhere' }), folder));
  assert.is(error.code, 'PAPERS_CHANGED');
  assert.is(error.message.split('\n').length, 2);
  assert.match(error.message, /notice\.md/);
  assert.match(error.message, /sign\.svg/);
  assert.is(readFileSync(join(folder, 'en', 'record.md'), 'utf8'), before);
  assert.is(readFileSync(join(folder, 'en', 'notice.md'), 'utf8'), 'by hand');
});

test('--force overwrites them, and then all is ours again', async () => {
  const folder = newFolder();
  await run(siteConfig(), folder);
  writeFileSync(join(folder, 'en', 'notice.md'), 'by hand');
  await run(siteConfig(), folder, { isForced: true });
  await run(siteConfig({ place: 'Elsewhere' }), folder);
});

test('a file that was there before us is somebody’s, and a damaged list knows nothing', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'en'), { recursive: true });
  writeFileSync(join(folder, 'en', 'dpia.md'), 'mine');
  assert.match((await failure(run(siteConfig(), folder))).message, /dpia\.md/);
  const other = newFolder();
  await run(siteConfig(), other);
  writeFileSync(join(other, '.papers.json'), '{');
  assert.is((await failure(run(siteConfig({ place: 'Elsewhere' }), other))).code, 'PAPERS_CHANGED');
});

test('a run that was cut off can be repeated: what equals the new paper is ours', async () => {
  const folder = newFolder();
  await run(siteConfig(), folder);
  const list = readFileSync(join(folder, '.papers.json'));
  await run(siteConfig({ place: 'Elsewhere' }), folder);
  writeFileSync(join(folder, '.papers.json'), list); // as if it had ended before the list
  await run(siteConfig({ place: 'Elsewhere' }), folder);
});

test('a folder that cannot be is told, without remains', async () => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  const error = await failure(run(siteConfig(), join(file, 'papers')));
  assert.is(error.exitCode, ExitCode.ioError);
  assert.equal(
    readdirSync(base).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('papers that would not be true are refused with every reason', async () => {
  const config = siteConfig(
    { place: 'Ζ' },
    { model: { engine: 'tfjs' }, camera: { driver: 'video', video: { source: 'x.mp4' } } },
  );
  const folder = newFolder();
  const error = await failure(run(config, folder));
  assert.instance(error, ConfigError);
  assert.is((error as ConfigError).problems.length, 3);
  assert.match(error.message, /model\.engine is "tfjs"/);
  assert.match(error.message, /camera\.driver is "video"/);
  assert.match(error.message, /papers\.place holds "Ζ"/);
  assert.not.ok(existsSync(folder));
});

test('a Markdown paper that was filled in is set again beside itself', async () => {
  const folder = newFolder();
  await run(siteConfig(), folder);
  const file = join(folder, 'en', 'dpia.md');
  const before = readFileSync(join(folder, 'en', 'dpia.pdf'));
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\*\*\[Fill in: draft[^\]]*\]\*\*/, 'Decided'));
  let said = '';
  const out = (text: string) => {
    said += text;
  };
  await pdfAgain({ file, language: 'en', config: siteConfig(), day: '2026-11-27', out });
  assert.is(said, `${join(folder, 'en', 'dpia.pdf')}\n`);
  assert.not.ok(readFileSync(join(folder, 'en', 'dpia.pdf')).equals(before));
  const error = await failure(
    pdfAgain({ file: join(folder, 'en', 'none.md'), language: 'en', config: siteConfig(), day: '2026-11-27', out }),
  );
  assert.is(error.exitCode, ExitCode.noInput);
});

test('the language of a paper is the name of its folder', () => {
  assert.is(languageOfPath('/a/fr/dpia.md'), 'fr');
  assert.is(languageOfPath('a\\de\\dpia.md'), 'de');
  assert.is(languageOfPath('/fr/a/dpia.md'), undefined);
});

test('fields of a topic are those that its payload has', () => {
  const topics = leavingTopics(parseConfig({}));
  const total = topics.find(({ key }) => key === 'total');
  assert.equal(total, {
    key: 'total',
    topic: 'lethe/v1/demo/door1/total/<line>',
    fields: ['v', 'in', 'out', 'net_in', 'net_out', 'epoch_id', 'at'],
  });
  assert.ok(topics.find(({ key }) => key === 'zone')?.fields.includes('dwell_s.median'));
  assert.ok(topics.find(({ key }) => key === 'tally')?.fields.includes('presses'));
  assert.ok(topics.find(({ key }) => key === 'privacy')?.fields.includes('residency_us.minute.pixels.p99'));
  assert.ok(topics.find(({ key }) => key === 'discovery')?.topic.startsWith('homeassistant/device/'));
  assert.is(
    topics.find(({ topic }) => topic.includes('/cmd/')),
    undefined,
    'what others say does not leave the device',
  );
});

test('printed values are one line, addresses plain, days whole: the schema refuses others', () => {
  const bad = {
    papers: {
      languages: ['sv', 'sv'],
      country: 'xx',
      place: 'two\nlines',
      controller: { name: 'turned \u202e around', email: 'a@b`c', phone: 'call me', address: 'x'.repeat(201) },
      notice_url: 'http://plain.example',
      authority: { url: 'https://x.example/<script>' },
      counts_kept_days: 1.5,
    },
  };
  try {
    parseConfig(bad);
  } catch (error) {
    const { problems } = error as ConfigError;
    for (const field of [
      'languages',
      'country',
      'place',
      'controller.name',
      'controller.email',
      'controller.phone',
      'controller.address',
      'notice_url',
      'authority.url',
      'counts_kept_days',
    ])
      assert.ok(
        problems.some((problem) => problem.startsWith(`papers.${field} is `)),
        field,
      );
    assert.is(problems.length, 10);
    return;
  }
  assert.unreachable();
});

test.run();
