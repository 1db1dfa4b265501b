// Goal: what leaves as CSV, line protocol, SQL or metrics is read by others as it was meant, whatever the names are.
// Method: literal lines; strict parsers written from the specifications; SQL run by SQLite; both days on which the clock is changed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSqlite } from '../../../../drivers/database/sqlite.ts';
import { CSV_COLUMNS, csvHeader, csvRow } from '../../../../runtime/gateway/export/csv.ts';
import { influxLine } from '../../../../runtime/gateway/export/influx.ts';
import type { ExportRow } from '../../../../runtime/gateway/export/rows.ts';
import { sqlRow, sqlTable } from '../../../../runtime/gateway/export/sql.ts';
import { Zone } from '../../../../runtime/site/zone.ts';

const openDatabase = await loadSqlite();
const folder = mkdtempSync(join(tmpdir(), 'lethe-formats-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const NOON_S = Date.UTC(2026, 0, 5, 12) / 1000;
const ROW: ExportRow = {
  door: 'entrance',
  fromS: NOON_S,
  toS: NOON_S + 60,
  counts: { in: 5, out: 3, netIn: 4, netOut: 2 },
  coveredS: 0,
  revision: 1,
  quality: 'degraded',
  missing: ['left', 'right'],
};
const SUM: ExportRow = { ...ROW, toS: NOON_S + 3600, coveredS: 3540, revision: null, quality: null, missing: [] };
const zone = new Zone('Europe/Stockholm');
const PLACE = { site: 'shop', timeZone: 'Europe/Stockholm', offsetMsAt: (atMs: number) => zone.offsetMsAt(atMs) };

/** RFC 4180, with CRLF only, and nothing loose about quotes. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  let row: string[] = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (match === null) throw new Error(`no field at ${at}: ${text.slice(at, at + 40)}`);
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

/** docs.influxdata.com, "Line protocol": measurement,tag=value field=value timestamp. */
function parseInflux(line: string) {
  const match = /^((?:\\.|[^\\, \n])+)((?:,(?:\\.|[^\\,= \n])+=(?:\\.|[^\\,= \n])+)*) (\S+) (-?\d+)\n$/.exec(line);
  if (match === null) throw new Error(`no line protocol: ${line}`);
  const plain = (text: string) => text.replace(/\\(.)/g, '$1');
  const pairs = (text: string, pattern: RegExp) =>
    Object.fromEntries([...text.matchAll(pattern)].map(([, key = '', value = '']) => [plain(key), value]));
  const tags = pairs(match[2]!, /,((?:\\.|[^\\,= ])+)=((?:\\.|[^\\,= ])+)/g);
  const fields = pairs(match[3]!, /(?:^|,)([a-z_]+)=(-?\d+i|"(?:\\.|[^"\\])*")/g);
  const spelt = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  assert.is(spelt.join(','), match[3], 'every field was understood');
  return {
    measurement: match[1]!,
    tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, plain(value)])),
    fields,
    time: Number(match[4]),
  };
}

test('CSV has a header, one column a fact, UTC and local times', () => {
  assert.is(
    csvHeader(),
    'site,door,from_utc,to_utc,from_local,to_local,time_zone,in,out,net_in,net_out,covered_s,revision,quality,missing\r\n',
  );
  assert.is(
    csvRow(ROW, PLACE),
    'shop,entrance,2026-01-05T12:00:00Z,2026-01-05T12:01:00Z,2026-01-05T13:00:00+01:00,2026-01-05T13:01:00+01:00,Europe/Stockholm,5,3,4,2,0,1,degraded,left right\r\n',
  );
});

test('the two hours at 02 of an October night differ by their offset, and the skipped hour of March is not told', () => {
  const hour = (ms: number) =>
    csvRow({ ...SUM, fromS: ms / 1000, toS: ms / 1000 + 3600 }, PLACE)
      .split(',')
      .slice(4, 6);
  assert.equal(hour(Date.UTC(2026, 9, 25, 0)), ['2026-10-25T02:00:00+02:00', '2026-10-25T02:00:00+01:00']);
  assert.equal(hour(Date.UTC(2026, 9, 25, 1)), ['2026-10-25T02:00:00+01:00', '2026-10-25T03:00:00+01:00']);
  assert.equal(hour(Date.UTC(2026, 2, 29, 0)), ['2026-03-29T01:00:00+01:00', '2026-03-29T03:00:00+02:00']);
});

test('line protocol: tags, whole numbers, whole seconds; a revision is the same point', () => {
  assert.is(
    influxLine(ROW, 'shop', 'minute'),
    `lethe_people,site=shop,door=entrance in=5i,out=3i,net_in=4i,net_out=2i,covered_s=0i,revision=1i,quality="degraded",missing=2i ${NOON_S}\n`,
  );
  assert.is(
    influxLine(SUM, 'shop', 'hour'),
    `lethe_people_hour,site=shop,door=entrance in=5i,out=3i,net_in=4i,net_out=2i,covered_s=3540i ${NOON_S}\n`,
  );
});

const names = fc.string({
  minLength: 1,
  maxLength: 12,
  unit: fc.constantFrom('a', ',', '=', ' ', '"', "'", '\\', ';', '-', 'é'),
});

test('any name comes back out of CSV and line protocol as it was', () => {
  fc.assert(
    fc.property(names, names, (site, door) => {
      const row = { ...ROW, door };
      const [parsed] = parseCsv(csvRow(row, { ...PLACE, site }));
      assert.is(parsed?.length, CSV_COLUMNS.length);
      assert.equal([parsed?.[0], parsed?.[1]], [site, door]);
      assert.equal(parseInflux(influxLine(row, site, 'minute')).tags, { site, door });
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test('SQL runs as it stands, replaces what was revised, and no name breaks out of it', () => {
  const database = openDatabase(join(folder, 'sql.db'));
  database.exec(sqlTable('minute'));
  database.exec(sqlTable('minute'));
  const evil = "o'); DROP TABLE lethe_people_minute; --";
  database.exec(sqlRow(ROW, evil, 'minute'));
  database.exec(sqlRow({ ...ROW, revision: 2, counts: { ...ROW.counts, in: 9 }, missing: [] }, evil, 'minute'));
  assert.equal(
    database.all('SELECT site, door, from_utc, people_in, people_out, revision, missing FROM lethe_people_minute'),
    [
      {
        site: evil,
        door: 'entrance',
        from_utc: '2026-01-05 12:00:00+00',
        people_in: 9,
        people_out: 3,
        revision: 2,
        missing: '',
      },
    ],
  );
  fc.assert(
    fc.property(names, (door) => {
      database.exec(sqlRow({ ...ROW, door }, 'fuzz', 'minute'));
      const rows = database.all<{ door: string }>("SELECT door FROM lethe_people_minute WHERE site = 'fuzz'");
      assert.ok(rows.some((row) => row.door === door));
    }),
    { numRuns: 100 },
  );
  database.close();
});

test.run();
