// Goal: the bench's pictures are of the code that they are said to be of, and a picture on which the decoder's own program
// fails inside is one without a code, not the end of the thread that reads.
// Method: pictures of the bench, read by the decoder of the device.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../drivers/camera/scene/random.ts';
import { openDecoder } from '../../../provisioning/device/scan/decoder.ts';
import { QUIET_MODULES, qrMatrix } from '../../../provisioning/qr/matrix.ts';
import { type Conditions, HEIGHT_PX, PictureMaker, WIDTH_PX } from '../../../scripts/bench/qr-picture.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const maker = new PictureMaker();

function drawn(stream: number, correction: 'low' | 'medium', conditions: Conditions) {
  const random = new Random(12_345, stream);
  let text = 'LETHE1.';
  while (text.length < 300) text += ALPHABET[random.below(ALPHABET.length)];
  return { text, picture: maker.draw(qrMatrix(text, correction), QUIET_MODULES, conditions, random) };
}

test('a code in good light is read, turned and tilted as well', async () => {
  const decoder = await openDecoder(WIDTH_PX, HEIGHT_PX);
  for (const conditions of [{}, { rotationDeg: 30 }, { tiltDeg: 30 }, { motionPx: 3 }, { blurSigmaPx: 1 }]) {
    const { text, picture } = drawn(1, 'low', { sidePx: 244, ...conditions });
    assert.equal(decoder.read((target) => target.set(picture)).texts, [text], JSON.stringify(conditions));
  }
});

test('a picture on which zxing-cpp fails inside has a code that cannot be read', async () => {
  const decoder = await openDecoder(WIDTH_PX, HEIGHT_PX);
  const { picture } = drawn(196, 'medium', { sidePx: 244, tiltDeg: 60 });
  assert.equal(
    decoder.read((target) => target.set(picture)),
    { texts: [], hasUnreadable: true },
  );
});

test.run();
