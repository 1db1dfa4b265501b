/**
 * The frame loop: everything that happens to one picture, in the order in which it happens. It is the sink that a camera
 * fills; a frame is consumed and erased inside `completeFrame`, so at most one picture exists in the process at any time.
 * Nothing is allocated per frame and nothing is thrown: what can go wrong with a frame ends in `abandonFrame` and a counter.
 */
import type { FrameSink } from '../ports/camera.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import { ResidencyHistogram } from '../privacy/residency.ts';
import type { Counting } from './count/counting.ts';
import type { HeatMapDecoder } from './frame/decode.ts';
import { DetectionTable } from './track/detections.ts';
import type { Tracker } from './track/tracker.ts';

export class FrameLoop implements FrameSink {
  readonly slot: Uint8Array;
  /** Since boot. Every frame read is erased, so read = erased but for the moment in between. */
  framesRead = 0;
  framesErased = 0;
  /** Frames that never became whole: erased, not looked at. */
  framesDropped = 0;
  /** First byte in the slot → slot all zero. */
  readonly pixelResidency = new ResidencyHistogram();
  /** First byte in the slot → every tensor zero. */
  readonly derivedResidency = new ResidencyHistogram();
  readonly detections = new DetectionTable();

  readonly #engine: Engine;
  readonly #decoder: HeatMapDecoder;
  readonly #tracker: Tracker;
  readonly #counting: Counting;
  readonly #clock: Clock;
  #beganAtUs = 0;
  #capturedAtUs = 0;

  constructor(engine: Engine, decoder: HeatMapDecoder, tracker: Tracker, counting: Counting, clock: Clock) {
    this.slot = engine.slot;
    this.#engine = engine;
    this.#decoder = decoder;
    this.#tracker = tracker;
    this.#counting = counting;
    this.#clock = clock;
  }

  beginFrame(): void {
    this.#beganAtUs = this.#clock.monotonicUs();
  }

  completeFrame(capturedAtUs: number): void {
    this.framesRead += 1;
    this.#engine.readPixels();
    this.#engine.erasePixels(); // here the picture ends
    this.pixelResidency.record(this.#clock.monotonicUs() - this.#beganAtUs);
    this.#engine.finish();
    this.#decoder.decode(this.detections);
    this.#engine.eraseTensors(); // here everything derived from it ends, but the boxes
    this.framesErased += 1;
    this.derivedResidency.record(this.#clock.monotonicUs() - this.#beganAtUs);
    this.#tracker.step(this.detections, capturedAtUs);
    this.#counting.step(this.#tracker, capturedAtUs);
    this.#capturedAtUs = capturedAtUs;
  }

  abandonFrame(): void {
    this.#engine.erasePixels();
    this.framesDropped += 1;
  }

  /** After a pause, a camera restart or the end: nobody is where they were, and what they did is counted. */
  forget(): void {
    this.#engine.erasePixels();
    this.#engine.eraseTensors();
    this.detections.clear();
    this.#tracker.reset();
    this.#counting.forget(this.#capturedAtUs);
  }
}
