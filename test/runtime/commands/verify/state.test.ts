/**
 * Goal: what a ledger keeps can be checked where it lies, also while the voice writes it.
 * Method: a voice on the bench without a broker; its file, put on a real disk whole and spoilt, is what `verify` reads.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeDisk } from '../../../../drivers/database/disk.ts';
import { readLedgerRecording } from '../../../../runtime/commands/verify/ledger.ts';
import type { Recording } from '../../../../runtime/commands/verify/recording.ts';
import { verifyCommand } from '../../../../runtime/commands/verify/verify.ts';
import { type DatabaseError, LetheError } from '../../../../runtime/errors.ts';
import type { Database } from '../../../../runtime/ports/database.ts';
import { LEDGER_FILE } from '../../../../runtime/voice/ledger/ledger.ts';
import { databaseOn } from '../../../fakes/database.ts';
import { VoiceBench } from '../../../runtime/voice/bench.ts';

const BEGIN_MS = Date.UTC(2026, 0, 5, 12);
const ZONE = { name: 'hall', polygon: [[0, 0], [1, 0], [1, 1]] }; // biome-ignore format: corners
const openOnDisk = databaseOn(nodeDisk);

/** The files of a voice that closed so many minutes while the broker was away, with its log. */
async function ledgerFiles(minuteCount: number, config: object = {}): Promise<Map<string, Uint8Array>> {
  const bench = new VoiceBench({ config }, BEGIN_MS);
  try {
    await bench.start();
    bench.link.goDown();
    bench.greet();
    for (const half of bench.eye.model('ab'.repeat(32))) bench.feed(half);
    await bench.seconds(60 * minuteCount + 5);
    return new Map(
      ['', '-wal'].map((tail) => [`${LEDGER_FILE}${tail}`, bench.disk.bytesOf(`/state/${LEDGER_FILE}${tail}`)!]),
    );
  } finally {
    await bench.dispose();
  }
}

async function inFolder(files: Map<string, Uint8Array>, body: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-verify-'));
  try {
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    await body(join(folder, LEDGER_FILE));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As it is after somebody changed it with SQLite's own tools. */
async function spoilt(files: Map<string, Uint8Array>, change: (database: Database) => void): Promise<Recording> {
  let recording: Recording | undefined;
  await inFolder(files, async (path) => {
    const database = openOnDisk(path);
    change(database);
    database.close();
    recording = await readLedgerRecording(path, '');
  });
  return recording!;
}

const short = ({ findings }: Recording) => findings.findings.map(({ kind, line }) => [kind, line]);

test('a ledger with a backlog is sound, lines and zones with their receipts; reading leaves nothing behind', async () => {
  await inFolder(await ledgerFiles(4, { zones: [ZONE] }), async (path) => {
    const before = readdirSync(join(path, '..')).sort();
    const recording = await readLedgerRecording(path, '');
    assert.equal(recording.findings.findings, []);
    assert.is(recording.devices[0]!.sums.receipts, 4);
    assert.is(recording.coverages[0]!.matchedCount, 8);
    assert.equal(readdirSync(join(path, '..')).sort(), before);
  });
});

test('the command knows a ledger by its first bytes', async () => {
  await inFolder(await ledgerFiles(2), async (path) => {
    let text = '';
    const out = (line: string) => {
      text += line;
    };
    assert.is(await verifyCommand({ file: path, publicKey: '', json: false, out }), 0);
    assert.match(text, '2 receipts');
  });
});

test('spoilt it is not sound: a row, an interval that is missing, the end that is cut off', async () => {
  const files = await ledgerFiles(4);
  const changed = await spoilt(files, (database) => {
    const [row] = database.all<{ row: Uint8Array }>('SELECT row FROM batches WHERE first_seq = 3');
    row!.row[12]! ^= 1;
    database.run('UPDATE batches SET row = ? WHERE first_seq = 3', [row!.row]);
  });
  assert.equal(short(changed), [
    ['gap', 4],
    ['edit', 6],
  ]);
  const missing = await spoilt(files, (database) => database.run('DELETE FROM batches WHERE first_seq = 3'));
  assert.equal(short(missing), [['gap', 4]]);
  const cut = await spoilt(files, (database) => database.run('DELETE FROM batches WHERE first_seq >= 5'));
  assert.equal(short(cut), [['edit', 4]]);
});

test('a damaged ledger is refused with its remedy', async () => {
  const files = await ledgerFiles(2);
  await inFolder(files, async (path) => {
    const database = openOnDisk(path);
    database.run(`UPDATE state SET text = replace(text, '"boot":1', '"boot":2')`);
    database.close();
    try {
      await readLedgerRecording(path, '');
      assert.unreachable();
    } catch (error) {
      assert.instance(error, LetheError);
      assert.equal([(error as LetheError).exitCode, (error as LetheError).code], [65, 'VERIFY_STATE_DAMAGED']);
    }
  });
});

test('a file that is not there is told as such', async () => {
  try {
    openOnDisk('/nowhere/ledger.db', { readOnly: true });
    assert.unreachable();
  } catch (error) {
    assert.is((error as DatabaseError).kind, 'absent');
  }
});

test.run();
