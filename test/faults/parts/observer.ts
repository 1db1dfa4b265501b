/**
 * An observer: an MQTT client of its own beside the voice, qos 1, with a session that the broker keeps where it can. It is
 * back within milliseconds, and the tap lets the voice through only when it is: what a broker confirms before anybody
 * listens is delivered and yet not heard.
 */
import mqtt, { type MqttClient } from 'mqtt';
import { within } from '../../fakes/within.ts';

export type Heard = {
  readonly topic: string;
  readonly payload: string;
  /** The broker had it before we subscribed. */
  readonly retain: boolean;
  /** The broker says that we may have it already. */
  readonly dup: boolean;
};

export class Observer {
  readonly heard: Heard[] = [];
  readonly #last = new Map<string, string>();
  /** Subscribed at the broker as it is now. */
  isListening = false;
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, { retain, dup }) => {
      this.heard.push({ topic, payload: payload.toString(), retain, dup });
      this.#last.set(topic, payload.toString());
    });
    client.on('connect', () => {
      client.subscribe('lethe/#', { qos: 1 }, (error) => {
        this.isListening = !error;
      });
    });
    client.on('close', () => {
      this.isListening = false;
    });
    client.on('error', () => {}); // a killed broker is part of the test
  }

  static async create(url: string): Promise<Observer> {
    const observer = new Observer(
      mqtt.connect(url, {
        clientId: 'observer',
        protocolVersion: 5,
        clean: false,
        properties: { sessionExpiryInterval: 3600 },
        reconnectPeriod: 10,
        resubscribe: false,
      }),
    );
    await within(5000, 'the observer listens', observer.listening());
    return observer;
  }

  async listening(): Promise<void> {
    while (!this.isListening) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Payload that came last on a topic, parsed; undefined: none did. */
  last<T>(topic: string): T | undefined {
    const payload = this.#last.get(topic);
    return payload === undefined ? undefined : (JSON.parse(payload) as T);
  }

  async publish(topic: string, payload: string): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1 });
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
