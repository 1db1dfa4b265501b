/**
 * The eye's end of the corridor: puts records into a FIFO, keeps what does not fit in a fixed ring.
 * Why a FIFO: it has a name in the file system, needs no socket (the eye has none at all), and 32-byte writes are atomic.
 * The file is opened for reading too: then opening never waits, a reader that dies breaks nothing, and what it had not
 * read stays in the kernel's 64 KiB (2,048 records) for the next one.
 * Memory: one ring of RING_RECORDS × 32 bytes, taken at boot; nothing is allocated per record.
 */
import { strict as assert } from 'node:assert';
import { closeSync, writeSync } from 'node:fs';
import { type CorridorRecord, encodeRecord, RECORD_BYTES } from './record.ts';

/** With a full pipe behind it: crossings of about an hour in a busy door while the voice is away. */
const RING_RECORDS = 4096;

/** Where encoded records go: returns bytes taken, 0 when full. The FIFO in life, an array in tests. */
export type RecordOutlet = { write(bytes: Uint8Array, offset: number): number; close(): void };

/** fd: the corridor, opened for reading and writing without waiting (drivers/inlet.ts says why). */
export function fifoOutlet(fd: number): RecordOutlet {
  return {
    write(bytes, offset) {
      try {
        return writeSync(fd, bytes, offset, RECORD_BYTES);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}

export class CorridorWriter {
  /** Records given up because pipe and ring were full; totals in later records still carry their sum. */
  droppedCount = 0;
  readonly #outlet: RecordOutlet;
  readonly #ring = new Uint8Array(RING_RECORDS * RECORD_BYTES);
  readonly #view = new DataView(this.#ring.buffer);
  readonly #boot: number;
  #head = 0;
  #count = 0;
  #sequence = 0;

  /** Records that wait for room in the pipe. */
  get waitingCount(): number {
    return this.#count;
  }

  /** boot: random u32 that tells this life of the eye from the others. */
  constructor(outlet: RecordOutlet, boot: number) {
    assert.ok(Number.isInteger(boot) && boot >= 0 && boot <= 0xffffffff, `boot is ${boot}, expected a u32`);
    this.#outlet = outlet;
    this.#boot = boot;
  }

  /** Numbers, stamps and sends `record`; when nobody reads, the oldest record is overwritten and counted. */
  send(record: CorridorRecord): void {
    if (this.#count === RING_RECORDS) {
      this.#head = (this.#head + 1) % RING_RECORDS;
      this.#count -= 1;
      this.droppedCount += 1;
    }
    record.boot = this.#boot;
    record.sequence = this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const slot = (this.#head + this.#count) % RING_RECORDS;
    encodeRecord(record, this.#ring, this.#view, slot * RECORD_BYTES);
    this.#count += 1;
    this.flush();
  }

  /** Moves what the ring holds into the pipe as far as it goes. Called by `send` and by the eye's second tick. */
  flush(): void {
    while (this.#count > 0) {
      if (this.#outlet.write(this.#ring, this.#head * RECORD_BYTES) !== RECORD_BYTES) return;
      this.#head = (this.#head + 1) % RING_RECORDS;
      this.#count -= 1;
    }
  }

  close(): void {
    this.flush();
    this.#outlet.close();
  }
}
