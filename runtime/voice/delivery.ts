/**
 * Delivery: what goes to the broker, when, and when it may be forgotten.
 * Two kinds. *Latest* facts (status, totals, health …) have one place each (link/latest.ts). *Records*
 * (intervals and their receipts) are a queue in the ledger: one in flight at a time, so that they arrive in order, and the
 * ledger's mark moves only when the broker has acknowledged. None leaves before it is on disk (ledger.ts).
 * Behind the queue, when nothing waits, goes what somebody asked for again (`resend`).
 * Memory: one string per latest fact, one page of records, RESENDS_MAX requests.
 */
import { LatestFacts } from '../link/latest.ts';
import type { Link } from '../ports/link.ts';
import { MS_PER_S } from '../units.ts';
import type { Ledger, LedgerRecord } from './ledger/ledger.ts';

/** A backlog is sent at this rate at most, so that a gateway that comes back is not buried by all its counters at once. */
export const INTERVALS_PER_SECOND_MAX = 100;
/** Requests to send again that may wait. */
export const RESENDS_MAX = 16;

export type DeliveryOptions = {
  readonly link: Link;
  readonly ledger: Ledger;
  readonly intervalS: number;
  readonly topicOf: (record: LedgerRecord) => string;
  readonly payloadOf: (record: LedgerRecord, historical: boolean) => string;
  readonly wallMs: () => number;
  /** A publication failed although the link was up; one sentence. */
  readonly onFailure: (sentence: string) => void;
};

/** queued: it comes; none: nothing of it is kept; busy: too many requests wait. */
export type ResendAnswer = 'queued' | 'none' | 'busy';

type Resend = { readonly epochId: string; fromSeq: number; readonly toSeq: number };

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #latest: LatestFacts;
  /** A page of what waits in the ledger, oldest first. */
  #waiting: LedgerRecord[] = [];
  readonly #resends: Resend[] = [];
  /** A page of the first of them. */
  #again: LedgerRecord[] = [];
  #recordBusy = false;
  #recordsLeft = INTERVALS_PER_SECOND_MAX;
  #stopped = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#latest = new LatestFacts(options.link, options.onFailure);
  }

  /** Sets a latest fact. */
  set(topic: string, payload: string, retain: boolean): void {
    this.#latest.set(topic, payload, retain);
  }

  /** Whether the broker has acknowledged anything since the start. */
  get hasAcknowledged(): boolean {
    return this.#latest.acknowledgedCount > 0;
  }

  /** The link came up: everything retained again, then the records. */
  connected(): void {
    this.#latest.connected();
    this.pump();
  }

  /** Call once a second: tries again what failed and allows the next lot of records. */
  tick(): void {
    this.#recordsLeft = INTERVALS_PER_SECOND_MAX;
    this.#latest.tick();
    this.pump();
  }

  /**
   * Sends kept records once more: those of that epoch from fromSeq to toSeq, both included, with the same bytes as before
   * but for `historical`, which is true.
   */
  resend(epochId: string, fromSeq: number, toSeq: number): ResendAnswer {
    if (this.#resends.length >= RESENDS_MAX) return 'busy';
    if (this.#options.ledger.recordsBetween(epochId, fromSeq, toSeq).length === 0) return 'none';
    this.#resends.push({ epochId, fromSeq, toSeq });
    this.pump();
    return 'queued';
  }

  /** Sends the oldest record that waits and may be told, if none is on its way; without one, what is to be sent again. */
  pump(): void {
    const { link, ledger, intervalS, wallMs } = this.#options;
    if (this.#stopped || this.#recordBusy || !link.up || this.#recordsLeft === 0) return;
    const record = this.#nextWaiting();
    if (record !== undefined) {
      const historical = wallMs() - record.toMs > intervalS * MS_PER_S;
      this.#send(record, historical, () => ledger.acknowledge(record.seq));
      return;
    }
    const again = this.#nextAgain();
    if (again !== undefined) this.#send(again, true, () => this.#sentAgain(again.seq));
  }

  /** Sends one last fact and waits for it; nothing else is sent from here on. */
  last(topic: string, payload: string): Promise<void> {
    this.#stopped = true;
    return this.#latest.last(topic, payload);
  }

  #send(record: LedgerRecord, historical: boolean, onAcknowledged: () => void): void {
    const { link, topicOf, payloadOf } = this.#options;
    this.#recordBusy = true;
    this.#recordsLeft -= 1;
    link.publish(topicOf(record), payloadOf(record, historical), { retain: false, qos: 1 }).then(
      () => {
        onAcknowledged();
        this.#recordBusy = false;
        this.pump();
      },
      (error: Error) => {
        this.#recordBusy = false;
        this.#failed(error);
      },
    );
  }

  #nextWaiting(): LedgerRecord | undefined {
    const { ledger } = this.#options;
    const isDone = ({ seq }: LedgerRecord) => seq <= ledger.state.acknowledgedSeq;
    while (this.#waiting.length > 0 && isDone(this.#waiting[0]!)) this.#waiting.shift();
    if (this.#waiting.length === 0) this.#waiting = ledger.waiting();
    return this.#waiting[0];
  }

  #nextAgain(): LedgerRecord | undefined {
    while (this.#resends.length > 0 && this.#again.length === 0) {
      const { epochId, fromSeq, toSeq } = this.#resends[0]!;
      this.#again = this.#options.ledger.recordsBetween(epochId, fromSeq, toSeq);
      if (this.#again.length === 0) this.#resends.shift();
    }
    return this.#again[0];
  }

  #sentAgain(seq: number): void {
    this.#again.shift();
    this.#resends[0]!.fromSeq = seq + 1;
  }

  /** A link that went down says so itself; only what fails on a standing link is told, and tried again by `tick`. */
  #failed(error: Error): void {
    if (this.#options.link.up) this.#options.onFailure(error.message);
  }
}
