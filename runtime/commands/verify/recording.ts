/**
 * Recording: what the broker delivered, line by line, or what a ledger keeps (ledger.ts), record by record → devices with
 * their chains, findings, notes. Nothing is kept of a line but what chain and coverage need.
 */
import { type Receipt, receiptFaults, receiptHash } from '../../privacy/receipts.ts';
import type { LedgerRecord, LedgerState } from '../../voice/ledger/ledger.ts';
import { messageOf as payloadOf, topicOf } from '../../voice/receipts/covers.ts';
import { Coverage } from './coverage.ts';
import { Device } from './device.ts';
import { Findings } from './findings.ts';
import { LINE_BYTES_MAX, linesOf, type Message, messageOf } from './lines.ts';

/** More of either are no recording of a shop. */
const EPOCHS_MAX = 1000;
const DEVICES_MAX = 1000;
const FAULTS_SHOWN_MAX = 3;

export type Recording = {
  readonly devices: readonly Device[];
  readonly coverages: readonly Coverage[];
  readonly findings: Findings;
  /** Lines, or records of a ledger. */
  readonly placeCount: number;
  /** Lines that are neither receipts nor messages that receipts cover. */
  readonly otherCount: number;
};

/** trustedKey: base64; empty: any. */
export async function readRecording(chunks: AsyncIterable<Uint8Array>, trustedKey: string): Promise<Recording> {
  const reader = new RecordingReader(trustedKey, 'line');
  for await (const line of linesOf(chunks, LINE_BYTES_MAX)) reader.takeLine(messageOf(line));
  return reader.end();
}

export class RecordingReader {
  readonly #findings: Findings;
  readonly #trustedKey: string;
  readonly #devices = new Map<string, Device>();
  readonly #coverages = new Map<string, Coverage>();
  #placeCount = 0;
  #otherCount = 0;
  #lastReceipt: Receipt | undefined;

  constructor(trustedKey: string, place: 'line' | 'record') {
    this.#trustedKey = trustedKey;
    this.#findings = new Findings(place);
  }

  takeLine(message: Message): void {
    this.#placeCount += 1;
    const line = this.#placeCount;
    switch (message.kind) {
      case 'receipt':
        this.#takeReceipt(message.payload, line, message.device);
        break;
      case 'interval':
        this.#takeInterval(message, line);
        break;
      case 'unreadable':
        this.#takeUnreadable(message, line);
        break;
      default:
        this.#otherCount += 1;
    }
  }

  /** The next one of a ledger. */
  takeRecord(record: LedgerRecord): void {
    this.#placeCount += 1;
    if (record.kind === 'receipt') {
      this.#lastReceipt = record.receipt;
      this.#takeReceipt(record.receipt, this.#placeCount, undefined);
    } else {
      const message = {
        kind: 'interval',
        topic: topicOf(record),
        device: undefined,
        payload: payloadOf(record),
      } as const;
      this.#takeInterval(message, this.#placeCount);
    }
  }

  /** After the last record of a ledger: the last receipt is the head of the chain that the state names. */
  takeHead({ receiptHead }: LedgerState): void {
    const last = this.#lastReceipt;
    if (last === undefined || (last.number === receiptHead.number && receiptHash(last) === receiptHead.hash)) return;
    this.#findings.add({
      kind: 'edit',
      device: `${last.site}/${last.device}`,
      line: this.#placeCount,
      numbers: [last.number, last.number],
      text: `the ledger says that its chain ends with receipt ${receiptHead.number}, hash ${receiptHead.hash}; its last one is receipt ${last.number}, hash ${receiptHash(last)}`,
    });
  }

  /** Batches of a ledger that are no longer what was written. */
  takeDamaged(batchCount: number): void {
    if (batchCount === 0) return;
    const text = `${batchCount} intervals in the ledger are damaged: their check sums are wrong`;
    this.#findings.add({ kind: 'edit', device: '', line: this.#placeCount, numbers: null, text });
  }

  end(): Recording {
    for (const device of this.#devices.values()) device.end();
    for (const coverage of this.#coverages.values()) coverage.end();
    return {
      devices: [...this.#devices.values()],
      coverages: [...this.#coverages.values()],
      findings: this.#findings,
      placeCount: this.#placeCount,
      otherCount: this.#otherCount,
    };
  }

  #takeReceipt(payload: unknown, line: number, topicDevice: string | undefined): void {
    const faults = receiptFaults(payload);
    if (faults.length > 0) {
      const text = `no receipt: ${faults.slice(0, FAULTS_SHOWN_MAX).join('; ')}`;
      this.#unbelieved(topicDevice ?? claimedDevice(payload), line, text);
      return;
    }
    const receipt = payload as Receipt;
    const device = this.#deviceOf(`${receipt.site}/${receipt.device}`);
    if (device === undefined) this.#otherCount += 1;
    else device.take(receipt, line, topicDevice);
  }

  #takeInterval(message: Message, line: number): void {
    const { topic, device } = message;
    const payload = message.payload as { readonly seq?: unknown; readonly epoch_id?: unknown };
    const { seq, epoch_id: epochId } = payload;
    const isNamed = Number.isSafeInteger(seq) && typeof epochId === 'string' && epochId.length <= 64;
    const coverage = isNamed ? this.#coverageOf(epochId as string) : undefined;
    if (coverage === undefined) this.#takeUnreadable(message, line);
    else coverage.hear({ seq: seq as number, payload, topic, device, line });
  }

  #takeUnreadable({ topic, device }: Message, line: number): void {
    if (topic === 'receipt' && device !== undefined) {
      this.#unbelieved(device, line, 'what stands under the topic of receipts is not JSON, or too long');
      return;
    }
    const text = `${topic ?? 'something that begins like a message'} is not JSON, too long, or without its number`;
    this.#findings.add({ kind: 'edit', device: device ?? '', line, numbers: null, text });
  }

  #unbelieved(name: string | undefined, line: number, text: string): void {
    const device = name === undefined ? undefined : this.#devices.get(name);
    if (device !== undefined) device.unbelieved(line, null, text);
    else this.#findings.add({ kind: 'edit', device: name ?? '', line, numbers: null, text });
  }

  #deviceOf(name: string): Device | undefined {
    let device = this.#devices.get(name);
    if (device === undefined && this.#devices.size < DEVICES_MAX) {
      device = new Device(name, this.#trustedKey, this.#findings, (epochId) => this.#coverageOf(epochId));
      this.#devices.set(name, device);
    }
    return device;
  }

  /** The oldest epoch is given up for one too many: what it still waits for is counted as if it had ended. */
  #coverageOf(epochId: string): Coverage {
    let coverage = this.#coverages.get(epochId);
    if (coverage === undefined) {
      coverage = new Coverage(this.#findings);
      this.#coverages.set(epochId, coverage);
      const [oldest] = this.#coverages.keys();
      if (this.#coverages.size > EPOCHS_MAX) {
        this.#coverages.get(oldest!)!.end();
        this.#coverages.delete(oldest!);
      }
    }
    return coverage;
  }
}

function claimedDevice(payload: unknown): string | undefined {
  const { site, device } = (payload ?? {}) as { readonly site?: unknown; readonly device?: unknown };
  return typeof site === 'string' && typeof device === 'string' ? `${site}/${device}` : undefined;
}
