/**
 * Goal: what the ledger knew it knows again, nothing is told that no disk holds, and a disk that fails costs a log line, never a
 * count.
 * Method: SQLite on real files in a temporary folder, a really full disk where root may mount one, and on a simulated disk for
 * faults on demand.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeDisk } from '../../../../drivers/database/disk.ts';
import { DatabaseError } from '../../../../runtime/errors.ts';
import { LEDGER_FILE, type Ledger, UNSAVED_MAX, UNTOLD_US } from '../../../../runtime/voice/ledger/ledger.ts';
import { databaseOn } from '../../../fakes/database.ts';
import { SimulatedDisk } from '../../../fakes/disk.ts';
import { drain, minuteOf, type Opened, openLedger } from '../../../fakes/ledger.ts';

const PATH = `/state/${LEDGER_FILE}`;
const S = 1e6;
const onFiles = databaseOn(nodeDisk);

function withFolder(name: string, body: (folder: string) => void): void {
  test(name, () => {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-ledger-'));
    try {
      body(join(folder, 'state'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

function withDisk(name: string, body: (disk: SimulatedDisk, open: () => Opened) => void): void {
  test(name, () => {
    const disk = new SimulatedDisk();
    const opened: Ledger[] = [];
    body(disk, () => {
      // The program before is dead: nothing of it is written any more.
      disk.kill();
      const next = openLedger(databaseOn(disk));
      opened.push(next.ledger);
      return next;
    });
    disk.kill();
    for (const ledger of opened) ledger.close();
  });
}

const seqsOf = (records: readonly { readonly seq: number }[]) => records.map(({ seq }) => seq);

withFolder('a second start finds everything, and one start more', (folder) => {
  const first = openLedger(onFiles, folder).ledger;
  first.totals('lines', 'door').in = 7;
  const batch = minuteOf(first);
  first.append(batch);
  first.state.eye = { boot: 9, state: 1, reason: 0 };
  first.save(0);
  first.close();
  const { ledger, told } = openLedger(onFiles, folder);
  assert.is(ledger.state.epochId, first.state.epochId);
  assert.is(ledger.state.boot, 2);
  assert.is(ledger.totals('lines', 'door').in, 7);
  assert.equal(ledger.waiting(), [batch.records[0]!]);
  assert.is(ledger.nextSeq(), 2);
  assert.equal(ledger.state.eye, { boot: 9, state: 1, reason: 0 });
  assert.equal(told.problems, []);
  ledger.close();
});

withFolder('file and folder are for the owner alone, and one file is left when it is closed', (folder) => {
  const { ledger } = openLedger(onFiles, folder);
  assert.is(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.is(statSync(join(folder, name)).mode & 0o777, 0o600, name);
  ledger.close();
  assert.equal(readdirSync(folder), [LEDGER_FILE]);
});

withFolder('two at once are refused, and the first one is not disturbed', (folder) => {
  const { ledger } = openLedger(onFiles, folder);
  try {
    openLedger(onFiles, folder);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DatabaseError);
    assert.is((error as DatabaseError).kind, 'busy');
    assert.match((error as DatabaseError).message, `${process.pid}`);
  }
  ledger.append(minuteOf(ledger));
  assert.is(ledger.save(1), true);
  ledger.close();
});

for (const [what, damage] of [
  ['rubbish', () => Buffer.from('rubbish'.repeat(1000))],
  ['a changed digit of the state', (bytes: Buffer) => replaced(bytes, '"boot":1', '"boot":2')],
  ['a cut end', (bytes: Buffer) => bytes.subarray(0, 4096)],
  ['another format', (bytes: Buffer) => withVersion(bytes, 2)],
  [
    'another program’s database',
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 68), Buffer.from('abcd'), bytes.subarray(72)]),
  ],
] as const) {
  withFolder(`a damaged file is set aside and told, never overwritten: ${what}`, (folder) => {
    const first = openLedger(onFiles, folder).ledger;
    first.close();
    const path = join(folder, LEDGER_FILE);
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const { ledger, told } = openLedger(onFiles, folder);
    assert.is.not(ledger.state.epochId, first.state.epochId);
    assert.is(ledger.lostMemory, true);
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0]!, 'damaged');
    assert.is(told.recovered, 1);
    assert.equal(readFileSync(`${path}.damaged-20260105T120000Z`), damaged);
    ledger.close();
    const again = openLedger(onFiles, folder).ledger;
    assert.is(again.state.epochId, ledger.state.epochId);
    again.close();
  });
}

withFolder(
  'records that a worn card has changed are left out and told once; those behind them are still sent',
  (folder) => {
    const before = openLedger(onFiles, folder).ledger;
    for (let minute = 0; minute < 100; minute++) before.append(minuteOf(before));
    before.save(0);
    before.close();
    const database = onFiles(join(folder, LEDGER_FILE));
    database.run('UPDATE batches SET row = zeroblob(length(row)) WHERE first_seq <= 70');
    database.close();
    const { ledger, told } = openLedger(onFiles, folder);
    assert.is(ledger.waiting()[0]?.seq, 71);
    assert.is(ledger.waiting()[0]?.seq, 71);
    assert.equal(seqsOf(ledger.recordsBetween(ledger.state.epochId, 1, 72)), [71, 72]);
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0]!, 'Records of 70 intervals');
    ledger.close();
  },
);

withFolder('an empty file is a new ledger', (folder) => {
  mkdirSync(folder);
  writeFileSync(join(folder, LEDGER_FILE), '');
  const { ledger, told } = openLedger(onFiles, folder);
  assert.equal([ledger.lostMemory, told.problems], [false, []]);
  ledger.close();
});

withDisk('a damaged file that cannot be set aside stays as it is, and counting goes on', (disk, open) => {
  const rubbish = Buffer.from('rubbish'.repeat(1000));
  disk.put(PATH, rubbish);
  disk.fault = 'EROFS';
  const { ledger, told } = open();
  ledger.append(minuteOf(ledger));
  assert.is(ledger.save(0), false);
  assert.is(ledger.condition.state, 'unreadable');
  assert.equal(Buffer.from(disk.bytesOf(PATH)!), rubbish);
  assert.is(told.problems.length, 1);
  assert.equal(seqsOf(ledger.waiting()), [1], 'its epoch is on no disk: nobody else can give these numbers');
});

withDisk('a file that cannot be read is not written over', (disk, open) => {
  const first = open().ledger;
  const before = disk.bytesOf(PATH)!;
  disk.readFault = 'EIO';
  const { ledger, told } = open();
  assert.is.not(ledger.state.epochId, first.state.epochId);
  assert.match(told.problems[0]!, 'EIO');
  disk.readFault = undefined;
  assert.is(ledger.save(1), true);
  assert.equal(disk.bytesOf(`${PATH}.unreadable-20260105T120000Z`), before);
});

withDisk('a start on a disk that takes no writes reads what is there', (disk, open) => {
  const first = open().ledger;
  first.totals('lines', 'door').in = 7;
  first.append(minuteOf(first));
  first.save(1);
  disk.fault = 'ENOSPC';
  const { ledger, told } = open();
  assert.is(ledger.state.epochId, first.state.epochId);
  assert.is(ledger.totals('lines', 'door').in, 7);
  assert.is(ledger.condition.state, 'unwritable');
  assert.match(told.problems[0]!, 'ENOSPC');
  assert.equal(seqsOf(drain(ledger)), [1], 'what is on disk may be told');
  ledger.append(minuteOf(ledger));
  assert.equal(drain(ledger), []);
  disk.fault = undefined;
  assert.is(ledger.save(2), true);
  assert.equal(seqsOf(drain(ledger)), [2]);
});

withDisk('a folder that comes late with another ledger in it: that one is set aside, not overwritten', (disk, open) => {
  open().ledger.save(1);
  const others = disk.bytesOf(PATH)!;
  const log = disk.bytesOf(`${PATH}-wal`)!;
  for (const path of disk.paths) disk.remove(path);
  disk.fault = 'EACCES';
  const { ledger, told } = open();
  disk.fault = undefined;
  disk.put(PATH, others);
  disk.put(`${PATH}-wal`, log);
  assert.is(ledger.save(2), true);
  assert.ok(disk.paths.includes(`${PATH}.other-20260105T120000Z`), disk.paths.join());
  assert.is(told.recovered, 1);
});

for (const [code, remedy] of [
  ['ENOSPC', 'Free some space'],
  ['EACCES', 'Give file and folder'],
  ['EROFS', 'Mount it writable'],
] as const) {
  withDisk(`${code} is told once with its remedy, counting goes on, the next save is right`, (disk, open) => {
    const { ledger, told } = open();
    disk.fault = code;
    for (let i = 1; i <= 5; i++) {
      ledger.totals('lines', 'door').in = i;
      assert.is(ledger.save(i), false);
    }
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0]!, code);
    assert.match(told.problems[0]!, remedy);
    assert.match(told.problems[0]!, '/state');
    assert.is(ledger.condition.state, 'unwritable');
    disk.fault = undefined;
    assert.is(ledger.save(6), true);
    assert.is(told.recovered, 1);
    assert.is(open().ledger.totals('lines', 'door').in, 5);
  });
}

withFolder('a really full disk loses no count', (folder) => {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k,mode=0700', 'none', folder], { stdio: 'ignore' });
  if (mounted.status !== 0) {
    process.stdout.write('  (no full disk here: mounting a tmpfs needs root; the faults above stand for it)\n');
    return;
  }
  try {
    const { ledger, told } = openLedger(onFiles, folder);
    ledger.totals('lines', 'door').in = 1;
    assert.is(ledger.save(1), true);
    const filler = join(folder, 'filler');
    try {
      for (let kib = 4; ; kib += 4) writeFileSync(filler, Buffer.alloc(kib * 1024));
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
    ledger.totals('lines', 'door').in = 2;
    assert.is(ledger.save(2), false);
    assert.match(told.problems[0] ?? '', 'ENOSPC');
    ledger.close();
    const onFull = openLedger(onFiles, folder);
    assert.is(onFull.ledger.totals('lines', 'door').in, 1, 'the old state is whole');
    assert.match(onFull.told.problems[0] ?? '', 'ENOSPC');
    onFull.ledger.totals('lines', 'door').in = 2;
    rmSync(filler);
    assert.is(onFull.ledger.save(3), true);
    onFull.ledger.close();
    const last = openLedger(onFiles, folder).ledger;
    assert.is(last.totals('lines', 'door').in, 2);
    last.close();
  } finally {
    spawnSync('umount', [folder]);
  }
});

withDisk('what no disk holds may not be told, and is when one does', (disk, open) => {
  const { ledger } = open();
  ledger.append(minuteOf(ledger));
  assert.equal([ledger.pendingCount, ledger.waiting()], [1, []]);
  disk.fault = 'EIO';
  assert.is(ledger.save(S), false);
  ledger.touch();
  assert.is(ledger.saveToTell(S), false);
  assert.equal(ledger.waiting(), []);
  disk.fault = undefined;
  ledger.saveSoon(12 * S);
  assert.is(ledger.saveToTell(12 * S), true);
  assert.equal(seqsOf(ledger.waiting()), [1]);
});

withDisk('after ten minutes without a disk what waits goes out under a new epoch and new receipts', (disk, open) => {
  const { ledger, told } = open();
  ledger.append(minuteOf(ledger));
  ledger.save(1);
  const { epochId } = ledger.state;
  ledger.totals('lines', 'door').in = 3;
  disk.fault = 'EIO';
  ledger.append(minuteOf(ledger));
  ledger.save(2);
  ledger.save(UNTOLD_US - S);
  assert.equal(seqsOf(drain(ledger)), [1], 'what is on disk goes on being told');
  ledger.save(UNTOLD_US + S);
  assert.is.not(ledger.state.epochId, epochId);
  assert.is(ledger.totals('lines', 'door').in, 3);
  assert.equal(
    drain(ledger).map((record) => [record.epochId, record.seq]),
    [[ledger.state.epochId, 2]],
  );
  assert.is(ledger.saveToTell(UNTOLD_US + S), true);
  assert.match(told.problems[1]!, 'new epoch');
  disk.fault = undefined;
  assert.is(ledger.save(UNTOLD_US + 20 * S), true);
  const again = open().ledger;
  assert.is(again.state.epochId, ledger.state.epochId);
  assert.equal(seqsOf(again.recordsBetween(again.state.epochId, 1, 9)), [2]);
  assert.equal(seqsOf(again.recordsBetween(epochId, 1, 9)), [1]);
});

withDisk('too many that no disk takes: the oldest go, counted, told once', (disk, open) => {
  const { ledger, told } = open();
  disk.fault = 'EIO';
  ledger.save(1);
  for (let i = 0; i < UNSAVED_MAX + 3; i++) ledger.append(minuteOf(ledger));
  assert.is(ledger.pendingCount, UNSAVED_MAX);
  assert.is(ledger.state.droppedCount, 3);
  assert.is(told.problems.filter((sentence) => sentence.includes('no more room')).length, 1);
  disk.fault = undefined;
  assert.is(ledger.save(2), true);
  assert.is(drain(ledger)[0]?.seq, 4);
});

test('a full file gives up what the broker has, then the oldest that wait, and says both', () => {
  const disk = new SimulatedDisk();
  const { ledger, told } = openLedger(databaseOn(disk), '/state', { bytesMax: 128 * 1024 });
  const fill = (count: number) => {
    for (let i = 0; i < count; i++) {
      ledger.append(minuteOf(ledger, i));
      if (i % 20 === 19) assert.is(ledger.save(ledger.state.seq), true);
    }
  };
  fill(2000);
  drain(ledger);
  const before = ledger.keptFromMs!;
  const droppedFirst = ledger.state.droppedCount;
  fill(2000);
  assert.ok(told.notes.length === 1 && /full/.test(told.notes[0]!), told.notes.join());
  assert.ok(ledger.keptFromMs! > before);
  assert.is(ledger.state.droppedCount, droppedFirst, 'only what the broker has');
  fill(6000);
  assert.ok(ledger.state.droppedCount > droppedFirst);
  assert.ok(told.problems.length >= 1 && told.problems.every((sentence) => /no more room/.test(sentence)));
  assert.ok(disk.bytesOf(PATH)!.length <= 128 * 1024, `${disk.bytesOf(PATH)!.length} bytes`);
  const { pendingCount } = ledger;
  const waiting = drain(ledger);
  assert.is(waiting.length, pendingCount);
  assert.is(waiting.at(-1)!.seq, ledger.state.seq);
  ledger.close();
});

withDisk('saving soon means at most once a second, and seldom while the disk fails', (disk, open) => {
  const { ledger } = open();
  const syncsOf = (seconds: number, fromS: number) => {
    const before = disk.operationCount;
    const syncsBefore = disk.syncCount;
    for (let tick = 0; tick < seconds * 4; tick++) {
      ledger.touch();
      ledger.saveSoon((fromS + tick / 4) * S);
    }
    return { syncs: disk.syncCount - syncsBefore, operations: disk.operationCount - before };
  };
  assert.is(syncsOf(10, 1).syncs, 10);
  disk.fault = 'EIO';
  assert.ok(syncsOf(60, 100).operations <= 20);
});

withDisk('what is acknowledged waits no more, is kept, and an unknown number changes nothing', (_disk, open) => {
  const { ledger } = open();
  for (let i = 0; i < 3; i++) ledger.append(minuteOf(ledger));
  ledger.save(1);
  ledger.acknowledge(99);
  ledger.acknowledge(2);
  ledger.acknowledge(1);
  assert.equal(seqsOf(ledger.waiting()), [3]);
  const { epochId } = ledger.state;
  assert.equal(seqsOf(ledger.recordsBetween(epochId, 0, 2)), [1, 2]);
  assert.equal(seqsOf(ledger.recordsBetween(epochId, 2, 2)), [2]);
  assert.equal(seqsOf(ledger.recordsBetween(epochId, 4, 9)), []);
  assert.equal(seqsOf(ledger.recordsBetween('another', 1, 3)), []);
  ledger.save(2);
  assert.equal(seqsOf(open().ledger.waiting()), [3]);
});

withDisk('a file that is damaged while it is used is set aside; totals and epoch go on', (disk, open) => {
  const { ledger, told } = open();
  ledger.totals('lines', 'door').in = 5;
  for (let i = 0; i < 200; i++) ledger.append(minuteOf(ledger));
  ledger.save(1);
  const { epochId } = ledger.state;
  ledger.close();
  disk.put(PATH, Buffer.concat([disk.bytesOf(PATH)!.subarray(0, 100), Buffer.alloc(30_000, 7)]));
  ledger.append(minuteOf(ledger));
  ledger.save(2);
  assert.is(ledger.save(3), true);
  assert.match(told.problems[0] ?? 'nothing', 'damaged', JSON.stringify(told));
  assert.equal([ledger.state.epochId, ledger.state.droppedCount], [epochId, 200]);
  assert.equal(seqsOf(drain(ledger)), [201]);
  assert.is(open().ledger.totals('lines', 'door').in, 5);
});

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  assert.ok(at > 0);
  const changed = Buffer.from(bytes);
  changed.write(to, at, 'latin1');
  return changed;
}

/** user_version stands at byte 60 (sqlite.org/fileformat.html, 1.3). */
function withVersion(bytes: Buffer, version: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt32BE(version, 60);
  return changed;
}

test.run();
