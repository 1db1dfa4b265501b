/**
 * A clock that a test moves by hand. `advance` stops at each due moment, so tasks run in the order in which they
 * would in life (earliest first, then in order of registration) and see the time at which they are due.
 */
import { strict as assert } from 'node:assert';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { ClockTrust, TimeSource } from '../../runtime/ports/time-source.ts';
import { US_PER_MS } from '../../runtime/units.ts';

type Repeated = { readonly periodMs: number; readonly task: () => void; dueMs: number };

export class ManualClock implements Clock, TimeSource {
  /** What `trust` says. */
  trusted: ClockTrust = 'synced';
  #elapsedMs = 0;
  #wallOffsetMs: number;
  readonly #tasks: Repeated[] = [];

  /** startMs: wall time at the beginning; the default is a Monday on a whole hour. */
  constructor(startMs = Date.UTC(2026, 0, 5, 12)) {
    this.#wallOffsetMs = startMs;
  }

  monotonicUs(): number {
    return this.#elapsedMs * US_PER_MS;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  trust(): ClockTrust {
    return this.trusted;
  }

  every(periodMs: number, task: () => void): () => void {
    assert.ok(periodMs > 0, `period is ${periodMs} ms; expected more than 0`);
    const repeated: Repeated = { periodMs, task, dueMs: this.#elapsedMs + periodMs };
    this.#tasks.push(repeated);
    return () => {
      const at = this.#tasks.indexOf(repeated);
      if (at >= 0) this.#tasks.splice(at, 1);
    };
  }

  /** Lets `ms` milliseconds pass. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms;
    for (let next = this.#earliest(); next !== undefined && next.dueMs <= untilMs; next = this.#earliest()) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.dueMs += next.periodMs;
      next.task();
    }
    this.#elapsedMs = untilMs;
  }

  /** Sets the wall clock, as a time server does: monotonic time is not touched. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #earliest(): Repeated | undefined {
    let earliest: Repeated | undefined;
    for (const task of this.#tasks) if (earliest === undefined || task.dueMs < earliest.dueMs) earliest = task;
    return earliest;
  }
}
