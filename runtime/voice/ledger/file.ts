/**
 * The ledger's file as it comes and goes: opened, found damaged or unreadable and set aside, opened again when a disk that
 * refused takes writes once more. What the ledger is told is a state, or that there is none.
 */
import { basename, dirname } from 'node:path';
import { DatabaseError, explain } from '../../errors.ts';
import type { OpenDatabase } from '../../ports/database.ts';
import { MS_PER_S } from '../../units.ts';
import type { Batch } from './records.ts';
import { decodeState, encodeState, type LedgerState } from './state.ts';
import { LedgerStore } from './store.ts';

export class LedgerFile {
  /** A file that must not be overwritten stands at the path: why, and the suffix that it will get. */
  blocked: { readonly suffix: string; readonly reason: string } | undefined;
  readonly #path: string;
  readonly #openDatabase: OpenDatabase;
  readonly #bytesMax: number;
  #store: LedgerStore | undefined;
  /** Epochs that we read or wrote: a file with another one is not the one that we began with. */
  readonly #epochs = new Set<string>();

  constructor(path: string, openDatabase: OpenDatabase, bytesMax: number) {
    this.#path = path;
    this.#openDatabase = openDatabase;
    this.#bytesMax = bytesMax;
  }

  /** The state on disk; new: none; lost: one that cannot be used. Throws only what `busy` is: another process has the file. */
  read(wallMs: number): LedgerState | 'new' | 'lost' {
    try {
      const found = this.#opened().readState();
      if (found === undefined) return 'new';
      const state = typeof found === 'string' ? found : decodeState(found.text, found.check);
      if (typeof state === 'object') {
        this.#epochs.add(state.epochId);
        return state;
      }
      this.blockDamaged(state, wallMs);
      return 'lost';
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind === 'busy') throw error;
      if (error.kind === 'absent') return 'new';
      if (error.kind === 'damaged') this.blockDamaged(error, wallMs);
      else this.#blockUnreadable(error, wallMs);
      return 'lost';
    }
  }

  /** Batches below keepFromSeq go first. Throws DatabaseError; then the file is as it was. */
  save(state: LedgerState, batches: readonly Batch[], keepFromSeq: number, wallMs: number): void {
    const wasOpen = this.#store !== undefined;
    try {
      if (!wasOpen) this.#lookBeforeWriting(wallMs);
      if (this.blocked !== undefined) {
        this.close();
        this.#openDatabase.setAside(this.#path, this.blocked.suffix);
        this.blocked = undefined;
      }
      this.#opened().save(encodeState(state), batches, keepFromSeq);
      this.#epochs.add(state.epochId);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'disk') throw error;
      // A disk that could not be written when the file was opened has to be asked again.
      this.close();
      if (!wasOpen) throw error;
      this.save(state, batches, keepFromSeq, wallMs);
    }
  }

  /** The batch that holds the record `seq`, or the first one after it, and those that follow. Throws DatabaseError. */
  batchesFrom(seq: number, countMax: number): Batch[] {
    return this.blocked === undefined ? this.#opened().batchesFrom(seq, countMax) : [];
  }

  oldestSeqs(countMax: number): number[] {
    return this.#opened().oldestSeqs(countMax);
  }

  /** Batches that were met and could not be read, since the file was opened. */
  get damagedCount(): number {
    return this.#store?.damagedCount ?? 0;
  }

  /** A folder may have come back (a card, a mount) with a ledger in it that we do not know. */
  #lookBeforeWriting(wallMs: number): void {
    if (this.blocked !== undefined) return;
    const found = this.#opened().readState();
    if (found === undefined) return;
    const state = typeof found === 'string' ? found : decodeState(found.text, found.check);
    if (typeof state === 'string') this.blockDamaged(state, wallMs);
    else if (!this.#epochs.has(state.epochId)) this.#blockOther(wallMs);
  }

  #blockOther(wallMs: number): void {
    const suffix = `.other-${stamp(wallMs)}`;
    const reason = `Another ledger has appeared at ${this.#path}; it is set aside as ${basename(this.#path)}${suffix}. Was state_dir mounted late?`;
    this.blocked = { suffix, reason };
  }

  /** why: in a few words, or what the database said. */
  blockDamaged(why: string | DatabaseError, wallMs: number): void {
    const reason = typeof why === 'string' ? why : explain(why.cause);
    const suffix = `.damaged-${stamp(wallMs)}`;
    this.blocked = {
      suffix,
      reason: `Ledger ${this.#path} is damaged (${reason}); it is set aside as ${basename(this.#path)}${suffix} and records begin anew. Keep the file if its numbers matter; check the card.`,
    };
  }

  close(): void {
    try {
      this.#store?.close();
    } catch {
      // Nothing of it is needed: what was saved is on disk.
    }
    this.#store = undefined;
  }

  #blockUnreadable(error: DatabaseError, wallMs: number): void {
    const reason = `Ledger ${this.#path} cannot be read (${systemCodeOf(error) ?? error.message}); counting begins at 0 in memory and the file is set aside. Check its owner and the card.`;
    this.blocked = { suffix: `.unreadable-${stamp(wallMs)}`, reason };
  }

  #opened(): LedgerStore {
    this.#store ??= new LedgerStore(this.#openDatabase(this.#path, { bytesMax: this.#bytesMax }));
    return this.#store;
  }
}

/** Why a save failed, in a sentence with its remedy. */
export function problemOf(error: unknown, path: string): string {
  const code = error instanceof DatabaseError ? systemCodeOf(error) : undefined;
  if (code === undefined)
    return `State cannot be saved; counting goes on in memory and saving is tried again. ${explain(error)}`;
  const { hint } = error as DatabaseError;
  return `State cannot be saved in ${dirname(path)} (${code}); counting goes on in memory and saving is tried again. ${hint}`;
}

/** ENOSPC, EROFS … */
function systemCodeOf({ cause }: DatabaseError): string | undefined {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** `2026-01-05T12:00:00.000Z` → `20260105T120000Z`: sorts, and fits every file system. */
function stamp(wallMs: number): string {
  const wholeS = Math.floor(wallMs / MS_PER_S) * MS_PER_S;
  return new Date(wholeS).toISOString().replace('.000', '').replace(/[-:]/g, '');
}
