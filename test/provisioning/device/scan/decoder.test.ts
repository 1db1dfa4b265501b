// Goal: the decoder reads what is there, and its whole memory is afterwards as if no picture had ever been in it.
// Method: drawn pictures; the linear memory of the module compared byte by byte.
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDecoder, type QrDecoder } from '../../../../provisioning/device/scan/decoder.ts';
import { covered, HEIGHT_PX, pictureOf, randomOf, WIDTH_PX } from './pictures.ts';

const random = randomOf(7);
/** As long as a code of ours may be, and as dense: base64url. */
const LONG_TEXT = `LETHE1.${Array.from({ length: 293 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[Math.floor(random() * 64)]).join('')}`;

let decoder: QrDecoder;
test.before(async () => {
  decoder = await openDecoder(WIDTH_PX, HEIGHT_PX);
});

const read = (picture: Uint8Array) => decoder.read((target) => target.set(picture));

test('reads a code of 300 characters', () => {
  assert.equal(read(pictureOf(LONG_TEXT)), { texts: [LONG_TEXT], hasUnreadable: false });
});

test('sees nothing in an even grey, and nothing in noise', () => {
  assert.equal(read(new Uint8Array(WIDTH_PX * HEIGHT_PX).fill(128)), { texts: [], hasUnreadable: false });
  const noise = randomOf(3);
  const picture = Uint8Array.from({ length: WIDTH_PX * HEIGHT_PX }, () => noise() * 256);
  assert.equal(read(picture), { texts: [], hasUnreadable: false });
});

test('says of a code that is covered too far that it is there but cannot be read', () => {
  assert.equal(read(covered(pictureOf(LONG_TEXT), 150)), { texts: [], hasUnreadable: true });
});

/** Without views or copies that would change what is measured: a digest of all of it. */
const digest = () => createHash('sha256').update(decoder.memory).digest('hex');

test('every byte of the memory is after a picture what it was before, whatever was in the picture', () => {
  read(new Uint8Array(WIDTH_PX * HEIGHT_PX));
  const before = digest();
  const bytes = decoder.memory.length;
  const pictures = [
    pictureOf(LONG_TEXT),
    pictureOf(LONG_TEXT, { noise: 30 }),
    covered(pictureOf(LONG_TEXT), 150),
    pictureOf('https://museum.example/42', { modulePx: 3 }),
    Uint8Array.from({ length: WIDTH_PX * HEIGHT_PX }, () => random() * 256),
  ];
  for (const picture of pictures) {
    read(picture);
    assert.is(digest(), before);
  }
  assert.is(decoder.memory.length, bytes);
});

test('the picture is cleared as well when whoever fills it fails', () => {
  const before = digest();
  assert.throws(
    () =>
      decoder.read((target) => {
        target.fill(77);
        throw new Error('torn');
      }),
    'torn',
  );
  assert.is(digest(), before);
});

test('two hundred pictures take no more memory than one', () => {
  const picture = pictureOf(LONG_TEXT);
  read(picture);
  const bytes = decoder.memory.length;
  for (let round = 0; round < 200; round++) assert.is(read(picture).texts.length, 1);
  assert.is(decoder.memory.length, bytes);
});

test.run();
