/**
 * Goal: what the ledger knew it knows again, and a disk that fails costs a log line, never a count.
 * Method: real files in a temporary folder; a real full disk (tmpfs of 64 KiB) where root may mount one, else faults from the test.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type LedgerFiles, nodeFiles } from '../../../../runtime/voice/ledger/files.ts';
import { type IntervalRecord, Ledger, PENDING_MAX, STATE_FILE } from '../../../../runtime/voice/ledger/ledger.ts';

const NOON_MS = Date.UTC(2026, 0, 5, 12);

type Told = { readonly problems: string[]; recovered: number };

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

function open(folder: string, files: LedgerFiles = nodeFiles): { ledger: Ledger; told: Told } {
  const told: Told = { problems: [], recovered: 0 };
  const ledger = new Ledger(
    folder,
    ['door'],
    ['hall'],
    NOON_MS,
    {
      onProblem: (sentence) => told.problems.push(sentence),
      onRecovered: () => {
        told.recovered += 1;
      },
    },
    files,
  );
  return { ledger, told };
}

function recordOf(ledger: Ledger): IntervalRecord {
  return {
    seq: ledger.nextSeq(),
    boot: ledger.state.boot,
    kind: 'count',
    name: 'door',
    fromMs: NOON_MS,
    toMs: NOON_MS + 60_000,
    in: 1,
    out: 2,
    netIn: 1,
    netOut: 1,
    totalIn: 10,
    totalOut: 20,
    chains: 1,
    groupsHour: 1,
    isOpen: true,
    samples: 900,
    expected: 900,
    quality: 'ok',
  };
}

function failing(code: string, operation: keyof LedgerFiles): LedgerFiles {
  const fail = () => {
    throw Object.assign(new Error(code), { code });
  };
  return { ...nodeFiles, [operation]: fail };
}

withFolder('a second start finds everything, and one start more', (folder) => {
  const first = open(folder).ledger;
  first.totals('lines', 'door').in = 7;
  const record = recordOf(first);
  first.append(record);
  first.state.eye = { boot: 9, state: 1, reason: 0 };
  first.save(0);
  const { ledger, told } = open(folder);
  assert.is(ledger.state.epochId, first.state.epochId);
  assert.is(ledger.state.boot, 2);
  assert.is(ledger.nextSeq(), 2);
  assert.is(ledger.totals('lines', 'door').in, 7);
  assert.equal(ledger.state.pending, [record]);
  assert.equal(ledger.state.eye, { boot: 9, state: 1, reason: 0 });
  assert.equal(told.problems, []);
});

withFolder('file and folder are for the owner alone, nothing is left beside', (folder) => {
  open(folder);
  assert.is(statSync(folder).mode & 0o777, 0o700);
  assert.is(statSync(join(folder, STATE_FILE)).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder), [STATE_FILE]);
});

withFolder('a torn write beside the file does no harm', (folder) => {
  const first = open(folder).ledger;
  writeFileSync(join(folder, `${STATE_FILE}.new`), 'lethe-voice-state 1 half');
  const { ledger, told } = open(folder);
  assert.is(ledger.state.epochId, first.state.epochId);
  assert.equal(told.problems, []);
});

for (const [what, damage] of [
  ['one changed digit', (text: string) => text.replace('"boot":1', '"boot":2')],
  ['a cut end', (text: string) => text.slice(0, -20)],
  ['an empty file', () => ''],
  ['a later format', (text: string) => text.replace('lethe-voice-state 3 ', 'lethe-voice-state 4 ')],
] as const) {
  withFolder(`a damaged file is set aside and told, never overwritten: ${what}`, (folder) => {
    const first = open(folder).ledger;
    const path = join(folder, STATE_FILE);
    const damaged = damage(readFileSync(path, 'utf8'));
    writeFileSync(path, damaged);
    const { ledger, told } = open(folder);
    assert.is.not(ledger.state.epochId, first.state.epochId);
    assert.is(ledger.lostMemory, true);
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0]!, 'damaged');
    assert.is(readFileSync(`${path}.damaged-20260105T120000Z`, 'utf8'), damaged);
    assert.is(open(folder).ledger.state.epochId, ledger.state.epochId);
  });
}

withFolder('a damaged file that cannot be set aside stays as it is', (folder) => {
  open(folder);
  const path = join(folder, STATE_FILE);
  writeFileSync(path, 'rubbish');
  const { ledger, told } = open(folder, failing('EROFS', 'rename'));
  ledger.totals('lines', 'door').in = 3;
  assert.is(ledger.save(0), false);
  assert.is(ledger.condition.state, 'unreadable');
  assert.is(readFileSync(path, 'utf8'), 'rubbish');
  assert.is(told.problems.length, 1);
});

withFolder('a file that cannot be read is not written over', (folder) => {
  const first = open(folder).ledger;
  const { ledger } = open(folder, failing('EIO', 'read'));
  assert.is.not(ledger.state.epochId, first.state.epochId);
  const kept = readdirSync(folder).find((name) => name.includes('.unreadable-'));
  assert.match(readFileSync(join(folder, kept!), 'utf8'), first.state.epochId);
});

for (const [code, remedy] of [
  ['ENOSPC', 'Free some space'],
  ['EACCES', 'Give the folder'],
  ['EROFS', 'Mount it writable'],
] as const) {
  withFolder(`${code} is told once with its remedy, counting goes on, the next save is right`, (folder) => {
    let isBroken = false;
    const files: LedgerFiles = {
      ...nodeFiles,
      writeAtomic: (path, text) => {
        if (isBroken) throw Object.assign(new Error(code), { code });
        nodeFiles.writeAtomic(path, text);
      },
    };
    const { ledger, told } = open(folder, files);
    isBroken = true;
    for (let i = 1; i <= 5; i++) {
      ledger.totals('lines', 'door').in = i;
      assert.is(ledger.save(i), false);
    }
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0]!, code);
    assert.match(told.problems[0]!, remedy);
    assert.match(told.problems[0]!, folder);
    assert.is(ledger.condition.state, 'unwritable');
    isBroken = false;
    assert.is(ledger.save(6), true);
    assert.is(told.recovered, 1);
    assert.is(open(folder).ledger.totals('lines', 'door').in, 5);
  });
}

withFolder('a really full disk loses no count', (folder) => {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'none', folder], { stdio: 'ignore' });
  if (mounted.status !== 0) {
    process.stdout.write('  (no full disk here: mounting a tmpfs needs root; the faults above stand for it)\n');
    return;
  }
  try {
    const { ledger, told } = open(folder);
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
    assert.is(open(folder).ledger.totals('lines', 'door').in, 1, 'the old file is whole');
    assert.equal(readdirSync(folder).sort(), ['filler', STATE_FILE], 'what was written in part is gone');
    rmSync(filler);
    assert.is(ledger.save(3), true);
    assert.is(open(folder).ledger.totals('lines', 'door').in, 2);
  } finally {
    spawnSync('umount', [folder]);
  }
});

withFolder('too many waiting records: the oldest go, counted, told once', (folder) => {
  const { ledger, told } = open(folder);
  for (let i = 0; i < PENDING_MAX + 3; i++) ledger.append(recordOf(ledger));
  assert.is(ledger.state.pending.length, PENDING_MAX);
  assert.is(ledger.state.pending[0]?.seq, 4);
  assert.is(ledger.state.droppedCount, 3);
  assert.is(told.problems.length, 1);
  ledger.save(1);
  assert.is(open(folder).ledger.state.pending.length, PENDING_MAX);
  const bytes = statSync(join(folder, STATE_FILE)).size;
  assert.ok(bytes < 100 * PENDING_MAX, `${bytes} bytes`);
});

withFolder('saving soon means at most once a second, and less often for a long backlog', (folder) => {
  let writeCount = 0;
  const { ledger } = open(folder, {
    ...nodeFiles,
    writeAtomic: () => {
      writeCount += 1;
    },
  });
  const writesOf = (seconds: number, fromS: number) => {
    const before = writeCount;
    for (let tick = 0; tick < seconds * 4; tick++) {
      ledger.touch();
      ledger.saveSoon((fromS + tick / 4) * 1e6);
    }
    return writeCount - before;
  };
  assert.is(writesOf(10, 1), 10);
  for (let i = 0; i < PENDING_MAX; i++) ledger.append(recordOf(ledger));
  assert.ok(writesOf(60, 100) <= 4);
});

withFolder('an acknowledged record is forgotten, an unknown number changes nothing', (folder) => {
  const { ledger } = open(folder);
  ledger.append(recordOf(ledger));
  ledger.append(recordOf(ledger));
  ledger.acknowledge(99);
  ledger.acknowledge(1);
  assert.equal(
    ledger.state.pending.map((record) => record.seq),
    [2],
  );
});

test.run();
