/**
 * Ledger: what the voice must still know after a pulled plug, in one database, ledger.db in state_dir.
 * Totals and the eye's values they were reckoned from, open intervals, the next sequence number and how far the broker has
 * acknowledged are its *state*; beside it stand the records of each closed interval (records.ts), kept after they were
 * acknowledged, as long as there is room, so that they can be sent again. Both change in one transaction.
 *
 * **Nothing is told that is not on disk** (`tellableSeq`, `save`): a number that was told and then lost in a power cut
 * would be given again, to something else. While the disk cannot be written, counting goes on in memory, one sentence is
 * logged, saving is tried again, and what is closed waits (UNSAVED_MAX batches; then the oldest go and are counted). After
 * UNTOLD_US of that the ledger begins a new epoch, which no disk has seen, whose numbers can therefore not be given
 * again, and goes on without a disk; what waits is renamed to it. Totals keep their values.
 *
 * A full file (BYTES_MAX) gives up its oldest acknowledged records, then its oldest ones that wait, and says so. A damaged
 * file is set aside under another name and never overwritten.
 * Memory: state, and PAGE_BATCHES batches while reading.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseError } from '../../errors.ts';
import type { OpenDatabase } from '../../ports/database.ts';
import type { Receipt } from '../../privacy/receipts.ts';
import { US_PER_S } from '../../units.ts';
import { emptyTotals, type LineTotals } from '../intervals/totals.ts';
import { LedgerFile, problemOf } from './file.ts';
import { type Batch, type IntervalRecord, type LedgerRecord, lastSeqOf, recordsOf } from './records.ts';
import { emptyState, type LedgerState } from './state.ts';

export type { Batch, CountRecord, IntervalRecord, LedgerRecord, ReceiptRecord, ZoneRecord } from './records.ts';
export type { EyeSeen, LedgerState } from './state.ts';

/** ok; unwritable: counting in memory; unreadable: as that, and the old file is left as it is. */
export type LedgerCondition = { readonly state: 'ok' | 'unwritable' | 'unreadable'; readonly reason: string };

export type LedgerEvents = {
  /** Something a person should read: one sentence with value and remedy. Told once per change. */
  readonly onProblem: (sentence: string) => void;
  /** Something worth a line that is no fault. */
  readonly onNote: (sentence: string) => void;
  /** Saving works again. */
  readonly onRecovered: () => void;
};

export type LedgerOptions = {
  readonly folder: string;
  readonly lines: readonly string[];
  readonly zones: readonly string[];
  readonly openDatabase: OpenDatabase;
  readonly wallMs: () => number;
  readonly nowUs: number;
  readonly events: LedgerEvents;
  /** BYTES_MAX, but for tests. */
  readonly bytesMax?: number;
};

export const LEDGER_FILE = 'ledger.db';
/** 150 days of one-minute records of eight lines, with their receipts, take about 55 MB. */
export const BYTES_MAX = 64 * 1024 * 1024;
/** So long a disk may fail before what is counted goes out under a new epoch. */
export const UNTOLD_US = 600 * US_PER_S;
/** A day of minutes, in memory. */
export const UNSAVED_MAX = 1440;
const PAGE_BATCHES = 32;
/** Batches given up at once when the file is full: about 64 KiB. */
const ROOM_BATCHES = 256;
const SAVE_WAIT_US = US_PER_S;
/** A disk that fails is left alone for so long, but for intervals that close. */
const RETRY_WAIT_US = 10 * US_PER_S;

export class Ledger {
  readonly state: LedgerState;
  /** True if this start found no usable file: what an eye counted before may have been published already. */
  readonly lostMemory: boolean;
  condition: LedgerCondition = { state: 'ok', reason: '' };
  /** Begin of the oldest record that is kept; null: none is. */
  keptFromMs: number | null = null;
  /** Makes a receipt anew for records that got another epoch; set by whoever makes receipts. */
  renewReceipt: (receipt: Receipt, records: readonly IntervalRecord[]) => Receipt = (receipt) => receipt;
  readonly #path: string;
  readonly #file: LedgerFile;
  readonly #options: LedgerOptions;
  /** Closed and not on disk, oldest first. */
  #unsaved: Batch[] = [];
  /** Records up to this number are on disk. */
  #savedSeq = 0;
  /** A start after a crash might go on with this epoch. */
  #isEpochOnDisk = false;
  #dirty = true;
  #savedAtUs = Number.NEGATIVE_INFINITY;
  #failingSinceUs: number | undefined;
  #hasDropped = false;
  #isDropTold = false;
  #isRoomTold = false;
  #damagedTold = 0;

  /** Opens or begins the ledger; counts one start. Throws only for a file that another process has (DatabaseError `busy`). */
  constructor(options: LedgerOptions) {
    const { folder, lines, zones, openDatabase, wallMs, nowUs, bytesMax = BYTES_MAX } = options;
    this.#options = options;
    this.#path = join(folder, LEDGER_FILE);
    this.#file = new LedgerFile(this.#path, openDatabase, bytesMax);
    const found = this.#file.read(wallMs());
    if (this.#file.blocked !== undefined) this.#tell('unreadable', this.#file.blocked.reason);
    this.lostMemory = found === 'lost';
    this.#isEpochOnDisk = typeof found === 'object';
    // What a later version has added to the state begins empty.
    this.state = { ...emptyState(lines, zones), ...(typeof found === 'object' ? found : {}) };
    this.#savedSeq = this.state.seq;
    for (const name of lines) {
      this.state.lines[name] ??= emptyTotals();
      this.state.net[name] ??= emptyTotals();
    }
    for (const name of zones) {
      this.state.visits[name] ??= emptyTotals();
      this.state.passers[name] ??= emptyTotals();
    }
    this.state.boot += 1;
    this.save(nowUs);
  }

  /** Of a counter or zone that was given to the constructor. */
  totals(kind: 'lines' | 'net' | 'visits' | 'passers', name: string): LineTotals {
    return this.state[kind][name]!;
  }

  nextSeq(): number {
    this.state.seq += 1;
    return this.state.seq;
  }

  /** Records that wait for the broker. */
  get pendingCount(): number {
    return this.state.seq - this.state.acknowledgedSeq;
  }

  /** Records up to this number may be told. */
  get tellableSeq(): number {
    return this.#isEpochOnDisk ? this.#savedSeq : this.state.seq;
  }

  /** The batch of a closed interval, with the numbers that `nextSeq` gave since the one before. */
  append(batch: Batch): void {
    this.#unsaved.push(batch);
    this.#dirty = true;
    if (this.#unsaved.length <= UNSAVED_MAX) return;
    this.#giveUpTo(lastSeqOf(this.#unsaved.shift()!));
    this.#tellDropped();
  }

  /** The broker has this record and all before it. It is noted on disk with whatever is saved next. */
  acknowledge(seq: number): void {
    const { state } = this;
    if (seq > state.acknowledgedSeq && seq <= state.seq) state.acknowledgedSeq = seq;
    if (this.pendingCount > 0) return;
    this.#hasDropped = false;
    this.#isDropTold = false;
  }

  /** The oldest records that wait and may be told, one page of them; none: nothing may be told now. */
  waiting(): LedgerRecord[] {
    const fromSeq = this.state.acknowledgedSeq + 1;
    if (fromSeq > this.tellableSeq) return [];
    const isWaiting = ({ seq }: LedgerRecord) => seq >= fromSeq;
    if (fromSeq <= this.#savedSeq) {
      const saved = this.#page(fromSeq).filter(isWaiting);
      if (saved.length > 0 || this.#isEpochOnDisk) return saved;
      // The disk gives back nothing of what it should have, and we go on without it.
      this.#giveUpTo(this.#savedSeq);
    }
    return this.#unsaved.slice(0, PAGE_BATCHES).flatMap(recordsOf).filter(isWaiting);
  }

  /**
   * Records of that epoch that are kept on disk, fromSeq to toSeq, both included; one page of them, oldest first. What
   * follows the last of them is the next page.
   */
  recordsBetween(epochId: string, fromSeq: number, toSeq: number): LedgerRecord[] {
    for (let seq = fromSeq; seq <= toSeq && seq <= this.#savedSeq; ) {
      const page = this.#page(seq);
      const found = page.filter((record) => record.epochId === epochId && record.seq >= fromSeq && record.seq <= toSeq);
      if (found.length > 0) return found;
      const lastSeq = page.at(-1)?.seq ?? 0;
      if (lastSeq < seq) return [];
      seq = lastSeq + 1;
    }
    return [];
  }

  /** Something in `state` was changed. */
  touch(): void {
    this.#dirty = true;
  }

  /** How long ago saving was tried last, if there is something to save; else 0. µs. */
  unsavedUs(nowUs: number): number {
    return this.#dirty ? nowUs - this.#savedAtUs : 0;
  }

  /** Saves if there is something to save and the last time was at least a second ago. Call it about once a second. */
  saveSoon(nowUs: number): void {
    const waitUs = this.condition.state === 'ok' ? SAVE_WAIT_US : RETRY_WAIT_US;
    if (this.#dirty && nowUs - this.#savedAtUs >= waitUs) this.save(nowUs);
  }

  /** Saves now if there is something to save. True: totals as they are now may be told. */
  saveToTell(nowUs: number): boolean {
    if (this.#dirty && this.condition.state === 'ok') this.save(nowUs);
    return !(this.#dirty && this.#isEpochOnDisk);
  }

  /** Saves now. Returns whether it is on disk; a failure is told through events and in `condition`. */
  save(nowUs: number): boolean {
    this.#savedAtUs = nowUs;
    try {
      this.#write();
    } catch (error) {
      this.#failed(error, nowUs);
      return false;
    }
    this.#dirty = false;
    this.#failingSinceUs = undefined;
    if (this.condition.state !== 'ok') {
      this.condition = { state: 'ok', reason: '' };
      this.#options.events.onRecovered();
    }
    return true;
  }

  /** Lets the file go. */
  close(): void {
    this.#file.close();
  }

  /** Gives up old batches while the file is full. */
  #write(): void {
    const { acknowledgedSeq, droppedCount } = this.state;
    let keepFromSeq = 0;
    for (;;) {
      try {
        this.#file.save(this.state, this.#unsaved, keepFromSeq, this.#options.wallMs());
        break;
      } catch (error) {
        const next = error instanceof DatabaseError && error.kind === 'full' ? this.#room(keepFromSeq) : undefined;
        if (next === undefined) {
          Object.assign(this.state, { acknowledgedSeq, droppedCount });
          throw error;
        }
        keepFromSeq = next;
        this.#giveUpTo(keepFromSeq - 1);
        this.#tellDropped();
      }
    }
    const isFirst = this.keptFromMs === null;
    this.#unsaved = [];
    this.#savedSeq = this.state.seq;
    this.#isEpochOnDisk = true;
    if (isFirst || keepFromSeq > 0) this.#noteOldest();
    if (keepFromSeq > 0) this.#tellRoom();
  }

  /** First number that is to be kept next when the file is full: acknowledged ones go alone as long as there are any. */
  #room(keepFromSeq: number): number | undefined {
    const oldest = this.#file.oldestSeqs(2 * ROOM_BATCHES).filter((seq) => seq >= keepFromSeq);
    const ends = oldest.slice(1, ROOM_BATCHES + 1);
    return ends.filter((seq) => seq <= this.state.acknowledgedSeq + 1).at(-1) ?? ends.at(-1);
  }

  /** Records up to this number are no longer here; those that waited are counted. */
  #giveUpTo(seq: number): void {
    const { state } = this;
    if (seq <= state.acknowledgedSeq) return;
    state.droppedCount += seq - state.acknowledgedSeq;
    state.acknowledgedSeq = seq;
    this.#hasDropped = true;
  }

  #tellDropped(): void {
    if (!this.#hasDropped || this.#isDropTold) return;
    this.#isDropTold = true;
    this.#options.events.onProblem(
      'There is no more room for records that wait for the broker: the oldest are given up from now on. Bring the broker back; totals stay right.',
    );
  }

  #tellRoom(): void {
    if (this.#isRoomTold) return;
    this.#isRoomTold = true;
    const from = this.keptFromMs === null ? 'now' : new Date(this.keptFromMs).toISOString();
    this.#options.events.onNote(`the ledger is full: the oldest records go from now on, kept are those from ${from}`);
  }

  #failed(error: unknown, nowUs: number): void {
    if (error instanceof DatabaseError && error.kind === 'damaged' && this.#file.blocked === undefined) {
      // What it held is lost, our state is not.
      this.#file.blockDamaged(error, this.#options.wallMs());
      this.#giveUpTo(this.#savedSeq);
    }
    const { blocked } = this.#file;
    this.#tell(blocked === undefined ? 'unwritable' : 'unreadable', blocked?.reason ?? problemOf(error, this.#path));
    this.#failingSinceUs ??= nowUs;
    if (this.#isEpochOnDisk && nowUs - this.#failingSinceUs >= UNTOLD_US) this.#beginEpoch();
  }

  #tell(state: 'unwritable' | 'unreadable', reason: string): void {
    const isNews = this.condition.state !== state || this.condition.reason !== reason;
    this.condition = { state, reason };
    if (isNews) this.#options.events.onProblem(reason);
  }

  /** What is counted from here on, and what waits and is not on disk, goes out under a name that no disk has seen. */
  #beginEpoch(): void {
    const { state } = this;
    state.epochId = randomUUID();
    state.receiptHead = { number: 0, hash: null };
    this.#isEpochOnDisk = false;
    this.#unsaved = this.#unsaved.map((batch) => this.#renewed(batch));
    this.#options.events.onProblem(
      `Nothing could be saved for ${UNTOLD_US / US_PER_S / 60} minutes: counting goes on in memory under a new epoch, ${state.epochId}. Totals keep their values; a restart now would lose what was counted since.`,
    );
  }

  #renewed({ records: before, receipt }: Batch): Batch {
    const records = before.map((record) => ({ ...record, epochId: this.state.epochId }));
    return { records, receipt: receipt && this.renewReceipt(receipt, records) };
  }

  #noteOldest(): void {
    const [oldest] = this.#pageOfBatches(0, 1);
    this.keptFromMs = oldest?.records[0]?.fromMs ?? null;
  }

  #page(fromSeq: number): LedgerRecord[] {
    return this.#pageOfBatches(fromSeq, PAGE_BATCHES).flatMap(recordsOf);
  }

  /** None: the disk cannot be read, which is told with the next save. */
  #pageOfBatches(fromSeq: number, countMax: number): Batch[] {
    try {
      const batches = this.#file.batchesFrom(fromSeq, countMax);
      this.#tellDamaged();
      return batches;
    } catch (error) {
      if (error instanceof DatabaseError) return [];
      throw error;
    }
  }

  #tellDamaged(): void {
    const { damagedCount } = this.#file;
    if (damagedCount > this.#damagedTold)
      this.#options.events.onProblem(
        `Records of ${damagedCount} intervals in ${this.#path} are damaged and left out. Check the card.`,
      );
    this.#damagedTold = damagedCount;
  }
}
