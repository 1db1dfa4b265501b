/**
 * Builds one pipeline: engine → decoder → tracker → counting → frame loop, from a configuration and a model.
 * Shared by the eye and by replay, so that what is evaluated is what counts.
 */
import type { Config } from '../config/schema.ts';
import { ModelError } from '../errors.ts';
import type { FrameFormat } from '../ports/camera.ts';
import type { Clock } from '../ports/clock.ts';
import { US_PER_MS, yuv420Bytes } from '../units.ts';
import { type CountEvents, Counting, type CountLayout } from './count/counting.ts';
import { HeatMapDecoder } from './frame/decode.ts';
import { createEngine, type DescribedEngine, type PreparedEngine } from './infer/engine.ts';
import { FrameLoop } from './loop.ts';
import type { Model } from './model.ts';
import { TRACKER_DEFAULTS, Tracker } from './track/tracker.ts';

/** The model's geometry; rows are unpadded, as every camera driver here delivers them. */
export function frameFormatOf(config: Config, model: Model): FrameFormat {
  const { width_px: widthPx, height_px: heightPx } = model.manifest.frame;
  const { camera } = config;
  if (camera.widthPx !== widthPx || camera.heightPx !== heightPx) {
    throw new ModelError(
      'MODEL_FRAME',
      `camera.width_px × height_px is ${camera.widthPx} × ${camera.heightPx}; expected ${widthPx} × ${heightPx} px, for which model ${model.manifest.name} was made. Remove both lines from the configuration.`,
      { op: 'check model against camera' },
    );
  }
  return {
    widthPx,
    heightPx,
    strideBytes: widthPx,
    frameBytes: yuv420Bytes(widthPx, heightPx),
    frameRateHz: camera.frameRateHz,
  };
}

export type Pipeline<Chosen extends DescribedEngine = DescribedEngine> = {
  readonly loop: FrameLoop;
  readonly tracker: Tracker;
  readonly counting: Counting;
  readonly engine: Chosen;
};

/** With our own engine, whatever the configuration chooses. Throws ModelError when the model does not fit. */
export function createPipeline(
  config: Config,
  model: Model,
  layout: CountLayout,
  clock: Clock,
  events: CountEvents,
): Pipeline<PreparedEngine> {
  const engine = createEngine(model.bytes, frameFormatOf(config, model), { rounding: config.model.rounding });
  return createPipelineOf(engine, config, model, layout, clock, events);
}

/** engine: from prepareEngine, made for the same model (engine-choice.ts). */
export function createPipelineOf<Chosen extends DescribedEngine>(
  engine: Chosen,
  config: Config,
  model: Model,
  layout: CountLayout,
  clock: Clock,
  events: CountEvents,
): Pipeline<Chosen> {
  const { format } = engine;
  const { decode } = model.manifest;
  const scoreMin = config.model.scoreMin === 0 ? decode.score_min : config.model.scoreMin;
  // A configured threshold moves the lower one with it, so that their ratio stays what the model was tuned for.
  const scoreLow = Math.min(scoreMin, decode.score_low * (scoreMin / decode.score_min));
  const decoder = new HeatMapDecoder(engine, {
    cellPx: decode.cell_px,
    scoreLow,
    nearMax: decode.near_max,
    overlapMax: decode.overlap_max,
  });
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin, scoreLow });
  const counting = new Counting(layout, format.widthPx, format.heightPx, events);
  const residencyUsMax = config.privacy.residencyMsMax * US_PER_MS;
  const loop = new FrameLoop(engine, decoder, tracker, counting, clock, residencyUsMax);
  decoder.warmUp(loop.detections);
  return { loop, tracker, counting, engine };
}
