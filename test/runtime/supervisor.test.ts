// Goal: whatever dies, counting goes on: eye and voice are restarted, nothing is lost or doubled, and nothing outlives its use.
// Method: real child processes with the simulated entrance and the demo's broker on the loopback address; they are killed
// by their process ids.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../drivers/link/embedded-broker.ts';
import { ConfigError } from '../../runtime/errors.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { FAKE_RPICAM_VID, fakeRpicam } from '../fakes/rpicam-vid.ts';
import { eventually, within } from '../fakes/within.ts';

type Total = { readonly in: number; readonly out: number; readonly epoch_id: string };
type Interval = { seq: number; in: number; out: number; total_in: number; total_out: number };

const test = suite('supervisor');
/** The first eight crossings of this entrance happen within seven seconds. */
const BUSY = ['camera.scene.seed=10', 'camera.scene.people_per_minute=120'];
const STOP_MS = 8000;
/** Three programs start at once, perhaps beside other tests. */
const START_MS = 10_000;
const silent = pino({ level: 'silent' });

let folder: string;
let broker: EmbeddedBroker | undefined;
let supervisor: Supervisor | undefined;
const pidsToEnd = new Set<number>();

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-supervisor-'));
  process.env['XDG_RUNTIME_DIR'] = folder;
});
test.after.each(async () => {
  await supervisor?.stop();
  supervisor = undefined;
  await broker?.stop();
  broker = undefined;
  for (const pid of pidsToEnd) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  pidsToEnd.clear();
  delete process.env['XDG_RUNTIME_DIR'];
  rmSync(folder, { recursive: true, force: true });
});

/** A process that ended but was not yet waited for by its parent is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function words(url: string, ...more: string[]): string[] {
  const fields = [
    `mqtt.url=${url}`,
    `state_dir=${join(folder, 'state')}`,
    'log_level=fatal',
    'interval_s=5',
    'gpio.driver=memory',
    ...more,
  ];
  return fields.flatMap((field) => ['--set', field]);
}

/** A port where nobody listens: the voice goes on without its broker. */
const NO_BROKER = 'mqtt://127.0.0.1:9';

function supervise(args: readonly string[]): { supervisor: Supervisor; ends: number[] } {
  const ends: number[] = [];
  supervisor = new Supervisor({ args, log: silent, onEnded: (code) => ends.push(code) });
  supervisor.start();
  return { supervisor, ends };
}

test('voice and eye are killed while people walk: both come back, totals are neither lost nor doubled', async () => {
  broker = await startEmbeddedBroker(0);
  const totals: Total[] = [];
  const intervals: Interval[] = [];
  broker.onMessage('lethe/v1/#', (topic, payload) => {
    if (topic.includes('/total/')) totals.push(JSON.parse(payload) as Total);
    if (topic.includes('/interval/')) intervals.push(JSON.parse(payload) as Interval);
  });
  const { supervisor } = supervise(words(`mqtt://127.0.0.1:${broker.port}`, ...BUSY));
  const sum = () => (totals.at(-1)?.in ?? 0) + (totals.at(-1)?.out ?? 0);
  await eventually(40_000, 'ten people are counted', () => sum() >= 10);

  const voicePid = supervisor.voicePid!;
  const before = sum();
  const killedAtCount = totals.length;
  process.kill(voicePid, 'SIGKILL');
  const hasNewVoice = () => supervisor.voicePid !== undefined && supervisor.voicePid !== voicePid;
  await eventually(5000, 'another voice', hasNewVoice);
  await eventually(5000, 'it speaks', () => totals.length > killedAtCount);
  const resumed = totals[killedAtCount]!;
  // In the two seconds between some more may have crossed; all of them again would be twice as many.
  const after = resumed.in + resumed.out;
  assert.ok(after >= before && after < 2 * before, `${before} before, ${after} after`);

  const eyePid = supervisor.eyePid!;
  const beforeEye = sum();
  process.kill(eyePid, 'SIGKILL');
  const hasNewEye = () => supervisor.eyePid !== undefined && supervisor.eyePid !== eyePid;
  await eventually(5000, 'another eye', hasNewEye);
  await eventually(15_000, 'it counts', () => sum() > beforeEye);

  for (const [i, total] of totals.entries()) {
    const earlier = totals[i - 1] ?? total;
    assert.ok(total.in >= earlier.in && total.out >= earlier.out, 'a total never falls');
    assert.is(total.epoch_id, earlier.epoch_id);
  }
  const pids = [supervisor.eyePid!, supervisor.voicePid!];
  const { runtimeDir } = supervisor;
  await within(STOP_MS, 'everything stops', supervisor.stop());
  assert.equal(pids.filter(isAlive), []);
  assert.not(existsSync(runtimeDir));
  let [totalIn, totalOut] = [0, 0];
  for (const interval of new Map(intervals.map((interval) => [interval.seq, interval])).values()) {
    totalIn += interval.in;
    totalOut += interval.out;
    assert.equal([interval.total_in, interval.total_out], [totalIn, totalOut]);
  }
});

test('an eye whose button was held ends both with 76, and nothing is removed: there is no unit here that would do it', async () => {
  const heldButton = ['--import', 'data:text/javascript,process.exit(76)'];
  const ends: number[] = [];
  supervisor = new Supervisor({
    args: words(NO_BROKER),
    log: silent,
    onEnded: (code) => ends.push(code),
    nodeWords: { eye: heldButton },
  });
  supervisor.start();
  await eventually(STOP_MS, 'the end', () => ends.length > 0);
  assert.equal(ends, [76]);
  assert.is(supervisor.eyePid ?? supervisor.voicePid, undefined);
  assert.ok(existsSync(join(folder, 'state')));
});

test('a configuration that cannot be used is refused with 78 before anything is started', () => {
  const start = () => supervise(words(NO_BROKER, 'camera.width_px=255'));
  assert.throws(start, (error: unknown) => error instanceof ConfigError && error.exitCode === 78);
  assert.equal(
    readdirSync(folder).filter((name) => name !== 'state'),
    [],
  );
});

test('a camera module that dies in the middle of a picture is told, started again, and the half picture is erased', async () => {
  broker = await startEmbeddedBroker(0);
  const states: string[] = [];
  let frames = { read: 0, erased: 0, dropped: 0 };
  broker.onMessage('lethe/v1/#', (topic, payload) => {
    if (topic.endsWith('/health')) states.push((JSON.parse(payload) as { eye: { state: string } }).eye.state);
    if (topic.endsWith('/privacy')) frames = (JSON.parse(payload) as { frames: typeof frames }).frames;
  });
  fakeRpicam('die-mid-frame:10');
  process.env['LETHE_RPICAM_VID'] = FAKE_RPICAM_VID;
  try {
    const { supervisor } = supervise(words(`mqtt://127.0.0.1:${broker.port}`, 'camera.driver=rpicam'));
    await eventually(START_MS, 'the eye counts', () => states.includes('counting'));
    await eventually(START_MS, 'the camera is lost', () => states.includes('camera_lost'));
    await eventually(START_MS, 'and back', () => states.lastIndexOf('counting') > states.indexOf('camera_lost'));
    await supervisor.stop();
  } finally {
    delete process.env['LETHE_RPICAM_VID'];
    delete process.env['LETHE_FAKE_RPICAM'];
  }
  assert.ok(frames.read >= 10, `${frames.read} frames read`);
  assert.is(frames.erased, frames.read);
  assert.ok(frames.dropped >= 1, `${frames.dropped} frames dropped`);
});

test('a model that is not there ends everything with 78, although the voice could run', async () => {
  const { ends } = supervise(words(NO_BROKER, `model.manifest=${join(folder, 'none.json')}`));
  await eventually(STOP_MS, 'the end', () => ends.length > 0);
  assert.equal(ends, [78]);
});

test('an eye that ends by itself with 0, as at the end of a file, ends everything with 0', async () => {
  broker = await startEmbeddedBroker(0);
  let eyeState = '';
  broker.onMessage('lethe/v1/+/+/health', (_, payload) => {
    eyeState = (JSON.parse(payload) as { eye: { state: string } }).eye.state;
  });
  const { supervisor, ends } = supervise(words(`mqtt://127.0.0.1:${broker.port}`));
  const [eyePid, voicePid] = [supervisor.eyePid!, supervisor.voicePid!];
  await eventually(START_MS, 'the eye counts', () => eyeState === 'counting');
  process.kill(eyePid, 'SIGTERM');
  await eventually(STOP_MS, 'the end', () => ends.length > 0);
  assert.equal(ends, [0]);
  assert.not(isAlive(voicePid));
});

test('stopped in the pause before a restart, nothing is started any more', async () => {
  const { supervisor } = supervise(words(NO_BROKER));
  const eyePid = supervisor.eyePid!;
  process.kill(eyePid, 'SIGKILL');
  await eventually(2000, 'the eye is gone', () => supervisor.eyePid === undefined);
  await within(STOP_MS, 'everything stops', supervisor.stop());
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal([supervisor.eyePid, supervisor.voicePid], [undefined, undefined]);
});

test('when the supervisor is killed, neither eye nor voice outlives it by more than three seconds', async () => {
  const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
  const parent = spawn(process.execPath, [main, 'run', ...words(NO_BROKER, 'log_level=info')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  parent.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  pidsToEnd.add(parent.pid!);
  const children = () =>
    readdirSync('/proc').flatMap((entry) => {
      try {
        const status = readFileSync(`/proc/${entry}/status`, 'utf8');
        const name = /\/(eye|voice)\/main\.js/.exec(readFileSync(`/proc/${entry}/cmdline`, 'utf8'))?.[1];
        return name !== undefined && new RegExp(`^PPid:\\s+${parent.pid}$`, 'm').test(status)
          ? [{ name, pid: Number(entry) }]
          : [];
      } catch {
        return [];
      }
    });
  // From then on both watch their parent.
  await eventually(START_MS, 'the eye runs', () => /"program":"eye".*"msg":"eye started"/.test(output));
  await eventually(START_MS, 'the voice runs', () => /"program":"voice".*"msg":"voice started"/.test(output));
  const found = children();
  assert.is(found.length, 2);
  for (const { pid } of found) pidsToEnd.add(pid);
  process.kill(parent.pid!, 'SIGKILL');
  const left = () => found.filter(({ pid }) => isAlive(pid)).map(({ name }) => name);
  await eventually(3000, 'both are gone', () => left().length === 0).catch(() => {});
  assert.equal(left(), []);
});

test.run();
