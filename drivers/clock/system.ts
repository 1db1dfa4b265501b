/** The real clock. Its timers do not keep the process alive: a program that has nothing else to do may end. */
import type { Clock } from '../../runtime/ports/clock.ts';
import { NS_PER_US, US_PER_S } from '../../runtime/units.ts';

export class SystemClock implements Clock {
  monotonicUs(): number {
    // Not performance.now(): it boxes its result, 16 bytes a call; V8 takes this array apart where it is inlined.
    const time = process.hrtime();
    return time[0] * US_PER_S + time[1] / NS_PER_US;
  }

  wallMs(): number {
    return Date.now();
  }

  every(periodMs: number, task: () => void): () => void {
    const timer = setInterval(task, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  }
}
