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
import type { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { connect, type MqttClient } from 'mqtt';
import { LinkError } from '../../runtime/errors.ts';
import type { Link, LinkEvents, LinkPurpose, PublishOptions } from '../../runtime/ports/link.ts';
import { retryDelayMs } from './backoff.ts';
import { Inbox, RECEIVE_MAXIMUM } from './inbox.ts';
import { isWrongVersion, notReadable, reasonFor } from './reasons.ts';
import { readSecrets, type SecretFiles } from './secrets.ts';

export type MqttLinkOptions = SecretFiles & {
  /** mqtt://, mqtts://, ws:// or wss://, without user and password. */
  readonly url: string;
  /** One per device: the broker ends an older connection of the same name. */
  readonly clientId: string;
  /** Empty: none. */
  readonly username?: string;
  /** Name that the broker's certificate must be for; empty: the host in the url. */
  readonly serverName?: string;
  /** auto: 5, and 3.1.1 from the moment a broker says that it does not speak 5. */
  readonly protocol?: 'auto' | 5 | '3.1.1';
  readonly keepaliveS: number;
  /** Nobody has set the clock of this device yet: a certificate that seems not valid may be. */
  readonly isClockUnset?: () => boolean;
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

/** Also what Node has; said here so that no option of the command line takes it back. */
const TLS_VERSION_MIN = 'TLSv1.2';

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
  /** What the client said first about this connection; undefined after one that just ended. */
  #lastError: unknown;
  /** The broker let us in on this connection. */
  #wasGreeted = false;
  #wasSecured = false;
  #certificateFault: string | undefined;
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
    const { url, clientId, username = '', protocol = 'auto', keepaliveS } = this.#options;
    const client = connect(url, {
      manualConnect: true,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      timerVariant: 'native',
      protocolVersion: protocol === '3.1.1' ? 4 : 5,
      clean: sessionExpiryS === 0,
      properties: {
        receiveMaximum: RECEIVE_MAXIMUM,
        ...(sessionExpiryS > 0 && { sessionExpiryInterval: sessionExpiryS }),
      },
      clientId,
      ...literalHost(url),
      ...(username === '' ? {} : { username }),
      keepalive: keepaliveS,
      connectTimeout: this.#timing.connectTimeoutMs,
      ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
    });
    client.on('connect', () => this.#connected());
    client.on('error', (error) => this.#noteError(error));
    client.on('disconnect', (packet) => this.#noteError({ code: packet.reasonCode }));
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
        reject(
          new LinkError(
            'LINK_TIMEOUT',
            `${topic} was not acknowledged within ${timeoutMs} ms by ${this.#options.url}. It is sent again; check the network.`,
            { op },
          ),
        );
        // Last: it answers with an error of its own, which is not the reason.
        client.removeOutgoingMessage(messageId);
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

  /** How many listeners hang on the one client and its stream: the same after any number of reconnects. */
  listenerCounts(): { readonly client: number; readonly stream: number } {
    const count = (emitter: EventEmitter | undefined) =>
      emitter?.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0) ?? 0;
    return { client: count(this.#client as EventEmitter | undefined), stream: count(this.#client?.stream) };
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
    this.#lastError = undefined;
    this.#wasGreeted = false;
    this.#wasSecured = false;
    try {
      const { password, ca, cert, key, certificateFault, notices } = readSecrets(this.#options);
      this.#certificateFault = certificateFault;
      for (const notice of notices) this.#notice(notice);
      const tls: ConnectionOptions = {
        minVersion: TLS_VERSION_MIN,
        rejectUnauthorized: true,
        ...serverCheck(this.#options.serverName ?? ''),
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      };
      // A websocket takes its options from wsOptions, and would keep those of the first attempt.
      Object.assign(client.options, tls, { wsOptions: tls }, password !== undefined && { password });
      client.reconnect();
      // The client tells only errors that have a code; a web server's answer has none.
      client.stream.on('error', (error: Error) => this.#noteError(error));
      client.stream.once('secureConnect', () => {
        this.#wasSecured = true;
      });
    } catch (error) {
      this.#down(error instanceof LinkError ? error.message : this.#reason(error));
    }
  }

  /** The first error of a connection is its cause; what follows is the noise of its end. */
  #noteError(error: unknown): void {
    this.#lastError ??= error;
  }

  #reason(error: unknown): string {
    const { url, serverName = '', certFile = '', protocol = 'auto' } = this.#options;
    return reasonFor(error, {
      url,
      serverName,
      hasCertificate: certFile !== '',
      certificateFault: this.#certificateFault,
      wasGreeted: this.#wasGreeted,
      wasSecured: this.#wasSecured,
      isVersionFixed: protocol !== 'auto',
      isClockUnset: this.#options.isClockUnset?.() ?? false,
    });
  }

  #connected(): void {
    if (this.#stopped) return;
    this.#wasGreeted = true;
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
    const { protocol = 'auto' } = this.#options;
    if (isWrongVersion(this.#lastError) && client.options.protocolVersion === 5 && protocol === 'auto') {
      client.options.protocolVersion = 4;
      // Not at once: the client is still inside its own close handler.
      this.#retryTimer = setTimeout(() => this.#connect(), 0);
      return;
    }
    this.#down(this.#reason(this.#lastError));
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

/** A literal IPv6 address stands in brackets in an address, and without them in a connection; a websocket knows that. */
function literalHost(url: string): { hostname?: string } {
  const address = /^mqtts?:\/\/\[([0-9A-Fa-f:.]+)\]/.exec(url)?.[1];
  return address === undefined ? {} : { hostname: address };
}

/** Options of TLS for a name other than the url's. A literal address is never sent as a name (RFC 6066, 3). */
function serverCheck(serverName: string): ConnectionOptions {
  if (serverName === '') return {};
  return {
    ...(isIP(serverName) === 0 && { servername: serverName }),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
  };
}
