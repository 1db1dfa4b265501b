/**
 * Delivery: what goes to the broker, when, and when it may be forgotten.
 * Two kinds. *Latest* facts (status, totals, health …) have one place each: a newer one overwrites an older one that was
 * not sent, and all retained ones are sent again after every reconnect, since a broker may have lost them. *Records*
 * (intervals and their receipts) are a queue in the ledger: one in flight at a time, so that they arrive in order, and the
 * ledger's mark moves only when the broker has acknowledged. None leaves before it is on disk (ledger.ts).
 * Behind the queue, when nothing waits, goes what somebody asked for again (`resend`).
 * Memory: one string per latest fact, one page of records, RESENDS_MAX requests.
 */
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

type Latest = { payload: string; readonly retain: boolean; sent: string | undefined; busy: boolean };
type Resend = { readonly epochId: string; fromSeq: number; readonly toSeq: number };

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #latest = new Map<string, Latest>();
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

  /** The link came up: everything retained again, then the records. */
  connected(): void {
    for (const [topic, latest] of this.#latest) {
      if (latest.retain) latest.sent = undefined;
      this.#sendLatest(topic);
    }
    this.pump();
  }

  /** Call once a second: tries again what failed and allows the next lot of records. */
  tick(): void {
    this.#recordsLeft = INTERVALS_PER_SECOND_MAX;
    for (const topic of this.#latest.keys()) this.#sendLatest(topic);
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
  async last(topic: string, payload: string): Promise<void> {
    this.#stopped = true;
    if (!this.#options.link.up) return;
    await this.#options.link.publish(topic, payload, { retain: true, qos: 1 }).catch((error: Error) => {
      this.#failed(error);
    });
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
