// Goal: the same facts give the same bytes; PDFs hold what the Markdown says, page by page, whatever the configuration holds.
// Method: papers made twice and compared; PDFs' own objects counted; hostile and longest values; text set by the same rules as drawn.
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LANGUAGES, TEXTS } from '../../../provisioning/site/languages.ts';
import { makePapers, pdfOfMarkdown } from '../../../provisioning/site/papers.ts';
import { unprintable } from '../../../provisioning/site/print/fonts.ts';
import { atomsOf, layLines } from '../../../provisioning/site/print/lines.ts';
import { readMarkdown } from '../../../provisioning/site/print/markdown.ts';
import { siteFacts } from '../../fakes/site.ts';

/** Every stream of a PDF, unpacked where it is packed. */
function streams(pdf: Buffer): string[] {
  const text = pdf.toString('latin1');
  return [...text.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)].map(([, body = '']) => {
    try {
      return inflateSync(Buffer.from(body, 'latin1')).toString('latin1');
    } catch {
      return body;
    }
  });
}

/** Hexadecimal glyphs of all text that is shown, in order: equal text gives equal glyphs within one paper. */
function pageCount(pdf: Buffer): number {
  return [...pdf.toString('latin1').matchAll(/\/Type \/Page\b/g)].length;
}

test('the same facts give the same bytes, another day does not', async () => {
  const first = await makePapers(siteFacts(), ['sv', 'es']);
  const second = await makePapers(siteFacts(), ['sv', 'es']);
  assert.equal(
    first.map(({ path }) => path),
    second.map(({ path }) => path),
  );
  for (const [index, { path, bytes }] of first.entries())
    assert.ok(Buffer.from(bytes).equals(Buffer.from(second[index]!.bytes)), path);
  const later = await makePapers(siteFacts({}, {}, '2026-11-28'), ['sv', 'es']);
  assert.not.ok(
    Buffer.from(later.find(({ path }) => path === 'sv/dpia.pdf')!.bytes).equals(
      Buffer.from(first.find(({ path }) => path === 'sv/dpia.pdf')!.bytes),
    ),
  );
});

test('each language has a sign, four texts as Markdown and PDF, and all together one sign more', async () => {
  const papers = await makePapers(siteFacts(), ['sv', 'en', 'de', 'fr', 'es']);
  const expected = LANGUAGES.flatMap((language) => [
    ...['sign.svg', 'sign-a4.pdf', 'sign-a5.pdf'].map((name) => `${language}/${name}`),
    ...TEXTS.flatMap((name) => [`${language}/${name}.md`, `${language}/${name}.pdf`]),
  ]);
  assert.equal(
    papers.map(({ path }) => path),
    [...expected, 'sign.svg', 'sign-a4.pdf', 'sign-a5.pdf'],
  );
  for (const { path, bytes } of papers.filter(({ path }) => path.endsWith('.pdf'))) {
    const pdf = Buffer.from(bytes);
    assert.is(pdf.subarray(0, 5).toString(), '%PDF-', path);
    assert.match(pdf.toString('latin1'), /\/MarkInfo|\/Marked true/, `${path} is tagged`);
    assert.is(pageCount(pdf) >= 1, true, path);
  }
});

test('a sign is one page of A4 or A5', async () => {
  const papers = await makePapers(siteFacts(), ['fr']);
  const boxOf = (path: string) =>
    /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/
      .exec(Buffer.from(papers.find((paper) => paper.path === path)!.bytes).toString('latin1'))
      ?.slice(1)
      .map((points) => Math.round((Number(points) / 72) * 25.4));
  assert.equal(boxOf('fr/sign-a4.pdf'), [210, 297]);
  assert.equal(boxOf('fr/sign-a5.pdf'), [148, 210]);
  assert.is(pageCount(Buffer.from(papers.find(({ path }) => path === 'fr/sign-a4.pdf')!.bytes)), 1);
});

test('marked content is balanced on every page, also where a table goes over the edge', async () => {
  const pdf = await pdfOfMarkdown(
    `# T\n\n| a | b |\n|---|---|\n${'| one | two three |\n'.repeat(120)}`,
    'en',
    '',
    '2026-11-27',
  );
  assert.ok(pageCount(pdf) >= 3);
  for (const stream of streams(pdf).filter((text) => /\bBT\b/.test(text))) {
    const begun = [...stream.matchAll(/\bB[DM]C\b/g)].length;
    assert.is([...stream.matchAll(/\bEMC\b/g)].length, begun);
  }
});

test('any Markdown that a person may write is set, not refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
      const pdf = await pdfOfMarkdown(
        `# T\n\n${text}\n\n> ${text}\n\n- ${text}`,
        'en',
        text.slice(0, 20),
        '2026-11-27',
      );
      assert.is(pdf.subarray(0, 5).toString(), '%PDF-');
    }),
    { numRuns: 40 },
  );
});

test('lines keep to their width, however long a word is, and lose no letter', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom(...'aiWå/.-'), minLength: 1, maxLength: 90 }), {
        minLength: 1,
        maxLength: 12,
      }),
      (wordsOfText) => {
        const spans = [{ text: wordsOfText.join(' '), style: { bold: false, italic: false, code: true, link: '' } }];
        const lines = layLines(atomsOf(spans, 10, false), 120);
        for (const line of lines) {
          const last = line.at(-1)!;
          assert.ok(last.x + last.atom.width <= 120.001);
        }
        assert.is(lines.flatMap((line) => line.map(({ atom }) => atom.text)).join(''), wordsOfText.join(''));
      },
    ),
  );
});

test('what has no blank between is not parted: a bracket stays with its word', () => {
  const [paragraph] = readMarkdown('xxxxxxxxx (`code`), **[Proved]**.');
  assert.is(paragraph?.kind, 'paragraph');
  if (paragraph?.kind !== 'paragraph') return;
  const lines = layLines(atomsOf(paragraph.spans, 10, false), 62);
  assert.equal(
    lines.map((line) => line.map(({ atom }) => atom.text).join('')),
    ['xxxxxxxxx', '(code),', 'Proved.'],
  );
});

test('a link to anything but a web or mail address is only text', () => {
  const [paragraph] = readMarkdown('[a](javascript:alert(1)) [b](file:///etc/passwd) [c](https://c.example)');
  assert.ok(paragraph?.kind === 'paragraph');
  if (paragraph?.kind !== 'paragraph') return;
  assert.equal(
    paragraph.spans.map(({ style }) => style.link).filter((link) => link !== ''),
    ['https://c.example'],
  );
});

test('the typeface has the letters of all five languages and of their neighbours', () => {
  assert.equal(
    unprintable('ÅÄÖåäö ÆØæø ÄÖÜẞäöüß ÀÂÇÉÈÊËÎÏÔŒÙÛŸàâçéèêëîïôœùûÿ ÁÉÍÑÓÚÜáéíñóúü ¿¡ ŁłŚśŻż ČčŘřŠšŽž Őő „“”«»’–… €×·'),
    [],
  );
  assert.equal(unprintable('Ζορμπάς'), [...'Ζορμπάς']);
});

test.run();
