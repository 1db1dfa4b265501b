/**
 * Chain: the receipts of one device in one epoch, in the order in which they arrive, held against each other.
 *
 * *Redelivery.* Messages come at least once and in order: after a crash of the voice, or when a connection breaks, a run of
 * receipts comes again (7 8 7 8 9). A receipt that is the same as one before is taken for such a run if what follows is the
 * number after it, or another step back, until the newest number is reached again. Whatever else comes first, or the end
 * of the recording, makes the run a replay. So 1 2 3 2 3 4 and 1 2 3 3 4 are sound; 1 2 3 1 4 is not.
 *
 * *Pictures.* At the end of an interval one picture may be in work: it is read in this interval and erased in the next.
 * And with each eye that ends, one may end with its process. Over the chain, read − erased lies in −1 .. 1 + eye starts.
 *
 * What nobody can see in a recording: receipts missing at its very beginning or end.
 * Memory: 32 bytes a receipt (hashes.ts), all else is fixed.
 */
import { type Receipt, receiptHash } from '../../privacy/receipts.ts';
import { type Finding, type FindingKind, type Findings, receiptsText } from './findings.ts';
import { HashTable } from './hashes.ts';

/** Receipts of one number that are remembered. */
const VARIANTS_MAX = 4;

export class Chain {
  readonly epochId: string;
  readonly first: Receipt;
  /** The highest number so far. */
  newest: Receipt;
  /** Receipts that came again. */
  redeliveredCount = 0;
  readonly #device: string;
  readonly #findings: Findings;
  readonly #hashes = new HashTable();
  /** More than one where the newest number came in several forms: what follows may follow any of them. */
  #newestHashes: string[];
  /** Number of the receipt that came last; below the newest: in a run that comes again. */
  #position: number;
  #run = { first: 0, line: 0 };
  /** Receipts that could not be believed since the newest: each explains a number that is missing. */
  #unbelievedCount = 0;
  #fork: Finding | undefined;
  #unerasedCount = 0;
  #eyeStartCount = 0;

  constructor(device: string, first: Receipt, line: number, findings: Findings) {
    this.epochId = first.epoch_id;
    this.#device = device;
    this.#findings = findings;
    this.first = first;
    this.newest = first;
    this.#newestHashes = [receiptHash(first)];
    this.#position = first.number;
    this.#hashes.set(first.number, this.#newestHashes[0]!);
    if ((first.number === 1) !== (first.previous === null))
      this.#find('fork', line, first.number, `receipt ${first.number} ${previousText(first)}`);
    this.#checkContent(first, line);
  }

  /** A receipt with a good signature. True: it is new and stands at the end of the chain. */
  take(receipt: Receipt, line: number): boolean {
    const { number } = receipt;
    const hash = receiptHash(receipt);
    const known = this.#hashes.get(number);
    if (known !== undefined && known !== hash) this.#forked(receipt, hash, line);
    else if (known !== undefined) this.#again(number, line);
    else if (number < this.newest.number) this.#late(receipt, hash, line);
    else this.#extend(receipt, hash, line);
    return this.newest === receipt && known === undefined;
  }

  /** Known under its number, and the same. */
  has(receipt: Receipt): boolean {
    return this.#hashes.get(receipt.number) === receiptHash(receipt);
  }

  /** Something that claims to be a receipt of this device came, and its signature is wrong. */
  unbelieved(): void {
    this.#unbelievedCount += 1;
  }

  /** No receipt of this chain follows. */
  end(): void {
    this.#endRun(', unless the recording ends in the middle of a redelivery');
  }

  #extend(receipt: Receipt, hash: string, line: number): void {
    const { number } = receipt;
    const before = this.newest;
    this.#endRun('');
    if (number > before.number + 1) this.#missing(before, receipt, line);
    else this.#checkLink(before, receipt, line);
    this.#hashes.set(number, hash);
    this.newest = receipt;
    this.#newestHashes = [hash];
    this.#position = number;
    this.#unbelievedCount = 0;
    this.#checkContent(receipt, line);
  }

  #missing(before: Receipt, receipt: Receipt, line: number): void {
    const [first, last] = [before.number + 1, receipt.number - 1];
    this.#unerasedCount = 0;
    this.#eyeStartCount = 0;
    if (last - first < this.#unbelievedCount) return;
    const text = `${receiptsText(first, last)} missing: nothing is proved from ${before.to} to ${receipt.from}`;
    this.#find('gap', line, first, text, last);
  }

  #checkLink(before: Receipt, receipt: Receipt, line: number): void {
    const { number } = receipt;
    if (receipt.previous === null || !this.#newestHashes.includes(receipt.previous))
      this.#find('fork', line, number, `receipt ${number} ${previousText(receipt)}`);
    const [isSeq, shouldSeq] = [receipt.covers[0]!.seq, before.seq + 1];
    if (isSeq > shouldSeq) {
      const records = isSeq - shouldSeq === 1 ? `record ${shouldSeq}` : `records ${shouldSeq} to ${isSeq - 1}`;
      const text = `${records} of the device bear no receipt: they lie between receipts ${before.number} (to ${before.to}) and ${number} (from ${receipt.from}); health says no_key while that is so`;
      this.#find('gap', line, number, text);
    } else if (isSeq < shouldSeq) {
      this.#find('fork', line, number, `receipt ${number} covers record ${isSeq}, which was given out before it`);
    }
    if (receipt.from > before.to) {
      const text = `no interval from ${before.to} to ${receipt.from}: the device was off, or its clock was set (it says so itself, in receipt ${number})`;
      this.#findings.note({ device: this.#device, line, text });
    } else if (receipt.from < before.to) {
      const text = `the device's clock was set back: receipt ${number} begins at ${receipt.from}, the one before ended at ${before.to}`;
      this.#findings.note({ device: this.#device, line, text });
    }
  }

  /** What is wrong with it whatever stands before. */
  #checkContent(receipt: Receipt, line: number): void {
    const { number, seq, covers, frames, eye_starts: eyeStarts } = receipt;
    if (!(receipt.from < receipt.to))
      this.#find('edit', line, number, `receipt ${number} ends at ${receipt.to}, not after its begin, ${receipt.from}`);
    if (covers.some((cover, index) => cover.seq !== seq - covers.length + index))
      this.#find('edit', line, number, `receipt ${number} does not cover the records right before its own number`);
    const notErased = frames.read - frames.erased;
    this.#unerasedCount += notErased;
    this.#eyeStartCount += eyeStarts;
    const isExcused = (count: number, starts: number) => count >= -1 && count <= 1 + starts;
    if (isExcused(notErased, eyeStarts) && isExcused(this.#unerasedCount, this.#eyeStartCount)) return;
    const text = `receipt ${number}: ${frames.read} pictures read, ${frames.erased} erased (${receipt.from} to ${receipt.to}); with those before it ${this.#unerasedCount} were not erased; at most one may be in work`;
    this.#find('frames', line, number, text);
    this.#unerasedCount = 0; // told; what follows is judged by itself
    this.#eyeStartCount = 0;
  }

  /** The same as one that came before. */
  #again(number: number, line: number): void {
    this.redeliveredCount += 1;
    const isNext = this.#position < this.newest.number && number === this.#position + 1;
    if (!isNext) {
      const isStepBack = number <= this.#position;
      if (!isStepBack) this.#endRun('');
      if (!isStepBack || this.#position === this.newest.number) this.#run = { first: number, line };
      else this.#run.first = Math.min(this.#run.first, number);
    }
    this.#position = number;
  }

  /** A run that comes again and does not reach the newest receipt is no redelivery. */
  #endRun(butText: string): void {
    const last = this.#position;
    if (last >= this.newest.number) return;
    const text = `${receiptsText(this.#run.first, last)} again after receipt ${this.newest.number}, and not as a redelivery, which would go on to ${this.newest.number}${butText}`;
    this.#find('replay', this.#run.line, this.#run.first, text, last);
    this.#position = this.newest.number;
  }

  /** Never seen, and older than what is here. */
  #late({ number }: Receipt, hash: string, line: number): void {
    this.#hashes.set(number, hash);
    const text = `receipt ${number} comes after receipt ${this.newest.number}: an old one played again, or out of order`;
    this.#find('replay', line, number, text);
  }

  /** Another receipt of a number that is taken. */
  #forked(receipt: Receipt, hash: string, line: number): void {
    const { number } = receipt;
    this.#endRun('');
    this.#hashes.set(number, hash);
    if (number === this.newest.number) {
      this.newest = receipt;
      if (this.#newestHashes.length < VARIANTS_MAX) this.#newestHashes.push(hash);
    }
    this.#position = this.newest.number;
    const { numbers } = this.#fork ?? {};
    if (this.#fork !== undefined && numbers != null && numbers[1] + 1 === number) {
      this.#fork.numbers = [numbers[0], number];
      this.#fork.text = forkText(numbers[0], number);
    } else {
      this.#fork = this.#find('fork', line, number, forkText(number, number));
    }
  }

  #find(kind: FindingKind, line: number, first: number, text: string, last = first): Finding {
    return this.#findings.add({ kind, device: this.#device, line, numbers: [first, last], text });
  }
}

function previousText({ number, previous }: Receipt): string {
  if (previous === null) return `says that it is the first of its chain; expected a link to receipt ${number - 1}`;
  if (number === 1) return 'says that it follows another one; expected that the first follows none';
  return `follows another receipt ${number - 1} than the one here: there are two of them`;
}

function forkText(first: number, last: number): string {
  return `two different ${first === last ? `receipts of number ${first}` : `receipts of each number from ${first} to ${last}`}, both signed: the device ran twice, or from a copy of its state`;
}
