/**
 * The audit's camera: a program that behaves as rpicam-vid towards the driver (command line, messages, bytes, pace) and
 * whose pictures are the keyed pattern. It stands in through LETHE_RPICAM_VID, so that the eye runs the very path that it
 * runs with a camera module: node-libcamera, the named pipe, the read into the slot.
 * It sends only what the audit orders, and otherwise waits as a camera would whose sensor has stopped:
 *   frames FROM COUNT   whole frames at the frame rate, then `done` on the answer pipe
 *   half FROM           the first half of a frame, then `half`, then nothing more
 *   lose FROM           the first half of a frame, then it ends as if the cable had been pulled
 * `node pattern-camera.js FOLDER --width … --height … --framerate … --output FIFO …`; FOLDER holds the key and both pipes.
 */
import { constants, openSync, readFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pattern } from '../../privacy/search/pattern.ts';
import { MS_PER_S, yuv420Bytes } from '../../units.ts';
import { CAMERA_FILES } from './camera-files.ts';

const [folder = '', ...words] = process.argv.slice(2);
// The other words of rpicam-vid's command line change nothing here.
const { values } = parseArgs({
  args: words,
  strict: false,
  options: {
    width: { type: 'string' },
    height: { type: 'string' },
    framerate: { type: 'string' },
    output: { type: 'string' },
  },
});
const widthPx = Number(values['width']);
const heightPx = Number(values['height']);
const frameMs = MS_PER_S / Number(values['framerate']);
const pattern = new Pattern(readFileSync(join(folder, CAMERA_FILES.key)));
const frame = new Uint8Array(yuv420Bytes(widthPx, heightPx));

writeSync(2, `configuring streams: (0) ${widthPx}x${heightPx}-YUV420/sYCC\n`);
const frames = openSync(String(values['output']), 'w');
// For both ways, so that opening waits for nobody and the pipe does not end between two orders.
const answers = openSync(join(folder, CAMERA_FILES.answers), constants.O_RDWR);
const orders = openSync(join(folder, CAMERA_FILES.orders), constants.O_RDWR | constants.O_NONBLOCK);

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(frames, bytes, at);
}

async function sendFrames(from: number, count: number): Promise<void> {
  let dueMs = performance.now();
  for (let frameIndex = from; frameIndex < from + count; frameIndex++) {
    pattern.fill(frameIndex, frame);
    write(frame);
    frame.fill(0);
    dueMs += frameMs;
    await sleep(Math.max(0, dueMs - performance.now()));
  }
}

function sendHalf(frameIndex: number): void {
  pattern.fill(frameIndex, frame);
  write(frame.subarray(0, frame.length / 2));
}

async function obey(order: string): Promise<void> {
  const [word = '', from = '', count = ''] = order.split(' ');
  if (word === 'frames') await sendFrames(Number(from), Number(count));
  else sendHalf(Number(from));
  if (word === 'lose') process.exit(1);
  writeSync(answers, `${word === 'half' ? 'half' : 'done'}\n`);
}

let isBusy: Promise<void> = Promise.resolve();
const orderSocket = new Socket({ fd: orders, readable: true, writable: false });
orderSocket.setEncoding('utf8');
orderSocket.on('data', (text: string) => {
  for (const order of text.split('\n').filter((line) => line !== '')) isBusy = isBusy.then(() => obey(order));
});
