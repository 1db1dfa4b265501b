/**
 * Goal: every clip arrives with exact frame count, size and full range, and every bad source is told apart with a remedy.
 * Method: clips made by ffmpeg's test sources, the real ffmpeg and ffprobe, a sink that enforces the camera port's contract.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVideoCamera, probeVideo, type VideoOptions } from '../../drivers/camera/video/video.ts';
import { DriverError } from '../../runtime/errors.ts';
import type { Camera, FrameFormat } from '../../runtime/ports/camera.ts';
import { formatOf, TestSink } from '../drivers/camera/fifo-sink.ts';
import { eventually, within } from '../fakes/within.ts';

const FORMAT = formatOf(256, 192, 25);
const LUMA_BYTES = 256 * 192;
const SOON_MS = 10_000;

const test = suite('video');
const clips = mkdtempSync(join(tmpdir(), 'lethe-clips-'));
/** Everything the driver makes lies here, so that what it leaves behind is seen. */
const parent = mkdtempSync(join(tmpdir(), 'lethe-video-'));
let camera: Camera | undefined;

const clip = (name: string): string => join(clips, name);

/** Makes a clip; `words` are everything between the quiet flags and the output's name. */
function record(name: string, ...words: string[]): string {
  const result = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...words, clip(name)], { encoding: 'utf8' });
  if (result.error) throw new Error('these tests need ffmpeg: apt install ffmpeg');
  assert.is(result.status, 0, result.stderr);
  return clip(name);
}

function pattern(seconds: number, rate: number | string, size = '320x240'): string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`, '-pix_fmt', 'yuv420p'];
}

test.before(() => {
  process.env['RUNTIME_DIRECTORY'] = parent;
  record('two-seconds.mp4', ...pattern(2, 25), '-movflags', '+faststart');
  record('two-seconds.mkv', ...pattern(2, 25));
});
test.after.each(async () => {
  await camera?.stop();
  camera = undefined;
});
test.after(() => {
  rmSync(clips, { recursive: true, force: true });
  rmSync(parent, { recursive: true, force: true });
});

function assertNothingLeft(sink: TestSink): void {
  const left = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(parent);
    } catch {
      return false;
    }
  });
  assert.equal(left, [], 'no process is left');
  assert.equal(readdirSync(parent), [], 'no pipe is left');
  assert.ok(sink.slotIsZero, 'the slot is zero');
  assert.is(sink.begunCount, sink.completeCount + sink.abandonedCount, 'every frame begun was completed or abandoned');
}

/** Plays a source to its end. */
async function play(
  options: VideoOptions,
  format: FrameFormat = FORMAT,
  onFrame: (slot: Uint8Array, frameIndex: number) => void = () => {},
): Promise<TestSink> {
  const sink = new TestSink(format.frameBytes, onFrame);
  camera = createVideoCamera(options, format);
  await within(SOON_MS, 'start', camera.start(sink, sink));
  await eventually(SOON_MS, 'end', () => sink.isClosed);
  await within(SOON_MS, 'stop', camera.stop());
  assertNothingLeft(sink);
  return sink;
}

async function refusal(source: string): Promise<DriverError> {
  const sink = new TestSink(FORMAT.frameBytes);
  try {
    camera = createVideoCamera({ source, realtime: false }, FORMAT);
    await within(SOON_MS, 'refusal', camera.start(sink, sink));
  } catch (error) {
    assert.instance(error, DriverError, String(error));
    assertNothingLeft(sink);
    return error as DriverError;
  }
  throw new Error('the source was accepted');
}

test('delivers every frame of a clip once, with its position in the clip', async () => {
  for (const name of ['two-seconds.mp4', 'two-seconds.mkv']) {
    const sink = await play({ source: clip(name), realtime: false });
    assert.is(sink.completeCount, 50, name);
    assert.is(sink.endCount, 1);
    assert.equal(sink.errors, []);
    assert.equal(
      sink.timesUs,
      Array.from({ length: 50 }, (_, index) => index * 40_000),
    );
  }
});

test('takes fewer frames where the camera is to be slower, never more where the clip is', async () => {
  const slower = await play({ source: clip('two-seconds.mp4'), realtime: false }, formatOf(256, 192, 10));
  assert.is(slower.completeCount, 20);
  assert.is(slower.timesUs[10], 1_000_000);
  const faster = await play({ source: clip('two-seconds.mp4'), realtime: false }, formatOf(256, 192, 60));
  assert.is(faster.completeCount, 50);
});

test('keeps odd rates exact', async () => {
  const source = record('ntsc.mp4', ...pattern(4.004, '30000/1001'));
  const sink = await play({ source, realtime: false }, formatOf(128, 96, 60));
  assert.is(sink.completeCount, 120);
  assert.ok(Math.abs(sink.timesUs[30]! - 1_001_000) < 1, `frame 30 is at ${sink.timesUs[30]} us`);
});

test('delivers the same bytes every time', async () => {
  const sums = async (): Promise<number[]> => {
    const found: number[] = [];
    await play({ source: clip('two-seconds.mp4'), realtime: false }, FORMAT, (slot) => {
      let sum = 0;
      for (const byte of slot) sum = (sum * 31 + byte) | 0;
      found.push(sum);
    });
    return found;
  };
  const first = await sums();
  assert.is(new Set(first).size, 50, 'the pattern moves');
  assert.equal(await sums(), first);
});

/** One uniform clip of this colour, and the Y, U and V in the middle of its first frame. */
async function planesOf(name: string, colour: string, ...words: string[]): Promise<number[]> {
  const source = record(
    name,
    '-f',
    'lavfi',
    '-i',
    `color=${colour}:size=320x240:rate=5:duration=1,format=rgb24`,
    ...words,
  );
  const found: number[] = [];
  await play({ source, realtime: false }, FORMAT, (slot, frameIndex) => {
    if (frameIndex === 0) {
      const chroma = (128 * 96) / 2 + 64;
      found.push(
        slot[(LUMA_BYTES + 256) / 2]!,
        slot[LUMA_BYTES + chroma]!,
        slot[LUMA_BYTES + LUMA_BYTES / 4 + chroma]!,
      );
    }
  });
  return found;
}

const FFV1 = ['-c:v', 'ffv1'];
const as = (range: string, matrix: string): string[] => [
  '-vf',
  `scale=out_range=${range}:out_color_matrix=${matrix},format=yuv420p`,
  ...['-color_range', range, '-colorspace', matrix === 'bt601' ? 'smpte170m' : matrix],
];

test('stretches limited range to full: black is 0 and white is 255', async () => {
  assert.equal(await planesOf('black.mkv', 'black', ...as('tv', 'bt601'), ...FFV1), [0, 128, 128]);
  assert.equal(await planesOf('white.mkv', 'white', ...as('tv', 'bt601'), ...FFV1), [255, 128, 128]);
});

test('leaves full range as it is', async () => {
  assert.equal(await planesOf('black-full.mkv', 'black', ...as('pc', 'bt601'), ...FFV1), [0, 128, 128]);
  assert.equal(await planesOf('white-full.mkv', 'white', ...as('pc', 'bt601'), ...FFV1), [255, 128, 128]);
});

test('converts BT.709 colours to BT.601', async () => {
  // BT.601, full range, pure red: Y = 0.299 × 255 = 76, U = 128 − 0.1687 × 255 = 85, V = 128 + 0.5 × 255 = 255.
  const expected = [76, 85, 255];
  for (const matrix of ['bt601', 'bt709']) {
    const found = await planesOf(`red-${matrix}.mkv`, 'red', ...as('tv', matrix), ...FFV1);
    assert.ok(
      found.every((value, plane) => Math.abs(value - expected[plane]!) <= 2),
      `${matrix}: ${found} is near ${expected}`,
    );
  }
});

test('reaches both ends of luma in a gradient', async () => {
  const source = record(
    'gradient.mkv',
    '-f',
    'lavfi',
    '-i',
    "color=gray:size=512x384:rate=5:duration=0.4,format=gray,geq=lum='X/2'",
    ...FFV1,
  );
  let min = 255;
  let max = 0;
  await play({ source, realtime: false }, FORMAT, (slot) => {
    for (let i = 0; i < LUMA_BYTES; i++) {
      min = Math.min(min, slot[i]!);
      max = Math.max(max, slot[i]!);
    }
  });
  assert.equal([min, max], [0, 255]);
});

test('pads rows where the format asks for it', async () => {
  const format = formatOf(192, 96, 25, 256);
  const inside: number[] = [];
  const outside: number[] = [];
  const source = record(
    'white.mp4',
    '-f',
    'lavfi',
    '-i',
    'color=white:size=320x240:rate=5:duration=0.4',
    '-pix_fmt',
    'yuv420p',
  );
  await play({ source, realtime: false }, format, (slot) => {
    inside.push(slot[256 * 10 + 191]!);
    outside.push(slot[256 * 10 + 193]!);
  });
  assert.equal(inside, [255, 255]);
  assert.ok(
    outside.every((luma) => luma <= 16),
    `padding is dark: ${outside}`,
  );
});

test('plays at the pace of the clip when asked, with monotonic times', async () => {
  const startedAtMs = performance.now();
  const sink = await play({ source: clip('two-seconds.mp4'), realtime: true });
  const tookMs = performance.now() - startedAtMs;
  assert.is(sink.completeCount, 50);
  assert.ok(tookMs > 1700 && tookMs < 6000, `two seconds took ${tookMs} ms`);
  assert.ok(sink.timesUs[0]! >= startedAtMs * 1000, 'monotonic, not from 0');
  const spanMs = (sink.timesUs[49]! - sink.timesUs[0]!) / 1000;
  assert.ok(spanMs > 1500 && spanMs < 4000, `the frames span ${spanMs} ms`);
});

test('tells size, rate and length before playing', async () => {
  assert.equal(await probeVideo(clip('two-seconds.mp4')), {
    widthPx: 320,
    heightPx: 240,
    frameRateHz: 25,
    durationS: 2,
    frameCount: 50,
  });
  assert.is((await probeVideo(clip('two-seconds.mkv'))).frameCount, 50, 'by length and rate where it is not stored');
});

test('takes names that look like options, protocols or shell for what they are', async () => {
  for (const name of ['a:b.mp4', 'a b;$(echo x) %d.mp4', 'concat:x.mp4']) {
    writeFileSync(clip(name), readFileSync(clip('two-seconds.mp4')));
    const sink = await play({ source: clip(name), realtime: false });
    assert.is(sink.completeCount, 50, name);
  }
});

test('refuses sources that cannot be one', () => {
  const bad: readonly [source: string, message: RegExp][] = [
    ['', /is empty/],
    ['-f', /begins with -/],
    ['a\0b', /zero character/],
    ['concat://a|b', /scheme concat/],
    ['ftp://user:secret@host/a', /scheme ftp/],
  ];
  for (const [source, message] of bad) {
    try {
      createVideoCamera({ source, realtime: false }, FORMAT);
      assert.unreachable(source);
    } catch (error) {
      assert.instance(error, DriverError);
      assert.match((error as Error).message, message);
      assert.not.match((error as Error).message, 'secret');
    }
  }
});

test('refuses a file that does not exist', async () => {
  const error = await refusal(clip('missing.mp4'));
  assert.is(error.kind, 'absent');
  assert.match(error.message, 'missing.mp4 does not exist');
});

test('refuses a folder', async () => {
  assert.match((await refusal(clips)).message, 'is a folder or a device');
});

test('refuses what is no video, even where ffmpeg would draw it', async () => {
  writeFileSync(clip('noise.mp4'), Buffer.alloc(5000, 'no video '));
  const error = await refusal(clip('noise.mp4'));
  assert.is(error.kind, 'other');
  assert.match(error.message, /cannot be read as a video. ffprobe says: .*Invalid data/);
  writeFileSync(clip('letter.txt'), 'Dear Sir or Madam,\n'.repeat(50));
  assert.match((await refusal(clip('letter.txt'))).message, 'has no pictures in it');
  record('tone.wav', '-f', 'lavfi', '-i', 'sine=duration=0.2');
  assert.match((await refusal(clip('tone.wav'))).message, 'has no pictures in it');
});

test('refuses a recording whose index is missing', async () => {
  const whole = readFileSync(record('index-last.mp4', ...pattern(2, 25)));
  writeFileSync(clip('no-index.mp4'), whole.subarray(0, whole.length / 2));
  const error = await refusal(clip('no-index.mp4'));
  assert.is(error.kind, 'other');
  assert.match(error.hint, 'index');
});

test('keeps the frames before a broken tail and says where it broke', async () => {
  for (const name of ['two-seconds.mp4', 'two-seconds.mkv']) {
    const whole = readFileSync(clip(name));
    writeFileSync(clip(`cut-${name}`), whole.subarray(0, Math.floor(whole.length * 0.6)));
    const sink = await play({ source: clip(`cut-${name}`), realtime: false });
    const [error] = sink.errors;
    assert.ok(sink.completeCount > 5 && sink.completeCount < 45, `${sink.completeCount} frames of ${name}`);
    assert.is(sink.endCount, 0);
    assert.is(error?.kind, 'other');
    assert.match(error?.message ?? '', `broke off after ${sink.completeCount} frames of about 50. ffmpeg says: `);
    assert.ok(error!.message.length < 500, 'the message is bounded');
  }
});

test('tells when not one picture can be decoded', async () => {
  // A whole header, and nothing that could be decoded where the pictures should be.
  const whole = Buffer.from(readFileSync(clip('two-seconds.mp4')));
  whole.fill(0xff, whole.indexOf('mdat') + 4);
  writeFileSync(clip('hollow.mp4'), whole);
  const sink = await play({ source: clip('hollow.mp4'), realtime: false });
  assert.is(sink.completeCount, 0);
  assert.match(sink.errors[0]?.message ?? '', /not one picture could be decoded.*ffmpeg says: /);
});

test('says how to install ffmpeg when it is missing', async () => {
  const before = process.env['PATH'];
  process.env['PATH'] = clips;
  try {
    const error = await refusal(clip('two-seconds.mp4'));
    assert.is(error.kind, 'absent');
    assert.is(error.hint, 'Install it: apt install ffmpeg');
  } finally {
    process.env['PATH'] = before;
  }
});

test('stops in the middle of a clip, twice, and plays it again from the start', async () => {
  const source = record('long.mp4', ...pattern(60, 25, '128x96'));
  const sink = new TestSink(FORMAT.frameBytes);
  camera = createVideoCamera({ source, realtime: true }, FORMAT);
  await within(SOON_MS, 'start', camera.start(sink, sink));
  await eventually(SOON_MS, 'frames', () => sink.completeCount >= 3);
  await within(SOON_MS, 'two stops', Promise.all([camera.stop(), camera.stop()]));
  sink.isClosed = true;
  assert.equal(sink.errors, []);
  assertNothingLeft(sink);
  const again = new TestSink(FORMAT.frameBytes);
  await within(SOON_MS, 'second start', camera.start(again, again));
  await eventually(SOON_MS, 'frames', () => again.completeCount >= 3);
});

test('may be stopped from inside the sink and while it starts', async () => {
  let stopped: Promise<void> | undefined;
  const sink = new TestSink(FORMAT.frameBytes, () => {
    stopped ??= camera!.stop();
  });
  camera = createVideoCamera({ source: clip('two-seconds.mp4'), realtime: false }, FORMAT);
  await within(SOON_MS, 'start', camera.start(sink, sink));
  await eventually(SOON_MS, 'a frame', () => stopped !== undefined);
  await within(SOON_MS, 'stop', stopped!);
  assert.is(sink.completeCount, 1);
  assertNothingLeft(sink);

  const early = new TestSink(FORMAT.frameBytes);
  const started = camera.start(early, early).then(
    () => 'started',
    (error: Error) => error.message,
  );
  await within(SOON_MS, 'stop', camera.stop());
  assert.match(await started, 'stopped while it started');
  assertNothingLeft(early);
});

/** Serves what `respond` writes; the address of it. */
async function serve(respond: Parameters<typeof createServer>[1]): Promise<{ url: string; close: () => void }> {
  const server = createServer(respond as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/clip`;
  return {
    url,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('reads a clip over a network', async () => {
  const server = await serve((_, response) => void createReadStream(clip('two-seconds.mp4')).pipe(response));
  const sink = await play({ source: server.url, realtime: false });
  server.close();
  assert.is(sink.completeCount, 50);
  assert.is(sink.endCount, 1);
});

test('reports the end of a live stream as a lost connection, without the password', async () => {
  const children: ReturnType<typeof spawn>[] = [];
  const server = await serve((_, response) => {
    const words = ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25', '-t', '4'];
    const child = spawn('ffmpeg', [...words, '-c:v', 'mjpeg', '-f', 'mpjpeg', 'pipe:1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    child.stdout!.pipe(response);
    response.on('close', () => child.kill('SIGKILL'));
  });
  const sink = await play({ source: server.url, realtime: true });
  server.close();
  for (const child of children) child.kill('SIGKILL');
  assert.ok(sink.completeCount > 10, `${sink.completeCount} frames`);
  assert.is(sink.errors[0]?.kind, 'disconnected');
  assert.not.match(sink.errors[0]?.message ?? '', 'secret');
  assert.ok(sink.timesUs[0]! > 1_000_000, 'monotonic time');
});

test('reports a live stream that goes silent', async () => {
  const still = record('still.jpg', ...pattern(0.04, 25), '-frames:v', '1');
  const jpeg = readFileSync(still);
  const server = await serve((_, response) => {
    response.setHeader('Content-Type', 'multipart/x-mixed-replace;boundary=frame');
    for (let index = 0; index < 60; index++) {
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      response.write('\r\n');
    }
    // And no end.
  });
  const sink = await play({ source: server.url, realtime: true, silenceMsMax: 800 });
  server.close();
  assert.is(sink.errors[0]?.kind, 'timeout');
  assert.match(sink.errors[0]?.message ?? '', 'no whole picture for 800 ms');
});

test('refuses an address where nobody answers', async () => {
  const server = await serve(() => {});
  server.close();
  const error = await refusal(server.url);
  assert.is(error.kind, 'absent');
  assert.match(error.message, /cannot be opened. ffprobe says: .*refused/);
  assert.not.match(error.message, 'secret');
});

test('does not let a playlist on disk call out or open other files', async () => {
  let requests = 0;
  const server = await serve((_, response) => {
    requests += 1;
    response.end();
  });
  writeFileSync(clip('trap.m3u8'), `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${server.url}\n#EXT-X-ENDLIST\n`);
  assert.is((await refusal(clip('trap.m3u8'))).kind, 'other');
  server.close();
  assert.is(requests, 0);
});

test.run();
