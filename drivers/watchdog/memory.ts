/** A pulse that remembers what was told, for tests. */
import type { Pulse } from '../../runtime/ports/pulse.ts';

export class MemoryPulse implements Pulse {
  readonly name = 'memory';
  isReady = false;
  isStopping = false;
  /** Beats of a program that was well, and of one that was not. */
  beatCount = 0;
  withheldCount = 0;
  status = '';

  ready(): void {
    this.isReady = true;
  }

  beat(isWell: boolean, status: string): void {
    if (isWell) this.beatCount += 1;
    else this.withheldCount += 1;
    this.status = status;
  }

  stopping(): void {
    this.isStopping = true;
  }
}
