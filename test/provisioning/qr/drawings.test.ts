// Goal: a code that is drawn as picture, as page and on a terminal says the same, and the terminal's theme has no part in it.
// Method: each drawing is turned back into pixels and read by the decoder of the device.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { QUIET_MODULES, qrMatrix } from '../../../provisioning/qr/matrix.ts';
import { codePage, momentInZone } from '../../../provisioning/qr/page.ts';
import { encodePng, qrPng } from '../../../provisioning/qr/png.ts';
import { qrHalfBlocks, qrPlain } from '../../../provisioning/qr/terminal.ts';
import { type Pixels, pixelsOfLines, pixelsOfPage, pixelsOfPng, textsIn } from './pixels.ts';

const TEXT = `LETHE1.${'aZ09-_'.repeat(48)}.ende`;
const MATRIX = qrMatrix(TEXT, 'low');
/** 2026-01-31T08:15:00Z. */
const MOMENT = Date.UTC(2026, 0, 31, 8, 15);

test('300 characters have 61 modules a side with correction low, 69 with medium', () => {
  assert.is(TEXT.length, 300);
  assert.is(MATRIX.length - 2 * QUIET_MODULES, 61);
  assert.is(qrMatrix(TEXT, 'medium').length - 2 * QUIET_MODULES, 69);
});

test('the PNG is read, has one bit a pixel and four modules of white around', async () => {
  const png = qrPng(MATRIX, 3);
  assert.equal([png[24], png[25]], [1, 0]);
  const pixels = pixelsOfPng(png);
  assert.is(pixels.widthPx, 69 * 3);
  for (let x = 0; x < pixels.widthPx; x += 1) assert.is(pixels.grey[11 * pixels.widthPx + x], 255);
  assert.equal(await textsIn(pixels), [TEXT]);
});

test('a PNG of grey levels keeps them', () => {
  const samples = Uint8Array.from([0, 128, 255, 1, 2, 3]);
  assert.equal(pixelsOfPng(encodePng({ widthPx: 3, heightPx: 2, kind: 'grey', samples })).grey, samples);
});

test('the page is read, and says for whom, until when, and that it is a secret', async () => {
  const page = { matrix: MATRIX, site: 'malmo-7', device: 'door1', expiresAtMs: MOMENT, timeZone: 'Europe/Stockholm' };
  const svg = codePage(page);
  assert.equal(await textsIn(pixelsOfPage(svg)), [TEXT]);
  assert.match(svg, 'malmo-7 / door1');
  assert.match(svg, 'good until 2026-01-31 09:15 Europe/Stockholm');
  assert.match(svg, 'This picture is a secret');
  assert.match(codePage({ ...page, device: undefined }), 'malmo-7: any device');
  assert.not.match(codePage({ ...page, site: '<script>&' }), '<script>');
});

test('the time on the page is that of its zone', () => {
  assert.is(momentInZone(MOMENT, 'UTC'), '2026-01-31 08:15 UTC');
  assert.is(momentInZone(Date.UTC(2026, 0, 31, 23, 0), 'Europe/Stockholm'), '2026-02-01 00:00 Europe/Stockholm');
});

/** Both colours of each character, as the escapes before it set them; a theme that is asked for a colour fails the test. */
function coloured(text: string): Pixels {
  let colours: [boolean, boolean] | undefined;
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const halves: [boolean, boolean][] = [];
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is read.
      for (const [, codes, sign] of line.matchAll(/\u001b\[([0-9;]*)m|(.)/gu)) {
        if (codes === undefined) {
          assert.ok(colours !== undefined, 'colours are set before the first sign');
          halves.push(sign === ' ' ? [colours[1], colours[1]] : colours);
        } else if (codes === '0') colours = undefined;
        else {
          const [, foreground, background] = /^38;5;(\d+);48;5;(\d+)$/.exec(codes) ?? [];
          assert.ok(['16', '231'].includes(foreground!) && ['16', '231'].includes(background!), codes);
          colours = [foreground === '231', background === '231'];
        }
      }
      return halves;
    });
  return pixelsOfLines(lines);
}

test('on a terminal both colours are set for each character, and put back at the end of each line', async () => {
  const text = qrHalfBlocks(MATRIX);
  assert.equal(await textsIn(coloured(text)), [TEXT]);
  for (const line of text.trimEnd().split('\n')) assert.ok(line.endsWith('\u001b[0m'));
});

test('without colours it is read on a dark terminal and on a light one', async () => {
  const halves = { ' ': [false, false], '▄': [false, true], '▀': [true, false], '█': [true, true] } as const;
  const lines = qrPlain(MATRIX).trimEnd().split('\n');
  const onDark = lines.map((line) => [...line].map((sign) => halves[sign as keyof typeof halves]));
  const dark = pixelsOfLines(onDark);
  assert.equal(await textsIn(dark), [TEXT]);
  assert.equal(await textsIn({ ...dark, grey: dark.grey.map((value) => 255 - value) }), [TEXT]);
});

test.run();
