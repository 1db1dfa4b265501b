/**
 * `bench ledger`: what the voice's ledger costs: its size after 150 days of eight lines, how long a save and an opening take,
 * and what it writes to the card on a quiet day and on one of 10,000 crossings.
 * The days are a whole voice on simulated time, with a broker, on a disk in memory that counts; size and times are the
 * ledger alone on a file of this machine. Days of people are made up; a record's size hardly depends on them.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../drivers/camera/scene/random.ts';
import { nodeDisk } from '../../drivers/database/disk.ts';
import { written } from '../../drivers/database/durable-file.ts';
import { ExitCode } from '../../runtime/errors.ts';
import type { Receipt } from '../../runtime/privacy/receipts.ts';
import { BYTES_MAX, LEDGER_FILE, Ledger } from '../../runtime/voice/ledger/ledger.ts';
import type { CountRecord } from '../../runtime/voice/ledger/records.ts';
import { coverOf } from '../../runtime/voice/receipts/covers.ts';
import { databaseOn } from '../../test/fakes/database.ts';
import { VoiceBench } from '../../test/runtime/voice/bench.ts';
import { boardName } from './machine.ts';
import { spreadOf } from './statistics.ts';

const HELP = `Measures size, writes and times of the ledger with eight lines and one-minute records.
  --days n   days that the file is filled with; 150 without it
  --json     print JSON instead of the table
`;

const LINES = Array.from({ length: 8 }, (_, index) => `line${index + 1}`);
const MINUTES_PER_DAY = 1440;
const MINUTE_MS = 60_000;
const BEGIN_MS = Date.UTC(2026, 0, 5);
/** Minutes that are saved together while the file is filled: it would take an hour otherwise, and the same room. */
const FILL_MINUTES = 60;
const TIMED_SAVES = 500;
const CROSSINGS = 10_000;
const OPEN_S = [9 * 3600, 20 * 3600] as const;
const DAY_S = 86_400;
const HASH = 'ab'.repeat(32);

type DayCost = {
  readonly saves: number;
  readonly syncs: number;
  readonly writtenBytes: number;
  readonly cardPages: number;
};

export async function benchLedger(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      days: { type: 'string', default: '150' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const days = Number(values.days);
  const file = measureFile(days);
  const quiet = await measureDay(0);
  const busy = await measureDay(CROSSINGS);
  const result = { board: boardName(), node: process.version, days, ...file, quiet, busy };
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
  return ExitCode.ok;
}

type FileCost = {
  readonly intervals: number;
  readonly fileBytes: number;
  readonly bytesPerInterval: number;
  readonly keptFromDay: number;
  readonly saveMs: ReturnType<typeof spreadOf>;
  readonly openMs: number;
  readonly firstPageMs: number;
  readonly rssMb: number;
};

function measureFile(days: number): FileCost {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  try {
    const random = new Random(1, 0);
    let ledger = openLedger(folder);
    const intervals = days * MINUTES_PER_DAY;
    for (let minute = 0; minute < intervals; minute++) {
      appendMinute(ledger, minute, random);
      if (minute % FILL_MINUTES === FILL_MINUTES - 1) ledger.save(minute);
    }
    const saveMs = spreadOf(
      Array.from({ length: TIMED_SAVES }, (_, index) => {
        appendMinute(ledger, intervals + index, random);
        return timed(() => ledger.save(intervals + index));
      }),
    );
    ledger.close();
    const fileBytes = statSync(join(folder, LEDGER_FILE)).size;
    const openMs = timed(() => {
      ledger = openLedger(folder);
    });
    const firstPageMs = timed(() => ledger.waiting());
    const keptFromDay = (ledger.keptFromMs! - BEGIN_MS) / MINUTE_MS / MINUTES_PER_DAY;
    ledger.close();
    return {
      intervals: intervals + TIMED_SAVES,
      fileBytes,
      bytesPerInterval: fileBytes / (intervals + TIMED_SAVES - keptFromDay * MINUTES_PER_DAY),
      keptFromDay,
      saveMs,
      openMs,
      firstPageMs,
      rssMb: process.memoryUsage.rss() / 2 ** 20,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openLedger(folder: string): Ledger {
  const fail = (sentence: string) => {
    throw new Error(sentence);
  };
  return new Ledger({
    folder,
    lines: LINES,
    zones: [],
    openDatabase: databaseOn(nodeDisk),
    wallMs: () => BEGIN_MS,
    nowUs: 0,
    events: { onProblem: fail, onNote: () => {}, onRecovered: () => {} },
  });
}

/** Everything but the signature is as the voice makes it. */
function appendMinute(ledger: Ledger, minute: number, random: Random): void {
  const { epochId, boot } = ledger.state;
  const fromMs = BEGIN_MS + minute * MINUTE_MS;
  const isOpen = (minute * 60) % DAY_S >= OPEN_S[0] && (minute * 60) % DAY_S < OPEN_S[1];
  const common = { epochId, boot, fromMs, toMs: fromMs + MINUTE_MS, samples: 895 + random.below(6), expected: 900 };
  const records = LINES.map((name): CountRecord => {
    const total = ledger.totals('lines', name);
    const [countIn, out] = isOpen ? [random.below(5), random.below(5)] : [0, 0];
    total.in += countIn;
    total.out += out;
    return {
      ...{ kind: 'count', seq: ledger.nextSeq(), name, ...common, quality: 'ok', isOpen, in: countIn, out },
      ...{ netIn: countIn, netOut: out, totalIn: total.in, totalOut: total.out, chains: countIn, groupsHour: 12.3 },
    };
  });
  const { receiptHead } = ledger.state;
  const receipt: Receipt = {
    ...{ v: 1, kind: 'receipt', site: 'demo', device: 'door1', epoch_id: epochId, number: receiptHead.number + 1 },
    ...{ seq: ledger.nextSeq(), boot, from: new Date(fromMs).toISOString(), to: new Date(common.toMs).toISOString() },
    ...{ quality: 'ok', frames: { read: common.samples, erased: common.samples, dropped: random.below(3) } },
    ...{ longest_us: { pixels: 300 + random.below(900), derived: 1100 + random.below(900) }, eye_starts: 0 },
    ...{ models: [HASH], config_sha256: HASH, version: '0.1.0', covers: records.map(coverOf) },
    ...{ previous: randomBytes(32).toString('hex'), public_key: randomBytes(32).toString('base64') },
    signature: randomBytes(64).toString('base64'),
  };
  ledger.state.receiptHead = { number: receipt.number, hash: receipt.previous };
  ledger.append({ records, receipt: { ...receipt, public_key: PUBLIC_KEY } });
}
const PUBLIC_KEY = randomBytes(32).toString('base64');

/** A voice of eight lines through one day, second by second; the broker is there. */
async function measureDay(crossingCount: number): Promise<DayCost> {
  const lines = LINES.map((name, index) => {
    const y = 0.2 + 0.08 * index;
    return { name, from: [0.1, y], to: [0.9, y], in: 'down' };
  });
  const bench = new VoiceBench({ config: { lines } }, BEGIN_MS);
  const random = new Random(2, 0);
  await bench.start();
  bench.greet();
  await bench.seconds(120);
  const before = { ...written, saves: bench.disk.syncCount };
  const chance = crossingCount / (OPEN_S[1] - OPEN_S[0]);
  for (let second = 0; second < DAY_S; second++) {
    const isOpen = second >= OPEN_S[0] && second < OPEN_S[1];
    if (isOpen && random.next() < chance) {
      const index = random.below(LINES.length);
      bench.feed(bench.eye.cross(random.next() < 0.5 ? 'in' : 'out', bench.nowMs, index));
    }
    await bench.seconds(1);
    bench.link.published.length = 0;
  }
  const cost = {
    saves: bench.disk.syncCount - before.saves,
    syncs: written.syncCount - before.syncCount,
    writtenBytes: written.writeBytes - before.writeBytes,
    cardPages: written.syncPages - before.syncPages,
  };
  await bench.dispose();
  return cost;
}

function timed(work: () => unknown): number {
  const beganMs = performance.now();
  work();
  return performance.now() - beganMs;
}

function table(
  result: FileCost & { board: string; node: string; days: number; quiet: DayCost; busy: DayCost },
): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const day = ({ syncs, writtenBytes, cardPages }: DayCost) =>
    `${syncs} syncs, ${mb(writtenBytes)} written, ${mb(cardPages * 4096)} in whole pages of 4 KiB`;
  const { saveMs } = result;
  return [
    `${result.board}, Node ${result.node}; ${LINES.length} lines, one-minute records with receipts`,
    `file        ${result.intervals} intervals (${result.days} days): ${mb(result.fileBytes)} of ${mb(BYTES_MAX)}, ${result.bytesPerInterval.toFixed(0)} bytes an interval, kept from day ${result.keptFromDay.toFixed(1)}`,
    `save        p50 ${saveMs.p50.toFixed(2)} ms, p95 ${saveMs.p95.toFixed(2)} ms, max ${saveMs.max.toFixed(2)} ms`,
    `open        ${result.openMs.toFixed(0)} ms with that file, first page of what waits ${result.firstPageMs.toFixed(1)} ms, process ${result.rssMb.toFixed(0)} MB`,
    `quiet day   ${day(result.quiet)}`,
    `busy day    ${day(result.busy)} (${CROSSINGS} crossings)`,
    '',
  ].join('\n');
}
