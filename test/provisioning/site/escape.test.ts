// Goal: what somebody wrote into the configuration is shown as written, and does nothing else: no markup, no link, no placeholder.
// Method: properties over hostile strings, through the Markdown reader and through XML; examples for each trick.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeMarkdown } from '../../../provisioning/site/escape.ts';
import { fillTemplate } from '../../../provisioning/site/fill.ts';
import { type Block, readMarkdown, type Span } from '../../../provisioning/site/print/markdown.ts';
import { escapeXml } from '../../../provisioning/site/sign/svg.ts';
import { siteFacts } from '../../fakes/site.ts';

const TRICKS = [
  '**bold** _italic_ `code`',
  '[x](javascript:alert(1))',
  '![x](https://evil.example/a.png)',
  '<script>alert(1)</script>',
  '&lt;b&gt; &amp; &#x41;',
  '| a | b |',
  '~~gone~~ # no heading',
  '{{controller_address}} {{fill: x}}',
  '**[Proved]** [Fill in: x]',
  'https://evil.example www.evil.example',
  '\\*not\\* $x$ a^b^',
];
/** Letters that mean something somewhere, between plain ones. */
const hostile = fc
  .string({ unit: fc.constantFrom(...'\\`*_[]<>&|~#{}()!$^"\'-+.:/@=aÅ ') as fc.Arbitrary<string>, maxLength: 60 })
  .map((text) => text.replace(/ +/g, ' ').trim());

function spansOf(blocks: readonly Block[]): readonly Span[] {
  return blocks.flatMap((block) => {
    if (block.kind === 'table') return block.rows.flat(2);
    return 'spans' in block ? block.spans : [];
  });
}

function shown(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join('');
}

function isPlain({ style }: Span): boolean {
  return !style.bold && !style.italic && !style.code && !/^https?:/.test(style.link);
}

test('any value is shown as it was written, in a sentence and in a cell of a table', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.constantFrom(...TRICKS)), (value) => {
      const escaped = escapeMarkdown(value);
      const sentence = readMarkdown(`Before ${escaped} after.`);
      assert.is(sentence.length, 1);
      assert.is(shown(spansOf(sentence)), `Before ${value} after.`);
      assert.ok(spansOf(sentence).every(isPlain), JSON.stringify(sentence));
      const table = readMarkdown(`| a | b |\n|---|---|\n| x ${escaped} y | z |`);
      assert.is(shown(spansOf(table)), `x ${value} yz`);
      assert.ok(spansOf(table).every(isPlain), JSON.stringify(table));
    }),
  );
});

test('a value cannot smuggle in a placeholder, a mark or a place to fill in', () => {
  const facts = siteFacts({ place: '{{controller_name}} **[Proved]** **[Fill in: x]**' });
  const { markdown, open } = fillTemplate('At {{place}}.', 'en', facts);
  assert.is(markdown, 'At \\{\\{controller\\_name\\}\\} \\*\\*\\[Proved\\]\\*\\* \\*\\*\\[Fill in: x\\]\\*\\*.');
  assert.equal(open, []);
});

test('XML gets no mark-up and no character that it lacks, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const escaped = escapeXml(text);
      assert.not.match(escaped, /[<>"']|&(?!(amp|lt|gt|quot|apos);)/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone.
      assert.not.match(escaped, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
    }),
  );
});

test('XML text reads back as it was', () => {
  assert.is(escapeXml(`A & B <"C"> 'D'`), 'A &amp; B &lt;&quot;C&quot;&gt; &apos;D&apos;');
});

test.run();
