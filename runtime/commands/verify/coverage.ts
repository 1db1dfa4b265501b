/**
 * Coverage: interval and zone messages of one epoch, held against the hashes in their receipts. A receipt comes after its
 * messages; recordings that were sorted otherwise are read as well, as long as both are not far apart.
 * A topic of which nothing was recorded is not missed; of one that was, each message must be there from its first on.
 * Memory: WAITING_MAX messages whose receipt has not come and COVERS_MAX that receipts told.
 */
import { messageHash, type Receipt } from '../../privacy/receipts.ts';
import type { Findings } from './findings.ts';

const WAITING_MAX = 1024;
const COVERS_MAX = 8192;
/** Different messages of one number that are kept until the receipt comes. */
const VARIANTS_MAX = 4;
const HOLES_MAX = 1000;
/** Twelve counters and eight zones. */
const INTERVAL_MESSAGES_MAX = 20;

export type Heard = {
  readonly seq: number;
  readonly payload: object;
  /** Below the device's, and `site/device`; undefined: the recording does not say. */
  readonly topic: string | undefined;
  readonly device: string | undefined;
  readonly line: number;
};

type Waiting = Omit<Heard, 'payload'> & {
  readonly hash: string;
  /** The highest number of a receipt when it came. */
  readonly newestSeq: number;
};
type Cover = {
  readonly hash: string;
  readonly topic: string;
  readonly device: string;
  readonly number: number;
  readonly line: number;
  isHeard: boolean;
};

export class Coverage {
  /** Messages that are what their receipt says. */
  matchedCount = 0;
  /** Messages whose receipt is not here. */
  uncoveredCount = 0;
  /** Of topics that were not recorded (or not yet). */
  unheardCount = 0;
  readonly #findings: Findings;
  readonly #waiting = new Map<number, Waiting[]>();
  readonly #covers = new Map<number, Cover>();
  /** Topic → lowest number heard of it. */
  readonly #heardFrom = new Map<string, number>();
  /** Numbers that belong to receipts that are not here, first and last. */
  readonly #holes: [number, number][] = [];
  #newestSeq = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  hear({ payload, ...heard }: Heard): void {
    const message = { ...heard, hash: messageHash(payload), newestSeq: this.#newestSeq };
    const cover = this.#covers.get(heard.seq);
    if (cover !== undefined) this.#compare(message, cover);
    else if (heard.seq <= this.#newestSeq) this.#uncovered(message);
    else this.#wait(message);
  }

  /** A receipt that is to be believed, new or again. */
  cover(receipt: Receipt, line: number): void {
    const { seq, covers, number } = receipt;
    const firstSeq = covers[0]!.seq;
    if (this.#newestSeq > 0 && firstSeq > this.#newestSeq + 1) this.#addHole(this.#newestSeq + 1, firstSeq - 1);
    if (this.#newestSeq === 0) this.#addHole(0, firstSeq - 1);
    this.#newestSeq = Math.max(this.#newestSeq, seq);
    const device = `${receipt.site}/${receipt.device}`;
    for (const { seq: coverSeq, topic, sha256: hash } of covers) {
      if (this.#covers.get(coverSeq)?.hash === hash) continue;
      this.#addCover(coverSeq, { hash, topic, device, number, line, isHeard: false });
    }
    for (const [waitingSeq, messages] of this.#waiting) {
      if (waitingSeq > this.#newestSeq) continue;
      this.#waiting.delete(waitingSeq);
      const cover = this.#covers.get(waitingSeq);
      for (const message of messages) {
        if (cover === undefined) this.#uncovered(message);
        else this.#compare(message, cover);
      }
    }
  }

  /** Nothing follows. */
  end(): void {
    for (const [seq, cover] of this.#covers) this.#forget(seq, cover);
    this.#covers.clear();
    for (const messages of this.#waiting.values()) for (const message of messages) this.#left(message);
    this.#waiting.clear();
  }

  #compare(message: Waiting, cover: Cover): void {
    const { seq, topic = cover.topic, device = cover.device } = message;
    cover.isHeard = true;
    if (seq < this.#heardFromOf(cover.topic)) this.#heardFrom.set(cover.topic, seq);
    const receipt = `receipt ${cover.number} (${this.#findings.place} ${cover.line})`;
    if (topic !== cover.topic || device !== cover.device) {
      const text = `message ${seq} stands under ${device}/${topic}; ${receipt} says ${cover.device}/${cover.topic}`;
      this.#edit(message, text);
    } else if (message.hash !== cover.hash) {
      this.#edit(message, `message ${seq} of ${topic} is not the one that ${receipt} covers: changed, or made up`);
    } else {
      this.matchedCount += 1;
    }
  }

  #edit({ line, device = '' }: Waiting, text: string): void {
    this.#findings.add({ kind: 'edit', device, line, numbers: null, text });
  }

  /** Its number is below that of the newest receipt, and no receipt that is remembered covers it. */
  #uncovered(message: Waiting): void {
    const { seq } = message;
    const [oldestCovered = Number.POSITIVE_INFINITY] = this.#covers.keys();
    const isInHole = this.#holes.some(([first, last]) => seq >= first && seq <= last);
    if (isInHole || seq < oldestCovered || this.#holes.length >= HOLES_MAX) this.uncoveredCount += 1;
    else this.#edit(message, `message ${seq} is covered by no receipt, and those around it are here: it was made up`);
  }

  /** At the end of a recording there may be messages of an interval whose receipt came too late for it. */
  #left(message: Waiting): void {
    const isAhead = message.seq > this.#newestSeq + INTERVAL_MESSAGES_MAX && this.#newestSeq > message.newestSeq;
    if (isAhead)
      this.#edit(message, `message ${message.seq} is far ahead of receipts that came after it: it was made up`);
    else this.uncoveredCount += 1;
  }

  #wait(message: Waiting): void {
    const { seq, hash } = message;
    const variants = this.#waiting.get(seq);
    if (variants === undefined) {
      this.#waiting.set(seq, [message]);
      if (this.#waiting.size <= WAITING_MAX) return;
      const [oldest] = this.#waiting.keys();
      this.uncoveredCount += this.#waiting.get(oldest!)!.length;
      this.#waiting.delete(oldest!);
    } else if (variants.length < VARIANTS_MAX && !variants.some((variant) => variant.hash === hash)) {
      variants.push(message);
    }
  }

  #addCover(seq: number, cover: Cover): void {
    this.#covers.set(seq, cover);
    if (this.#covers.size <= COVERS_MAX) return;
    const [[oldestSeq, oldest]] = this.#covers as unknown as [[number, Cover]];
    this.#covers.delete(oldestSeq);
    this.#forget(oldestSeq, oldest);
  }

  #addHole(first: number, last: number): void {
    if (last >= first && this.#holes.length < HOLES_MAX) this.#holes.push([first, last]);
  }

  #forget(seq: number, { isHeard, topic, device, number, line }: Cover): void {
    if (isHeard) return;
    if (seq < this.#heardFromOf(topic)) {
      this.unheardCount += 1;
      return;
    }
    const text = `message ${seq} of ${topic} is missing; receipt ${number} covers it`;
    this.#findings.add({ kind: 'gap', device, line, numbers: null, text });
  }

  #heardFromOf(topic: string): number {
    return this.#heardFrom.get(topic) ?? Number.POSITIVE_INFINITY;
  }
}
