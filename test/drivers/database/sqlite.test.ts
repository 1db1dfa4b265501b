/**
 * Goal: a database on Node's files keeps what it promised, is refused to a second process, survives kill -9, and works under
 * Node's permission model, where fsync is forbidden.
 * Method: the contract of databases on Node's disk and on a simulated one; real children that are killed, and one that writes
 * while it is read.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeDisk } from '../../../drivers/database/disk.ts';
import { databaseOn } from '../../fakes/database.ts';
import { SimulatedDisk } from '../../fakes/disk.ts';
import { databaseContract, kindOf } from './contract.ts';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const MODULES = join(DIST, '..', 'node_modules');
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const open = databaseOn(nodeDisk);

async function inFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-database-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

databaseContract('on files', (body) => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-database-'));
  try {
    body({ open, path: join(folder, 'a.db') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
for (const forbidsFsync of [false, true])
  databaseContract(`in memory, fsync ${forbidsFsync ? 'forbidden' : 'allowed'}`, (body) => {
    body({ open: databaseOn(new SimulatedDisk({ forbidsFsync })), path: '/a.db' });
  });

/** A program that opens argv[1] and runs `code`; it says `ready` when it may be disturbed. */
function programOf(code: string): string {
  return `
    const { loadSqlite } = await import('./drivers/database/sqlite.js');
    const database = (await loadSqlite())(process.argv[1]);
    database.exec('CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v)');
    const say = (text) => process.stdout.write(text + '\\n');
    ${code}`;
}

function start(path: string, code: string, words: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, [...words, '--input-type=module', '-e', programOf(code), path], { cwd: DIST });
  child.stderr!.pipe(process.stderr);
  return child;
}

/** What it said until it ended or, given a line, said that. */
function heard(child: ChildProcess, line?: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (line !== undefined && text.includes(line)) resolve(text);
    });
    child.once('close', () => resolve(text));
  });
}

/** Inserts 1, 2, 3 … for good, and says each when it is on disk. */
const ENDLESS = `
  let [{ n }] = database.all('SELECT coalesce(max(id), 0) AS n FROM t');
  for (;;) {
    n += 1;
    database.transaction(() => database.run('INSERT INTO t VALUES (?, ?)', [n, new Uint8Array(300)]));
    say('wrote ' + n);
    if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }`;

test('another process is refused while one lives, by its number, and not after it was killed', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.db');
    const child = start(path, `say('ready'); setInterval(() => {}, 1000);`);
    await heard(child, 'ready');
    try {
      assert.is(
        kindOf(() => open(path)),
        'busy',
      );
      assert.throws(() => open(path), new RegExp(`process ${child.pid}`));
      assert.is(statSync(`${path}-owner`).mode & 0o777, 0o600);
    } finally {
      child.kill('SIGKILL');
    }
    await heard(child);
    open(path).close();
    assert.equal(readdirSync(folder), ['a.db']);
  }));

test('a name that a former boot or nobody left does not count', () =>
  inFolder((folder) => {
    const path = join(folder, 'a.db');
    for (const text of ['', 'torn {', JSON.stringify({ pid: 1, boot: 'another', start: '', token: '' })]) {
      writeFileSync(`${path}-owner`, text);
      open(path).close();
    }
  }));

test('an owner whose file was taken over stops writing and says so', () =>
  inFolder((folder) => {
    const path = join(folder, 'a.db');
    const database = open(path);
    writeFileSync(`${path}-owner`, 'another');
    assert.is(
      kindOf(() => database.transaction(() => {})),
      'busy',
    );
    database.close();
    assert.is(readFileSync(`${path}-owner`, 'utf8'), 'another');
  }));

for (const [what, words] of [
  ['with fsync', []],
  ['under the permission model', [PERMISSION, `--allow-fs-read=${DIST}/`, `--allow-fs-read=${MODULES}/`]],
] as const) {
  test(`what a killed process had written is there, again and again: ${what}`, () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.db');
      const allowed = words.length === 0 ? [] : [`--allow-fs-read=${folder}/`, `--allow-fs-write=${folder}/`];
      const quiet = ['--disable-warning=ExperimentalWarning'];
      for (let round = 0; round < 3; round++) {
        const child = start(path, ENDLESS, [...words, ...allowed, ...quiet]);
        const ended = heard(child);
        await heard(child, '0\n');
        child.kill('SIGKILL');
        const told = (await ended).match(/wrote (\d+)\n/g)!;
        const last = Number(told.at(-1)!.slice(6));
        const database = open(path);
        const [{ n, most }] = database.all<{ n: number; most: number }>('SELECT count(*) n, max(id) most FROM t') as [
          { n: number; most: number },
        ];
        database.close();
        assert.is(n, most, 'none is missing in between');
        assert.ok(most >= last && most <= last + 1000, `${most} on disk, ${last} told`);
      }
    }));
}

test('a reader sees whole moments of a database that is being written, and does not disturb it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.db');
    const child = start(path, ENDLESS);
    try {
      await heard(child, 'wrote 100\n');
      let before = 0;
      for (let round = 0; round < 5; round++) {
        const copy = open(path, { readOnly: true });
        const rows = copy.all<{ n: number; most: number }>('SELECT count(*) n, max(id) most FROM t');
        assert.is(rows[0]!.n, rows[0]!.most);
        assert.ok(rows[0]!.n >= before);
        before = rows[0]!.n;
        assert.equal(copy.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
        copy.close();
      }
      assert.ok(before >= 100);
      assert.is(child.exitCode, null);
    } finally {
      child.kill('SIGKILL');
    }
    await heard(child);
  }));

test('a database that is only read cannot be changed', () =>
  inFolder((folder) => {
    const path = join(folder, 'a.db');
    const first = open(path);
    first.exec('CREATE TABLE t (v)');
    const copy = open(path, { readOnly: true });
    assert.is(
      kindOf(() => copy.run('INSERT INTO t VALUES (1)')),
      'other',
    );
    copy.close();
    first.close();
    assert.is(
      kindOf(() => open(join(folder, 'none.db'), { readOnly: true })),
      'absent',
    );
  }));

test('a file that is no database is damaged, and stays as it is', () =>
  inFolder((folder) => {
    const path = join(folder, 'a.db');
    const text = 'no database '.repeat(1000);
    writeFileSync(path, text);
    assert.is(
      kindOf(() => open(path)),
      'damaged',
    );
    assert.is(readFileSync(path, 'utf8'), text);
    open.setAside(path, '.old');
    assert.equal(readdirSync(folder), ['a.db.old']);
    open(path).close();
  }));

for (const code of ['ENOSPC', 'EROFS', 'EACCES', 'EIO'])
  test(`a disk that refuses with ${code} is named, what it holds can be read, and it works when it does again`, () => {
    const disk = new SimulatedDisk();
    const openThere = databaseOn(disk);
    const first = openThere('/a.db');
    first.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1)');
    disk.fault = code;
    assert.is(
      kindOf(() => first.run('INSERT INTO t VALUES (2)')),
      'disk',
    );
    assert.throws(() => first.run('INSERT INTO t VALUES (2)'), new RegExp(code));
    first.close();
    const refused = openThere('/a.db');
    assert.equal(refused.all('SELECT v FROM t'), [{ v: 1 }]);
    assert.throws(() => refused.transaction(() => {}), new RegExp(code));
    refused.close();
    disk.fault = undefined;
    const again = openThere('/a.db');
    again.run('INSERT INTO t VALUES (3)');
    assert.equal(again.all('SELECT v FROM t'), [{ v: 1 }, { v: 3 }]);
    again.close();
  });

test.run();
