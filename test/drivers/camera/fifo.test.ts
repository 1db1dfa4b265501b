/**
 * Goal: frames leave a named pipe whole, in the slot and nowhere else; broken ones are abandoned; messages are bounded.
 * Method: a writer in this process or a shell on a real pipe, a sink that enforces the camera port's contract.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FIRST_READ_BYTES,
  FrameReader,
  LINE_CHARS_MAX,
  LineReader,
  makeFifo,
  makePrivateFolder,
  readLines,
  removeFolder,
} from '../../../drivers/fifo.ts';
import { DriverError } from '../../../runtime/errors.ts';
import { eventually, within } from '../../fakes/within.ts';
import { TestSink } from './fifo-sink.ts';

const FRAME_BYTES = 73_728;
const test = suite('fifo');
let folder = '';
let path = '';

test.before.each(() => {
  folder = makePrivateFolder();
  path = join(folder, 'frames.fifo');
  makeFifo(path);
});
test.after.each(() => removeFolder(folder));

/** Opens the writing end; the reader must exist. */
function openWriter(): number {
  return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
}

function reader(sink: TestSink, extra: { fillMsMax?: number; onLate?: (lateInRow: number) => void } = {}): FrameReader {
  return new FrameReader({ path, sink, frameBytes: sink.slot.length, fillMsMax: Number.POSITIVE_INFINITY, ...extra });
}

test('makes the pipe and its folder for this user only', () => {
  assert.is(statSync(folder).mode & 0o777, 0o700);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.ok(statSync(path).isFIFO());
});

test('says which program is missing when there is no mkfifo', () => {
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    makeFifo(join(folder, 'second'));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DriverError);
    assert.is((error as DriverError).kind, 'absent');
    assert.match((error as DriverError).hint, 'apt install coreutils');
  } finally {
    process.env['PATH'] = before;
  }
});

test('refuses a path that is no pipe', () => {
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'text');
  assert.throws(
    () => new FrameReader({ path: plain, sink: new TestSink(96), frameBytes: 96, fillMsMax: 1 }),
    /not a named pipe/,
  );
});

test('a frame begins when its first page is in the slot, not when a whole pipe is', async () => {
  const arrivedBytes: number[] = [];
  class BeginSink extends TestSink {
    override beginFrame(): void {
      arrivedBytes.push(this.slot.reduce((count, byte) => count + byte, 0));
      super.beginFrame();
    }
  }
  const sink = new BeginSink(FRAME_BYTES / 2);
  const frames = reader(sink);
  const out = openWriter();
  writeSync(out, new Uint8Array(FRAME_BYTES / 2).fill(1));
  await eventually(2000, 'first frame', () => sink.completeCount === 1);
  writeSync(out, new Uint8Array(FRAME_BYTES / 2).fill(1));
  await eventually(2000, 'second frame', () => sink.completeCount === 2);
  closeSync(out);
  frames.close();
  assert.equal(arrivedBytes, [FIRST_READ_BYTES, FIRST_READ_BYTES]);
});

test('a whole frame goes into the pipe before any of it is read', () => {
  const frames = reader(new TestSink(FRAME_BYTES));
  const out = openWriter();
  // Nothing is read in between: this function does not return to the event loop.
  assert.is(writeSync(out, new Uint8Array(FRAME_BYTES)), FRAME_BYTES);
  assert.ok(frames.holdsFrame);
  closeSync(out);
  frames.close();
});

test('without the program that widens a pipe frames come all the same', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = folder;
  const sink = new TestSink(FRAME_BYTES);
  const frames = reader(sink);
  process.env['PATH'] = before;
  assert.not(frames.holdsFrame);
  const out = openWriter();
  const written = writeSync(out, new Uint8Array(FRAME_BYTES));
  assert.is(written, 65_536);
  await eventually(2000, 'room in the pipe', () => {
    try {
      return writeSync(out, new Uint8Array(FRAME_BYTES - written)) > 0;
    } catch {
      return false; // EAGAIN
    }
  });
  await eventually(2000, 'the frame', () => sink.completeCount === 1);
  closeSync(out);
  frames.close();
});

test('delivers every byte of every frame, whatever pieces they are written in', async () => {
  const frameCount = 20;
  const sums: number[] = [];
  const sink = new TestSink(FRAME_BYTES, (slot) => sums.push(slot.reduce((sum, byte) => sum + byte, 0)));
  const frames = reader(sink);
  // 1000-byte blocks: pages are only partly filled, so reads end anywhere.
  const writer = spawn('sh', [
    '-c',
    `dd if=/dev/zero bs=1000 count=1475 2>/dev/null | tr '\\000' '\\001' | head -c ${frameCount * FRAME_BYTES} >"$0"`,
    path,
  ]);
  assert.is(await within(5000, 'end of the pipe', frames.ended), 0);
  assert.is(writer.killed, false);
  assert.equal(sums, new Array(frameCount).fill(FRAME_BYTES));
  assert.is(sink.begunCount, frameCount);
  assert.ok(sink.slotIsZero);
});

test('begins a frame with its first byte and not before', async () => {
  const sink = new TestSink(1000);
  const frames = reader(sink);
  const fd = openWriter();
  assert.is(sink.begunCount, 0);
  writeSync(fd, Buffer.alloc(1, 7));
  await eventually(1000, 'first byte', () => sink.begunCount === 1);
  assert.is(sink.completeCount, 0);
  writeSync(fd, Buffer.alloc(999, 7));
  await eventually(1000, 'whole frame', () => sink.completeCount === 1);
  closeSync(fd);
  assert.is(await within(1000, 'end', frames.ended), 0);
});

test('never reads beyond the present frame', async () => {
  const seen: string[] = [];
  const sink = new TestSink(10, (slot) => seen.push(Buffer.from(slot).toString()));
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, 'aaaaaaaaaabbbbbbbbbbccccc');
  closeSync(fd);
  assert.is(await within(1000, 'end', frames.ended), 5);
  assert.equal(seen, ['aaaaaaaaaa', 'bbbbbbbbbb']);
});

test('abandons a partial frame at the end of the pipe and tells its size', async () => {
  const sink = new TestSink(FRAME_BYTES);
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(30_000, 9));
  closeSync(fd);
  assert.is(await within(1000, 'end', frames.ended), 30_000);
  assert.is(sink.abandonedCount, 1);
  assert.ok(sink.slotIsZero);
});

test('abandons a partial frame when it is closed, and calls nothing afterwards', async () => {
  const sink = new TestSink(1000);
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(400, 9));
  await eventually(1000, 'first bytes', () => sink.begunCount === 1);
  frames.close();
  sink.isClosed = true;
  frames.close();
  assert.is(sink.abandonedCount, 1);
  assert.ok(sink.slotIsZero);
  await within(1000, 'end', frames.ended);
  closeSync(fd);
});

test('leaves bytes in the pipe when paused, with the slot zero', async () => {
  const sink = new TestSink(1000);
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(400, 9));
  await eventually(1000, 'first bytes', () => sink.begunCount === 1);
  frames.pause();
  sink.isClosed = true;
  assert.is(sink.abandonedCount, 1);
  // Accepted by the kernel, read by nobody.
  writeSync(fd, Buffer.alloc(1600, 9));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.ok(sink.slotIsZero);
  frames.close();
  closeSync(fd);
});

test('leaves a frame in the pipe while it is held, and loses nothing of it', async () => {
  const sink = new TestSink(1000);
  const frames = reader(sink);
  frames.hold();
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(2500, 9));
  closeSync(fd);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(sink.begunCount, 0);
  assert.ok(sink.slotIsZero);
  frames.release();
  assert.is(await within(1000, 'end', frames.ended), 500);
  assert.is(sink.completeCount, 2);
});

test('reads and erases without delivering while it discards', async () => {
  const sink = new TestSink(1000);
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(400, 9));
  await eventually(1000, 'first bytes', () => sink.begunCount === 1);
  frames.discard();
  assert.is(sink.abandonedCount, 1);
  writeSync(fd, Buffer.alloc(600 + 1000, 9));
  closeSync(fd);
  await within(1000, 'end', frames.ended);
  assert.is(sink.completeCount, 0);
  assert.is(sink.abandonedCount, sink.begunCount);
  assert.ok(sink.slotIsZero);
});

test('may be closed from inside the sink', async () => {
  let frames: FrameReader | undefined;
  const sink = new TestSink(100, () => frames?.close());
  frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(350, 5));
  await eventually(1000, 'first frame', () => sink.completeCount === 1);
  sink.isClosed = true;
  await within(1000, 'end', frames.ended);
  assert.is(sink.completeCount, 1);
  assert.is(sink.abandonedCount, 0);
  assert.ok(sink.slotIsZero);
  closeSync(fd);
});

test('abandons a frame that waits for its rest, counts them in a row, and forgives after a good one', async () => {
  const late: number[] = [];
  const sink = new TestSink(100);
  const frames = reader(sink, { fillMsMax: 20, onLate: (lateInRow) => late.push(lateInRow) });
  const fd = openWriter();
  const halves = async (): Promise<void> => {
    const begun = sink.begunCount;
    writeSync(fd, Buffer.alloc(50, 1));
    await eventually(1000, 'first half', () => sink.begunCount === begun + 1);
    const until = performance.now() + 25;
    while (performance.now() < until);
    writeSync(fd, Buffer.alloc(50, 1));
    await eventually(1000, 'second half', () => sink.abandonedCount + sink.completeCount === begun + 1);
  };
  await halves();
  await halves();
  writeSync(fd, Buffer.alloc(100, 1));
  await eventually(1000, 'good frame', () => sink.completeCount === 1);
  await halves();
  assert.equal(late, [1, 2, 1]);
  assert.is(sink.abandonedCount, 3);
  closeSync(fd);
  await within(1000, 'end', frames.ended);
});

test('ends by drain when no writer ever came', async () => {
  const sink = new TestSink(100);
  const frames = reader(sink);
  frames.drain();
  assert.is(await within(1000, 'end', frames.ended), 0);
  frames.drain();
  assert.is(sink.begunCount, 0);
});

test('drain loses nothing that is still in the pipe', async () => {
  const sink = new TestSink(100);
  const frames = reader(sink);
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(300, 4));
  closeSync(fd);
  frames.drain();
  assert.is(await within(1000, 'end', frames.ended), 0);
  assert.is(sink.completeCount, 3);
});

test('gives the position in the clip where one is known, otherwise the time of the first byte', async () => {
  const sink = new TestSink(10);
  const frames = new FrameReader({
    path,
    sink,
    frameBytes: 10,
    fillMsMax: Number.POSITIVE_INFINITY,
    capturedAtUs: (frameIndex) => frameIndex * 40_000,
  });
  const fd = openWriter();
  writeSync(fd, Buffer.alloc(30, 4));
  closeSync(fd);
  await within(1000, 'end', frames.ended);
  assert.equal(sink.timesUs, [0, 40_000, 80_000]);

  const second = join(folder, 'second');
  makeFifo(second);
  const live = new TestSink(10);
  const liveFrames = new FrameReader({ path: second, sink: live, frameBytes: 10, fillMsMax: 1000 });
  const fromUs = performance.now() * 1000;
  const liveFd = openSync(second, constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(liveFd, Buffer.alloc(10, 4));
  closeSync(liveFd);
  await within(1000, 'end', liveFrames.ended);
  const [timeUs = 0] = live.timesUs;
  assert.ok(timeUs >= fromUs && timeUs <= performance.now() * 1000, `${timeUs} lies between start and now`);
});

test('splits messages into bounded, printable lines', async () => {
  const lines: string[] = [];
  const stream = Readable.from(['one\ntw', 'o\r\n\x1b[31mred\x00\n', 'x'.repeat(5000), '\nlast'], {
    objectMode: false,
  });
  const ended = new Promise((resolve) => stream.on('close', resolve));
  readLines(stream, (line) => lines.push(line));
  await within(1000, 'end of the text', ended);
  assert.equal(lines, ['one', 'two', '[31mred', 'x'.repeat(LINE_CHARS_MAX), 'last']);
});

test('reads messages from a pipe until its writer closes', async () => {
  const lines: string[] = [];
  const messages = new LineReader(path, (line) => lines.push(line));
  const fd = openWriter();
  writeSync(fd, 'first\nsecond\n');
  closeSync(fd);
  await within(1000, 'end', messages.ended);
  assert.equal(lines, ['first', 'second']);
});

test('removes the folder with the pipe, and does not mind when it is gone', () => {
  removeFolder(folder);
  removeFolder(folder);
  assert.not.ok(existsSync(folder));
});

test.run();
