/**
 * Scenes: the suite of simulated entrances, each played through the whole product on as many threads as there are cores.
 * A case depends on nothing but itself and results are put back into the suite's order, so any number of threads gives
 * the same hash. Memory: one scene and one engine a thread.
 */
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SCENE_SUITE, type SceneCase } from '../../../drivers/camera/scene/suite.ts';
import type { Config } from '../../config/schema.ts';
import { ExitCode } from '../../errors.ts';
import { loadModel } from '../../eye/model.ts';
import { frameFormatOf } from '../../eye/pipeline.ts';
import { deliver, type Output } from './output.ts';
import type { PlayedLine, PlayOptions } from './play-scene.ts';
import { type PlayedCase, sceneJson, sceneText } from './scene-report.ts';

export type ScenesOptions = Output & {
  readonly config: Config;
  /** Only the cases of the short run. */
  readonly quick: boolean;
  /** Exact boxes with noise in place of the detector. */
  readonly perfect: boolean;
  /** Threads; undefined: one a core. */
  readonly jobs: number | undefined;
};

/** `lethe evaluate --scenes`. Throws ModelError when there is no model to evaluate. */
export async function evaluateScenes(options: ScenesOptions): Promise<ExitCode> {
  const { config, quick, perfect } = options;
  // Before any thread starts: a model that does not load is told once, not by each of them.
  const modelSha256 = perfect ? null : checkModel(config);
  const cases = SCENE_SUITE.filter((scene) => !quick || scene.quick === true);
  const lines = await playAll(cases, { config, perfect }, options.jobs ?? availableParallelism(), options.progress);
  const played = cases.map((scene, i): PlayedCase => ({ scene, lines: lines[i]! }));
  const title = perfect ? 'Counted against true: exact boxes with noise' : 'Counted against true: simulated entrances';
  deliver(
    options,
    lines.flat(),
    { title, entranceWord: 'scene', densityWord: 'people' },
    {
      text: () => sceneText(played, perfect),
      json: () => sceneJson(played, { perfect, modelSha256 }),
    },
  );
  return ExitCode.ok;
}

/** SHA-256 of the model. Throws ModelError when it cannot be loaded or does not fit the camera. */
function checkModel(config: Config): string {
  const model = loadModel(config.model.manifest, config.model.publicKey);
  frameFormatOf(config, model);
  return model.manifest.sha256;
}

/** What each case gave, in the order of `cases`. Rejects with the first thread's error. */
export async function playAll(
  cases: readonly SceneCase[],
  options: PlayOptions,
  jobs: number,
  progress: (text: string) => void,
): Promise<PlayedLine[][]> {
  const results: PlayedLine[][] = [];
  // Longest first, so that no thread is left alone with a long one at the end.
  const order = cases.map((_, i) => i).sort((a, b) => cases[b]!.seconds - cases[a]!.seconds || a - b);
  const tell = makeProgress(cases, progress);
  const serve = async () => {
    const worker = new Worker(new URL(`./scene-worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: options,
    });
    try {
      for (let next = order.shift(); next !== undefined; next = order.shift()) {
        results[next] = await ask(worker, cases[next]!);
        tell(cases[next]!);
      }
    } catch (error) {
      order.length = 0; // the others end after their present case
      throw error;
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, cases.length)) }, serve));
  return results;
}

function ask(worker: Worker, scene: SceneCase): Promise<PlayedLine[]> {
  return new Promise((resolve, reject) => {
    const end = () => worker.off('message', onMessage).off('error', onError);
    const onMessage = (lines: PlayedLine[]) => {
      end();
      resolve(lines);
    };
    const onError = (error: Error) => {
      end();
      reject(new Error(`scene ${scene.name}: ${error.message}`, { cause: error }));
    };
    worker.on('message', onMessage).on('error', onError);
    worker.postMessage(scene);
  });
}

/** Seconds left are those that the footage played so far would lead one to expect. */
function makeProgress(cases: readonly SceneCase[], progress: (text: string) => void): (scene: SceneCase) => void {
  const startedAtMs = performance.now();
  const totalS = cases.reduce((sum, { seconds }) => sum + seconds, 0);
  let doneCount = 0;
  let doneS = 0;
  return ({ name, seconds }) => {
    doneCount += 1;
    doneS += seconds;
    const elapsedS = (performance.now() - startedAtMs) / 1000;
    const left = Math.ceil((elapsedS * (totalS - doneS)) / doneS);
    progress(`played ${name} (${doneCount} of ${cases.length}, about ${left} s left)\n`);
  };
}
