/**
 * Notary: makes the receipt of each interval when its records are closed.
 * Receipt, head of the chain and the records that it covers are saved in one transaction, and none of them leaves before
 * that (ledger.ts): a crash can neither lose one nor give its number to another.
 * The text is settled here. Nothing of it is made again when it is sent, which may be after an update of the program.
 * Without the device's key (a disk that cannot be written, a file that others can read) intervals are counted as ever and
 * bear no receipt; the key is tried again with later intervals.
 */
import { effectiveFile } from '../../config/effective.ts';
import type { Config } from '../../config/schema.ts';
import { explain } from '../../errors.ts';
import { canonicalHash, type DeviceKey, type Receipt, receiptHash, signedReceipt } from '../../privacy/receipts.ts';
import { MS_PER_MINUTE, rfc3339 } from '../../units.ts';
import type { ClosedInterval } from '../intervals/intervals.ts';
import type { IntervalRecord, Ledger } from '../ledger/ledger.ts';
import { coverOf } from './covers.ts';

/** ok, or no_key with the reason in a sentence. */
export type ReceiptCondition = { readonly state: 'ok' | 'no_key'; readonly reason: string };

export type NotaryOptions = {
  readonly config: Config;
  /** Version of Lethe. */
  readonly version: string;
  readonly ledger: Ledger;
  /** Throws when there is none. */
  readonly openKey: () => DeviceKey;
  /** Told once per change: a sentence with the remedy. */
  readonly onProblem: (sentence: string) => void;
  readonly onRecovered: () => void;
};

/** Trying costs a few file operations; a card that is full stays so for a while. */
const RETRY_MS = MS_PER_MINUTE;

export class Notary {
  condition: ReceiptCondition = { state: 'ok', reason: '' };
  readonly configHash: string;
  readonly #options: NotaryOptions;
  #key: DeviceKey | undefined;
  #triedAtMs: number;

  /** nowMs: wall clock. */
  constructor(options: NotaryOptions, nowMs: number) {
    this.#options = options;
    this.configHash = canonicalHash(effectiveFile(options.config));
    this.#triedAtMs = nowMs;
    this.#openKey();
  }

  /** records: of this interval, in the order of their numbers. nowMs: wall clock. Undefined: there is no key. */
  certify(interval: ClosedInterval, records: readonly IntervalRecord[], nowMs: number): Receipt | undefined {
    // A clock that was set back is no reason to wait for it.
    if (this.#key === undefined && Math.abs(nowMs - this.#triedAtMs) >= RETRY_MS) {
      this.#triedAtMs = nowMs;
      this.#openKey();
    }
    if (this.#key === undefined || records.length === 0) return undefined;
    const { ledger, config, version } = this.#options;
    const { epochId, boot, receiptHead } = ledger.state;
    const { read, erased, dropped, eyeStarts, pixelsUsMax, derivedUsMax, models } = interval.frames;
    const receipt = signedReceipt(
      {
        v: 1,
        kind: 'receipt',
        site: config.site,
        device: config.device,
        epoch_id: epochId,
        number: receiptHead.number + 1,
        seq: ledger.nextSeq(),
        boot,
        from: rfc3339(interval.fromMs),
        to: rfc3339(interval.toMs),
        quality: interval.quality,
        frames: { read, erased, dropped },
        longest_us: { pixels: pixelsUsMax || null, derived: derivedUsMax || null },
        eye_starts: eyeStarts,
        models: [...models],
        config_sha256: this.configHash,
        version,
        covers: records.map(coverOf),
        previous: receiptHead.hash,
      },
      this.#key,
    );
    ledger.state.receiptHead = { number: receipt.number, hash: receiptHash(receipt) };
    return receipt;
  }

  /** The same about the same records under another epoch: they got it before anybody was told of them. */
  renewed(receipt: Receipt, records: readonly IntervalRecord[]): Receipt {
    const { state } = this.#options.ledger;
    const { public_key: _key, signature: _signature, ...facts } = receipt;
    const { epochId, receiptHead } = state;
    const number = receiptHead.number + 1;
    const covers = records.map(coverOf);
    // It was signed once, so there is a key.
    const renewed = signedReceipt(
      { ...facts, epoch_id: epochId, number, covers, previous: receiptHead.hash },
      this.#key!,
    );
    state.receiptHead = { number, hash: receiptHash(renewed) };
    return renewed;
  }

  #openKey(): void {
    const { openKey, onProblem, onRecovered } = this.#options;
    const before = this.condition;
    try {
      this.#key = openKey();
      this.condition = { state: 'ok', reason: '' };
      if (before.state !== 'ok') onRecovered();
    } catch (error) {
      const reason = explain(error);
      this.condition = { state: 'no_key', reason };
      if (reason !== before.reason) onProblem(`Intervals bear no receipt until the device's key is there. ${reason}`);
    }
  }
}
