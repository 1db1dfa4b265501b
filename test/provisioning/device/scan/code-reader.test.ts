// Goal: the reading thread answers for each picture it takes, lets pictures go by while it is busy, and comes back when it dies.
// Method: the real thread; Node tells of every thread that is made, so the test can end it from outside.
import type { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../../../drivers/clock/system.ts';
import { CodeReader } from '../../../../provisioning/device/scan/code-reader.ts';
import { ScanFrames } from '../../../../provisioning/device/scan/frames.ts';
import { SCAN_FORMAT } from '../../../../provisioning/device/scan/plate.ts';
import { eventually } from '../../../fakes/within.ts';
import { covered, pictureOf } from './pictures.ts';

const SOON_MS = 30_000;
const test = suite('code reader');
const threads: Worker[] = [];
const onWorker = (worker: Worker) => threads.push(worker);
test.before(() => void process.on('worker', onWorker));
test.after(() => void process.off('worker', onWorker));

let reader: CodeReader;
let texts: string[];
let unreadableCount: number;
let faults: string[];
test.before.each(() => {
  threads.length = 0;
  texts = [];
  unreadableCount = 0;
  faults = [];
  reader = new CodeReader(new SystemClock(), {
    onText: (text) => texts.push(text),
    onUnreadable: () => {
      unreadableCount += 1;
    },
    onFault: (why) => faults.push(why),
  });
  reader.start();
});
test.after.each(() => reader.stop());

/** One for all: what is offered is copied. */
const frame = new Uint8Array(SCAN_FORMAT.frameBytes).fill(128);
function frameOf(luma: Uint8Array): Uint8Array {
  frame.set(luma);
  return frame;
}

/** Offers it until it was looked at. */
async function look(luma: Uint8Array): Promise<void> {
  frameOf(luma);
  const before = reader.looksCount;
  await eventually(SOON_MS, 'a look', () => {
    if (reader.looksCount === before) reader.offer(frame);
    return reader.looksCount > before;
  });
}

test('reads texts of every length, and of a long one enough to refuse it', async () => {
  for (const text of ['x', 'LETHE1.abc.def', 'ü'.repeat(200)]) await look(pictureOf(text));
  await look(pictureOf('a'.repeat(1500)));
  assert.equal([...new Set(texts)], ['x', 'LETHE1.abc.def', 'ü'.repeat(200), 'a'.repeat(1024)]);
});

test('says nothing of an empty picture, and that there is something of a covered code', async () => {
  await look(new Uint8Array(640 * 480).fill(200));
  assert.equal([texts, unreadableCount], [[], 0]);
  await look(covered(pictureOf('LETHE1.'.padEnd(300, 'abcdefgh')), 150));
  assert.equal(texts, []);
  assert.ok(unreadableCount >= 1);
});

test('ours is told when there are two', async () => {
  const picture = pictureOf('https://museum.example/42', { modulePx: 4 });
  // Side by side: the left half of the one, the right half moved from the other.
  const ours = pictureOf('LETHE1.abc', { modulePx: 4 });
  const both = new Uint8Array(picture.length).fill(150);
  for (let y = 0; y < 480; y++) {
    both.set(picture.subarray(y * 640 + 160, y * 640 + 480), y * 640);
    both.set(ours.subarray(y * 640 + 160, y * 640 + 480), y * 640 + 320);
  }
  await look(both);
  assert.is(texts[0], 'LETHE1.abc');
});

test('a picture that comes while the thread is busy is let go, not kept for later', async () => {
  await look(pictureOf('first'));
  await eventually(SOON_MS, 'the thread is free', () => texts.length > 0);
  texts.length = 0;
  const [looks, skipped] = [reader.looksCount, reader.skippedCount];
  reader.offer(frameOf(pictureOf('second')));
  for (let i = 0; i < 5; i++) reader.offer(frameOf(pictureOf('third')));
  assert.is(reader.skippedCount, skipped + 5);
  await eventually(SOON_MS, 'the look', () => reader.looksCount > looks);
  assert.equal([reader.looksCount, texts], [looks + 1, ['second']]);
});

test('a thread that is ended is said, and another one reads on', async () => {
  await look(pictureOf('before'));
  await threads[0]!.terminate();
  await eventually(SOON_MS, 'the fault', () => faults.length === 1);
  await look(pictureOf('after'));
  assert.is(texts.at(-1), 'after');
  assert.is(threads.length, 2);
});

test('stopped, it has no thread, takes no picture and says nothing', async () => {
  await look(pictureOf('before'));
  await reader.stop();
  texts.length = 0;
  const looks = reader.looksCount;
  reader.offer(frameOf(pictureOf('after')));
  assert.is(reader.threadId, undefined);
  assert.equal([texts, faults, reader.looksCount], [[], [], looks]);
});

test('a frame is all zero again after it was offered, taken or not, and after it was torn', () => {
  const offered: number[] = [];
  const frames = new ScanFrames((frame) => offered.push(frame[1000]!));
  const isZero = () => frames.slot.every((value) => value === 0);
  frames.beginFrame();
  frames.slot.fill(77);
  frames.completeFrame();
  assert.ok(isZero());
  frames.beginFrame();
  frames.slot.fill(78, 0, 5000);
  frames.abandonFrame();
  assert.ok(isZero());
  assert.equal([offered, frames.framesRead, frames.framesDropped], [[77], 1, 1]);
});

test('memory is flat over many pictures, and the thread gives its own back', async () => {
  const picture = pictureOf('LETHE1.'.padEnd(300, 'abcdefgh'));
  for (let turn = 0; turn < 100; turn++) await look(picture);
  const before = process.memoryUsage();
  for (let turn = 0; turn < 400; turn++) await look(picture);
  const after = process.memoryUsage();
  // All threads of the process. Kept pictures would be 123 MB, kept decoders 22 each; the collector's own come and go.
  assert.ok(after.rss - before.rss < 40e6, `${after.rss - before.rss} bytes more`);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 5e6, `${after.arrayBuffers - before.arrayBuffers} bytes more`);
  await reader.stop();
  // The decoder's memory at least.
  await eventually(SOON_MS, 'memory is given back', () => process.memoryUsage().rss < after.rss - 20e6);
});

test.run();
