#!/usr/bin/env node
/**
 * SIMULATED rpicam-vid: no camera, no picture of anything. It takes the same command line, prints the same messages, writes
 * the same bytes at the same pace and fails in the same ways as the real one, so that the driver can be tested anywhere.
 * Modelled on rpicam-apps 1.12 and libcamera 0.7 (texts, exit codes, order of events); it stands in through LETHE_RPICAM_VID.
 * Pictures: byte i of frame n is (31 n + 7 i + 13 floor(i / 256)) mod 256, padding included: every byte can be checked.
 *
 * LETHE_FAKE_RPICAM=mode[:frames]   failure, where it makes sense after so many whole frames (default 0):
 *   no-camera  bad-index  busy  cma  not-a-pi  startup-crash     ends at the start, as the real one does
 *   silent-start      starts and says nothing at all
 *   wrong-size        adjusts the size and says so
 *   cable-loss        prints the messages of a lost sensor every second, never ends
 *   silent-stall      no more frames, no message, never ends
 *   stall-mid-frame   half a frame, then silent for ever
 *   die-mid-frame     half a frame, then exit 255
 *   die               exit 1 without a word
 *   torn-frame        one frame is 1000 bytes short, and it goes on
 *   deaf              like silent-stall, and ignores SIGINT and SIGTERM
 *   chatty            2 MiB of messages while frames go on
 * LETHE_FAKE_RPICAM_PICTURES=path      instead of that pattern: whole pictures as they are to be written, one after another; the
 *                                      last one stays. The file is looked at anew for each picture, so a test may replace it.
 * LETHE_FAKE_RPICAM_PLATFORM=vc4|pisp   row padding of 64 or 128 bytes
 * LETHE_FAKE_RPICAM_START_MS            time until the camera is open (real: about 500)
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

const [mode = '', afterText = '0'] = (process.env['LETHE_FAKE_RPICAM'] ?? '').split(':');
const afterFrames = Number(afterText);
const rowAlignBytes = process.env['LETHE_FAKE_RPICAM_PLATFORM'] === 'vc4' ? 64 : 128;
const startMs = Number(process.env['LETHE_FAKE_RPICAM_START_MS'] ?? 30);

/** Long options of rpicam-vid that the driver or a user may give: true = takes a value. */
const OPTIONS = {
  codec: true,
  timeout: true,
  nopreview: false,
  flush: false,
  width: true,
  height: true,
  framerate: true,
  'buffer-count': true,
  denoise: true,
  camera: true,
  verbose: true,
  output: true,
  'no-raw': false,
  rotation: true,
  hflip: false,
  vflip: false,
  shutter: true,
  gain: true,
  roi: true,
  awb: true,
  awbgains: true,
  ev: true,
  metering: true,
  exposure: true,
  mode: true,
  hdr: true,
  'tuning-file': true,
  'autofocus-mode': true,
  'lens-position': true,
  sharpness: true,
  contrast: true,
  brightness: true,
  saturation: true,
  metadata: true,
  'metadata-format': true,
  'info-text': true,
};

const startedAtMs = Date.now();
const say = (text) => writeSync(2, `${text}\n`);
const log = (level, text) => {
  const ms = Date.now() - startedAtMs;
  say(`[0:00:${(10 + ms / 1000).toFixed(9).padStart(12, '0')}] [${process.pid}] ${level} ${text}`);
};
const fail = (text) => {
  say(`ERROR: *** ${text} ***`);
  process.exit(255);
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Keeps the process alive without doing anything: a timer, as an unsettled promise alone would let it end. */
const forever = () => new Promise(() => setInterval(() => {}, 1 << 30));

function parse(words) {
  const values = {
    width: '640',
    height: '480',
    framerate: '30',
    timeout: '5000',
    camera: '0',
    codec: 'h264',
    output: '',
  };
  for (let index = 0; index < words.length; index += 1) {
    const [name, inline] = words[index].replace(/^--/, '').split(/=(.*)/s);
    if (!words[index].startsWith('--') || !Object.hasOwn(OPTIONS, name)) fail(`unrecognised option '${words[index]}'`);
    if (!OPTIONS[name]) {
      values[name] = 'true';
      continue;
    }
    const next = inline ?? words[index + 1];
    if (next === undefined || (inline === undefined && next.startsWith('--'))) {
      fail(`the required argument for option '--${name}' is missing`);
    }
    if (inline === undefined) index += 1;
    values[name] = next;
  }
  return values;
}

const align = (value, step) => Math.ceil(value / step) * step;
const options = parse(process.argv.slice(2));
let widthPx = Number(options.width);
let heightPx = Number(options.height);
let interrupted = false;

process.on('SIGINT', () => {
  if (mode === 'deaf') return;
  say('Received signal 2');
  interrupted = true;
});
// Left alone otherwise: the real one has no handler and dies of it, in the middle of a write if need be.
if (mode === 'deaf') process.on('SIGTERM', () => {});

if (mode === 'not-a-pi') {
  say('ERROR: rpicam-apps currently only supports the Raspberry Pi platforms.');
  process.exit(255);
}
if (mode === 'silent-start') await forever();
if (mode === 'startup-crash') process.kill(process.pid, 'SIGSEGV');
log(' INFO', 'Camera camera_manager.cpp:330 libcamera v0.7.1+rpt20260429');
if (mode === 'no-camera') fail('no cameras available');
if (mode === 'bad-index' || Number(options.camera) > 1) fail('selected camera is not available');
await sleep(startMs);
const sensor = '/base/soc/i2c0mux/i2c@1/imx708@1a';
log(
  ' INFO',
  rowAlignBytes === 64
    ? `RPI vc4.cpp:447 Registered camera ${sensor} to Unicam device /dev/media0 and ISP device /dev/media3`
    : `RPI pisp.cpp:720 Registered camera ${sensor} to CFE device /dev/media0 and ISP device /dev/media1 using PiSP variant BCM2712_C0`,
);
if (mode === 'busy') {
  log(' INFO', 'Camera camera.cpp:1008 Pipeline handler in use by another process');
  fail(`failed to acquire camera ${sensor}`);
}
say(`Mode selection for ${widthPx}:${heightPx}:12:P`);
say('    SRGGB10_CSI2P,1536x864/0 - Score: 2600');
say('    SRGGB10_CSI2P,2304x1296/0 - Score: 2900');
if (mode === 'wrong-size') {
  widthPx += 64;
  heightPx += 2;
}
say('Stream configuration adjusted');
log(
  ' INFO',
  `Camera camera.cpp:1205 configuring streams: (0) ${widthPx}x${heightPx}-YUV420/sYCC (1) 1536x864-SRGGB10_CSI2P/RAW`,
);
if (mode === 'cma') {
  log('ERROR', 'DmaBufAllocator dma_buf_allocator.cpp:120 dmaHeap allocation failure for rpicam-apps0');
  fail('failed to allocate capture buffers for stream');
}

const strideBytes = align(widthPx, rowAlignBytes);
const frame = Buffer.alloc((strideBytes * heightPx * 3) / 2);
const output = openSync(options.output, 'w');

const picturesPath = process.env['LETHE_FAKE_RPICAM_PICTURES'];

function paint(frameIndex) {
  if (picturesPath === undefined) paintPattern(frameIndex);
  else readPicture(frameIndex);
}

function readPicture(frameIndex) {
  const file = openSync(picturesPath, 'r');
  const count = Math.floor(fstatSync(file).size / frame.length);
  if (count === 0) throw new Error(`${picturesPath} has no picture of ${frame.length} bytes`);
  readSync(file, frame, 0, frame.length, Math.min(frameIndex, count - 1) * frame.length);
  closeSync(file);
}

function paintPattern(frameIndex) {
  for (let i = 0; i < frame.length; i += 1) frame[i] = 31 * frameIndex + 7 * i + 13 * (i >> 8);
}

/** One frame, whole, however often the pipe is full. */
function write(byteCount) {
  try {
    for (let offset = 0; offset < byteCount; ) offset += writeSync(output, frame, offset, byteCount - offset);
  } catch {
    say('Received signal 13');
    say("terminate called after throwing an instance of 'std::runtime_error'");
    say('  what():  failed to write output bytes');
    process.kill(process.pid, 'SIGABRT');
  }
}

async function loseCamera() {
  for (;;) {
    log(' WARN', 'V4L2 v4l2_videodevice.cpp:2095 /dev/video4[29:cap]: Dequeue timer of 1000000.00us has expired!');
    log('ERROR', 'RPI pipeline_base.cpp:1364 Camera frontend has timed out!');
    log('ERROR', 'RPI pipeline_base.cpp:1365 Please check that your camera sensor connector is attached securely.');
    log('ERROR', 'RPI pipeline_base.cpp:1366 Alternatively, try another cable and/or sensor.');
    say('ERROR: Device timeout detected, attempting a restart!!!');
    await sleep(1000);
  }
}

const periodMs = 1000 / Number(options.framerate);
const timeoutMs = Number(options.timeout);
const openedAtMs = performance.now();
for (let frameIndex = 0; ; frameIndex += 1) {
  const dueAtMs = openedAtMs + frameIndex * periodMs;
  await sleep(Math.max(0, dueAtMs - performance.now()));
  paint(frameIndex);
  if (frameIndex === afterFrames) {
    if (mode === 'cable-loss') await loseCamera();
    if (mode === 'silent-stall' || mode === 'deaf') await forever();
    if (mode === 'stall-mid-frame') {
      write(frame.length / 2);
      await forever();
    }
    if (mode === 'die-mid-frame') {
      write(frame.length / 2);
      process.exit(255);
    }
    if (mode === 'die') process.exit(1);
    if (mode === 'chatty') for (let line = 0; line < 8192; line += 1) log(' WARN', 'x'.repeat(220));
  }
  write(mode === 'torn-frame' && frameIndex === afterFrames ? frame.length - 1000 : frame.length);
  if (timeoutMs > 0 && performance.now() - openedAtMs >= timeoutMs) {
    say(`Halting: reached timeout of ${timeoutMs} milliseconds.`);
    process.exit(0);
  }
  if (interrupted) process.exit(0);
}
