/**
 * Goal: whatever a power cut leaves of what was not synced, the ledger opens, has all that was told before, and gives no
 * number twice; and this test can tell: without syncs it finds losses.
 * Method: the ledger with SQLite on a simulated disk (test/fakes/disk.ts) that loses power at random moments, several times
 * in a row, with fsync and without. POWER_CUTS=5000 for a long run.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DatabaseOptions, OpenDatabase } from '../../../../runtime/ports/database.ts';
import { LEDGER_FILE, type Ledger, type LedgerRecord } from '../../../../runtime/voice/ledger/ledger.ts';
import { databaseOn } from '../../../fakes/database.ts';
import { type DiskOptions, SimulatedDisk } from '../../../fakes/disk.ts';
import { minuteOf, openLedger } from '../../../fakes/ledger.ts';

const CUTS = Number(process.env['POWER_CUTS'] ?? 240);
const LIVES = 4;
const STEPS_MAX = 150;
/** A life is cut after so many operations at most; a save takes about twelve. */
const OPERATIONS_MAX = 600;

/** What somebody outside has been told, by `epoch seq` and the total of the door. */
type World = { readonly records: Map<string, string>; readonly totals: Map<string, number> };

const nameOf = ({ epochId, seq }: LedgerRecord) => `${epochId} ${seq}`;

/** A broken promise; undefined: none. */
function checked(ledger: Ledger, { records, totals }: World): string | undefined {
  const { epochId, seq } = ledger.state;
  const total = totals.get(epochId);
  if (total === undefined && totals.size > 0) return 'the epoch is new';
  if (total !== undefined && ledger.totals('lines', 'door').in < total) return 'a total fell';
  for (const [name, text] of records) {
    const [epoch, number] = name.split(' ') as [string, string];
    const [kept] = ledger.recordsBetween(epoch, Number(number), Number(number));
    if (kept === undefined) return `record ${number} is gone`;
    if (JSON.stringify(kept) !== text) return `record ${number} is another`;
    if (epoch === epochId && Number(number) > seq) return `number ${number} will be given again`;
  }
  return undefined;
}

/** Counts, closes, tells and acknowledges at random until the power goes. */
function live(ledger: Ledger, world: World, random: () => number): void {
  for (let step = 1; step <= STEPS_MAX; step++) {
    const nowUs = step * 1e6;
    const chance = random();
    if (chance < 0.5) {
      ledger.totals('lines', 'door').in += 1;
      ledger.touch();
    } else if (chance < 0.75) {
      ledger.append(minuteOf(ledger, Math.floor(random() * 1000)));
      ledger.save(nowUs);
    } else if (chance < 0.8) ledger.saveSoon(nowUs);
    if (ledger.saveToTell(nowUs)) world.totals.set(ledger.state.epochId, ledger.totals('lines', 'door').in);
    for (const record of ledger.waiting()) {
      const told = world.records.get(nameOf(record));
      if (told !== undefined) assert.is(JSON.stringify(record), told, 'told again, and otherwise');
      world.records.set(nameOf(record), JSON.stringify(record));
      if (random() < 0.8) ledger.acknowledge(record.seq);
      else break;
    }
  }
}

/** One disk through several lives. */
function fate(options: DiskOptions, seed: number): string | undefined {
  const random = randomOf(seed);
  const disk = new SimulatedDisk(options);
  const openDatabase = withShortLog(databaseOn(disk));
  const world: World = { records: new Map(), totals: new Map() };
  for (let count = 0; count < LIVES; count++) {
    const { ledger, told } = openLedger(openDatabase);
    const broken = checked(ledger, world);
    const damage = told.problems.find((sentence) => /damaged/.test(sentence));
    if (broken === undefined && damage === undefined) {
      disk.operationsLeft = Math.floor(random() * OPERATIONS_MAX);
      live(ledger, world, random);
    }
    disk.cut(random);
    ledger.close();
    if (broken !== undefined || damage !== undefined) return `life ${count + 1}: ${broken ?? damage}`;
  }
  return undefined;
}

/** The log is brought into the file every few saves, so that cuts meet that as well. */
function withShortLog(openDatabase: OpenDatabase): OpenDatabase {
  const open = (path: string, options: DatabaseOptions = {}) => openDatabase(path, { ...options, logPagesMax: 30 });
  return Object.assign(open, { setAside: openDatabase.setAside });
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

for (const [what, options] of [
  ['with fsync', {}],
  ['without it, as under the permission model', { forbidsFsync: true }],
] as const) {
  test(`nothing that was told is lost in a power cut, and no number is given twice: ${what}`, () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        assert.is(fate(options, seed), undefined);
      }),
      { numRuns: Math.ceil(CUTS / LIVES / 2), endOnFailure: true },
    );
  });
}

for (const options of [{ ignoresSyncs: true }, { ignoresSyncs: true, forbidsFsync: true }]) {
  test(`the control: a disk that ignores syncs loses what was told (${JSON.stringify(options)})`, () => {
    const fates = Array.from({ length: 10 }, (_, seed) => fate(options, seed));
    assert.ok(fates.filter((broken) => broken !== undefined).length >= 5, fates.join('\n'));
  });
}

test('the disk was really used', () => {
  const disk = new SimulatedDisk();
  const { ledger } = openLedger(databaseOn(disk));
  assert.ok(disk.paths.includes(`/state/${LEDGER_FILE}`));
  assert.ok(disk.syncCount >= 2);
  ledger.close();
});

test.run();
