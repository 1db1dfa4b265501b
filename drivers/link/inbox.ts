/**
 * What arrives over MQTT, and when it is acknowledged. The client would wait with everything behind a message, our own
 * acknowledgements and pings included, until that message is handled; a handler that publishes would wait for itself.
 * So messages are told as they come, and acknowledged apart, in the order of their arrival (MQTT 5, 4.6: MQTT-4.6.0-2).
 * Memory: the broker has at most RECEIVE_MAXIMUM messages on their way (3.1.1: as its configuration says).
 */
import type { MqttClient } from 'mqtt';
import { type LinkEvents, MESSAGE_BYTES_MAX } from '../../runtime/ports/link.ts';

/** Not acknowledged messages that a broker of MQTT 5 may have on their way to us. */
export const RECEIVE_MAXIMUM = 100;

type Packet = Parameters<MqttClient['handleMessage']>[0];
/** The client's own way to send, which its types hide; test/drivers/link/contract.ts notices if it goes away. */
type Sender = { _sendPacket(packet: { cmd: 'puback'; messageId: number; reasonCode: number }): void };

export class Inbox {
  readonly #client: MqttClient;
  readonly #events: LinkEvents;
  readonly #keepsSession: boolean;
  /** Settles when all messages of this connection until now are acknowledged; rejects from the first that is not. */
  #acknowledged: Promise<void> = Promise.resolve();
  /** Acknowledgements still to be sent on this connection. */
  #waitingCount = 0;
  /** Counts connections: an acknowledgement belongs to the one that brought the message. */
  #connectionIndex = 0;
  /** A message could not be handled, and the connection is about to end for it. */
  #isBroken = false;

  constructor(client: MqttClient, events: LinkEvents, keepsSession: boolean) {
    this.#client = client;
    this.#events = events;
    this.#keepsSession = keepsSession;
    client.handleMessage = (packet, next) => this.#take(packet, next);
  }

  connectionEnded(): void {
    this.#connectionIndex += 1;
    this.#acknowledged = Promise.resolve();
    this.#waitingCount = 0;
    this.#isBroken = false;
  }

  #take(packet: Packet, next: (error?: Error) => void): void {
    const handled = this.#isBroken ? undefined : this.#tell(packet);
    const isPromise = handled instanceof Promise;
    if (packet.qos === 0) {
      if (isPromise) handled.catch((error: Error) => this.#unhandled(error));
      next();
    } else if (!this.#isBroken && !isPromise && this.#waitingCount === 0) {
      next();
    } else {
      // An error is the client's word for "no acknowledgement, and go on"; it goes nowhere else.
      next(new Error('acknowledged later or never'));
      if (!this.#isBroken) this.#acknowledgeAfter(handled ?? Promise.resolve(), packet.messageId ?? 0);
    }
  }

  #acknowledgeAfter(handled: Promise<void>, messageId: number): void {
    const connectionIndex = this.#connectionIndex;
    const isStale = () => connectionIndex !== this.#connectionIndex;
    // Nobody would send again what a clean session does not acknowledge; it would only take up one of the places.
    const settled = this.#keepsSession ? handled : handled.catch((error: Error) => this.#unhandled(error));
    this.#waitingCount += 1;
    this.#acknowledged = Promise.all([this.#acknowledged, settled]).then(() => {
      if (isStale() || !this.#client.connected) return;
      this.#waitingCount -= 1;
      (this.#client as unknown as Sender)._sendPacket({ cmd: 'puback', messageId, reasonCode: 0 });
    });
    this.#acknowledged.catch((error: Error) => {
      if (isStale() || this.#isBroken) return;
      // A broker sends again after a reconnect only.
      this.#isBroken = true;
      this.#unhandled(error);
      this.#client.stream.destroy();
    });
  }

  #unhandled({ message }: Error): void {
    const next = this.#keepsSession ? 'It is fetched again.' : 'It is lost.';
    this.#events.onNotice?.(`A message could not be handled: ${message} ${next}`);
  }

  #tell({ topic, payload, retain, properties }: Packet): void | Promise<void> {
    if (payload.length > MESSAGE_BYTES_MAX) {
      this.#events.onNotice?.(
        `A message of ${payload.length} bytes under ${topic} was dropped; at most ${MESSAGE_BYTES_MAX} are read. Look for who sends it.`,
      );
      return;
    }
    const correlationData = properties?.correlationData;
    return this.#events.onMessage?.({
      topic,
      payload: payload.toString(),
      retained: retain,
      ...(correlationData && { correlationData }),
    });
  }
}
