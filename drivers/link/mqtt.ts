/**
 * Link to an MQTT broker. This file owns the dependency `mqtt`.
 * One client for life: a new one per reconnect would collect listeners and timers. It is never allowed to queue or to
 * replay: `reconnect()` starts with an empty store, and what was in flight is rejected when the connection closes, so
 * only the ledger decides what is sent again.
 *
 * MQTT 5 first (its reason codes tell a wrong password from a forbidden user); a broker that does not speak it gets
 * 3.1.1 from then on. Reconnects are made here and not by the client: it knows one fixed period only, and a shop full
 * of counters must not come back in the same second.
 */
import { readFileSync } from 'node:fs';
import { connect, type MqttClient } from 'mqtt';
import { LinkError } from '../../runtime/errors.ts';
import type { Link, LinkEvents, LinkPurpose, PublishOptions } from '../../runtime/ports/link.ts';
import { retryDelayMs } from './backoff.ts';
import { Inbox, RECEIVE_MAXIMUM } from './inbox.ts';
import { isWrongVersion, notReadable, reasonFor } from './reasons.ts';

export type MqttLinkOptions = {
  /** mqtt://, mqtts://, ws:// or wss://, without user and password. */
  readonly url: string;
  /** One per device: the broker ends an older connection of the same name. */
  readonly clientId: string;
  /** Empty: none. */
  readonly username: string;
  /** File with the password, read before each attempt, so that it can be changed without a restart. Empty: none. */
  readonly passwordFile: string;
  /** PEM file of the authority; empty: the system's. */
  readonly caFile: string;
  readonly keepaliveS: number;
  /** For tests: all in ms. */
  readonly timing?: Partial<LinkTiming>;
};

export type LinkTiming = {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  readonly connectTimeoutMs: number;
  readonly acknowledgeTimeoutMs: number;
  /** A connection that stood this long was a good one: the next back-off begins anew. */
  readonly lastedMs: number;
};

const TIMING: LinkTiming = {
  retryMinMs: 1000,
  retryMaxMs: 30_000,
  connectTimeoutMs: 10_000,
  acknowledgeTimeoutMs: 10_000,
  lastedMs: 10_000,
};

/** Reason codes of SUBACK from here on are refusals (MQTT 5, 3.9.3; 3.1.1, 3.9.3). */
const SUBSCRIPTION_REFUSED = 128;

/** A broker that takes longer than this to see us off is left without a good-bye. */
const GOODBYE_MS = 400;

export class MqttLink implements Link {
  readonly name = 'mqtt';
  up = false;
  readonly #options: MqttLinkOptions;
  readonly #timing: LinkTiming;
  #client: MqttClient | undefined;
  #inbox: Inbox | undefined;
  #events: LinkEvents | undefined;
  #purpose: LinkPurpose = {};
  #retryTimer: NodeJS.Timeout | undefined;
  /** Attempts in a row that failed or led to a connection that did not last. */
  #failureCount = 0;
  #lastedTimer: NodeJS.Timeout | undefined;
  /** What the client said last; undefined after a connection that just ended. */
  #lastError: unknown;
  /** Told to onDown since the last connection; '' if nothing was. */
  #toldReason = '';
  #toldNotice = '';
  #stopped = false;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
  }

  start(purpose: LinkPurpose, events: LinkEvents): void {
    this.#purpose = purpose;
    this.#events = events;
    const { will, sessionExpiryS = 0 } = purpose;
    const { url, clientId, username, keepaliveS } = this.#options;
    const client = connect(url, {
      manualConnect: true,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      timerVariant: 'native',
      protocolVersion: 5,
      clean: sessionExpiryS === 0,
      properties: {
        receiveMaximum: RECEIVE_MAXIMUM,
        ...(sessionExpiryS > 0 && { sessionExpiryInterval: sessionExpiryS }),
      },
      clientId,
      ...(username === '' ? {} : { username }),
      keepalive: keepaliveS,
      connectTimeout: this.#timing.connectTimeoutMs,
      ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
    });
    client.on('connect', () => this.#connected());
    client.on('error', (error) => {
      this.#lastError = error;
    });
    client.on('disconnect', (packet) => {
      this.#lastError = { code: packet.reasonCode };
    });
    client.on('close', () => this.#closed());
    this.#inbox = new Inbox(client, events, sessionExpiryS > 0);
    this.#client = client;
    this.#connect();
  }

  publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    const client = this.#client;
    const op = `publish ${topic}`;
    if (!this.up || client === undefined) {
      return Promise.reject(
        new LinkError('LINK_DOWN', `${topic} was not published: not connected to ${this.#options.url}.`, { op }),
      );
    }
    return new Promise((resolve, reject) => {
      const timeoutMs = this.#timing.acknowledgeTimeoutMs;
      const timer = setTimeout(() => {
        client.removeOutgoingMessage(messageId);
        reject(
          new LinkError(
            'LINK_TIMEOUT',
            `${topic} was not acknowledged within ${timeoutMs} ms by ${this.#options.url}. It is sent again; check the network.`,
            { op },
          ),
        );
      }, timeoutMs);
      const { qos, retain, correlationData } = options;
      const properties = correlationData && { correlationData: Buffer.from(correlationData) };
      client.publish(topic, payload, { qos, retain, ...(properties && { properties }) }, (cause) => {
        clearTimeout(timer);
        if (!cause) resolve();
        else reject(new LinkError('LINK_REFUSED', refusal(topic, cause), { op, cause }));
      });
      const messageId = client.getLastMessageId();
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#lastedTimer);
    const client = this.#client;
    const wasUp = this.up;
    this.up = false;
    if (client === undefined || client.stream === undefined) return;
    rejectOutgoing(client);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => client.end(true, () => resolve()), GOODBYE_MS);
      client.end(!wasUp, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    client.stream.destroy(); // also after a good-bye that nobody answered
  }

  #connect(): void {
    const client = this.#client;
    if (client === undefined || this.#stopped) return;
    const { passwordFile, caFile } = this.#options;
    this.#lastError = undefined;
    try {
      // A file made with an editor ends in a newline, which is no part of the password.
      if (passwordFile !== '')
        client.options.password = readSecret('mqtt.password_file', passwordFile).replace(/\r?\n$/, '');
      if (caFile !== '') client.options.ca = readSecret('mqtt.ca_file', caFile);
      client.reconnect();
    } catch (error) {
      this.#down(error instanceof LinkError ? error.message : reasonFor(error, this.#options.url));
    }
  }

  #connected(): void {
    if (this.#stopped) return;
    this.#lastedTimer = setTimeout(() => {
      this.#failureCount = 0;
    }, this.#timing.lastedMs);
    this.#toldReason = '';
    this.#lastError = undefined;
    const { topics = [] } = this.#purpose;
    if (topics.length === 0) this.#arrived();
    else this.#subscribe(topics);
  }

  #arrived(): void {
    if (this.up) return;
    this.up = true;
    this.#events?.onUp();
  }

  /** A refusal is no reason to hang up; it is asked again now and then, as only the broker's administrator can change it. */
  #subscribe(topics: readonly string[]): void {
    const client = this.#client;
    if (client === undefined) return;
    client.subscribe([...topics], { qos: 1 }, (error, granted) => {
      if (this.#stopped || !client.connected) return;
      const refused = granted?.filter(({ qos }) => qos >= SUBSCRIPTION_REFUSED).map(({ topic }) => topic) ?? [];
      if (!error && refused.length === 0) return this.#arrived();
      const refusedTopics = refused.length === 0 ? topics : refused;
      const sentence = notReadable(refusedTopics.join(', '), this.#options.url);
      if (this.#purpose.refused === 'tell') {
        this.#notice(sentence);
        this.#arrived();
      } else {
        this.#tell(sentence);
      }
      this.#retryTimer = setTimeout(() => this.#subscribe(refusedTopics), this.#timing.retryMaxMs);
    });
  }

  #closed(): void {
    const client = this.#client;
    if (client === undefined || this.#stopped) return;
    this.up = false;
    clearTimeout(this.#lastedTimer);
    clearTimeout(this.#retryTimer);
    this.#inbox?.connectionEnded();
    rejectOutgoing(client);
    if (isWrongVersion(this.#lastError) && client.options.protocolVersion === 5) {
      client.options.protocolVersion = 4;
      // Not at once: the client is still inside its own close handler.
      this.#retryTimer = setTimeout(() => this.#connect(), 0);
      return;
    }
    this.#down(reasonFor(this.#lastError, this.#options.url));
  }

  /** Tells a reason that is news, and tries again later. */
  #down(reason: string): void {
    const delayMs = retryDelayMs(this.#failureCount, this.#timing);
    this.#failureCount += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
    this.#tell(reason);
  }

  #tell(reason: string): void {
    if (reason === this.#toldReason) return;
    this.#toldReason = reason;
    this.#events?.onDown(reason);
  }

  /** Until another sentence, or another connection that stood, the same one is not said again. */
  #notice(sentence: string): void {
    if (sentence === this.#toldNotice) return;
    this.#toldNotice = sentence;
    this.#events?.onNotice?.(sentence);
  }
}

/** What is in flight fails now; without this the client would keep it and wait for it at the end. */
function rejectOutgoing(client: MqttClient): void {
  for (const messageId of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(messageId));
}

function refusal(topic: string, cause: Error): string {
  const code = (cause as { code?: unknown }).code;
  return code === 135
    ? `${topic} was refused by the broker (not authorized). Allow this user to write below lethe/ in the broker.`
    : `${topic} was not published (${cause.message}). It is sent again.`;
}

/** Throws LinkError; its text names the field and the file, never what is in it. */
function readSecret(field: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new LinkError(
      'LINK_FILE',
      `${field} is ${path}, which cannot be read (${code}). Correct the path, or let the user of the voice read it.`,
      { op: `read ${field}`, cause },
    );
  }
}
