/** Ledgers for tests: one line, one zone, closed minutes made by hand, and what they told. */
import type { OpenDatabase } from '../../runtime/ports/database.ts';
import { type Batch, Ledger, type LedgerOptions, type LedgerRecord } from '../../runtime/voice/ledger/ledger.ts';

export const NOON_MS = Date.UTC(2026, 0, 5, 12);
const MINUTE_MS = 60_000;

export type Told = { readonly problems: string[]; readonly notes: string[]; recovered: number };
export type Opened = { readonly ledger: Ledger; readonly told: Told };

export function openLedger(
  openDatabase: OpenDatabase,
  folder = '/state',
  options: Partial<Pick<LedgerOptions, 'bytesMax' | 'nowUs'>> = {},
): Opened {
  const told: Told = { problems: [], notes: [], recovered: 0 };
  const ledger = new Ledger({
    folder,
    lines: ['door'],
    zones: ['hall'],
    openDatabase,
    wallMs: () => NOON_MS,
    nowUs: 0,
    events: {
      onProblem: (sentence) => told.problems.push(sentence),
      onNote: (sentence) => told.notes.push(sentence),
      onRecovered: () => {
        told.recovered += 1;
      },
    },
    ...options,
  });
  return { ledger, told };
}

/** A minute of the door without a receipt; countIn tells one from another. */
export function minuteOf(ledger: Ledger, countIn = 1): Batch {
  const { epochId, boot } = ledger.state;
  const seq = ledger.nextSeq();
  const fromMs = NOON_MS + seq * MINUTE_MS;
  return {
    records: [
      {
        kind: 'count',
        seq,
        epochId,
        boot,
        name: 'door',
        fromMs,
        toMs: fromMs + MINUTE_MS,
        samples: 900,
        expected: 900,
        quality: 'ok',
        isOpen: true,
        in: countIn,
        out: 2,
        netIn: 1,
        netOut: 1,
        totalIn: 10,
        totalOut: 20,
        chains: 1,
        groupsHour: 1,
      },
    ],
    receipt: undefined,
  };
}

/** All that waits and may be told, as a broker would take it. */
export function drain(ledger: Ledger): LedgerRecord[] {
  const taken: LedgerRecord[] = [];
  for (let page = ledger.waiting(); page.length > 0; page = ledger.waiting()) {
    taken.push(...page);
    ledger.acknowledge(page.at(-1)!.seq);
  }
  return taken;
}
