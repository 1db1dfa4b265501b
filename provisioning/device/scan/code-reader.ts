/**
 * Code reader: the reading thread as the camera's side sees it. Takes a picture when the thread is free and lets it go by
 * when not; restarts the thread when it fails or takes too long.
 * Why a thread: reading takes up to 100 ms on a slow board, in which lamp, button and watchdog want their time; and a thread
 * that ends gives all its memory back, the decoder's 28 MB and every string in which a text lay.
 */
import { Worker } from 'node:worker_threads';
import { explain } from '../../../runtime/errors.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import { US_PER_MS } from '../../../runtime/units.ts';
import { Answer, Plate, Request } from './plate.ts';

/** 50 times what a Zero 2 W is expected to need for its worst picture. */
const LOOK_MS_MAX = 5000;
/** A slow card takes seconds for a first start. */
const START_MS_MAX = 60_000;
/** Something that fails at once must not do so all the time. */
const RESTART_PAUSE_MS = 1000;

export type CodeReaderEvents = {
  /** Whatever stood in a code; not yet known to be ours. At most once a picture. */
  readonly onText: (text: string) => void;
  /** There is a code in the picture, but it could not be read. */
  readonly onUnreadable: () => void;
  /** The thread has failed and will be started again; `failuresInRow` without a picture that was looked at. */
  readonly onFault: (why: string, failuresInRow: number) => void;
};

export class CodeReader {
  /** Pictures looked at, and such as came while the thread was busy or not there. Since the start. */
  looksCount = 0;
  skippedCount = 0;
  /** Of the looks since they were last taken (`takeLookUs`), µs. */
  #lookUsSum = 0;
  #lookUsMax = 0;
  #looksTaken = 0;
  readonly #clock: Clock;
  readonly #events: CodeReaderEvents;
  readonly #plate = new Plate();
  #worker: Worker | undefined;
  #isWanted = false;
  #isFree = false;
  #lookBeganAtUs = 0;
  #failuresInRow = 0;
  #deadline: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;

  constructor(clock: Clock, events: CodeReaderEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** The thread's id in this process, for tests; undefined: there is none. */
  get threadId(): number | undefined {
    return this.#worker?.threadId;
  }

  start(): void {
    this.#isWanted = true;
    if (this.#worker !== undefined) return;
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: this.#plate.shared, env: {} });
    this.#worker = worker;
    worker.on('message', (answer: Answer) => this.#onAnswer(worker, answer));
    worker.on('error', (error) => this.#onFault(worker, explain(error)));
    worker.on('exit', (status) => this.#onFault(worker, `it ended with ${status}`));
    this.#expect(worker, START_MS_MAX);
  }

  /** Ends the thread; resolves when its memory is gone. Nothing is told afterwards. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    this.#forget();
    await worker?.terminate();
    this.#plate.clear();
  }

  /** frame: the camera's slot, whose brightness comes first. Copies it if the thread is free; keeps nothing of it if not. */
  offer(frame: Uint8Array): void {
    const worker = this.#worker;
    if (worker === undefined || !this.#isFree) {
      this.skippedCount += 1;
      return;
    }
    this.#isFree = false;
    this.#plate.luma.set(frame.subarray(0, this.#plate.luma.length));
    this.#lookBeganAtUs = this.#clock.monotonicUs();
    this.#expect(worker, LOOK_MS_MAX);
    worker.postMessage(Request.look);
  }

  /** Mean and longest look since the last call, from the copy on the plate until its answer, ms; undefined: none. */
  takeLookMs(): { readonly mean: number; readonly max: number } | undefined {
    if (this.#looksTaken === 0) return undefined;
    const result = {
      mean: this.#lookUsSum / this.#looksTaken / US_PER_MS,
      max: this.#lookUsMax / US_PER_MS,
    };
    this.#looksTaken = 0;
    this.#lookUsSum = 0;
    this.#lookUsMax = 0;
    return result;
  }

  #expect(worker: Worker, ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#onFault(worker, `no answer for ${ms} ms`), ms);
  }

  #onAnswer(worker: Worker, answer: Answer): void {
    if (worker !== this.#worker) return;
    clearTimeout(this.#deadline);
    this.#isFree = true;
    if (answer === Answer.ready) return;
    this.#failuresInRow = 0;
    this.#noteLook();
    if (answer === Answer.text) this.#events.onText(this.#plate.takeText());
    if (answer === Answer.unreadable) this.#events.onUnreadable();
  }

  #noteLook(): void {
    const us = this.#clock.monotonicUs() - this.#lookBeganAtUs;
    this.looksCount += 1;
    this.#looksTaken += 1;
    this.#lookUsSum += us;
    this.#lookUsMax = Math.max(this.#lookUsMax, us);
  }

  /** May be called for one failure several times (error, exit); and once more when we end it ourselves. */
  #onFault(worker: Worker, why: string): void {
    if (worker !== this.#worker) return;
    this.#forget();
    this.#failuresInRow += 1;
    void worker.terminate().then(() => {
      // Not before the thread is gone: it may be in the middle of the picture.
      this.#plate.clear();
      if (this.#isWanted) this.#restart = setTimeout(() => this.start(), RESTART_PAUSE_MS);
    });
    this.#events.onFault(why, this.#failuresInRow);
  }

  #forget(): void {
    clearTimeout(this.#deadline);
    this.#worker = undefined;
    this.#isFree = false;
  }
}
