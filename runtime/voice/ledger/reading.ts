/** A ledger read from outside, by whoever checks it: state first, then its batches in order, page by page. */
import type { Database } from '../../ports/database.ts';
import { type Batch, lastSeqOf } from './records.ts';
import { decodeState, type LedgerState } from './state.ts';
import { LedgerStore } from './store.ts';

const PAGE_BATCHES = 64;

export type LedgerReading = {
  readonly state: LedgerState;
  readonly batches: Iterable<Batch>;
  /** Of what was read so far: batches that are damaged and left out. */
  readonly damagedCount: () => number;
};

/** A string says why it is no ledger. Throws DatabaseError. */
export function readLedger(database: Database): LedgerReading | string {
  const store = new LedgerStore(database);
  const found = store.readState();
  if (found === undefined) return 'it is empty';
  const state = typeof found === 'string' ? found : decodeState(found.text, found.check);
  if (typeof state === 'string') return state;
  return { state, batches: batchesOf(store), damagedCount: () => store.damagedCount };
}

function* batchesOf(store: LedgerStore): Generator<Batch> {
  for (let seq = 0; ; ) {
    const page = store.batchesFrom(seq, PAGE_BATCHES).filter((batch) => lastSeqOf(batch) >= seq);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    seq = lastSeqOf(last) + 1;
  }
}
