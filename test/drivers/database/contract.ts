/** What every database must do, run on each disk. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DatabaseError, type DatabaseErrorKind } from '../../../runtime/errors.ts';
import type { Database, OpenDatabase } from '../../../runtime/ports/database.ts';

export type Stand = { readonly open: OpenDatabase; readonly path: string };

/** stand: an empty place for one test, taken away after it. */
export function databaseContract(name: string, stand: (body: (stand: Stand) => void) => void): void {
  const check = (what: string, body: (stand: Stand) => void) => test(`${name}: ${what}`, () => stand(body));
  const withTable = ({ open, path }: Stand, bytesMax?: number): Database => {
    const database = open(path, bytesMax === undefined ? {} : { bytesMax });
    database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    return database;
  };

  check('values of every kind come back as they were, in another opening too', (place) => {
    const values = [null, 0, -1.5, 2 ** 40, 2n ** 62n, 'å', Uint8Array.of(0, 255)];
    const first = withTable(place);
    for (const value of values) first.run('INSERT INTO t (v) VALUES (?)', [value]);
    assert.is(first.changes, 1);
    first.close();
    const second = place.open(place.path);
    assert.equal(
      second.all<{ v: unknown }>('SELECT v FROM t ORDER BY id').map(({ v }) => v),
      values,
    );
    second.close();
  });

  check('a transaction is whole or not at all, and the next one works', (place) => {
    const database = withTable(place);
    assert.throws(() => {
      database.transaction(() => {
        database.run('INSERT INTO t (v) VALUES (1)');
        throw new Error('ours');
      });
    }, /ours/);
    assert.equal(database.all('SELECT v FROM t'), []);
    const answer = database.transaction(() => {
      database.run('INSERT INTO t (v) VALUES (2)');
      return 'done';
    });
    assert.is(answer, 'done');
    assert.equal(database.all('SELECT v FROM t'), [{ v: 2 }]);
    database.close();
  });

  check('a file at its bound says full, keeps what it has, and takes more after a delete', (place) => {
    const database = withTable(place, 64 * 1024);
    const insert = () => database.run('INSERT INTO t (v) VALUES (?)', [new Uint8Array(1000)]);
    let count = 0;
    const kind = kindOf(() => {
      for (; ; count++) insert();
    });
    assert.is(kind, 'full');
    assert.ok(count > 10);
    assert.equal(database.all('SELECT count(*) AS n FROM t'), [{ n: count }]);
    database.run('DELETE FROM t WHERE id < 10');
    insert();
    database.close();
  });

  check('a wrong statement is an error of its own kind', (place) => {
    const database = withTable(place);
    assert.is(
      kindOf(() => database.run('SELEKT')),
      'other',
    );
    database.close();
  });

  check('more statements than are kept prepared still work', (place) => {
    const database = withTable(place);
    for (let i = 0; i < 300; i++) assert.equal(database.all(`SELECT ${i} AS n`), [{ n: i }]);
    database.close();
  });
}

export function kindOf(work: () => unknown): DatabaseErrorKind | 'none' {
  try {
    work();
    return 'none';
  } catch (error) {
    assert.instance(error, DatabaseError);
    return (error as DatabaseError).kind;
  }
}
