// Goal: what stands in a code, a passphrase among it, is in one file and, half a minute later at most, in no memory.
// Method: the program itself on drawn pictures of codes; its end is the proof, as strings of JavaScript cannot be cleared.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCAN_FORMAT } from '../../provisioning/device/scan/plate.ts';
import { pictureOf } from '../provisioning/device/scan/pictures.ts';
import { codeFor, Stage } from '../provisioning/device/scan/stage.ts';

const LUMA_BYTES = SCAN_FORMAT.widthPx * SCAN_FORMAT.heightPx;

const test = suite('scan forgets texts');
let stage: Stage;
test.after.each(() => stage.remove());

test('the text of a code that was taken is in no file but the one', async () => {
  stage = new Stage();
  const code = codeFor(stage);
  stage.show(pictureOf(code));
  stage.start();
  await stage.lampShows('accepted');
  assert.is(stage.read('run/lethe-setup/code'), code);
  await stage.ended();
  const others = readdirSync(stage.root, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name !== 'code' ? [join(entry.parentPath, entry.name)] : [],
  );
  assert.ok(others.some((path) => path.endsWith('/taken')));
  for (const path of others) assert.not.ok(readFileSync(path).includes(code.slice(7, 40)), path);
});

test('a code that was refused is out of memory half a minute after it was last seen: the program ends', async () => {
  stage = new Stage();
  const nowS = Math.floor(Date.now() / 1000);
  stage.showText(codeFor(stage, { issuedAtS: nowS - 7200, expiresAtS: nowS - 3600 }));
  stage.start();
  await stage.lampShows('expired');
  stage.show(new Uint8Array(LUMA_BYTES).fill(99));
  await sleep(25_000);
  assert.is(stage.lines.filter(({ msg }) => msg.startsWith('ends')).length, 0, 'its refusal is told until then');
  assert.is(await stage.ended(), 0);
});

test('a poster that is none of ours ends nothing', async () => {
  stage = new Stage();
  stage.showText('https://museum.example/42');
  stage.start();
  await stage.lampShows('not_ours');
  await sleep(35_000);
  assert.is(stage.lines.filter(({ msg }) => msg.startsWith('ends')).length, 0);
  await stage.stop();
});

test.run();
