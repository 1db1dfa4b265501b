/** A timer for one task at a time, on a clock that a test moves by hand. */
export class HandTimer {
  #task: (() => void) | undefined;
  #dueUs = 0;
  readonly #nowUs: () => number;
  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  readonly after = (ms: number, task: () => void): (() => void) => {
    this.#task = task;
    this.#dueUs = this.#nowUs() + ms * 1000;
    return () => {
      this.#task = undefined;
    };
  };

  /** Runs the task if its time has come. */
  fire(): void {
    const task = this.#task;
    if (task === undefined || this.#nowUs() < this.#dueUs) return;
    this.#task = undefined;
    task();
  }
}
