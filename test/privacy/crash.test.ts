// Goal: however an eye ends or pauses in the middle of a picture, no picture is left: not in a core, a file, a log, shared
// memory, nor, where the eye goes on, in its memory.
// Method: the real supervisor, eye and voice on the audit's camera, which stops after half a picture; that half is seen in
// the eye's memory first; then the crash; then everything is searched. Cores are allowed in this process on purpose.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlaceResult, searchFolder, searchMemory } from '../../runtime/commands/audit/places.ts';
import { Quarry } from '../../runtime/commands/audit/quarry.ts';
import { Stage, type StageOptions } from '../../runtime/commands/audit/stage.ts';
import { loadModel } from '../../runtime/eye/model.ts';
import { frameFormatOf } from '../../runtime/eye/pipeline.ts';
import { probeAbilities } from '../../runtime/isolation/abilities.ts';

const FRAMES_BEFORE = 10;
const WRONG_EYE = fileURLToPath(new URL('./wrong-eye.js', import.meta.url));
/** Any fewer of the half picture's 36,864 bytes would be a search that does not work. */
const HALF_BYTES_MIN = 30_000;
const EXIT_MS_MAX = 20_000;
/** From the camera's write to the eye's read; far shorter than the driver waits for the rest. */
const ARRIVED_MS = 200;

const test = suite<{ home: string; folder: string }>('crash', { home: process.cwd(), folder: '' });
test.before((context) => {
  // A core, if there were one, would be written to the current folder.
  context.folder = mkdtempSync(join(tmpdir(), 'lethe-crash-'));
  process.chdir(context.folder);
  spawnSync('prlimit', ['--pid', String(process.pid), '--core=unlimited']);
});
test.after(({ home, folder }) => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

function foundIn(places: readonly PlaceResult[]): string[] {
  return places.flatMap(({ place, detail, foundBytes, forms }) =>
    foundBytes === 0 ? [] : [`${place} ${detail}: ${foundBytes} bytes, ${forms.join('; ')}`],
  );
}

class Scene {
  readonly stage: Stage;
  readonly quarry: Quarry;

  constructor(stage: Stage) {
    const { config, key } = stage;
    const model = loadModel(config.model.manifest, config.model.publicKey);
    this.stage = stage;
    this.quarry = new Quarry(key, model, frameFormatOf(config, model), config.model.rounding);
  }

  /** Some whole pictures, then half of one, which is in the eye's memory when this resolves. */
  async inMidPicture(order: 'half' | 'lose' = 'half'): Promise<void> {
    const { stage, quarry } = this;
    await stage.sendFrames(FRAMES_BEFORE);
    quarry.lookFor(stage.frameCount + 1);
    if (order === 'lose') {
      stage.tell(`lose ${stage.frameCount}`);
      return;
    }
    await stage.order(`half ${stage.frameCount}`, 0);
    await sleep(ARRIVED_MS);
    // Stopped meanwhile: searching takes as long as the driver waits before it gives a picture up.
    await stage.freeze();
    const found = this.memoryOf('eye').reduce((sum, { foundBytes }) => sum + foundBytes, 0);
    stage.thaw();
    assert.ok(found >= HALF_BYTES_MIN, `the half picture must be seen before it can be gone; ${found} bytes were`);
  }

  memoryOf(role: 'eye' | 'voice'): PlaceResult[] {
    return searchMemory(role, this.stage.pidOf(role), this.quarry.scan, 'written');
  }

  /** Everything that outlives a process: files, shared memory, the log, a core in the current folder. */
  traces(): string[] {
    const { stage, quarry } = this;
    const log = searchFolder('log', dirname(stage.logPath), 0, quarry.scan);
    assert.ok(log[0]!.searchedBytes > 0, 'eye and voice have said something');
    return foundIn([
      ...log,
      ...searchFolder('state folder', join(stage.folder, 'state'), 0, quarry.scan),
      ...searchFolder('/dev/shm', '/dev/shm', stage.startedAtMs, quarry.scan),
      ...searchFolder('current folder', process.cwd(), 0, quarry.scan),
      ...searchFolder('temporary files', tmpdir(), stage.startedAtMs, quarry.scan),
    ]);
  }

  /** Sends the signal and waits for that process to be gone; the supervisor may have started another. */
  async endEye(signal: NodeJS.Signals): Promise<void> {
    const { supervisor } = this.stage;
    const pid = this.stage.pidOf('eye');
    process.kill(pid, signal);
    const endMs = Date.now() + EXIT_MS_MAX;
    while (supervisor.eyePid === pid && Date.now() < endMs) await sleep(50);
    assert.is.not(supervisor.eyePid, pid, `the eye ends after ${signal}`);
  }
}

async function onStage(options: Partial<StageOptions>, act: (scene: Scene) => Promise<void>): Promise<void> {
  const stage = await Stage.open({
    configPath: undefined,
    overrides: ['gpio.button_bcm=27'],
    frameRateHz: 15,
    eyeReadPaths: [WRONG_EYE],
    ...options,
  });
  try {
    await act(new Scene(stage));
  } catch (error) {
    process.stderr.write(`${stage.lastWords()}\n`);
    throw error;
  } finally {
    await stage.stop();
    stage.remove();
  }
}

const wrong = (word: string, ...words: string[]): Partial<StageOptions> => ({
  eyeWords: [...words, '--import', `file://${WRONG_EYE}#${word}`],
});

test('killed in the middle of a picture (SIGKILL, as by the kernel when memory is short)', () =>
  onStage({}, async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGKILL');
    assert.equal(scene.traces(), []);
    assert.equal(foundIn(scene.memoryOf('voice')), []);
  }));

test('told to stop in the middle of a picture (SIGTERM)', () =>
  onStage({}, async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGTERM');
    assert.equal(scene.traces(), []);
  }));

test('an assertion fails in the middle of a picture', () =>
  onStage(wrong('throw'), async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGUSR2');
    assert.match(readFileSync(scene.stage.logPath, 'utf8'), /an invariant that a test broke/);
    assert.equal(scene.traces(), []);
  }));

test('V8 runs out of memory in the middle of a picture', () =>
  onStage(wrong('fill', '--max-old-space-size=64'), async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGUSR2');
    assert.match(readFileSync(scene.stage.logPath, 'utf8'), /heap out of memory/);
    assert.equal(readdirSync(process.cwd()), []);
    assert.equal(scene.traces(), []);
  }));

test('native code aborts in the middle of a picture: no core is written', () =>
  onStage(wrong('abort'), async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGUSR2');
    assert.equal(readdirSync(process.cwd()), []);
    assert.equal(scene.traces(), []);
  }));

/** Why no core can be had on this machine, even where it is asked for; empty: it can. */
function noCoresBecause(): string {
  const hardLimit = /^Max core file size\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const corePattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (hardLimit === '0') return 'the hard limit of cores is 0';
  return /^[a-z.%]+$/i.test(corePattern) ? '' : `kernel.core_pattern is ${corePattern}`;
}

/** As on a machine where nothing of the isolation works: then a core can be written. */
const withCores = (): Partial<StageOptions> => {
  const not = { works: false, why: 'taken away by the test' } as const;
  return { abilities: { ...probeAbilities(), namespaces: not, view: not, coreLimit: not } };
};

const reason = noCoresBecause();
const testCores = reason === '' ? test : test.skip;
if (reason !== '') process.stdout.write(`what a core would hold is not tried here: ${reason}\n`);

testCores('control: with cores allowed, the half picture is in the core', () =>
  onStage({ ...wrong('abort'), ...withCores() }, async (scene) => {
    await scene.inMidPicture();
    await scene.endEye('SIGUSR2');
    const cores = readdirSync(process.cwd());
    assert.is(cores.length, 1, `one core; there are ${cores.join(', ')}`);
    assert.ok(scene.traces().some((trace) => trace.startsWith('current folder')));
    for (const core of cores) rmSync(core);
  }),
);

testCores('between two pictures not even a core has any, the registers of all threads included', () =>
  onStage({ ...wrong('abort'), ...withCores() }, async (scene) => {
    await scene.stage.sendFrames(FRAMES_BEFORE);
    scene.quarry.lookFor(scene.stage.frameCount);
    await scene.endEye('SIGUSR2');
    const cores = readdirSync(process.cwd());
    assert.is(cores.length, 1, `one core; there are ${cores.join(', ')}`);
    assert.equal(scene.traces(), []);
    for (const core of cores) rmSync(core);
  }),
);

test('the camera is lost in the middle of a picture: its half is erased', () =>
  onStage({}, async (scene) => {
    await scene.inMidPicture('lose');
    await sleep(1000);
    assert.equal(foundIn([...scene.memoryOf('eye'), ...scene.memoryOf('voice')]), []);
    assert.equal(scene.traces(), []);
    await scene.stage.stop();
    const frames = scene.stage.messages.get('privacy')?.['frames'] as { dropped: number };
    assert.is(frames.dropped, 1, 'it was there, and it is counted');
  }));

test('the privacy button is pressed in the middle of a picture: its half is erased', () =>
  onStage(wrong('press'), async (scene) => {
    await scene.inMidPicture();
    process.kill(scene.stage.pidOf('eye'), 'SIGUSR2');
    for (let i = 0; i < 100 && eyeState(scene.stage) !== 'paused'; i++) await sleep(100);
    assert.is(eyeState(scene.stage), 'paused');
    assert.equal(foundIn([...scene.memoryOf('eye'), ...scene.memoryOf('voice')]), []);
    assert.equal(scene.traces(), []);
  }));

function eyeState(stage: Stage): string {
  return (stage.messages.get('health')?.['eye'] as { state: string } | undefined)?.state ?? '';
}

test.run();
