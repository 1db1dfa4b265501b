/**
 * Goal: the simulated rpicam-vid behaves at its edges as the real one does, so that tests with it mean something.
 * Method: run it by itself; exit codes, last words and bytes as read in the sources of rpicam-apps 1.12.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader, makeFifo, makePrivateFolder, removeFolder } from '../../../drivers/fifo.ts';
import { FAKE_RPICAM_VID, fakeByte, fakeFrameIndex, fakeRpicam } from '../../fakes/rpicam-vid.ts';
import { eventually, within } from '../../fakes/within.ts';
import { TestSink } from './fifo-sink.ts';

const FRAME_BYTES = (256 * 192 * 3) / 2;
const SOON_MS = 8000;

const test = suite('simulated rpicam-vid');
let folder = '';
let path = '';
let child: ChildProcess | undefined;

test.before.each(() => {
  fakeRpicam('');
  folder = makePrivateFolder();
  path = join(folder, 'frames.fifo');
  makeFifo(path);
});
test.after.each(() => {
  child?.kill('SIGKILL');
  removeFolder(folder);
});

type Run = { readonly child: ChildProcess; readonly said: () => string; readonly exit: Promise<number | string> };

/** Starts it; `exit` is the exit code or the name of the signal that ended it. */
function run(...words: string[]): Run {
  let said = '';
  const started = spawn(FAKE_RPICAM_VID, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  child = started;
  started.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const exit = new Promise<number | string>((resolve) => {
    started.on('close', (code, signal) => resolve(code ?? signal ?? ''));
  });
  return { child: started, said: () => said, exit };
}

const size = ['--width', '256', '--height', '192', '--framerate', '30', '--codec', 'yuv420'];

function reader(onFrame: (slot: Uint8Array) => void = () => {}, frameBytes = FRAME_BYTES): [FrameReader, TestSink] {
  const sink = new TestSink(frameBytes, onFrame);
  return [new FrameReader({ path, sink, frameBytes, fillMsMax: Number.POSITIVE_INFINITY }), sink];
}

test('is marked as simulated', () => {
  assert.match(readFileSync(FAKE_RPICAM_VID, 'utf8'), 'SIMULATED');
});

test('ends at its time-out with exit 0 and a whole last frame', async () => {
  const seen: number[] = [];
  const [frames] = reader((slot) => seen.push(fakeFrameIndex(slot)));
  const { said, exit } = run(...size, '--timeout', '300', '--output', path);
  assert.is(await within(SOON_MS, 'exit', exit), 0);
  assert.is(await within(SOON_MS, 'end', frames.ended), 0);
  assert.match(said(), 'Halting: reached timeout of 300 milliseconds.');
  assert.equal(
    seen,
    Array.from(seen, (_, index) => index),
  );
  assert.ok(seen.length >= 2);
});

test('finishes the frame at an interrupt, then exits 0', async () => {
  const [frames, sink] = reader();
  const { child: camera, said, exit } = run(...size, '--timeout', '0', '--output', path);
  await eventually(SOON_MS, 'frames', () => sink.completeCount >= 2);
  camera.kill('SIGINT');
  assert.is(await within(SOON_MS, 'exit', exit), 0);
  assert.is(await within(SOON_MS, 'end', frames.ended), 0);
  assert.match(said(), 'Received signal 2');
});

test('does not hear an interrupt while it writes to a reader that does not read', async () => {
  const [frames, sink] = reader();
  const { child: camera, exit } = run(...size, '--timeout', '0', '--output', path);
  await eventually(SOON_MS, 'a frame', () => sink.completeCount >= 1);
  frames.pause();
  // The pipe holds one whole frame and most of another, which it writes in 67 ms: then it waits.
  await new Promise((resolve) => setTimeout(resolve, 300));
  camera.kill('SIGINT');
  const first = await Promise.race([exit, new Promise((resolve) => setTimeout(() => resolve('still there'), 300))]);
  assert.is(first, 'still there');
  camera.kill('SIGTERM');
  assert.is(await within(SOON_MS, 'exit', exit), 'SIGTERM');
  frames.close();
});

test('aborts when its reader goes away', async () => {
  const [frames, sink] = reader();
  const { said, exit } = run(...size, '--timeout', '0', '--output', path);
  await eventually(SOON_MS, 'a frame', () => sink.completeCount >= 1);
  frames.close();
  assert.is(await within(SOON_MS, 'exit', exit), 'SIGABRT');
  assert.match(said(), 'Received signal 13');
  assert.match(said(), 'failed to write output bytes');
});

test('refuses an unknown option', async () => {
  const { said, exit } = run('--no-such-option');
  assert.is(await within(SOON_MS, 'exit', exit), 255);
  assert.match(said(), "ERROR: *** unrecognised option '--no-such-option' ***");
});

test('pads rows as the board does: 320 wide is 320 on a Pi 4 and 384 on a Pi 5', async () => {
  for (const [platform, strideBytes] of [
    ['vc4', 320],
    ['pisp', 384],
  ] as const) {
    fakeRpicam('', { platform });
    let good = 0;
    const frameBytes = (strideBytes * 240 * 3) / 2;
    const [frames] = reader((slot) => {
      if (slot.every((byte, index) => byte === fakeByte(good, index))) good += 1;
    }, frameBytes);
    const words = ['--width', '320', '--height', '240', '--framerate', '20', '--timeout', '200', '--output', path];
    assert.is(await within(SOON_MS, 'exit', run(...words).exit), 0);
    assert.is(await within(SOON_MS, 'end', frames.ended), 0, 'whole frames only');
    assert.ok(good >= 2, `${platform}: ${good} good frames`);
  }
});

test.run();
