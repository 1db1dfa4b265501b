/**
 * Listener port: hears what the broker passes on under a few topics, and can publish a word of its own. For programs that
 * stand beside a counter, as a facility system does; the voice has a Link, which hears nothing.
 */
import type { LinkEvents, PublishOptions } from './link.ts';

export type ListenerEvents = LinkEvents & {
  /** retained: the broker had it before we subscribed, so it says how things are and not that something happened now. */
  readonly onMessage: (topic: string, payload: string, retained: boolean) => void;
};

export interface Listener {
  readonly name: string;
  readonly up: boolean;
  /**
   * Connects, subscribes (qos 1) and keeps trying with back-off until `stop`. onUp: connected (again) and every
   * subscription accepted; what is retained comes then, or just before. Leaves no last will.
   */
  start(topics: readonly string[], events: ListenerEvents): void;
  /** As Link.publish. */
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
  stop(): Promise<void>;
}
