/**
 * Link port: the way to the store's gateway. Small on purpose: whoever keeps what was not delivered is the ledger,
 * not the link, so an implementation must not queue.
 */
export type PublishOptions = { readonly retain: boolean; readonly qos: 0 | 1 };

export type LinkEvents = {
  /** Connected (again): publish status, totals and whatever must be retained. */
  readonly onUp: () => void;
  /** Not connected; `reason` is one sentence for the log with a remedy. */
  readonly onDown: (reason: string) => void;
};

export type Will = { readonly topic: string; readonly payload: string };

export interface Link {
  readonly name: string;
  readonly up: boolean;
  /** Starts connecting and keeps trying with back-off until `stop`; never throws for a broker that is away. */
  start(will: Will, events: LinkEvents): void;
  /** Resolves when the broker has acknowledged (qos 1); rejects with LinkError at once when down, or after the time-out. */
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
  /** Ends the connection cleanly (no last will). */
  stop(): Promise<void>;
}
