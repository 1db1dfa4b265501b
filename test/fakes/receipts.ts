/** Recordings for `lethe verify`: what a device with one line would have sent, message by message, and ways to spoil it. */
import {
  type DeviceKey,
  messageHash,
  type Receipt,
  receiptHash,
  signedReceipt,
} from '../../runtime/privacy/receipts.ts';
import { memoryKey } from './key.ts';

export type Sent = { readonly topic: string; readonly payload: Record<string, unknown> };

export type SenderOptions = { readonly device?: string; readonly epochId?: string; readonly key?: DeviceKey };

const BEGIN_MS = Date.UTC(2026, 0, 5, 12);
const MINUTE_MS = 60_000;
export const EPOCH = '00000000-0000-4000-8000-000000000001';

/** A device that sends one message and its receipt each minute. */
export class Sender {
  readonly key: DeviceKey;
  readonly #device: string;
  readonly #epochId: string;
  #number = 0;
  #seq = 0;
  #previous: string | null = null;
  timeMs = BEGIN_MS;

  constructor({ device = 'door1', epochId = EPOCH, key = memoryKey() }: SenderOptions = {}) {
    this.#device = device;
    this.#epochId = epochId;
    this.key = key;
  }

  /** A minute: message and receipt. changes: other values than those of a sound receipt. */
  minute(changes: Partial<Receipt> = {}): [message: Sent, receipt: Sent] {
    const [from, to] = [this.timeMs, this.timeMs + MINUTE_MS].map((ms) => new Date(ms).toISOString()) as [
      string,
      string,
    ];
    this.timeMs += MINUTE_MS;
    const message = this.#message(from, to);
    this.#number += 1;
    this.#seq += 1;
    const receipt = signedReceipt(
      {
        v: 1,
        kind: 'receipt',
        site: 'demo',
        device: this.#device,
        epoch_id: this.#epochId,
        number: this.#number,
        seq: this.#seq,
        boot: 1,
        from,
        to,
        quality: 'ok',
        frames: { read: 900, erased: 900, dropped: 0 },
        longest_us: { pixels: 300 + (this.#number % 7), derived: 1100 },
        eye_starts: 0,
        models: ['ab'.repeat(32)],
        config_sha256: 'cd'.repeat(32),
        version: '0.1.0',
        covers: [{ seq: this.#seq - 1, topic: 'interval/door', sha256: messageHash(message) }],
        previous: this.#previous,
        ...changes,
      },
      this.key,
    );
    this.#previous = receiptHash(receipt);
    const base = `lethe/v1/demo/${this.#device}`;
    return [
      { topic: `${base}/interval/door`, payload: message },
      { topic: `${base}/receipt`, payload: receipt },
    ];
  }

  minutes(count: number): Sent[] {
    return Array.from({ length: count }, () => this.minute()).flat();
  }

  /** A minute that bears no receipt. */
  withoutReceipt(): Sent {
    const [from, to] = [this.timeMs, this.timeMs + MINUTE_MS].map((ms) => new Date(ms).toISOString()) as [
      string,
      string,
    ];
    this.timeMs += MINUTE_MS;
    return { topic: `lethe/v1/demo/${this.#device}/interval/door`, payload: this.#message(from, to) };
  }

  /** From here on another one that knows the same. */
  copy(): Sender {
    const copy = new Sender({ device: this.#device, epochId: this.#epochId, key: this.key });
    copy.#number = this.#number;
    copy.#seq = this.#seq;
    copy.#previous = this.#previous;
    copy.timeMs = this.timeMs;
    return copy;
  }

  #message(from: string, to: string): Record<string, unknown> {
    this.#seq += 1;
    return {
      v: 1,
      seq: this.#seq,
      boot: 1,
      epoch_id: this.#epochId,
      from,
      to,
      tz: 'UTC',
      in: this.#seq % 3,
      out: 0,
      samples: 900,
      historical: false,
    };
  }
}

export const isReceipt = ({ topic }: Sent) => topic.endsWith('/receipt');

/** As mosquitto_sub -v prints it. */
export function linesOfAll(sent: readonly Sent[]): string {
  return sent.map(({ topic, payload }) => `${topic} ${JSON.stringify(payload)}\n`).join('');
}
