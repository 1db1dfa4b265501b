// Goal: footage that cannot be counted is refused before anything is opened, each fault with its own kind and exit code.
// Method: replay without ffmpeg: its folder is taken out of PATH. With ffmpeg: test/video/evaluate.test.ts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashCrossings, replay, replayCommand } from '../../../runtime/commands/replay.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import { DriverError, LetheError, ModelError } from '../../../runtime/errors.ts';
import { loadModel } from '../../../runtime/eye/model.ts';
import { within } from '../../fakes/within.ts';

const test = suite('replay');
const folder = mkdtempSync(join(tmpdir(), 'lethe-replay-'));
const clip = join(folder, 'clip.mp4');
const path = process.env['PATH'];
const config = parseConfig({});

test.before(() => {
  writeFileSync(clip, 'not a clip');
  process.env['PATH'] = folder;
});
test.after(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

async function refusal(action: () => Promise<unknown>): Promise<LetheError> {
  try {
    await within(5000, 'the refusal', action());
  } catch (error) {
    assert.instance(error, LetheError);
    return error as LetheError;
  }
  return assert.unreachable('accepted') as never;
}

test('without ffmpeg it says so and how to get it, with exit code 66', async () => {
  const error = await refusal(() => replay(config, loadModel(''), config, clip));
  assert.instance(error, DriverError);
  assert.is(error.exitCode, 66);
  assert.match(error.message, 'ffmpeg is not installed');
  assert.match(error.hint, 'apt install ffmpeg');
});

test('a source that could be taken for an option of ffmpeg is refused', async () => {
  const error = await refusal(() => replay(config, loadModel(''), config, '-filter_complex'));
  assert.instance(error, DriverError);
});

test('a frame size that the model was not made for is told before the footage is looked at', async () => {
  const other = parseConfig({ camera: { width_px: 128, height_px: 96 } });
  const error = await refusal(() => replay(other, loadModel(''), other, clip));
  assert.instance(error, ModelError);
  assert.is(error.code, 'MODEL_FRAME');
});

test('nothing is printed for footage that cannot be opened', async () => {
  let printed = '';
  await refusal(() => replayCommand({ config, source: clip, out: (text) => (printed += text) }));
  assert.is(printed, '');
});

test('the hash of crossings is that of their lines, and any change changes it', () => {
  const first = { atS: 1.067, line: 'door', direction: 'in' } as const;
  const second = { atS: 63.2, line: 'yard gate', direction: 'out' } as const;
  // printf '1.067 door in\n63.200 yard gate out\n' | sha256sum
  assert.is(hashCrossings([first, second]), 'a9545e1251ce4ed9cb529dc3073dc6f0692b905dc1bfc8b963694eba4cbc5c53');
  assert.is(hashCrossings([]), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  const others = [
    [second, first],
    [first],
    [{ ...first, atS: 1.068 }, second],
    [{ ...first, direction: 'out' } as const, second],
  ];
  assert.is(new Set(others.map(hashCrossings)).size, others.length);
});

test.run();
