/**
 * The voice's end of the corridor: bytes in, checked records out. It knows nothing of files: the voice feeds it.
 * An eye that sends anything malformed, or more than counting can need, is cut off: from then on no byte of it is
 * looked at, and `onCutOff` says why, once. What can be foretold of a record is checked too (boot, sequence), so that it
 * carries nothing besides its counts; capacity.ts reckons what is left.
 * Memory: one record; bytes that are not yet a whole record wait in a 32-byte buffer.
 */
import {
  type CorridorRecord,
  DECODED_WORDS,
  Decoded,
  DOT_PARTS_MAX,
  DOTS_HZ,
  decodeRecord,
  emptyRecord,
  RECORD_BYTES,
  RECORDS_PER_SECOND_MAX,
  RecordKind,
} from './record.ts';

/** May arrive at once: a voice that was away or held up finds the pipe full (2,048 records), and the eye's ring behind it. */
export const BURST_RECORDS = 4096 + 2048;

/**
 * Of crossings, and what they bring with them (net, visit): 16 a second for as long as one likes are 57,600 people an hour
 * through the view of one camera; a dense crowd passes a door at about 1.4 people a second and metre (Fruin 1971, level of service E).
 */
const CROWD_RECORDS = 48;

/**
 * Jumps: another boot than before, or records left out. Each eye makes one when it starts and one whenever its ring has
 * run over. After a long absence the pipe holds 2,048 records; even if each second one began another life of the eye,
 * these are the jumps in it. More than so many at once, or one each ten seconds, is somebody who writes with them.
 */
const BURST_JUMPS = 2048;
export const JUMPS_PER_SECOND = 0.1;

/** How many a second counting can need, on average: each second three of a counter (one is the truth of a scene), two of a zone. */
export function recordsPerSecondOf(counterCount: number, zoneCount: number): number {
  return Math.min(RECORDS_PER_SECOND_MAX, 4 + 3 * counterCount + 2 * zoneCount + CROWD_RECORDS);
}

/** Besides, in set-up mode: a whole view of people, so often. */
export const SETUP_RECORDS_PER_SECOND = DOTS_HZ * DOT_PARTS_MAX;

export type CorridorReaderEvents = {
  /** A good record; the object is reused, read it inside the call. */
  readonly onRecord: (record: CorridorRecord) => void;
  /** The eye broke the protocol; `reason` is one sentence. Nothing follows. */
  readonly onCutOff: (reason: string) => void;
};

export class CorridorReader {
  /** True once the eye was cut off. */
  cutOff = false;
  /** Set-up mode was asked for, or may still be on: positions are taken, and the rate allows for them. Otherwise they are a breach. */
  takesDots = false;
  recordCount = 0;
  readonly #events: CorridorReaderEvents;
  readonly #nowUs: () => number;
  readonly #pending = new Uint8Array(RECORD_BYTES);
  readonly #view = new DataView(this.#pending.buffer);
  readonly #record = emptyRecord();
  #pendingBytes = 0;
  #allowance = BURST_RECORDS;
  #allowanceAtUs: number;
  #jumps = BURST_JUMPS;
  readonly #recordsPerSecond: number;
  /** Of the record before. */
  #boot = 0;
  #sequence = 0;

  /** nowUs: monotonic microseconds, for the rate limit. */
  constructor(events: CorridorReaderEvents, nowUs: () => number, recordsPerSecond: number = RECORDS_PER_SECOND_MAX) {
    this.#events = events;
    this.#nowUs = nowUs;
    this.#recordsPerSecond = recordsPerSecond;
    this.#allowanceAtUs = nowUs();
  }

  /** Takes `byteCount` bytes from the start of `chunk`. */
  feed(chunk: Uint8Array, byteCount: number): void {
    for (let i = 0; i < byteCount && !this.cutOff; i++) {
      this.#pending[this.#pendingBytes] = chunk[i]!;
      this.#pendingBytes += 1;
      if (this.#pendingBytes === RECORD_BYTES) {
        this.#pendingBytes = 0;
        this.#take();
      }
    }
  }

  #take(): void {
    const nowUs = this.#nowUs();
    const elapsedS = (nowUs - this.#allowanceAtUs) / 1e6;
    const recordsPerSecond = this.#recordsPerSecond + (this.takesDots ? SETUP_RECORDS_PER_SECOND : 0);
    this.#allowance = Math.min(BURST_RECORDS, this.#allowance + elapsedS * recordsPerSecond);
    this.#jumps = Math.min(BURST_JUMPS, this.#jumps + elapsedS * JUMPS_PER_SECOND);
    this.#allowanceAtUs = nowUs;
    this.#allowance -= 1;
    if (this.#allowance < 0) {
      this.#cut(`more than ${recordsPerSecond} records a second`);
      return;
    }
    const decoded = decodeRecord(this.#pending, this.#view, 0, this.#record);
    if (decoded !== Decoded.ok) {
      this.#cut(`a malformed record (${DECODED_WORDS[decoded]})`);
      return;
    }
    if (this.#record.kind === RecordKind.dots && !this.takesDots) {
      this.#cut('positions of people, though nobody asked for set-up mode');
      return;
    }
    const fault = this.recordCount === 0 ? undefined : this.#faultOfOrder();
    if (fault !== undefined) {
      this.#cut(fault);
      return;
    }
    this.#boot = this.#record.boot;
    this.#sequence = this.#record.sequence;
    this.recordCount += 1;
    this.#events.onRecord(this.#record);
  }

  /** What is wrong with the place of the record behind the one before; undefined: nothing. */
  #faultOfOrder(): string | undefined {
    const { boot, sequence } = this.#record;
    if (boot === this.#boot) {
      const step = (sequence - this.#sequence) >>> 0;
      if (step === 1) return undefined;
      // A u32 runs over after years; half of its range behind is before.
      if (step === 0 || step >= 2 ** 31) return 'a record out of order';
    }
    this.#jumps -= 1;
    return this.#jumps < 0 ? 'more gaps and new beginnings than restarts can explain' : undefined;
  }

  #cut(what: string): void {
    this.cutOff = true;
    this.#events.onCutOff(`the eye sent ${what}; it is cut off until it is restarted`);
  }
}
