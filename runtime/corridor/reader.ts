/**
 * The voice's end of the corridor: bytes in, checked records out. It knows nothing of files: the voice feeds it.
 * An eye that sends anything malformed, or more than counting can need, is cut off: from then on no byte of it is
 * looked at, and `onCutOff` says why, once.
 * Memory: one record; bytes that are not yet a whole record wait in a 32-byte buffer.
 */
import {
  type CorridorRecord,
  DECODED_WORDS,
  Decoded,
  decodeRecord,
  emptyRecord,
  RECORD_BYTES,
  RECORDS_PER_SECOND_MAX,
} from './record.ts';

/** Seconds of the highest rate that may arrive at once: a restarted voice finds the whole pipe full (2,048 records). */
const BURST_RECORDS = 4096 + 2048;

export type CorridorReaderEvents = {
  /** A good record; the object is reused, read it inside the call. */
  readonly onRecord: (record: CorridorRecord) => void;
  /** The eye broke the protocol; `reason` is one sentence. Nothing follows. */
  readonly onCutOff: (reason: string) => void;
};

export class CorridorReader {
  /** True once the eye was cut off. */
  cutOff = false;
  recordCount = 0;
  readonly #events: CorridorReaderEvents;
  readonly #nowUs: () => number;
  readonly #pending = new Uint8Array(RECORD_BYTES);
  readonly #view = new DataView(this.#pending.buffer);
  readonly #record = emptyRecord();
  #pendingBytes = 0;
  #allowance = BURST_RECORDS;
  #allowanceAtUs: number;

  /** nowUs: monotonic microseconds, for the rate limit. */
  constructor(events: CorridorReaderEvents, nowUs: () => number) {
    this.#events = events;
    this.#nowUs = nowUs;
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
    this.#allowance = Math.min(
      BURST_RECORDS,
      this.#allowance + ((nowUs - this.#allowanceAtUs) / 1e6) * RECORDS_PER_SECOND_MAX,
    );
    this.#allowanceAtUs = nowUs;
    this.#allowance -= 1;
    if (this.#allowance < 0) {
      this.#cut(`more than ${RECORDS_PER_SECOND_MAX} records a second`);
      return;
    }
    const decoded = decodeRecord(this.#pending, this.#view, 0, this.#record);
    if (decoded !== Decoded.ok) {
      this.#cut(`a malformed record (${DECODED_WORDS[decoded]})`);
      return;
    }
    this.recordCount += 1;
    this.#events.onRecord(this.#record);
  }

  #cut(what: string): void {
    this.cutOff = true;
    this.#events.onCutOff(`the eye sent ${what}; it is cut off until it is restarted`);
  }
}
