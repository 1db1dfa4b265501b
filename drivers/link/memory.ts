/**
 * A link without a network. It keeps what was published, goes down and up by hand, fails when told to, and hears what the
 * test says in the name of others. It behaves as the real one does with a good broker behind it: retained payloads, a last
 * will, a session that is kept when asked for, nothing queued on our side.
 */
import { LinkError } from '../../runtime/errors.ts';
import {
  type Link,
  type LinkEvents,
  type LinkMessage,
  type LinkPurpose,
  MESSAGE_BYTES_MAX,
  type PublishOptions,
} from '../../runtime/ports/link.ts';

export type Published = { readonly topic: string; readonly payload: string } & PublishOptions;

type Waiting = { readonly resolve: () => void; readonly reject: (error: LinkError) => void };

export class MemoryLink implements Link {
  readonly name = 'memory';
  up = false;
  /** What the broker received from this link, oldest first; a last will as well. */
  readonly published: Published[] = [];
  /** Topic → payload, as a new subscriber would find it. */
  readonly retained = new Map<string, string>();
  /** While true, messages arrive but no acknowledgement comes back, until `down` rejects or `acknowledge` resolves them. */
  holdAcknowledgements = false;
  /** The broker lets this link read nothing below these filters. */
  refusedFilters: readonly string[] = [];
  #waiting: Waiting[] = [];
  #failures: string[] = [];
  #brokerIsUp: boolean;
  #purpose: LinkPurpose = {};
  #events: LinkEvents | undefined;
  /** The broker knows our session, because we were there once. */
  #hasSession = false;
  /** Told to us, and kept by the broker until we acknowledge it, oldest first. */
  #unacknowledged: { readonly message: LinkMessage; isHandled: boolean }[] = [];
  /** Said while we were away, and kept by the broker for us. */
  #kept: LinkMessage[] = [];

  constructor(brokerIsUp = true) {
    this.#brokerIsUp = brokerIsUp;
  }

  start(purpose: LinkPurpose, events: LinkEvents): void {
    this.#purpose = purpose;
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
    this.published.push({ topic, payload, ...options });
    this.#receive(topic, payload, options);
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

  /** Somebody else publishes (qos 1); nothing arrives anywhere while the broker is away. */
  say(topic: string, payload: string, retain = true, correlationData?: Uint8Array): void {
    if (this.#brokerIsUp) {
      this.#receive(topic, payload, { retain, qos: 1, ...(correlationData && { correlationData }) });
    }
  }

  /** The connection breaks: the broker publishes the last will. */
  goDown(reason = 'The broker in memory went away. Call goUp().'): void {
    this.#brokerIsUp = false;
    this.#breakConnection(reason);
  }

  /** The connection breaks and the broker stays: what is said from here on is kept for us, if we asked for that. */
  cut(reason = 'The cable to the broker in memory is cut. Call goUp().'): void {
    this.#breakConnection(reason);
  }

  goUp(): void {
    this.#brokerIsUp = true;
    if (this.up || this.#events === undefined) return;
    const { topics = [], refused = 'down' } = this.#purpose;
    this.#hasSession = true;
    const refusedTopic = topics.find((topic) => this.refusedFilters.includes(topic));
    if (refusedTopic !== undefined) {
      const sentence = `The broker in memory does not let this user read ${refusedTopic}. Change refusedFilters.`;
      if (refused === 'down') {
        this.#events.onDown(sentence);
        return;
      }
      this.#events.onNotice?.(sentence);
    }
    this.up = true;
    this.#events.onUp();
    // An acknowledgement that comes only now, for the connection before, is none.
    const again = this.#unacknowledged.splice(0).map(({ message }) => message);
    for (const message of [...(this.#keepsSession ? again : []), ...this.#kept.splice(0)]) this.#tell(message);
    for (const [topic, payload] of this.retained) {
      if (this.#isHeard(topic)) this.#tell({ topic, payload, retained: true });
    }
  }

  #breakConnection(reason: string): void {
    if (!this.up) return;
    this.up = false;
    const { will } = this.#purpose;
    if (will !== undefined) {
      this.published.push({ ...will, retain: true, qos: 1 });
      this.retained.set(will.topic, will.payload);
    }
    this.#rejectWaiting();
    this.#events?.onDown(reason);
  }

  #receive(topic: string, payload: string, { retain, correlationData }: PublishOptions): void {
    if (retain && payload === '') this.retained.delete(topic);
    else if (retain) this.retained.set(topic, payload);
    if (!this.#isHeard(topic)) return;
    const message = { topic, payload, retained: false, ...(correlationData && { correlationData }) };
    if (this.up) this.#tell(message);
    else if (this.#hasSession && this.#keepsSession) this.#kept.push(message);
  }

  get #keepsSession(): boolean {
    return (this.#purpose.sessionExpiryS ?? 0) > 0;
  }

  #isHeard(topic: string): boolean {
    return (this.#purpose.topics ?? []).some(
      (filter) => !this.refusedFilters.includes(filter) && fitsFilter(topic, filter),
    );
  }

  #tell(message: LinkMessage): void {
    if (Buffer.byteLength(message.payload) > MESSAGE_BYTES_MAX) {
      this.#events?.onNotice?.(`A message under ${message.topic} was dropped: too large.`);
      return;
    }
    const handled = this.#events?.onMessage?.(message);
    if (!(handled instanceof Promise)) return;
    this.#unacknowledged.push({ message, isHandled: false });
    const place = this.#unacknowledged.at(-1)!;
    handled.then(
      () => {
        place.isHandled = true;
        // In the order of arrival, as MQTT asks for.
        while (this.#unacknowledged[0]?.isHandled) this.#unacknowledged.shift();
      },
      (error: Error) => this.#events?.onNotice?.(`A message could not be handled: ${error.message}`),
    );
  }

  #rejectWaiting(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(notConnected('what was not acknowledged'));
  }
}

/** Does a topic fit a filter with + and # (MQTT 5, 4.7.1)? */
export function fitsFilter(topic: string, filter: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [index, want] of wanted.entries()) {
    if (want === '#') return true;
    const level = levels[index];
    if (level === undefined || (want !== '+' && want !== level)) return false;
  }
  return wanted.length === levels.length;
}

function notConnected(topic: string): LinkError {
  return new LinkError('LINK_DOWN', `${topic} was not published: not connected to the broker.`, { op: 'publish' });
}
