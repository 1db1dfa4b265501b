/**
 * Sinks: closed intervals that flow on to a file or a database. What is still to be sent is not kept in memory: a cursor says
 * how far each sink is in the numbers of publications, and the rest stands in the database for minute_days. After a crash
 * some lines may come twice; both formats say which point or row they are, so nothing is counted twice.
 */
import type { Database } from '../ports/database.ts';
import type { Sink } from '../ports/sink.ts';
import { type ExportRow, rowsAfter } from './export/rows.ts';

/** Some 100 kB. */
const ROWS_PER_LOT = 500;
const PAUSE_MIN_MS = 1000;
const PAUSE_MAX_MS = 300_000;

export type SinkPlan = {
  readonly sink: Sink;
  /** Sent before the first line of each start; empty: nothing. */
  readonly head: string;
  readonly lineOf: (row: ExportRow) => string;
};

export type SinksOptions = {
  readonly database: Database;
  readonly intervalS: number;
  readonly onFailure: (sentence: string) => void;
};

export class Sinks {
  readonly #flows: Flow[];

  constructor(plans: readonly SinkPlan[], options: SinksOptions) {
    this.#flows = plans.map((plan) => new Flow(plan, options));
  }

  /** Something new may be in the database. */
  pump(): void {
    for (const flow of this.#flows) flow.pump();
  }

  /** Nothing is read or written from here on; what is on its way comes again after the next start. */
  stop(): void {
    for (const flow of this.#flows) flow.stop();
  }
}

class Flow {
  readonly #plan: SinkPlan;
  readonly #options: SinksOptions;
  #cursor: number;
  #isHeadSent: boolean;
  #isBusy = false;
  #isStopped = false;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(plan: SinkPlan, options: SinksOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#isHeadSent = plan.head === '';
    const { database } = options;
    this.#cursor = database.all<{ seq: number }>('SELECT seq FROM sink WHERE name = ?', [plan.sink.name])[0]?.seq ?? 0;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  pump(): void {
    if (this.#isBusy || this.#isStopped || this.#retry !== undefined) return;
    const { database, intervalS } = this.#options;
    const { rows, seq } = rowsAfter(database, this.#cursor, ROWS_PER_LOT, intervalS);
    if (rows.length === 0) return;
    this.#isBusy = true;
    const { sink, head, lineOf } = this.#plan;
    const lines = (this.#isHeadSent ? '' : head) + rows.map(lineOf).join('');
    sink.send(lines).then(
      () => this.#sent(seq),
      (error: Error) => this.#failed(error),
    );
  }

  #sent(seq: number): void {
    this.#isBusy = false;
    if (this.#isStopped) return;
    this.#failures = 0;
    this.#isHeadSent = true;
    this.#cursor = seq;
    try {
      this.#options.database.transaction(() =>
        this.#options.database.run('INSERT INTO sink VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq', [
          this.#plan.sink.name,
          seq,
        ]),
      );
    } catch {
      // The gateway itself says that its database cannot be written; the lines come again after a restart.
    }
    this.pump();
  }

  #failed(error: Error): void {
    this.#isBusy = false;
    if (this.#isStopped) return;
    if (this.#failures === 0) this.#options.onFailure(error.message);
    this.#failures += 1;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.pump();
      },
      Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** (this.#failures - 1)),
    );
    this.#retry.unref();
  }
}
