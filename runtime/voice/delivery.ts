/**
 * Delivery: what goes to the broker, when, and when it may be forgotten.
 * Two kinds. *Latest* facts (status, totals, health …) have one place each: a newer one overwrites an older one that was
 * not sent, and all retained ones are sent again after every reconnect, since a broker may have lost them. *Intervals*
 * and their receipts are a queue in the ledger: one in flight at a time, so that they arrive in order, and each leaves the queue only when
 * the broker has acknowledged it.
 * Memory: one string per latest fact; nothing else is queued here.
 */
import type { Link } from '../ports/link.ts';
import { MS_PER_S } from '../units.ts';
import type { Ledger, PendingRecord } from './ledger/ledger.ts';

/** A backlog is sent at this rate at most, so that a gateway that comes back is not buried by all its counters at once. */
export const INTERVALS_PER_SECOND_MAX = 100;

export type DeliveryOptions = {
  readonly link: Link;
  readonly ledger: Ledger;
  readonly intervalS: number;
  readonly topicOf: (record: PendingRecord) => string;
  readonly payloadOf: (record: PendingRecord, historical: boolean) => string;
  readonly wallMs: () => number;
  /** A publication failed although the link was up; one sentence. */
  readonly onFailure: (sentence: string) => void;
};

type Latest = { payload: string; readonly retain: boolean; sent: string | undefined; busy: boolean };

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #latest = new Map<string, Latest>();
  #intervalBusy = false;
  #intervalsLeft = INTERVALS_PER_SECOND_MAX;
  #stopped = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Sets a latest fact; it goes out now if the link is up, or after the next reconnect (if retained) or tick. */
  set(topic: string, payload: string, retain: boolean): void {
    const latest = this.#latest.get(topic);
    if (latest === undefined) {
      this.#latest.set(topic, { payload, retain, sent: undefined, busy: false });
    } else {
      latest.payload = payload;
    }
    this.#sendLatest(topic);
  }

  /** The link came up: everything retained again, then the intervals. */
  connected(): void {
    for (const [topic, latest] of this.#latest) {
      if (latest.retain) latest.sent = undefined;
      this.#sendLatest(topic);
    }
    this.pump();
  }

  /** Call once a second: tries again what failed and allows the next lot of intervals. */
  tick(): void {
    this.#intervalsLeft = INTERVALS_PER_SECOND_MAX;
    for (const topic of this.#latest.keys()) this.#sendLatest(topic);
    this.pump();
  }

  /**
   * Sends the oldest interval that waits, if none is on its way. A receipt goes only when it is on disk: if a crash could
   * take it back, its number would be given again, and the chain would have two ends.
   */
  pump(): void {
    const { link, ledger, intervalS, topicOf, payloadOf, wallMs } = this.#options;
    const record = ledger.state.pending.find(({ kind, seq }) => kind !== 'receipt' || seq <= ledger.savedSeq);
    if (this.#stopped || this.#intervalBusy || !link.up || record === undefined || this.#intervalsLeft === 0) return;
    this.#intervalBusy = true;
    this.#intervalsLeft -= 1;
    const historical = wallMs() - record.toMs > intervalS * MS_PER_S;
    link.publish(topicOf(record), payloadOf(record, historical), { retain: false, qos: 1 }).then(
      () => {
        ledger.acknowledge(record.seq);
        this.#intervalBusy = false;
        this.pump();
      },
      (error: Error) => {
        this.#intervalBusy = false;
        this.#failed(error);
      },
    );
  }

  /** Sends one last fact and waits for it; nothing else is sent from here on. */
  async last(topic: string, payload: string): Promise<void> {
    this.#stopped = true;
    if (!this.#options.link.up) return;
    await this.#options.link.publish(topic, payload, { retain: true, qos: 1 }).catch((error: Error) => {
      this.#failed(error);
    });
  }

  #sendLatest(topic: string): void {
    const latest = this.#latest.get(topic);
    if (this.#stopped || latest === undefined || latest.busy || !this.#options.link.up) return;
    const { payload, retain } = latest;
    if (payload === latest.sent) return;
    latest.busy = true;
    this.#options.link.publish(topic, payload, { retain, qos: 1 }).then(
      () => {
        latest.busy = false;
        latest.sent = payload;
        if (latest.payload !== payload) this.#sendLatest(topic);
      },
      (error: Error) => {
        latest.busy = false;
        this.#failed(error);
      },
    );
  }

  /** A link that went down says so itself; only what fails on a standing link is told, and tried again by `tick`. */
  #failed(error: Error): void {
    if (this.#options.link.up) this.#options.onFailure(error.message);
  }
}
