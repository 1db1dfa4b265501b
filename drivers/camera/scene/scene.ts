/**
 * Scene: a shop entrance with people who do not exist, drawn as a camera of a chosen height and angle would see it, with
 * the exact truth beside every picture. It serves the demo without hardware and the evaluation by seeded entrances.
 * This file is the driver. Read on in: simulation (steps, draws, options), view (the camera's geometry), walk (how people
 * move), arrivals and crowd (who comes, and what they are up to), walker and body (what a person is made of), solids,
 * raster and picture (how they are drawn), entrance and occluder (the shop), truth (boxes and crossings), and suite (the
 * entrances on which counting is measured).
 * Each frame is drawn straight into the slot, between beginFrame and completeFrame; the work planes beside it hold a
 * drawing of nobody.
 * Real time: one timer is set for the due time of the next frame, counted from the start, so that late frames do not add
 * up; a consumer that falls behind by more than a second skips the frames it missed (they are never drawn, the people
 * walk on, and their crossings are still reported). Otherwise frames follow as fast as they are taken, one per turn of
 * the event loop, and carry the time of the scene.
 * It is a drawing, not a measurement: a detector that is right here is not thereby right at somebody's door. Frames do
 * not tear and never come short.
 */
import type { Camera, CameraEvents, FrameFormat, FrameSink } from '../../../runtime/ports/camera.ts';
import { SCENE_FORMAT_DEFAULT, Scene, type SceneOptions } from './simulation.ts';

export type { Crowd, SceneLine, SceneOptions } from './simulation.ts';
export { SCENE_DEFAULTS, SCENE_FORMAT_DEFAULT, SCENE_LINE_DEFAULT, Scene } from './simulation.ts';

/** Delay after which missed frames are skipped instead of delivered late. */
const LATE_MS_MAX = 1000;
/** When some people are in view, and for as many frames as the compiler takes to notice. */
const WARM_UP_FROM = 200;
const WARM_UP_FRAMES = 40;

export function createSceneCamera(
  options: Partial<SceneOptions> = {},
  format: FrameFormat = SCENE_FORMAT_DEFAULT,
): Camera {
  return new SceneCamera(options, format);
}

class SceneCamera implements Camera {
  readonly name = 'scene';
  readonly simulated = true;
  readonly format: FrameFormat;
  readonly #scene: Scene;
  #sink: FrameSink | null = null;
  #events: CameraEvents | null = null;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  /** performance.now() at which frame 0 of this run would have been due. */
  #zeroMs = 0;
  /** The next frame; goes on where it was after stop and start. */
  #next = 0;

  constructor(options: Partial<SceneOptions>, format: FrameFormat) {
    this.format = format;
    this.#scene = new Scene(options, format);
    this.#scene.prepare();
    if (this.#scene.options.realtime) this.#warmUp();
  }

  /**
   * Draws what nobody sees: drawing is done in the slot and is a part of how long a simulated picture lives, and the first
   * ones, before V8 has compiled it, took up to 34 ms. The scene begins at its begin all the same (`step` goes back).
   */
  #warmUp(): void {
    const scratch = new Uint8Array(this.format.frameBytes);
    for (let frameIndex = WARM_UP_FROM; frameIndex < WARM_UP_FROM + WARM_UP_FRAMES; frameIndex++) {
      this.#scene.step(frameIndex);
      this.#scene.draw(scratch);
    }
  }

  async start(sink: FrameSink, events: CameraEvents): Promise<void> {
    await this.stop();
    this.#sink = sink;
    this.#events = events;
    this.#zeroMs = performance.now() - this.#next * this.#frameMs;
    this.#schedule();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
    this.#sink = null;
    this.#events = null;
  }

  get #frameMs(): number {
    return 1000 / this.format.frameRateHz;
  }

  readonly #tick = (): void => {
    const sink = this.#sink;
    const events = this.#events;
    if (sink === null || events === null) return;
    const { options } = this.#scene;
    if (options.frameCountMax !== undefined && this.#next >= options.frameCountMax) {
      this.#sink = null;
      this.#events = null;
      events.onEnd();
      return;
    }
    if (options.realtime) {
      const missed = Math.floor((performance.now() - this.#zeroMs) / this.#frameMs) - this.#next;
      if (missed * this.#frameMs > LATE_MS_MAX) this.#next += missed;
    }
    this.#scene.step(this.#next);
    const capturedAtUs = options.realtime ? performance.now() * 1000 : (this.#next * 1e6) / this.format.frameRateHz;
    this.#next += 1;
    sink.beginFrame();
    this.#scene.draw(sink.slot);
    sink.completeFrame(capturedAtUs);
    // The consumer may have stopped us from within; then nobody wants to know.
    const { crossings } = this.#scene;
    for (let index = 0; index < crossings.count && this.#events === events; index += 1) {
      events.onTruth?.(crossings.lineIndex[index]!, crossings.direction[index] === 0 ? 0 : 1, capturedAtUs);
    }
    if (this.#sink === sink) this.#schedule();
  };

  #schedule(): void {
    if (!this.#scene.options.realtime) {
      this.#immediate = setImmediate(this.#tick);
      return;
    }
    const dueMs = this.#zeroMs + this.#next * this.#frameMs - performance.now();
    this.#timer = setTimeout(this.#tick, Math.max(0, dueMs));
  }
}
