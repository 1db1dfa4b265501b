// Goal: while a code is looked for, no picture stays in memory either: not in the slot, not between the threads, not in the decoder.
// Method: the program itself; its camera plays pictures that are a keyed pattern and then stops; the process is held and all
// its memory searched from here. Control: the same program, whose clearing of large arrays was taken away from outside.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCAN_FORMAT } from '../../provisioning/device/scan/plate.ts';
import { type PlaceResult, searchMemory } from '../../runtime/commands/audit/places.ts';
import { PATTERN_KEY_BYTES, Pattern } from '../../runtime/privacy/search/pattern.ts';
import { Scanner } from '../../runtime/privacy/search/scanner.ts';
import { WindowSet } from '../../runtime/privacy/search/windows.ts';
import { Stage } from '../provisioning/device/scan/stage.ts';

const WITHOUT_CLEARING = fileURLToPath(new URL('./scan-without-clearing.js', import.meta.url));
const PATTERN_FRAMES = 12;
/** Longer than the slowest look at a picture, even on a machine that does much else; shorter than the camera's time-out. */
const QUIET_MS = 1500;
const LUMA_BYTES = SCAN_FORMAT.widthPx * SCAN_FORMAT.heightPx;

const test = suite('scan forgets');
let stage: Stage;
test.after.each(() => stage.remove());

type Quarry = { readonly pictures: Uint8Array; readonly scanner: Scanner };

function patternPictures(): Quarry {
  const pattern = new Pattern(randomBytes(PATTERN_KEY_BYTES));
  const { frameBytes } = SCAN_FORMAT;
  const pictures = new Uint8Array(PATTERN_FRAMES * frameBytes);
  const frames = new WindowSet(pictures.length);
  const halved = new WindowSet(pictures.length);
  for (let index = 0; index < PATTERN_FRAMES; index++) {
    const picture = pictures.subarray(index * frameBytes, (index + 1) * frameBytes);
    pattern.fill(index, picture);
    frames.add(picture);
    halved.add(picture.map((value) => value >> 1));
  }
  return { pictures, scanner: new Scanner({ pattern, frames, halved, tensors: new WindowSet(1) }) };
}

/** What is found once the camera has stopped after its last picture of the pattern. */
async function search(nodeWords: readonly string[]): Promise<PlaceResult[]> {
  const { pictures, scanner } = patternPictures();
  stage = new Stage({ nodeWords, camera: `silent-stall:${PATTERN_FRAMES}` });
  stage.showWhole(pictures);
  stage.start();
  await stage.said('the camera runs', ({ msg }) => msg === 'the camera runs');
  await sleep((PATTERN_FRAMES * 1000) / SCAN_FORMAT.frameRateHz + QUIET_MS);
  process.kill(stage.pid, 'SIGSTOP');
  try {
    const places = searchMemory('scan', stage.pid, (bytes, onFind) => scanner.scan(bytes, onFind), 'written');
    assert.ok(places.length > 50, `${places.length} mappings were searched`);
    return places.filter(({ foundBytes }) => foundBytes > 0);
  } finally {
    process.kill(stage.pid, 'SIGCONT');
  }
}

test('a scan that does not clear is found out: slot, plate and decoder', async () => {
  const found = (await search(['--import', WITHOUT_CLEARING])).reduce((sum, { foundBytes }) => sum + foundBytes, 0);
  // The slot with all three planes, and its brightness twice more.
  assert.ok(found >= 0.98 * (SCAN_FORMAT.frameBytes + 2 * LUMA_BYTES), `${found} bytes`);
});

test('in the scan as it is nothing is found', async () => {
  assert.equal(await search([]), []);
  assert.ok(
    stage.lines.every(({ level }) => level === 'info'),
    JSON.stringify(stage.lines),
  );
});

test.run();
