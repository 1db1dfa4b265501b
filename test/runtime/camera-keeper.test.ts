// Goal: a camera that fails comes back by itself, a hopeless one is given up, and a stopped one stays stopped whatever happens.
// Method: a camera moved by hand; time-outs are collected instead of waited for, so that their lengths are literals.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CameraKeeper, type KeeperEvents } from '../../runtime/camera-keeper.ts';
import { ConfigError, DriverError } from '../../runtime/errors.ts';
import type { FrameSink } from '../../runtime/ports/camera.ts';
import { FakeCamera } from '../fakes/camera.ts';
import { FakeEngine } from '../fakes/engine.ts';

type Pending = { readonly ms: number; readonly task: () => void };

const test = suite('camera keeper');
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
let pending: Pending[] = [];

test.before.each(() => {
  pending = [];
  const collect = (task: () => void, ms: number): Pending => {
    const entry = { ms, task };
    pending.push(entry);
    return entry;
  };
  globalThis.setTimeout = collect as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((entry: Pending | undefined) => {
    pending = pending.filter((other) => other !== entry);
  }) as unknown as typeof clearTimeout;
});
test.after.each(() => {
  Object.assign(globalThis, real);
});

/** Lets everything run that needs no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The pause is over. Returns its length. */
async function pass(): Promise<number> {
  const entry = pending.shift();
  assert.ok(entry, 'a restart is planned');
  entry.task();
  await settle();
  return entry.ms;
}

function scene(failuresMax?: number) {
  const { format, slot } = new FakeEngine(4, 4);
  const camera = new FakeCamera(format);
  const heard: string[] = [];
  let frameCount = 0;
  const sink: FrameSink = {
    slot,
    beginFrame: () => {},
    completeFrame: () => {
      frameCount += 1;
    },
    abandonFrame: () => {},
  };
  const events: KeeperEvents = {
    onRunning: () => heard.push('running'),
    onLost: (error, pauseMs) => heard.push(`lost ${error.kind} ${pauseMs}`),
    onEnd: () => heard.push('end'),
    onGivenUp: (error) => heard.push(`given up ${error instanceof DriverError ? error.kind : error.code}`),
    onStuck: (error) => heard.push(`stuck: ${String(error)}`),
    onTruth: (lineIndex, direction) => heard.push(`truth ${lineIndex} ${direction}`),
  };
  const keeper = new CameraKeeper(camera, sink, () => frameCount, events, failuresMax);
  return { camera, keeper, heard };
}

test('a camera that starts is running, and its truth is passed on', async () => {
  const { camera, keeper, heard } = scene();
  keeper.start();
  await settle();
  camera.cross(0, 1, 0);
  assert.equal(heard, ['running', 'truth 0 1']);
  assert.is(pending.length, 0);
});

test('a start that fails is tried again after half a second', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext('timeout');
  keeper.start();
  await settle();
  assert.equal(heard, ['lost timeout 500']);
  assert.is(await pass(), 500);
  assert.equal(heard, ['lost timeout 500', 'running']);
  assert.is(camera.startCount, 2);
});

test('pauses double up to fifteen seconds; the eighth start without a frame is the last', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext(...Array.from({ length: 9 }, () => 'absent' as const));
  keeper.start();
  await settle();
  const pauses: number[] = [];
  while (pending.length > 0) pauses.push(await pass());
  assert.equal(pauses, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  assert.is(heard.at(-1), 'given up absent');
  assert.equal([camera.startCount, keeper.isWanted], [8, false]);
});

test('without a bound it goes on for ever, with the longest pause', async () => {
  const { camera, keeper, heard } = scene(Number.POSITIVE_INFINITY);
  camera.failNext(...Array.from({ length: 2000 }, () => 'absent' as const));
  keeper.start();
  await settle();
  let pauseMs = 0;
  for (let start = 1; start < 2000; start++) pauseMs = await pass();
  assert.equal([camera.startCount, pauseMs, keeper.isWanted], [2000, 15_000, true]);
  await pass();
  assert.is(heard.at(-1), 'running');
});

test('starts that succeed without ever giving a frame are failures too', async () => {
  const { camera, keeper, heard } = scene();
  keeper.start();
  await settle();
  for (let life = 0; life < 7; life++) {
    camera.fail('timeout');
    await pass();
  }
  camera.fail('timeout');
  assert.is(heard.at(-1), 'given up timeout');
});

test('a camera that gave a frame begins again with the short pause', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext('busy', 'busy', 'busy');
  keeper.start();
  await settle();
  for (let i = 0; i < 3; i++) await pass();
  camera.frame(0);
  camera.fail('disconnected');
  assert.equal(heard, ['lost busy 500', 'lost busy 1000', 'lost busy 2000', 'running', 'lost disconnected 500']);
});

test('a camera that fails once an hour is never given up', async () => {
  const { camera, keeper, heard } = scene();
  keeper.start();
  await settle();
  for (let hour = 0; hour < 20; hour++) {
    camera.frame(hour);
    camera.fail('disconnected');
    assert.is(await pass(), 500);
  }
  assert.is(heard.at(-1), 'running');
});

test('before a restart the camera is stopped, so that nothing of its old life is left', async () => {
  const { camera, keeper } = scene();
  keeper.start();
  await settle();
  camera.fail('timeout');
  await pass();
  assert.equal([camera.startCount, camera.stopCount], [2, 1]);
});

test('stopping during a pause cancels the restart', async () => {
  const { camera, keeper } = scene();
  camera.failNext('timeout');
  keeper.start();
  await settle();
  await keeper.stop();
  assert.is(pending.length, 0);
  assert.is(camera.startCount, 1);
});

test('stopping during a slow start waits for it, then stops the camera', async () => {
  const { camera, keeper } = scene();
  const release = camera.holdStarts();
  keeper.start();
  await settle();
  let isStopped = false;
  const stopped = keeper.stop().then(() => {
    isStopped = true;
  });
  await settle();
  assert.not(isStopped);
  release();
  await stopped;
  assert.not(camera.isRunning);
  assert.not(keeper.isWanted);
});

test('a slow start that fails after the stop is no failure', async () => {
  const { camera, keeper, heard } = scene();
  const release = camera.holdStarts();
  camera.failNext('timeout');
  keeper.start();
  await settle();
  const stopped = keeper.stop();
  release();
  await stopped;
  assert.equal(heard, []);
  assert.is(pending.length, 0);
});

test('stop and start in one breath end with a running camera, start and stop with none', async () => {
  const { camera, keeper } = scene();
  keeper.start();
  await settle();
  void keeper.stop();
  keeper.start();
  await settle();
  assert.ok(camera.isRunning);
  keeper.start();
  await keeper.stop();
  await settle();
  assert.not(camera.isRunning);
});

test('a start after a give-up has all its attempts again', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext(...Array.from({ length: 8 }, () => 'busy' as const));
  keeper.start();
  await settle();
  while (pending.length > 0) await pass();
  camera.failNext('busy');
  keeper.start();
  await settle();
  assert.is(heard.at(-1), 'lost busy 500');
});

test('the end of a file is no failure', async () => {
  const { camera, keeper, heard } = scene();
  keeper.start();
  await settle();
  camera.end();
  assert.equal(heard, ['running', 'end']);
  assert.equal([keeper.isWanted, pending.length], [false, 0]);
});

test('an error that no driver should throw is treated as a failure of the camera, with its text', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext(new TypeError('slot is undefined'));
  keeper.start();
  await settle();
  assert.equal(heard, ['lost other 500']);
});

test('what no restart can mend is given up at once', async () => {
  const { camera, keeper, heard } = scene();
  camera.failNext(new ConfigError(['camera.video.source is ""'], { op: 'start camera' }));
  keeper.start();
  await settle();
  assert.equal(heard, ['given up CONFIG_INVALID']);
  assert.equal([keeper.isWanted, pending.length], [false, 0]);
});

test('a camera that cannot be stopped is told, and stop resolves all the same', async () => {
  const { camera, keeper, heard } = scene();
  keeper.start();
  await settle();
  camera.stop = () => Promise.reject(new Error('still writing'));
  await keeper.stop();
  assert.equal(heard, ['running', 'stuck: Error: still writing']);
});

test.run();
