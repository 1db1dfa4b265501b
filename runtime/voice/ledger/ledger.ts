/**
 * Ledger: what the voice must still know after a pulled plug, in one small file.
 * Totals and the eye's values they were reckoned from, open intervals, the next sequence number and the records that the
 * broker has not acknowledged stand in the same file and change by one rename, so they can never contradict each other.
 * Written beside, synced, renamed, folder synced; 0600 in a folder 0700.
 *
 * When the file cannot be written (card full, read-only), counting goes on in memory, one sentence is logged and saving
 * is tried again with every later `save`. A file that is damaged is set aside under another name and never overwritten.
 * Memory and disk: PENDING_MAX records of about 70 bytes, receipts of about 300 (format.ts); beyond that the oldest go and
 * are counted.
 * Not here: a history of what was delivered; several voices on one file (one supervisor starts one).
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Receipt } from '../../privacy/receipts.ts';
import { MS_PER_S, US_PER_S } from '../../units.ts';
import { type CommandMemory, emptyMemory } from '../commands/memory.ts';
import { type DiscoveryMemory, nothingAnnounced } from '../discovery/discovery.ts';
import type { EyeFrames } from '../intervals/frames.ts';
import { emptyIntervals, type IntervalState, type Quality } from '../intervals/intervals.ts';
import { emptyTotals, type LineTotals } from '../intervals/totals.ts';
import type { ZoneFacts } from '../intervals/zones.ts';
import { emptyOccupancy, type OccupancyState } from '../occupancy/occupancy.ts';
import { type LedgerFiles, nodeFiles } from './files.ts';
import { decodeState, encodeState } from './format.ts';

type Envelope = {
  readonly seq: number;
  readonly boot: number;
  /** Of the counter or zone. */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly samples: number;
  readonly expected: number;
  readonly quality: Quality;
  /** The shop was open in it, at least for a part. */
  readonly isOpen: boolean;
};

/** What one counter (line or entrance) counted in one interval, as it waits for the broker. */
export type CountRecord = Envelope & {
  readonly kind: 'count';
  readonly in: number;
  readonly out: number;
  readonly netIn: number;
  readonly netOut: number;
  readonly totalIn: number;
  readonly totalOut: number;
  /** Entries with a pause before them, and the parties that came in since the full hour (groups.ts). */
  readonly chains: number;
  readonly groupsHour: number;
};

/** What happened in one zone in one interval. */
export type ZoneRecord = Envelope & {
  readonly kind: 'zone';
  readonly facts: ZoneFacts;
  /** People who came in through the counter that the zone lies before; null: it lies before none. */
  readonly entries: number | null;
};

export type IntervalRecord = CountRecord | ZoneRecord;

/** What the device signs about an interval, after the records that it covers; published as it stands here. */
export type ReceiptRecord = {
  readonly kind: 'receipt';
  readonly seq: number;
  readonly toMs: number;
  readonly receipt: Receipt;
};

export type PendingRecord = IntervalRecord | ReceiptRecord;

/** The last receipt of the chain; 0 and null: none yet. */
export type ReceiptHead = { number: number; hash: string | null };

/** What is known of the eye; a restarted voice goes on from here. */
export type EyeSeen = { boot: number; state: number; reason: number };

export type LedgerState = {
  /** Names this series of totals; a new one says: the meter began again at 0. */
  epochId: string;
  /** Starts of the voice since the epoch. */
  boot: number;
  /** Last sequence number given; survives restarts. */
  seq: number;
  /** By counter name, so that renaming or sorting lines never mixes their totals. */
  lines: Record<string, LineTotals>;
  /** Net totals, the same way. */
  net: Record<string, LineTotals>;
  /** By zone name: visits (as in) and bounces (as out); passers-by (as in). */
  visits: Record<string, LineTotals>;
  passers: Record<string, LineTotals>;
  occupancy: OccupancyState;
  eye: EyeSeen | null;
  /** Frames and model of the last boots of the eye, newest first. */
  eyes: EyeFrames[];
  intervals: IntervalState;
  receiptHead: ReceiptHead;
  /** So that no command is carried out twice. */
  commands: CommandMemory;
  /** What Home Assistant was told of. */
  discovery: DiscoveryMemory;
  /** Oldest first. */
  pending: PendingRecord[];
  /** Records given up because `pending` was full. */
  droppedCount: number;
};

/** ok; unwritable: counting in memory; unreadable: as that, and the old file is left as it is. */
export type LedgerCondition = { readonly state: 'ok' | 'unwritable' | 'unreadable'; readonly reason: string };

export type LedgerEvents = {
  /** Something a person should read: one sentence with value and remedy. Told once per change. */
  readonly onProblem: (sentence: string) => void;
  /** Saving works again. */
  readonly onRecovered: () => void;
};

export const STATE_FILE = 'voice-state';
/** Receipts among them: a day and a half of one-minute records of eight lines, or a week of one line. */
export const PENDING_MAX = 20_000;
/** With a long backlog the file is large; saving it less often keeps the card alive. Closed intervals are saved at once. */
const SAVE_BYTES_PER_S = 65_536;

export class Ledger {
  readonly state: LedgerState;
  /** True if this start found no usable file: what an eye counted before may have been published already. */
  readonly lostMemory: boolean;
  condition: LedgerCondition = { state: 'ok', reason: '' };
  /** Records up to this number are on disk; the others would get it again after a crash now. */
  savedSeq = 0;
  readonly #path: string;
  readonly #folder: string;
  readonly #files: LedgerFiles;
  readonly #events: LedgerEvents;
  /** A file that must not be overwritten stands at #path. */
  #blocked: { readonly suffix: string; readonly reason: string } | undefined;
  #dirty = true;
  #savedAtUs = Number.NEGATIVE_INFINITY;
  #savedBytes = 0;
  #dropTold = false;

  /** Opens or begins the ledger in `folder`; counts one start. Never throws for a disk that does not work. */
  constructor(
    folder: string,
    lines: readonly string[],
    zones: readonly string[],
    wallMs: number,
    events: LedgerEvents,
    files: LedgerFiles = nodeFiles,
  ) {
    this.#folder = folder;
    this.#path = join(folder, STATE_FILE);
    this.#files = files;
    this.#events = events;
    const found = this.#read(wallMs);
    this.lostMemory = found === 'lost';
    this.state = typeof found === 'object' ? found : emptyState(lines, zones);
    this.savedSeq = this.state.seq;
    // A state of before there were these.
    this.state.commands ??= emptyMemory();
    this.state.discovery ??= nothingAnnounced();
    for (const name of lines) {
      this.state.lines[name] ??= emptyTotals();
      this.state.net[name] ??= emptyTotals();
    }
    for (const name of zones) {
      this.state.visits[name] ??= emptyTotals();
      this.state.passers[name] ??= emptyTotals();
    }
    this.state.boot += 1;
    this.save(0);
  }

  /** Of a counter or zone that was given to the constructor. */
  totals(kind: 'lines' | 'net' | 'visits' | 'passers', name: string): LineTotals {
    return this.state[kind][name]!;
  }

  nextSeq(): number {
    this.state.seq += 1;
    return this.state.seq;
  }

  /** Puts a record at the end of the queue; a full queue gives up its oldest. */
  append(record: PendingRecord): void {
    const { state } = this;
    state.pending.push(record);
    this.#dirty = true;
    if (state.pending.length <= PENDING_MAX) return;
    state.pending.shift();
    state.droppedCount += 1;
    if (this.#dropTold) return;
    this.#dropTold = true;
    this.#events.onProblem(
      `${PENDING_MAX} records wait for the broker, more are not kept: the oldest are given up from now on. Bring the broker back; totals stay right.`,
    );
  }

  /** The broker has it: it may be forgotten. */
  acknowledge(seq: number): void {
    const { pending } = this.state;
    const index = pending.findIndex((record) => record.seq === seq);
    if (index < 0) return;
    pending.splice(index, 1);
    this.#dirty = true;
    if (pending.length < PENDING_MAX / 2) this.#dropTold = false;
  }

  /** Something else in `state` was changed. */
  touch(): void {
    this.#dirty = true;
  }

  /** Saves if there is something to save and the last time was at least a second ago (longer for a large file). */
  saveSoon(nowUs: number): void {
    const waitUs = Math.max(1, this.#savedBytes / SAVE_BYTES_PER_S) * US_PER_S;
    if (this.#dirty && nowUs - this.#savedAtUs >= waitUs) this.save(nowUs);
  }

  /** Saves now if there is something to save: for what must not be told before it is on disk. */
  saveIfDirty(nowUs: number): void {
    if (this.#dirty) this.save(nowUs);
  }

  /** Saves now. Returns whether it is on disk; a failure is told through events and in `condition`. */
  save(nowUs: number): boolean {
    this.#savedAtUs = nowUs;
    const text = encodeState(this.state);
    this.#savedBytes = text.length;
    try {
      this.#files.makeFolder(this.#folder);
      if (this.#blocked !== undefined) {
        this.#files.rename(this.#path, this.#path + this.#blocked.suffix);
        this.#blocked = undefined;
      }
      this.#files.writeAtomic(this.#path, text);
    } catch (error) {
      const blocked = this.#blocked;
      this.#fail(blocked === undefined ? 'unwritable' : 'unreadable', blocked?.reason ?? this.#writeProblem(error));
      return false;
    }
    this.#dirty = false;
    this.savedSeq = this.state.seq;
    if (this.condition.state !== 'ok') {
      this.condition = { state: 'ok', reason: '' };
      this.#events.onRecovered();
    }
    return true;
  }

  #fail(state: 'unwritable' | 'unreadable', reason: string): void {
    const isNews = this.condition.state !== state || this.condition.reason !== reason;
    this.condition = { state, reason };
    if (isNews) this.#events.onProblem(reason);
  }

  /** The state on disk; `new` if there is none; `lost` if there is one that cannot be used. */
  #read(wallMs: number): LedgerState | 'new' | 'lost' {
    let text: string | undefined;
    try {
      text = this.#files.read(this.#path);
    } catch (error) {
      const code = codeOf(error);
      this.#block(
        `.unreadable-${stamp(wallMs)}`,
        `State file ${this.#path} cannot be read (${code}); counting begins at 0 in memory and the file is set aside. Check its owner and the card.`,
      );
      return 'lost';
    }
    if (text === undefined) return 'new';
    const decoded = decodeState(text);
    if (typeof decoded === 'object') return decoded;
    const suffix = `.damaged-${stamp(wallMs)}`;
    this.#block(
      suffix,
      `State file ${this.#path} is damaged (${decoded}); it is set aside as ${STATE_FILE}${suffix} and counting begins at 0 with a new epoch. Keep the file if its totals matter; check the card.`,
    );
    return 'lost';
  }

  #block(suffix: string, reason: string): void {
    this.#blocked = { suffix, reason };
    this.#fail('unreadable', reason);
  }

  #writeProblem(error: unknown): string {
    const code = codeOf(error);
    const remedy: Record<string, string> = {
      ENOSPC: 'Free some space there.',
      EDQUOT: 'Free some space there, or raise the quota.',
      EACCES: 'Give the folder to the user that runs the voice.',
      EPERM: 'Give the folder to the user that runs the voice.',
      EROFS: 'Mount it writable, or set state_dir to a writable folder.',
    };
    return `State cannot be saved in ${this.#folder} (${code}); counting goes on in memory and saving is tried again. ${remedy[code] ?? 'Check the disk.'}`;
  }
}

function emptyState(lines: readonly string[], zones: readonly string[]): LedgerState {
  return {
    epochId: randomUUID(),
    boot: 0,
    seq: 0,
    lines: {},
    net: {},
    visits: {},
    passers: {},
    occupancy: emptyOccupancy(),
    eye: null,
    eyes: [],
    intervals: emptyIntervals(lines, zones),
    receiptHead: { number: 0, hash: null },
    commands: emptyMemory(),
    discovery: nothingAnnounced(),
    pending: [],
    droppedCount: 0,
  };
}

/** `2026-01-05T12:00:00.000Z` → `20260105T120000Z`: sorts, and fits every file system. */
function stamp(wallMs: number): string {
  const wholeS = Math.floor(wallMs / MS_PER_S) * MS_PER_S;
  return new Date(wholeS).toISOString().replace('.000', '').replace(/[-:]/g, '');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
