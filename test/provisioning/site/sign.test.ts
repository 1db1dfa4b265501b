// Goal: the sign stays on its page with the longest values allowed, its code leads to the notice, and SVG and PDF need nothing else.
// Method: the drawing's shapes measured; the code drawn from the SVG's own path into pixels and read by a decoder.
import decodeQR from 'qr/decode.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LANGUAGES, type Language } from '../../../provisioning/site/languages.ts';
import { widthOf } from '../../../provisioning/site/print/fonts.ts';
import type { Drawing, TextShape } from '../../../provisioning/site/sign/shapes.ts';
import { signDrawing } from '../../../provisioning/site/sign/sign.ts';
import { svgText } from '../../../provisioning/site/sign/svg.ts';
import { WORDS } from '../../../provisioning/site/words/words.ts';
import { siteFacts } from '../../fakes/site.ts';

const ALL = LANGUAGES as unknown as [Language, ...Language[]];
const LONGEST = {
  place: 'W'.repeat(160),
  controller: {
    name: 'W'.repeat(120),
    address: `${'Wwwwwww '.repeat(25)}`.trim(),
    email: `${'w'.repeat(100)}@wwwwwwww.example`,
    phone: '9'.repeat(40),
  },
  data_protection_officer: 'Wwwwwwwww '.repeat(20).trim(),
  notice_url: `https://www.example/${'w'.repeat(180)}`,
};

function texts(drawing: Drawing): TextShape[] {
  return drawing.shapes.filter((shape): shape is TextShape => shape.kind === 'text');
}

/** Left, top, right, bottom of the darkest rows and columns: modules of the code, mm. */
function codeRects(svg: string): { x: number; y: number; right: number; bottom: number }[] {
  const path = [...svg.matchAll(/ d="((?:M[\d.]+ [\d.]+H[\d.]+V[\d.]+H[\d.]+Z){40,})"/g)][0]?.[1] ?? '';
  return [...path.matchAll(/M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H/g)].map(([, x, y, right, bottom]) => ({
    x: Number(x),
    y: Number(y),
    right: Number(right),
    bottom: Number(bottom),
  }));
}

/** What a camera would see of it: 10 pixels a millimetre, with white around. */
function readCode(svg: string): string {
  const rects = codeRects(svg);
  assert.ok(rects.length > 0, 'the SVG has a code');
  const left = Math.min(...rects.map(({ x }) => x)) - 6;
  const top = Math.min(...rects.map(({ y }) => y)) - 6;
  const size = 10 * (Math.ceil(Math.max(...rects.map(({ right }) => right)) - left) + 6);
  const data = new Uint8Array(size * size * 4).fill(255);
  for (const { x, y, right, bottom } of rects)
    for (let row = Math.round((y - top) * 10); row < Math.round((bottom - top) * 10); row += 1)
      for (let column = Math.round((x - left) * 10); column < Math.round((right - left) * 10); column += 1)
        data.fill(18, (row * size + column) * 4, (row * size + column) * 4 + 3);
  return decodeQR({ width: size, height: size, data }, { timeLimit: 10_000 }) as string;
}

test('the code in the SVG leads to the notice, alone and in several languages', () => {
  const facts = siteFacts();
  for (const languages of [['sv'], ALL] as [Language, ...Language[]][])
    assert.is(readCode(svgText(signDrawing(facts, languages))), 'https://norrabok.example/integritet');
});

test('the longest address that is allowed still has modules of 0.4 mm on A5, and reads', () => {
  const svg = svgText(signDrawing(siteFacts(LONGEST), ['de']));
  assert.is(readCode(svg), LONGEST.notice_url);
  const module = Math.min(...codeRects(svg).map(({ x, right }) => right - x));
  assert.ok(module * (148 / 210) >= 0.4, `${module} mm on A4`);
});

test('nothing is outside of the page or over the code, however long names and addresses are', () => {
  for (const papers of [LONGEST, {}])
    for (const languages of [...LANGUAGES.map((language) => [language]), ALL] as [Language, ...Language[]][]) {
      const drawing = signDrawing(siteFacts(papers), languages);
      for (const { text, face, size, x, y } of texts(drawing)) {
        assert.ok(
          x >= 15 && x + widthOf(text, face, size) <= 195,
          `${languages}: “${text}” ends at ${x + widthOf(text, face, size)}`,
        );
        assert.ok(y - size > 0 && y <= 291, `${languages}: “${text}” stands at ${y}`);
        const isFoot = y > 231 && x < 100;
        if (isFoot) assert.ok(x + widthOf(text, face, size) <= 150, `${languages}: “${text}” runs into the code`);
      }
    }
});

test('no line of text is printed over another', () => {
  for (const languages of [...LANGUAGES.map((language) => [language]), ALL] as [Language, ...Language[]][]) {
    const lines = texts(signDrawing(siteFacts(LONGEST), languages));
    for (const column of [lines.filter(({ x }) => x < 100), lines.filter(({ x }) => x >= 100)])
      for (const [index, line] of column.entries()) {
        const above = column[index - 1];
        if (above !== undefined) assert.ok(line.y - above.y >= line.size * 0.95, `${languages}: “${line.text}”`);
      }
  }
});

test('the headline is read from 2 m: capitals of 6.6 mm or more on A4, in five languages too', () => {
  for (const languages of [...LANGUAGES.map((language) => [language]), ALL] as [Language, ...Language[]][]) {
    const words = WORDS[languages[0]].sign.headline.split(' ')[0]!;
    const headline = texts(signDrawing(siteFacts(), languages)).find(({ text }) => text.startsWith(words));
    assert.ok(headline!.size * 0.668 >= 6.6, `${languages}: ${headline!.size * 0.668} mm`);
  }
});

test('without an address the sign sends people to the staff, and leaves lines for a pen', () => {
  const facts = siteFacts({ notice_url: '', controller: {}, data_protection_officer: '' });
  const svg = svgText(signDrawing(facts, ['en']));
  assert.is(codeRects(svg).length, 0);
  assert.ok(texts(signDrawing(facts, ['en'])).some(({ text }) => text.startsWith('Ask our staff')));
});

test('the SVG needs no font, loads nothing and says in words what it shows', () => {
  const svg = svgText(signDrawing(siteFacts({ controller: { name: 'A & <B> "C"' } }), ['en']));
  assert.not.match(svg, /<text|<image|<script|<style|href|url\(|font-family/);
  assert.match(svg, /<title id="title">People are counted here<\/title>/);
  assert.match(svg, /A &amp; &lt;B&gt; &quot;C&quot;<\/desc>/);
});

test('every language names who is responsible, the three promises and the rights', () => {
  for (const language of LANGUAGES) {
    const drawn = texts(signDrawing(siteFacts(), [language]))
      .map(({ text }) => text)
      .join(' ');
    const { sentence, promises, responsible, rights, scan } = WORDS[language].sign;
    for (const words of [sentence, ...promises, responsible, rights, scan, 'Norra Bokhandeln AB'])
      assert.ok(drawn.includes(words), `${language}: ${words}`);
    assert.ok(drawn.includes('norrabok.example/integritet'), `${language}: the address in letters`);
  }
});

test.run();
