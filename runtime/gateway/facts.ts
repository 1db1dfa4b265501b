/**
 * Latest facts of the store (status, totals, occupancy …): one place each, so that a newer one overwrites an older one that
 * was not sent; all are retained and sent again on each connection, since a broker may have lost them.
 * Memory: two strings a topic.
 */
import type { Link } from '../ports/link.ts';

type Fact = { payload: string; sent: string | undefined; isBusy: boolean };

export class Facts {
  readonly #link: Link;
  readonly #onFailure: (sentence: string) => void;
  readonly #facts = new Map<string, Fact>();
  #stopped = false;

  /** onFailure: one sentence, for what fails on a standing link; it is tried again by `tick`. */
  constructor(link: Link, onFailure: (sentence: string) => void) {
    this.#link = link;
    this.#onFailure = onFailure;
  }

  set(topic: string, payload: string): void {
    const fact = this.#facts.get(topic);
    if (fact === undefined) this.#facts.set(topic, { payload, sent: undefined, isBusy: false });
    else fact.payload = payload;
    this.#send(topic);
  }

  connected(): void {
    for (const [topic, fact] of this.#facts) {
      fact.sent = undefined;
      this.#send(topic);
    }
  }

  tick(): void {
    for (const topic of this.#facts.keys()) this.#send(topic);
  }

  /** Sends one last fact and waits for it; nothing else is sent from here on. */
  async last(topic: string, payload: string): Promise<void> {
    this.#stopped = true;
    if (!this.#link.up) return;
    await this.#link.publish(topic, payload, { retain: true, qos: 1 }).catch(() => {});
  }

  #send(topic: string): void {
    const fact = this.#facts.get(topic);
    if (this.#stopped || fact === undefined || fact.isBusy || !this.#link.up || fact.payload === fact.sent) return;
    const { payload } = fact;
    fact.isBusy = true;
    this.#link.publish(topic, payload, { retain: true, qos: 1 }).then(
      () => {
        fact.isBusy = false;
        fact.sent = payload;
        if (fact.payload !== payload) this.#send(topic);
      },
      (error: Error) => {
        fact.isBusy = false;
        if (this.#link.up) this.#onFailure(error.message);
      },
    );
  }
}
