/**
 * Records on their way into the database: several in one transaction, since each costs a sync of the disk, and acknowledged
 * to the broker when that is through. When it fails they wait here, and the broker sends no more than it has on the way.
 */
import type { RecordReading } from './incoming.ts';

/** Records are written together: after so long, or as soon as so many wait. Brokers send 20 ahead or more. */
const BATCH_MS = 250;
const BATCH_COUNT = 16;

type Waiting = { readonly reading: RecordReading; readonly resolve: () => void };

export type IntakeOptions = {
  /** Writes all of them in one transaction; false: none is written. */
  readonly write: (readings: readonly RecordReading[]) => boolean;
};

export class Intake {
  readonly #options: IntakeOptions;
  /** In the order of their arrival. */
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isFlushSoon = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Resolves when it is on disk. */
  take(reading: RecordReading): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ reading, resolve });
      this.#flushLater();
    });
  }

  /** Once a second, and at the end: what could not be written before is tried again. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    if (waiting.length === 0 || !this.#options.write(waiting.map(({ reading }) => reading))) return;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
  }

  #flushLater(): void {
    if (this.#waiting.length >= BATCH_COUNT && !this.#isFlushSoon) {
      this.#isFlushSoon = true;
      // What is in the socket already comes along.
      setImmediate(() => {
        this.#isFlushSoon = false;
        this.flush();
      });
    }
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }
}
