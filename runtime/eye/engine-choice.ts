/**
 * Which engine runs the model: our own unless the configuration says `model.engine: tfjs`. That one is loaded only then,
 * so nobody pays for a package that he does not use. Whether this machine may use it was settled with the configuration.
 */
import type { Config } from '../config/schema.ts';
import { createEngine, type DescribedEngine } from './infer/engine.ts';
import { createTfjsEngine, loadTfjs } from './infer/tfjs.ts';
import type { Model } from './model.ts';
import { frameFormatOf } from './pipeline.ts';

/** For the log, where the chosen engine cannot keep the promise that every other part of the eye is built on. */
export const RESIDUE_WARNING =
  'model.engine is tfjs: pictures stay in the memory of this process after they are erased from the slot';

/** Throws ModelError: the model does not fit, or TensorFlow.js is not there or does not run. */
export async function prepareEngine(config: Config, model: Model): Promise<DescribedEngine> {
  const format = frameFormatOf(config, model);
  switch (config.model.engine) {
    case 'wasm':
      return createEngine(model.bytes, format, { rounding: config.model.rounding });
    case 'tfjs':
      return createTfjsEngine(model.bytes, format, await loadTfjs());
  }
}
