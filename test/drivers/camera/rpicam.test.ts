/**
 * Goal: the Pi camera's driver delivers exact bytes, tells every failure apart with a remedy, and leaves no process behind.
 * Method: a simulated rpicam-vid behind the real package, the real shim and real pipes; one test per known failure.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shimFolder } from '../../../drivers/camera/rpicam/child.ts';
import { createRpicamCamera, type RpicamOptions } from '../../../drivers/camera/rpicam/rpicam.ts';
import { makePrivateFolder, removeFolder } from '../../../drivers/fifo.ts';
import { ConfigError, DriverError, type DriverErrorKind } from '../../../runtime/errors.ts';
import type { Camera } from '../../../runtime/ports/camera.ts';
import { FAKE_RPICAM_VID, fakeFrameIndex, fakeRpicam } from '../../fakes/rpicam-vid.ts';
import { eventually, within } from '../../fakes/within.ts';
import { formatOf, TestSink } from './fifo-sink.ts';

const FORMAT = formatOf(256, 192, 20);
/** Generous, because a simulated camera is a Node program that has to start. */
const SOON_MS = 10_000;

const test = suite('rpicam');
/** Everything the driver makes lies here, so that what it leaves behind is seen. */
let parent = '';
let camera: Camera | undefined;

test.before.each(() => {
  fakeRpicam('');
  parent = makePrivateFolder();
  process.env['RUNTIME_DIRECTORY'] = parent;
});
test.after.each(async () => {
  await camera?.stop();
  camera = undefined;
  delete process.env['RUNTIME_DIRECTORY'];
  removeFolder(parent);
});

function make(options: RpicamOptions = {}, format = FORMAT): Camera {
  camera = createRpicamCamera({ program: FAKE_RPICAM_VID, ...options }, format);
  return camera;
}

/** Process ids of simulated cameras of this test, found by the folder of their pipe. */
function orphans(): string[] {
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(parent);
    } catch {
      return false;
    }
  });
}

async function assertNothingLeft(sink: TestSink): Promise<void> {
  // The guard of the shim ends by itself right after rpicam-vid.
  await eventually(2000, 'end of all processes', () => orphans().length === 0);
  assert.equal(readdirSync(parent), [], 'no pipe is left');
  assert.ok(sink.slotIsZero, 'the slot is zero');
  assert.is(sink.begunCount, sink.completeCount + sink.abandonedCount, 'every frame begun was completed or abandoned');
}

async function refusal(start: Promise<void>): Promise<DriverError> {
  try {
    await within(SOON_MS, 'refusal', start);
  } catch (error) {
    assert.instance(error, DriverError, String(error));
    return error as DriverError;
  }
  throw new Error('the camera started');
}

test('delivers every byte of every frame and zeroes nothing but its own', async () => {
  const seen: number[] = [];
  const sink = new TestSink(FORMAT.frameBytes, (slot) => seen.push(fakeFrameIndex(slot)));
  await within(SOON_MS, 'start', make().start(sink, sink));
  await eventually(SOON_MS, '12 frames', () => sink.completeCount >= 12);
  await within(SOON_MS, 'stop', camera!.stop());
  sink.isClosed = true;
  assert.not.ok(seen.includes(-1), `every byte as sent, got frames ${seen}`);
  assert.ok(
    seen.every((frameIndex, index) => index === 0 || frameIndex > seen[index - 1]!),
    `in order: ${seen}`,
  );
  assert.ok(
    sink.timesUs.every((timeUs, index) => index === 0 || timeUs > sink.timesUs[index - 1]!),
    'time grows',
  );
  await assertNothingLeft(sink);
});

test('asks for the frames that the model needs, through the shim', async () => {
  const sink = new TestSink(FORMAT.frameBytes);
  const options = { hflip: true, vflip: true, roiNorm: [0, 0.25, 1, 0.5], extra: { awb: 'indoor' } } as const;
  await within(SOON_MS, 'start', make(options).start(sink, sink));
  const [pid = ''] = orphans().filter((id) => readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('rpicam-vid.mjs'));
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
  await within(SOON_MS, 'stop', camera!.stop());
  for (const flag of [
    '--codec yuv420 --timeout 0 --nopreview --flush --width 256 --height 192 --framerate 20 --buffer-count 4',
    '--denoise cdn_off --camera 0 --verbose 1 --output ',
    '--no-raw',
    '--roi 0,0.25,1,0.5',
    '--awb indoor',
    '--hflip --vflip',
  ]) {
    assert.ok(words.includes(flag), `${flag} in ${words}`);
  }
});

test('puts the environment back as it was', async () => {
  const names = ['PATH', 'LETHE_CAMERA_FOLDER', 'LETHE_RPICAM_VID'];
  const before = names.map((name) => process.env[name]);
  const sink = new TestSink(FORMAT.frameBytes);
  const started = make().start(sink, sink);
  assert.equal(
    names.map((name) => process.env[name]),
    before,
  );
  await within(SOON_MS, 'start', started);
});

test('stops gently, twice, and starts again', async () => {
  const first = new TestSink(FORMAT.frameBytes);
  make();
  await within(SOON_MS, 'start', camera!.start(first, first));
  await eventually(SOON_MS, 'a frame', () => first.completeCount > 0);
  await within(SOON_MS, 'two stops', Promise.all([camera!.stop(), camera!.stop()]));
  first.isClosed = true;
  assert.equal(first.errors, []);
  await assertNothingLeft(first);

  const second = new TestSink(FORMAT.frameBytes);
  await within(SOON_MS, 'second start', camera!.start(second, second));
  await eventually(SOON_MS, 'a frame', () => second.completeCount > 0);
  await within(SOON_MS, 'stop', camera!.stop());
  await assertNothingLeft(second);
});

test('may be stopped from inside the sink', async () => {
  let stopped: Promise<void> | undefined;
  const sink = new TestSink(FORMAT.frameBytes, () => {
    stopped ??= camera!.stop();
  });
  await within(SOON_MS, 'start', make().start(sink, sink));
  await eventually(SOON_MS, 'a frame', () => stopped !== undefined);
  await within(SOON_MS, 'stop', stopped!);
  assert.is(sink.completeCount, 1);
  await assertNothingLeft(sink);
});

test('stopped while it starts, it refuses the start and leaves nothing', async () => {
  fakeRpicam('', { startMs: 5000 });
  const sink = new TestSink(FORMAT.frameBytes);
  const started = refusal(make({ timing: { interruptMs: 100 } }).start(sink, sink));
  await within(SOON_MS, 'stop', camera!.stop());
  assert.match((await started).message, 'stopped while it started');
  await assertNothingLeft(sink);
});

test('reads frames of a board that pads rows to 64 bytes just as well', async () => {
  fakeRpicam('', { platform: 'vc4' });
  const seen: number[] = [];
  const sink = new TestSink(FORMAT.frameBytes, (slot) => seen.push(fakeFrameIndex(slot)));
  await within(SOON_MS, 'start', make().start(sink, sink));
  await eventually(SOON_MS, '3 frames', () => sink.completeCount >= 3);
  assert.not.ok(seen.includes(-1));
});

/** Failures at the start: mode, kind, and a word of the sentence and of the remedy. */
const REFUSALS: readonly [mode: string, kind: DriverErrorKind, message: RegExp, hint: RegExp][] = [
  ['no-camera', 'absent', /no camera was found.*no cameras available/, /ribbon cable/],
  ['bad-index', 'absent', /no camera with the configured index/, /--list-cameras/],
  ['busy', 'busy', /another program holds the camera/, /fuser/],
  ['not-a-pi', 'absent', /runs on a Raspberry Pi only/, /scene/],
  ['startup-crash', 'other', /crashed \(segmentation fault\)/, /full-upgrade/],
  ['wrong-size', 'other', /would deliver 320x194-YUV420; expected 256x192-YUV420/, /size/],
];
for (const [mode, kind, message, hint] of REFUSALS) {
  test(`refuses to start, tells why and leaves nothing: ${mode}`, async () => {
    fakeRpicam(mode);
    const sink = new TestSink(FORMAT.frameBytes);
    const error = await refusal(make().start(sink, sink));
    assert.is(error.kind, kind);
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    assert.is(sink.completeCount, 0);
    assert.equal(sink.errors, []);
    await assertNothingLeft(sink);
  });
}

test('refuses to start when an option is unknown to rpicam-vid', async () => {
  const sink = new TestSink(FORMAT.frameBytes);
  const error = await refusal(make({ extra: { 'no-such-option': 1 } }).start(sink, sink));
  assert.is(error.kind, 'other');
  assert.match(error.message, "unrecognised option '--no-such-option'");
  await assertNothingLeft(sink);
});

test('refuses to start when an option lacks its value', async () => {
  const sink = new TestSink(FORMAT.frameBytes);
  const error = await refusal(make({ extra: { awb: true } }).start(sink, sink));
  assert.match(error.message, "the required argument for option '--awb' is missing");
});

test('refuses to start when rpicam-vid is not installed', async () => {
  const sink = new TestSink(FORMAT.frameBytes);
  const error = await refusal(make({ program: 'no-such-rpicam-vid' }).start(sink, sink));
  assert.is(error.kind, 'absent');
  assert.match(error.hint, 'apt install rpicam-apps-lite');
  await assertNothingLeft(sink);
});

test('gives up a start that says nothing', async () => {
  fakeRpicam('silent-start');
  const sink = new TestSink(FORMAT.frameBytes);
  const error = await refusal(make({ timing: { startMs: 300 } }).start(sink, sink));
  assert.is(error.kind, 'timeout');
  assert.match(error.message, 'within 300 ms');
  await assertNothingLeft(sink);
});

/** Failures of an open camera, after so many good frames. The streams are named before memory is taken, so cma is one. */
const FAILURES: readonly [mode: string, goodFrames: number, kind: DriverErrorKind, message: RegExp][] = [
  ['cma', 0, 'other', /contiguous memory.*dmaHeap/],
  ['cable-loss', 0, 'disconnected', /stopped answering.*(Dequeue timer|frontend)/],
  ['cable-loss', 3, 'disconnected', /stopped answering.*(Dequeue timer|frontend)/],
  ['silent-stall', 3, 'timeout', /no whole picture for 400 ms/],
  ['stall-mid-frame', 3, 'timeout', /no whole picture for 400 ms/],
  ['die-mid-frame', 3, 'other', /exit code 255 in the middle of a picture \(36864 bytes/],
  ['die', 3, 'other', /exit code 1\. Its last words/],
];
for (const [mode, goodFrames, kind, message] of FAILURES) {
  test(`reports once, keeps the good frames and leaves nothing: ${mode} after ${goodFrames}`, async () => {
    fakeRpicam(`${mode}:${goodFrames}`);
    const seen: number[] = [];
    const sink = new TestSink(FORMAT.frameBytes, (slot) => seen.push(fakeFrameIndex(slot)));
    await within(
      SOON_MS,
      'start',
      make({ timing: { frameMs: mode.includes('stall') ? 400 : SOON_MS } }).start(sink, sink),
    );
    await eventually(SOON_MS, 'error', () => sink.errors.length === 1);
    assert.ok(sink.slotIsZero, 'the slot is zero when the error is told');
    assert.is(sink.errors[0]?.kind, kind);
    assert.match(sink.errors[0]?.message ?? '', message);
    assert.ok(seen.length <= goodFrames && !seen.includes(-1), `only good frames: ${seen}`);
    await within(SOON_MS, 'stop', camera!.stop());
    await assertNothingLeft(sink);
  });
}

test('never delivers a shifted picture after a torn one, and reports it', async () => {
  fakeRpicam('torn-frame:3');
  const seen: number[] = [];
  // A torn picture is known by its pause: on a busy machine, that of 20 a second can go under.
  const slow = formatOf(256, 192, 5);
  const sink = new TestSink(slow.frameBytes, (slot) => seen.push(fakeFrameIndex(slot)));
  await within(SOON_MS, 'start', make({}, slow).start(sink, sink));
  await eventually(SOON_MS, 'error', () => sink.errors.length === 1);
  assert.is(sink.errors[0]?.kind, 'other');
  assert.match(sink.errors[0]?.message ?? '', '3 pictures in a row came in two parts');
  assert.not.ok(seen.includes(-1), `only good frames: ${seen}`);
  await within(SOON_MS, 'stop', camera!.stop());
  await assertNothingLeft(sink);
});

test('starts again after a failure, waiting for the process of the first start', async () => {
  fakeRpicam('silent-stall:2');
  const first = new TestSink(FORMAT.frameBytes);
  make({ timing: { frameMs: 200 } });
  await within(SOON_MS, 'start', camera!.start(first, first));
  await eventually(SOON_MS, 'error', () => first.errors.length === 1);
  fakeRpicam('');
  const second = new TestSink(FORMAT.frameBytes);
  await within(SOON_MS, 'second start', camera!.start(second, second));
  assert.is(readdirSync(parent).length, 1, 'the pipes of the first start are gone');
  await eventually(SOON_MS, 'a frame', () => second.completeCount > 0);
});

test('is not disturbed by megabytes of messages', async () => {
  fakeRpicam('chatty:2');
  const sink = new TestSink(FORMAT.frameBytes);
  await within(SOON_MS, 'start', make().start(sink, sink));
  await eventually(SOON_MS, 'frames after the flood', () => sink.completeCount >= 5);
  assert.equal(sink.errors, []);
  await within(SOON_MS, 'stop', camera!.stop());
  await assertNothingLeft(sink);
});

test('kills a process that ignores every other signal', async () => {
  fakeRpicam('deaf:1');
  const sink = new TestSink(FORMAT.frameBytes);
  await within(SOON_MS, 'start', make({ timing: { interruptMs: 100, terminateMs: 100 } }).start(sink, sink));
  await eventually(SOON_MS, 'a frame', () => sink.completeCount === 1);
  await within(SOON_MS, 'stop', camera!.stop());
  await assertNothingLeft(sink);
});

/** A program of its own that starts a camera, and ends in the given way while it runs. */
const ENDINGS: readonly [how: string, code: string][] = [
  ['exits without stopping', 'process.exit(3)'],
  ['throws', "throw new Error('on purpose')"],
  ['is terminated', "process.kill(process.pid, 'SIGTERM')"],
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
];
for (const [how, code] of ENDINGS) {
  test(`leaves no stalled camera behind when our program ${how}`, async () => {
    fakeRpicam('silent-stall:1');
    const module = (specifier: string): string => JSON.stringify(new URL(specifier, import.meta.url).href);
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    const program = `
      import { createRpicamCamera } from ${module(`../../../drivers/camera/rpicam/rpicam${extension}`)};
      const format = ${JSON.stringify(FORMAT)};
      const sink = { slot: new Uint8Array(format.frameBytes), beginFrame() {}, abandonFrame() {} };
      sink.completeFrame = () => setImmediate(() => { ${code} });
      const camera = createRpicamCamera({ program: ${JSON.stringify(FAKE_RPICAM_VID)} }, format);
      await camera.start(sink, { onEnd() {}, onError() {} });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await within(SOON_MS, 'end of the program', ended);
    await eventually(SOON_MS, 'end of all processes', () => orphans().length === 0);
    await eventually(SOON_MS, 'removal of the pipes', () => readdirSync(parent).length === 0);
  });
}

test('refuses what rpicam-vid cannot do, all problems at once', () => {
  const bad = formatOf(320, 191, 0);
  try {
    createRpicamCamera({ cameraIndex: -1, extra: { width: 3, awb: '$(reboot)', 'a b': true } }, bad);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ConfigError);
    const { message } = error as ConfigError;
    assert.match(message, 'camera width is 320; expected a multiple of 128 pixels');
    assert.match(message, 'camera height is 191; expected an even number');
    assert.match(message, 'camera rate is 0; expected 1..120 Hz');
    assert.match(message, 'camera index is -1; expected 0..9');
    assert.match(message, 'camera option width is set by the driver');
    assert.match(message, 'camera option awb is "$(reboot)"; expected only letters');
    assert.match(message, 'camera option "a b"');
  }
});

test('refuses padded rows, as no board pads a width of 256', () => {
  assert.throws(() => createRpicamCamera({}, formatOf(256, 192, 10, 384)), /stride is 384 bytes; expected 256/);
});

test('refuses a folder for its pipe that would be unsafe in a shell line, and runs nothing', async () => {
  for (const name of ['a;touch b', 'a b', 'a%d', 'a$(id)']) {
    const folder = join(parent, name);
    mkdirSync(folder);
    process.env['RUNTIME_DIRECTORY'] = folder;
    const sink = new TestSink(FORMAT.frameBytes);
    const outcome = await within(
      SOON_MS,
      'refusal',
      make()
        .start(sink, sink)
        .catch((error: unknown) => error),
    );
    assert.instance(outcome, ConfigError, name);
    assert.match((outcome as ConfigError).message, /camera option output|has a % in its name/);
    assert.equal(readdirSync(folder), [], 'no pipe is left');
  }
  assert.is(readdirSync(parent).length, 4);
});

test('finds its shim from the compiled files', () => {
  assert.ok(existsSync(`${shimFolder()}/libcamera-vid`));
});

test.run();
