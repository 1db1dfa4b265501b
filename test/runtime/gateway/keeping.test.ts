// Goal: what is old goes, hours and days stay, and days are those of the site, also when the clock is changed.
// Method: a gateway with a database and a clock moved by hand; what it keeps is read back through its export.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { exportRows, type Grain } from '../../../runtime/gateway/export/rows.ts';
import { metricsText } from '../../../runtime/gateway/metrics.ts';
import { GatewayBench, START_MS } from './bench.ts';

const openDatabase = await loadSqlite();
const MINUTES_PER_DAY = 1440;

function rowsOf(bench: GatewayBench, grain: Grain, doors: readonly string[] = ['store']) {
  const database = openDatabase(bench.databasePath, { readOnly: true });
  const wanted = { grain, fromS: 0, toS: Number.MAX_SAFE_INTEGER, doors, intervalS: 60 };
  const rows = [...exportRows(database, wanted)];
  database.close();
  return rows;
}

test('minutes go after minute_days, hours and days stay', async () => {
  const bench = await new GatewayBench({ retention: { minute_days: 2 } }).start();
  bench.interval({ seq: 1, minute: 0, in: 3, out: 1 });
  bench.interval({ seq: 2, minute: 1, in: 4, out: 1 });
  await bench.seconds(130);
  assert.is(
    rowsOf(bench, 'minute').reduce((sum, row) => sum + row.counts.in, 0),
    7,
  );
  bench.clock.jumpWall(5 * MINUTES_PER_DAY * 60_000);
  await bench.seconds(600);
  assert.is(rowsOf(bench, 'minute').filter(({ counts }) => counts.in > 0).length, 0);
  assert.equal(
    rowsOf(bench, 'hour')
      .filter(({ counts }) => counts.in > 0)
      .map(({ fromS, counts, coveredS }) => [fromS * 1000, counts.in, counts.out, coveredS]),
    [[START_MS, 7, 2, 120]],
  );
  // A double is one also when its record is gone.
  bench.interval({ seq: 1, minute: 0, in: 3, out: 1 });
  await bench.seconds(10);
  assert.is(bench.lastTotal('store')?.in, 7);
  await bench.end();
});

test('days are those of the site: 23 and 25 hours when the clock is changed', async () => {
  const bench = await new GatewayBench({ time_zone: 'Europe/Stockholm' }).start();
  const spring = (Date.UTC(2026, 2, 28, 22, 59) - START_MS) / 60_000;
  const autumn = (Date.UTC(2026, 9, 24, 21, 59) - START_MS) / 60_000;
  bench.clock.jumpWall(320 * MINUTES_PER_DAY * 60_000);
  // Last minute before, first and last minute of, and first minute after the day.
  const minutes = [
    ...[0, 1, 23 * 60, 23 * 60 + 1].map((offset) => spring + offset),
    ...[0, 1, 25 * 60, 25 * 60 + 1].map((offset) => autumn + offset),
  ];
  for (const [index, minute] of minutes.entries()) bench.interval({ seq: index + 1, minute, in: 1 });
  await bench.seconds(20);
  const days = rowsOf(bench, 'day').filter(({ counts }) => counts.in > 0);
  assert.equal(
    days.map(({ counts, fromS, toS }) => [counts.in, (toS - fromS) / 3600]),
    [
      [1, 24],
      [2, 23],
      [1, 24],
      [1, 24],
      [2, 25],
      [1, 24],
    ],
  );
  await bench.end();
});

test('a door has its own rows, and asking for one leaves the others out', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 3 });
  await bench.seconds(62);
  assert.equal(
    rowsOf(bench, 'minute', []).map(({ door }) => door),
    ['door', 'store'],
  );
  assert.equal(
    rowsOf(bench, 'minute', ['door']).map(({ door, revision, missing }) => [door, revision, missing]),
    [['door', 0, []]],
  );
  await bench.end();
});

test('metrics keep the grammar: help, type, then samples of that name; counters end in _total', async () => {
  const bench = await new GatewayBench().start();
  bench.status('door1', 'online');
  bench.interval({ seq: 1, minute: 0, in: 3, out: 1 });
  await bench.seconds(62);
  const text = metricsText(bench.gateway, bench.clock.wallMs(), true);
  assert.match(text, 'lethe_people_in_total{door="store"} 3\n');
  assert.match(text, 'lethe_device_up{device="door1"} 1\n');
  assert.ok(text.endsWith('\n'));
  const seen = new Set<string>();
  let family = { name: '', type: '' };
  for (const line of text.trimEnd().split('\n')) {
    const help = /^# HELP ([a-z_]+) \S.*$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
    if (help !== null) {
      assert.not.ok(seen.has(help[1]!), 'a family comes once');
      seen.add(help[1]!);
      family = { name: help[1]!, type: '' };
    } else if (type !== null) {
      assert.is(type[1], family.name);
      family.type = type[2]!;
      assert.is(family.name.endsWith('_total'), family.type === 'counter');
    } else {
      const sample =
        /^([a-z_]+)(\{[a-z_]+="(?:\\.|[^"\\\n])*"(?:,[a-z_]+="(?:\\.|[^"\\\n])*")*\})? (\d+(?:\.\d+)?)$/.exec(line);
      assert.ok(sample, line);
      assert.is(sample?.[1], family.name);
    }
  }
  await bench.end();
});

test.run();
