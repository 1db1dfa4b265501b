/**
 * A link and a listener without a network. The link keeps what was published, goes down and up by hand, fails when told to.
 * It behaves as the real one does with a good broker behind it: retained payloads, a last will, nothing is queued.
 */
import { LinkError } from '../../runtime/errors.ts';
import type { Link, LinkEvents, PublishOptions, Will } from '../../runtime/ports/link.ts';
import type { Listener, ListenerEvents } from '../../runtime/ports/listener.ts';

export type Published = { readonly topic: string; readonly payload: string } & PublishOptions;

export class MemoryLink implements Link {
  readonly name = 'memory';
  up = false;
  /** What the broker received, oldest first; a last will as well. */
  readonly published: Published[] = [];
  /** Topic → payload, as a new subscriber would find it. */
  readonly retained = new Map<string, string>();
  /** While true, messages arrive but no acknowledgement comes back, until `down` rejects or `acknowledge` resolves them. */
  holdAcknowledgements = false;
  #waiting: { readonly resolve: () => void; readonly reject: (error: LinkError) => void }[] = [];
  #failures: string[] = [];
  #brokerIsUp: boolean;
  #will: Will | undefined;
  #events: LinkEvents | undefined;

  constructor(brokerIsUp = true) {
    this.#brokerIsUp = brokerIsUp;
  }

  start(will: Will, events: LinkEvents): void {
    this.#will = will;
    this.#events = events;
    queueMicrotask(() => {
      if (this.#events === undefined) return;
      if (this.#brokerIsUp) this.goUp();
      else events.onDown('The broker in memory is away. Call goUp().');
    });
  }

  publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    if (!this.up) return Promise.reject(notConnected(topic));
    const failure = this.#failures.shift();
    if (failure !== undefined) {
      return Promise.reject(new LinkError('LINK_TEST', failure, { op: `publish ${topic}` }));
    }
    this.#receive({ topic, payload, ...options });
    if (!this.holdAcknowledgements || options.qos === 0) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  stop(): Promise<void> {
    this.up = false;
    this.#events = undefined;
    this.#rejectWaiting();
    return Promise.resolve();
  }

  /** The next publication is refused with this sentence and does not arrive; call again for more. */
  failNext(sentence: string): void {
    this.#failures.push(sentence);
  }

  /** Acknowledges what was held back. */
  acknowledge(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The connection breaks: the broker publishes the last will. */
  goDown(reason = 'The broker in memory went away. Call goUp().'): void {
    this.#brokerIsUp = false;
    if (!this.up) return;
    this.up = false;
    if (this.#will !== undefined) this.#receive({ ...this.#will, retain: true, qos: 1 });
    this.#rejectWaiting();
    this.#events?.onDown(reason);
  }

  goUp(): void {
    this.#brokerIsUp = true;
    if (this.up || this.#events === undefined) return;
    this.up = true;
    this.#events.onUp();
  }

  #receive(message: Published): void {
    this.published.push(message);
    if (message.retain) this.retained.set(message.topic, message.payload);
  }

  #rejectWaiting(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(notConnected('what was not acknowledged'));
  }
}

/** A listener whose broker is a map: the test says what others publish. */
export class MemoryListener implements Listener {
  readonly name = 'memory';
  up = false;
  /** What the listener itself published, oldest first. */
  readonly published: Published[] = [];
  /** Topic → payload, as a new subscriber would find it. */
  readonly retained = new Map<string, string>();
  #brokerIsUp: boolean;
  #topics: readonly string[] = [];
  #events: ListenerEvents | undefined;

  constructor(brokerIsUp = true) {
    this.#brokerIsUp = brokerIsUp;
  }

  start(topics: readonly string[], events: ListenerEvents): void {
    this.#topics = topics;
    this.#events = events;
    queueMicrotask(() => {
      if (this.#brokerIsUp) this.goUp();
      else this.#events?.onDown('The broker in memory is away. Call goUp().');
    });
  }

  publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    if (!this.up) return Promise.reject(notConnected(topic));
    this.published.push({ topic, payload, ...options });
    this.say(topic, payload, options.retain);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.up = false;
    this.#events = undefined;
    return Promise.resolve();
  }

  /** Somebody publishes; nothing arrives anywhere while the broker is away. */
  say(topic: string, payload: string, retain = true): void {
    if (!this.#brokerIsUp) return;
    if (retain) this.retained.set(topic, payload);
    if (this.up && this.#topics.includes(topic)) this.#events?.onMessage(topic, payload, false);
  }

  goDown(reason = 'The broker in memory went away. Call goUp().'): void {
    this.#brokerIsUp = false;
    if (!this.up) return;
    this.up = false;
    this.#events?.onDown(reason);
  }

  goUp(): void {
    this.#brokerIsUp = true;
    if (this.up || this.#events === undefined) return;
    this.up = true;
    this.#events.onUp();
    for (const topic of this.#topics) {
      const payload = this.retained.get(topic);
      if (payload !== undefined) this.#events.onMessage(topic, payload, true);
    }
  }
}

function notConnected(topic: string): LinkError {
  return new LinkError('LINK_DOWN', `${topic} was not published: not connected to the broker.`, { op: 'publish' });
}
