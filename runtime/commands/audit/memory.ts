/**
 * The memory audit: is any picture left anywhere in the two processes, when none is being looked at?
 *
 *   control    an eye whose erasing was taken away from outside: the picture must be found in it
 *   decoy      a process that keeps a frame in every form: each of them must be found
 *   the eye    as it is: frames, a pause, both processes stopped, everything searched; again and again
 *
 * If control or decoy hide anything from it, the audit itself has failed, whatever it says of the eye.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTROL_FIFO, CORRIDOR_FIFO } from '../../corridor/control.ts';
import { ExitCode } from '../../errors.ts';
import { loadModel } from '../../eye/model.ts';
import { frameFormatOf } from '../../eye/pipeline.ts';
import {
  type AuditReport,
  type ControlFacts,
  type EyeFacts,
  renderJson,
  renderText,
  verdictOf,
} from './memory-report.ts';
import { type PlaceResult, type Scan, searchFolder, searchMemory, searchOpenFiles, searchPipe } from './places.ts';
import { FRAMES_SOUGHT, Quarry } from './quarry.ts';
import { Stage, type StageOptions } from './stage.ts';

/** Enough for every kernel to have been compiled twice, as in an eye that runs for long. */
const CONTROL_FRAMES = 60;
/** Forms in which the decoy has the frame. */
const DECOY_FORMS = [
  'uint8',
  'int8',
  'halved',
  ...['2nd', '3rd', '4th', '8th'].map((nth) => `uint8, every ${nth} byte`),
  ...['float32', 'float64'].flatMap((type) =>
    ['v', 'v/255', 'v/128-1', 'v/127.5-1', 'v-128'].map((form) => `${type} ${form}`),
  ),
];

export type MemoryAuditOptions = StageOptions & {
  /** How long the eye looks at frames, all looks together. */
  readonly seconds: number;
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly progress: (text: string) => void;
};

/** ok only if control and decoy hid nothing and eye, voice and what they leave behind hold nothing; else failed. */
export async function memoryAudit(options: MemoryAuditOptions): Promise<ExitCode> {
  const { configPath, overrides, frameRateHz, progress } = options;
  const withoutClearing = ['--import', besideUs('without-clearing.js')];
  const control = await withStage({ configPath, overrides, frameRateHz, eyeWords: withoutClearing }, (stage) =>
    runControl(stage, progress),
  );
  const eye = await withStage(options, (stage) => runAudit(stage, options));
  const report: AuditReport = { control, eye, verdict: verdictOf(control, eye) };
  options.out(options.json ? renderJson(report) : renderText(report));
  return report.verdict === 'nothing found' ? ExitCode.ok : ExitCode.failed;
}

/** Runs `act` on a stage of its own; a picture or a process is left behind on no way out of it. */
async function withStage<Result>(options: StageOptions, act: (stage: Stage) => Promise<Result>): Promise<Result> {
  const stage = await Stage.open(options);
  const onSignal = (): void => void stage.stop().then(() => process.exit(ExitCode.failed));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await act(stage);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await stage.stop();
    stage.remove();
  }
}

function quarryOf(stage: Stage): Quarry {
  const { config } = stage;
  const model = loadModel(config.model.manifest, config.model.publicKey);
  return new Quarry(stage.key, model, frameFormatOf(config, model), config.model.rounding);
}

async function runControl(stage: Stage, progress: (text: string) => void): Promise<ControlFacts> {
  progress('control: an eye that does not erase … ');
  const quarry = quarryOf(stage);
  await stage.sendFrames(CONTROL_FRAMES);
  quarry.lookFor(stage.frameCount);
  await stage.freeze();
  const eye = searchMemory('eye', stage.pidOf('eye'), quarry.scan, 'written');
  stage.thaw();
  progress(`${sum(eye)} bytes found\ndecoy: a process that keeps a frame in every form … `);
  const decoy = await searchDecoy(stage, quarry);
  const formsFound = new Set(decoy.flatMap(({ forms }) => forms));
  const formsMissed = DECOY_FORMS.filter((form) => !formsFound.has(form));
  progress(`${DECOY_FORMS.length - formsMissed.length} of ${DECOY_FORMS.length} forms found\n`);
  const { frameBytes, tensorBytesLeftOut } = quarry;
  const finds = eye.filter(({ foundBytes }) => foundBytes > 0);
  return { eye: finds, frameBytes, tensorBytesLeftOut, forms: DECOY_FORMS, formsMissed };
}

async function searchDecoy(stage: Stage, { scan, frameBytes }: Quarry): Promise<PlaceResult[]> {
  const decoy: ChildProcess = spawn(process.execPath, [besideUs('decoy.js'), stage.folder, String(frameBytes)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(decoy, 'exit');
  try {
    await once(decoy.stdout!, 'data');
    return searchMemory('decoy', decoy.pid!, scan, 'written');
  } finally {
    decoy.stdin!.end();
    await ended;
  }
}

async function runAudit(stage: Stage, { seconds, frameRateHz, progress }: MemoryAuditOptions): Promise<EyeFacts> {
  const quarry = quarryOf(stage);
  const frameTotal = Math.max(1, Math.round(seconds * frameRateHz));
  const places = new Map<string, PlaceResult>();
  let lookCount = 0;
  while (stage.frameCount < frameTotal) {
    await stage.sendFrames(Math.min(FRAMES_SOUGHT, frameTotal - stage.frameCount));
    quarry.lookFor(stage.frameCount);
    await stage.freeze();
    for (const result of look(stage, quarry.scan, stage.frameCount === frameTotal)) add(places, result);
    stage.thaw();
    lookCount += 1;
    progress(`the eye: ${stage.frameCount} of ${frameTotal} frames, ${sum([...places.values()])} bytes found\n`);
  }
  const isolation = stage.plans;
  await stage.stop();
  const privacy = stage.messages.get('privacy');
  for (const result of searchFolder('state folder, after the end', join(stage.folder, 'state'), 0, quarry.scan))
    add(places, result);
  for (const result of searchFolder('log', dirname(stage.logPath), 0, quarry.scan)) add(places, result);
  return {
    frameCount: stage.frameCount,
    frameRateHz,
    lookCount,
    frames: privacy?.['frames'] as EyeFacts['frames'],
    residencyUs: (privacy?.['residency_us'] as { since_boot: EyeFacts['residencyUs'] } | undefined)?.since_boot,
    isolation: isolation.eye.enforced.map(({ guard }) => guard),
    notIsolated: isolation.eye.missing.map(({ guard, why }) => `${guard}: ${why}`),
    places: [...places.values()],
  };
}

/** Everywhere a picture could be; both processes are stopped. */
function* look(stage: Stage, scan: Scan, isLast: boolean): Generator<PlaceResult> {
  const which = isLast ? 'all' : 'written';
  for (const role of ['eye', 'voice'] as const) {
    yield* searchMemory(role, stage.pidOf(role), scan, which);
    yield* searchOpenFiles(role, stage.pidOf(role), scan);
  }
  const { runtimeDir } = stage.supervisor;
  yield searchPipe('corridor', join(runtimeDir, CORRIDOR_FIFO), scan);
  yield searchPipe('corridor', join(runtimeDir, CONTROL_FIFO), scan);
  yield* searchFolder('state folder', join(stage.folder, 'state'), 0, scan);
  yield* searchFolder('/dev/shm', '/dev/shm', stage.startedAtMs, scan);
  yield* searchFolder('temporary files', tmpdir(), stage.startedAtMs, scan);
}

/** Mappings and files are known by where they are; what was found in any look is found. */
function add(places: Map<string, PlaceResult>, result: PlaceResult): void {
  const key = `${result.place} ${result.detail}`;
  const before = places.get(key);
  places.set(
    key,
    before === undefined
      ? result
      : {
          ...result,
          searchedBytes: Math.max(before.searchedBytes, result.searchedBytes),
          foundBytes: before.foundBytes + result.foundBytes,
          longestRun: Math.max(before.longestRun, result.longestRun),
          forms: [...new Set([...before.forms, ...result.forms])].sort(),
        },
  );
}

function sum(results: readonly PlaceResult[]): number {
  return results.reduce((bytes, { foundBytes }) => bytes + foundBytes, 0);
}

function besideUs(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}
