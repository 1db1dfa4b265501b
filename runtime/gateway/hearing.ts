/**
 * What arrives, sorted: records wait for the database and are acknowledged to the broker when they are in it; everything
 * else is taken at once. What breaks the contract, and who is not expected, is counted and told once a device.
 * Memory: names of strangers and of devices with faults, both bounded.
 */
import type { LinkMessage } from '../ports/link.ts';
import { STORE_NAME } from './config.ts';
import { parseTopic, type Reading, type RecordReading, readMessage } from './incoming.ts';

/** More of them are no longer told apart. */
export const STRANGERS_MAX = 200;
const FAULTS_TOLD_MAX = 1000;

export type HearingOptions = {
  readonly site: string;
  readonly intervalS: number;
  readonly acceptUnknown: boolean;
  readonly isExpected: (device: string) => boolean;
  readonly wallMs: () => number;
  /** Of a device that counts; resolves when it is on disk. */
  readonly onRecord: (reading: RecordReading) => Promise<void>;
  /** Anything but a record, of a device that counts. */
  readonly onReading: (reading: Exclude<Reading, RecordReading>) => void;
  readonly onStranger: (device: string) => void;
  /** One sentence. */
  readonly onFault: (sentence: string) => void;
};

export class Hearing {
  refusedCount = 0;
  unknownCount = 0;
  readonly strangers: Set<string>;
  readonly #options: HearingOptions;
  readonly #faultTold = new Set<string>();

  constructor(strangers: readonly string[], options: HearingOptions) {
    this.strangers = new Set(strangers);
    this.#options = options;
  }

  /** A promise: to be acknowledged when it resolves. */
  take({ topic, payload }: LinkMessage): void | Promise<void> {
    const { site, intervalS, acceptUnknown, isExpected, wallMs, onRecord, onReading } = this.#options;
    const parsed = parseTopic(topic, site);
    // Our own words come back to us.
    if (parsed === undefined || parsed.device === STORE_NAME) return;
    const isKnown = isExpected(parsed.device);
    if (!isKnown) this.#noteStranger(parsed.device);
    const isRecord = parsed.kind === 'interval' || parsed.kind === 'zone' || parsed.kind === 'receipt';
    if (!isKnown && !acceptUnknown) {
      if (isRecord) this.unknownCount += 1;
      return;
    }
    const reading = readMessage(parsed, payload, intervalS, wallMs());
    if (reading.kind === 'fault') this.#refuse(reading.device, reading.fault);
    else if (reading.kind === 'interval' || reading.kind === 'zone' || reading.kind === 'receipt')
      return onRecord(reading);
    else onReading(reading);
  }

  #refuse(device: string, fault: string): void {
    this.refusedCount += 1;
    if (this.#faultTold.has(device) || this.#faultTold.size >= FAULTS_TOLD_MAX) return;
    this.#faultTold.add(device);
    this.#options.onFault(
      `${fault}. Not taken, and further faults of ${device} are only counted. Update the device or look who speaks in its name.`,
    );
  }

  #noteStranger(device: string): void {
    if (this.strangers.has(device) || this.strangers.size >= STRANGERS_MAX) return;
    this.strangers.add(device);
    this.#options.onStranger(device);
  }
}
