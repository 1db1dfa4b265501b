/**
 * The frame loop: everything that happens to one picture, in the order in which it happens. It is the sink that a camera
 * fills; a frame is consumed and erased inside `completeFrame`, so at most one picture exists in the process at any time.
 * Nothing is allocated per frame and nothing is thrown: what can go wrong with a frame ends in `abandonFrame` and a counter.
 */
import type { FrameSink } from '../ports/camera.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import { FrameResidency } from '../privacy/residency.ts';
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
  readonly residency: FrameResidency;
  readonly detections = new DetectionTable();

  readonly #engine: Engine;
  readonly #decoder: HeatMapDecoder;
  readonly #tracker: Tracker;
  readonly #counting: Counting;
  readonly #clock: Clock;
  /** Between the first byte of a frame and its erasure. */
  #isFilling = false;
  #beganAtUs = 0;
  #capturedAtUs = 0;

  /** residencyUsMax: how long a frame may be there before it is counted as over the limit, µs. */
  constructor(
    engine: Engine,
    decoder: HeatMapDecoder,
    tracker: Tracker,
    counting: Counting,
    clock: Clock,
    residencyUsMax = Number.POSITIVE_INFINITY,
  ) {
    this.residency = new FrameResidency(residencyUsMax);
    this.slot = engine.slot;
    this.#engine = engine;
    this.#decoder = decoder;
    this.#tracker = tracker;
    this.#counting = counting;
    this.#clock = clock;
  }

  beginFrame(): void {
    this.#beganAtUs = this.#clock.monotonicUs();
    this.#isFilling = true;
  }

  completeFrame(capturedAtUs: number): void {
    this.framesRead += 1;
    this.#engine.readPixels();
    this.#engine.erasePixels(); // here the picture ends
    const pixelsUs = this.#clock.monotonicUs() - this.#beganAtUs;
    this.#isFilling = false;
    this.#engine.finish();
    this.#decoder.decode(this.detections);
    this.#engine.eraseTensors(); // here everything derived from it ends, but the boxes
    this.framesErased += 1;
    this.residency.recordFrame(pixelsUs, this.#clock.monotonicUs() - this.#beganAtUs);
    this.#tracker.step(this.detections, capturedAtUs);
    this.#counting.step(this.#tracker, capturedAtUs);
    this.#capturedAtUs = capturedAtUs;
  }

  abandonFrame(): void {
    this.#engine.erasePixels();
    this.residency.recordDropped(this.#clock.monotonicUs() - this.#beganAtUs);
    this.#isFilling = false;
    this.framesDropped += 1;
  }

  /** How long the frame that is in the slot now has been there, µs; 0: the slot is empty. */
  presentUs(): number {
    return this.#isFilling ? this.#clock.monotonicUs() - this.#beganAtUs : 0;
  }

  /** After a pause, a camera restart or the end: nobody is where they were, and what they did is counted. */
  forget(): void {
    // A camera that failed in the middle of a frame may not have said so: that frame was there as well.
    if (this.#isFilling) this.abandonFrame();
    else this.#engine.erasePixels();
    this.#engine.eraseTensors();
    this.detections.clear();
    this.#tracker.reset();
    this.#counting.forget(this.#capturedAtUs);
  }
}
