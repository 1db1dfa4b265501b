/**
 * One device in a recording: whose key signs, the chain of each epoch, and what the receipts say in sum.
 *
 * *Epochs.* A device that finds no usable state begins a new epoch and with it a new chain at 1; it cannot end the old one,
 * whose head it no longer knows. So a new epoch is a note when its first receipt begins where the last one of the old
 * ended, or before. Later than that, nobody says what happened in between: a gap. An old epoch that speaks again is a replay.
 *
 * *Keys.* A device has one. Receipts of another one, in whatever epoch, are told once for each key.
 */
import { isReceiptSigned, type Receipt } from '../../privacy/receipts.ts';
import { Chain } from './chain.ts';
import type { Coverage } from './coverage.ts';
import type { FindingKind, Findings } from './findings.ts';

/** Values that should hardly change; beyond these they are only noted. */
const VALUES_MAX = 20;

/** Sums over the receipts that are in a chain, each once. */
export type Sums = {
  receipts: number;
  read: number;
  erased: number;
  dropped: number;
  /** Longest residency, µs, and the receipt that tells of it; null: none did. */
  pixelsUsMax: number | null;
  pixelsAt: string;
  derivedUsMax: number | null;
  derivedAt: string;
  eyeStarts: number;
  /** Intervals by quality. */
  readonly quality: Record<Receipt['quality'], number>;
};

export class Device {
  readonly name: string;
  readonly sums: Sums = {
    receipts: 0,
    read: 0,
    erased: 0,
    dropped: 0,
    pixelsUsMax: null,
    pixelsAt: '',
    derivedUsMax: null,
    derivedAt: '',
    eyeStarts: 0,
    quality: { ok: 0, degraded: 0, paused: 0, camera_lost: 0 },
  };
  readonly models = new Set<string>();
  readonly configs = new Set<string>();
  readonly versions = new Set<string>();
  /** In order of appearance. */
  readonly keys = new Set<string>();
  /** By epoch, in order of appearance. */
  readonly chains = new Map<string, Chain>();
  /** Receipts whose signature is wrong, or which are none. */
  unbelievedCount = 0;
  readonly #findings: Findings;
  readonly #trustedKey: string;
  readonly #coverageOf: (epochId: string) => Coverage;
  #current: Chain | undefined;
  #latest: Receipt | undefined;

  /** trustedKey: empty: the first one that signs. */
  constructor(name: string, trustedKey: string, findings: Findings, coverageOf: (epochId: string) => Coverage) {
    this.name = name;
    this.#trustedKey = trustedKey;
    this.#findings = findings;
    this.#coverageOf = coverageOf;
  }

  /** topicDevice: `site/device` of the topic it stood under, if that is known. */
  take(receipt: Receipt, line: number, topicDevice = this.name): void {
    const { number } = receipt;
    if (!isReceiptSigned(receipt)) {
      this.unbelieved(line, number, `the signature of receipt ${number} is wrong: it was changed after it was signed`);
      return;
    }
    if (topicDevice !== this.name)
      this.#find('edit', line, number, `receipt ${number} of ${this.name} stands under a topic of ${topicDevice}`);
    this.#checkKey(receipt, line);
    const known = this.chains.get(receipt.epoch_id);
    if (known !== undefined && known !== this.#current) {
      const word = known.has(receipt) ? 'again' : 'for the first time';
      const text = `receipt ${number} of the earlier epoch ${receipt.epoch_id} comes ${word} after a newer epoch has begun`;
      this.#find('replay', line, number, text);
      return;
    }
    if (known === undefined) this.#begin(receipt, line);
    else if (known.take(receipt, line)) this.#add(receipt, line);
    this.#coverageOf(receipt.epoch_id).cover(receipt, line);
  }

  /** Something came in place of a receipt of this device. number: what it claims; null: it claims none. */
  unbelieved(line: number, number: number | null, text: string): void {
    this.unbelievedCount += 1;
    this.#current?.unbelieved();
    this.#findings.add({
      kind: 'edit',
      device: this.name,
      line,
      numbers: number === null ? null : [number, number],
      text,
    });
  }

  end(): void {
    this.#current?.end();
  }

  #begin(receipt: Receipt, line: number): void {
    const before = this.#current;
    before?.end();
    if (before !== undefined) this.#checkEpochs(before, receipt, line);
    else if (receipt.number > 1) {
      const text = `the recording begins with receipt ${receipt.number}; what was before is not here`;
      this.#findings.note({ device: this.name, line, text });
    }
    this.#current = new Chain(this.name, receipt, line, this.#findings);
    this.chains.set(receipt.epoch_id, this.#current);
    this.#add(receipt, line);
  }

  #checkEpochs({ newest }: Chain, receipt: Receipt, line: number): void {
    const what = `a new epoch and chain begin with receipt ${receipt.number} at ${receipt.from}: the device lost its state, or somebody took it away; the chain before ended with receipt ${newest.number} at ${newest.to}`;
    if (receipt.number > 1) {
      const text = `${what}; ${receipt.number - 1} receipts at the begin of the new one are missing`;
      this.#findings.add({ kind: 'gap', device: this.name, line, numbers: [1, receipt.number - 1], text });
    } else if (receipt.from > newest.to) {
      this.#find('gap', line, receipt.number, `${what}; nothing is proved in between`);
    } else {
      this.#findings.note({ device: this.name, line, text: what });
    }
  }

  #checkKey({ public_key: key, number }: Receipt, line: number): void {
    if (this.keys.has(key)) return;
    const isFirst = this.keys.size === 0;
    if (this.keys.size < VALUES_MAX) this.keys.add(key);
    if (this.#trustedKey !== '' && key !== this.#trustedKey) {
      this.#find('key', line, number, `receipt ${number} is signed with ${key}; expected ${this.#trustedKey}`);
    } else if (this.#trustedKey === '' && !isFirst) {
      const text = `receipt ${number} is signed with another key, ${key}; a device has one, and whose this is nobody says`;
      this.#find('key', line, number, text);
    }
  }

  /** A receipt that is new and in order. */
  #add(receipt: Receipt, line: number): void {
    const { sums } = this;
    const { frames, longest_us: longest, from } = receipt;
    sums.receipts += 1;
    sums.read += frames.read;
    sums.erased += frames.erased;
    sums.dropped += frames.dropped;
    sums.eyeStarts += receipt.eye_starts;
    sums.quality[receipt.quality] += 1;
    if (longest.pixels !== null && longest.pixels > (sums.pixelsUsMax ?? -1))
      Object.assign(sums, { pixelsUsMax: longest.pixels, pixelsAt: from });
    if (longest.derived !== null && longest.derived > (sums.derivedUsMax ?? -1))
      Object.assign(sums, { derivedUsMax: longest.derived, derivedAt: from });
    for (const model of receipt.models) remember(this.models, model);
    remember(this.configs, receipt.config_sha256);
    remember(this.versions, receipt.version);
    this.#noteChanges(receipt, line);
    this.#latest = receipt;
  }

  #noteChanges(receipt: Receipt, line: number): void {
    const before = this.#latest;
    if (before === undefined) return;
    const [modelsBefore, models] = [before.models.join(' '), receipt.models.join(' ')];
    const changes: readonly (readonly [what: string, from: string, to: string])[] = [
      ['model', modelsBefore, models],
      ['configuration', before.config_sha256, receipt.config_sha256],
      ['version', before.version, receipt.version],
    ];
    for (const [what, from, to] of changes) {
      // An eye that has not yet said its model is no other model.
      if (from === to || from === '' || to === '') continue;
      const text = `another ${what} from receipt ${receipt.number} on (${receipt.from}): ${to}, before it ${from}`;
      this.#findings.note({ device: this.name, line, text });
    }
  }

  #find(kind: FindingKind, line: number, number: number, text: string): void {
    this.#findings.add({ kind, device: this.name, line, numbers: [number, number], text });
  }
}

function remember(values: Set<string>, value: string): void {
  if (values.size < VALUES_MAX) values.add(value);
}
