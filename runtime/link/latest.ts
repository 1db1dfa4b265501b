/**
 * Latest facts (status, totals, health …): one place each, so that a newer one overwrites an older one that was not sent.
 * Retained ones are sent again on each connection, since a broker may have lost them. Used by voice and gateway alike.
 * Memory: two strings a topic.
 */
import type { Link } from '../ports/link.ts';

type Fact = { payload: string; readonly retain: boolean; sent: string | undefined; isBusy: boolean };

export class LatestFacts {
  readonly #link: Link;
  readonly #onFailure: (sentence: string) => void;
  readonly #facts = new Map<string, Fact>();
  #isOver = false;
  /** Facts that the broker has acknowledged since the beginning. */
  acknowledgedCount = 0;

  /** onFailure: one sentence, for what fails on a standing link; a link that goes down says so itself. */
  constructor(link: Link, onFailure: (sentence: string) => void) {
    this.#link = link;
    this.#onFailure = onFailure;
  }

  /** It goes out now if the link is up, or after the next reconnect (if retained) or tick. */
  set(topic: string, payload: string, retain: boolean): void {
    const fact = this.#facts.get(topic);
    if (fact === undefined) this.#facts.set(topic, { payload, retain, sent: undefined, isBusy: false });
    else fact.payload = payload;
    this.#send(topic);
  }

  /** The link came up. */
  connected(): void {
    for (const [topic, fact] of this.#facts) {
      if (fact.retain) fact.sent = undefined;
      this.#send(topic);
    }
  }

  /** Call once a second: tries again what failed. */
  tick(): void {
    for (const topic of this.#facts.keys()) this.#send(topic);
  }

  /** Sends one last fact, retained, and waits for it; nothing else is sent from here on. */
  async last(topic: string, payload: string): Promise<void> {
    this.#isOver = true;
    if (!this.#link.up) return;
    await this.#link.publish(topic, payload, { retain: true, qos: 1 }).catch((error: Error) => this.#failed(error));
  }

  #send(topic: string): void {
    const fact = this.#facts.get(topic);
    if (this.#isOver || fact === undefined || fact.isBusy || !this.#link.up || fact.payload === fact.sent) return;
    const { payload, retain } = fact;
    fact.isBusy = true;
    this.#link.publish(topic, payload, { retain, qos: 1 }).then(
      () => {
        fact.isBusy = false;
        fact.sent = payload;
        this.acknowledgedCount += 1;
        if (fact.payload !== payload) this.#send(topic);
      },
      (error: Error) => {
        fact.isBusy = false;
        this.#failed(error);
      },
    );
  }

  #failed(error: Error): void {
    if (this.#link.up) this.#onFailure(error.message);
  }
}
