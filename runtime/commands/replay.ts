/**
 * Replay: footage through the same pipeline as on a device, as fast as it goes, in this process, without broker or corridor.
 * Times are positions in the clip, so the same clip gives the same crossings however fast the machine is.
 */
import { createHash } from 'node:crypto';
import { createVideoCamera } from '../../drivers/camera/video/video.ts';
import { SystemClock } from '../../drivers/clock/system.ts';
import { counterNames } from '../config/counters.ts';
import type { Config } from '../config/schema.ts';
import { Direction } from '../corridor/record.ts';
import type { DriverError } from '../errors.ts';
import { type CountLayout, NO_EVENTS } from '../eye/count/counting.ts';
import type { CrossingListener } from '../eye/count/lines.ts';
import { prepareEngine } from '../eye/engine-choice.ts';
import { loadModel, type Model } from '../eye/model.ts';
import { createPipelineOf, frameFormatOf, type Pipeline } from '../eye/pipeline.ts';
import type { Camera } from '../ports/camera.ts';
import type { Clock } from '../ports/clock.ts';

export type Crossing = {
  /** Position in the clip, seconds. */
  readonly atS: number;
  readonly line: string;
  readonly direction: 'in' | 'out';
};

export type ReplayResult = {
  readonly inCount: number;
  readonly outCount: number;
  readonly crossings: readonly Crossing[];
  /** What is left of them when those of one person that cancel are taken out; at the time when they left the view. */
  readonly net: readonly Crossing[];
  readonly framesRead: number;
  readonly framesDropped: number;
  /** Mean number of confirmed tracks per frame. */
  readonly tracksMean: number;
  /** Position of each frame in the clip and the confirmed tracks in it, in order. */
  readonly framesSeen: readonly { readonly atS: number; readonly trackCount: number }[];
  readonly elapsedS: number;
  /** Set when the source broke off: what was counted until then stands. */
  readonly error: DriverError | undefined;
};

/**
 * SHA-256 over the crossings, one line each: seconds with three digits, line, direction. The same clip, model and
 * configuration give the same one on every machine; `printf '1.067 door in\n' | sha256sum` checks it by hand.
 */
export function hashCrossings(crossings: readonly Crossing[]): string {
  const lines = crossings.map(({ atS, line, direction }) => `${atS.toFixed(3)} ${line} ${direction}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** Milliseconds are what a clip's time is good for; more digits would differ between frame rates for nothing. */
function toSeconds(us: number): number {
  return Math.round(us / 1000) / 1000;
}

/** Counts everything the camera has to give. Rejects with DriverError if it cannot be opened, ModelError if the model does not fit. */
export async function replay(config: Config, model: Model, layout: CountLayout, source: string): Promise<ReplayResult> {
  const engine = await prepareEngine(config, model);
  const clock = new SystemClock();
  const names = counterNames(layout);
  const crossings: Crossing[] = [];
  const net: Crossing[] = [];
  const noteIn =
    (list: Crossing[]): CrossingListener =>
    (counterIndex, direction, atUs) => {
      const word = direction === Direction.in ? 'in' : 'out';
      list.push({ atS: toSeconds(atUs), line: names[counterIndex]!, direction: word });
    };
  const events = { ...NO_EVENTS, onCrossing: noteIn(crossings), onNet: noteIn(net) };
  const pipeline = createPipelineOf(engine, config, model, layout, clock, events);
  const camera = createVideoCamera({ source, realtime: false }, frameFormatOf(config, model));
  return play(camera, pipeline, clock, crossings, net);
}

async function play(
  camera: Camera,
  pipeline: Pipeline,
  clock: Clock,
  crossings: readonly Crossing[],
  net: readonly Crossing[],
): Promise<ReplayResult> {
  const { loop, tracker } = pipeline;
  const framesSeen: { atS: number; trackCount: number }[] = [];
  const sink = {
    slot: loop.slot,
    beginFrame: () => loop.beginFrame(),
    abandonFrame: () => loop.abandonFrame(),
    completeFrame: (capturedAtUs: number) => {
      loop.completeFrame(capturedAtUs);
      framesSeen.push({ atS: toSeconds(capturedAtUs), trackCount: tracker.confirmedCount });
    },
  };
  const startedAtUs = clock.monotonicUs();
  const error = await new Promise<DriverError | undefined>((resolve, reject) => {
    camera.start(sink, { onEnd: () => resolve(undefined), onError: resolve }).catch(reject);
  });
  await camera.stop();
  loop.forget();
  if (error !== undefined && loop.framesRead === 0) throw error;
  const trackSum = framesSeen.reduce((sum, { trackCount }) => sum + trackCount, 0);
  return {
    inCount: crossings.filter((crossing) => crossing.direction === 'in').length,
    outCount: crossings.filter((crossing) => crossing.direction === 'out').length,
    crossings,
    net,
    framesRead: loop.framesRead,
    framesDropped: loop.framesDropped,
    tracksMean: loop.framesRead === 0 ? 0 : trackSum / loop.framesRead,
    framesSeen,
    elapsedS: toSeconds(clock.monotonicUs() - startedAtUs),
    error,
  };
}

export type ReplayOptions = { readonly config: Config; readonly source: string; readonly out: (text: string) => void };

/** `lethe replay FILE`: prints one JSON object. */
export async function replayCommand(options: ReplayOptions): Promise<void> {
  const { config, source } = options;
  const result = await replay(config, loadModel(config.model.manifest, config.model.publicKey), config, source);
  const json = {
    source,
    in: result.inCount,
    out: result.outCount,
    crossings: result.crossings.map(({ atS, line, direction }) => ({ at_s: atS, line, direction })),
    crossings_sha256: hashCrossings(result.crossings),
    net: result.net.map(({ atS, line, direction }) => ({ at_s: atS, line, direction })),
    frames: result.framesRead,
    dropped: result.framesDropped,
    tracks_mean: Math.round(result.tracksMean * 100) / 100,
    elapsed_s: result.elapsedS,
    ...(result.error === undefined ? {} : { error: result.error.message }),
  };
  options.out(`${JSON.stringify(json, null, 2)}\n`);
  if (result.error !== undefined) throw result.error;
}
