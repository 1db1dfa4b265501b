/**
 * Link port: the way to the store's gateway, and for a program beside a counter the way to hear it. Small on purpose:
 * whoever keeps what was not delivered is the ledger, not the link, so an implementation must not queue.
 */
export type PublishOptions = {
  readonly retain: boolean;
  readonly qos: 0 | 1;
  /** MQTT 5: what a request wants to find in its answer. Left out where the broker speaks 3.1.1. */
  readonly correlationData?: Uint8Array;
};

export type LinkMessage = {
  readonly topic: string;
  /** At most MESSAGE_BYTES_MAX; larger ones are dropped and told. */
  readonly payload: string;
  /** The broker had it before we subscribed: it says how things are, and not that something happened now. */
  readonly retained: boolean;
  /** MQTT 5 request and response; undefined without. */
  readonly correlationData?: Uint8Array;
};

export type LinkEvents = {
  /** Connected (again), and subscribed: publish status, totals and whatever must be retained. */
  readonly onUp: () => void;
  /** Not connected, or not let to hear what it must; `reason` is one sentence for the log with a remedy. */
  readonly onDown: (reason: string) => void;
  /**
   * Default: what arrives is acknowledged at once. A promise: it is acknowledged to the broker when it resolves; the
   * next messages come meanwhile. When it rejects, a link that keeps its session does not acknowledge and connects anew,
   * as a broker sends again after a reconnect only; without a kept session nobody would send it again, and it is told.
   * What was kept for us may arrive before onUp, and a second time.
   */
  readonly onMessage?: (message: LinkMessage) => void | Promise<void>;
  /** Something is wrong although the link may stand: a sentence with a remedy, once for each connection at most. */
  readonly onNotice?: (sentence: string) => void;
};

export type Will = { readonly topic: string; readonly payload: string };

/** What a link is for. Without topics it hears nothing; without a will it leaves none. */
export type LinkPurpose = {
  readonly will?: Will;
  /** Filters, subscribed (qos 1) after each connection. */
  readonly topics?: readonly string[];
  /**
   * The broker keeps the session, and what arrives meanwhile, for so long after we went away. 0 or left out: a clean
   * session. A 3.1.1 broker keeps it as long as its own configuration says.
   */
  readonly sessionExpiryS?: number;
  /** A refused subscription: 'down' = not up without it (default); 'tell' = told by onNotice, and up all the same. */
  readonly refused?: 'down' | 'tell';
};

/** A configuration, a command or a day of any payload of ours is far below; it bounds what a stranger can make us keep. */
export const MESSAGE_BYTES_MAX = 65_536;

export interface Link {
  readonly name: string;
  readonly up: boolean;
  /** Starts connecting and keeps trying with back-off until `stop`; never throws for a broker that is away. */
  start(purpose: LinkPurpose, events: LinkEvents): void;
  /** Resolves when the broker has acknowledged (qos 1); rejects with LinkError at once when down, or after the time-out. */
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
  /** Ends the connection cleanly (no last will); a kept session stays. */
  stop(): Promise<void>;
}
