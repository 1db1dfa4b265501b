/**
 * Vitals of the scan: whether it does what it is there for, asked once a second by the loop that also drives everything
 * else. It is well while pictures come, while the camera is away and tried again, and while it has no key to take a code
 * with: being started again helps in none of these. It is not well when a camera that runs delivers nothing for longer than
 * the camera's own driver would let it.
 */
import type { Pulse } from '../../../runtime/ports/pulse.ts';
import { US_PER_S } from '../../../runtime/units.ts';

/** The camera's driver notices after 3 s and needs up to 5 to end its process. */
const FRAMES_US_MAX = 30 * US_PER_S;

export type ScanFacts = {
  /** The camera runs, so pictures must come. */
  readonly isExpecting: boolean;
  /** Whole or dropped, since the start. */
  readonly frameCount: number;
};

export class ScanVitals {
  readonly #pulse: Pulse;
  #frameCount = 0;
  #sinceUs: number;

  constructor(pulse: Pulse, nowUs: number) {
    this.#pulse = pulse;
    this.#sinceUs = nowUs;
  }

  /** status: one word for `systemctl status`. */
  tick({ isExpecting, frameCount }: ScanFacts, status: string, nowUs: number): void {
    if (frameCount !== this.#frameCount || !isExpecting) this.#sinceUs = nowUs;
    this.#frameCount = frameCount;
    this.#pulse.ready();
    this.#pulse.beat(nowUs - this.#sinceUs <= FRAMES_US_MAX, status);
  }
}
