/**
 * What a gateway costs: bytes on disk for each device and year, and time for each record, with one-minute records and a
 * receipt a minute, as devices send them. Run by hand: `node dist/scripts/bench/gateway.js [devices] [days]`.
 * A year is reckoned from the days that were played: intervals grow with them, hours and days as well.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSqlite } from '../../drivers/database/sqlite.ts';
import { parseHours } from '../../runtime/config/hours.ts';
import { Doors } from '../../runtime/gateway/books/doors.ts';
import { Records } from '../../runtime/gateway/books/records.ts';
import { openTables } from '../../runtime/gateway/books/tables.ts';
import { parseGatewayConfig } from '../../runtime/gateway/config.ts';
import type { IntervalReading, ReceiptReading } from '../../runtime/gateway/incoming.ts';
import { StoreHours } from '../../runtime/site/hours.ts';

const BEGIN_S = Date.UTC(2026, 0, 1) / 1000;
const DEVICES_PER_DOOR = 32;

const [deviceCount = 4, days = 14] = process.argv.slice(2).map(Number);
const names = Array.from({ length: deviceCount }, (_, index) => `door${index + 1}`);
const doorCount = Math.ceil(deviceCount / DEVICES_PER_DOOR);
const config = parseGatewayConfig({
  devices: names,
  doors: Array.from({ length: doorCount }, (_, door) => ({
    name: `entrance${door + 1}`,
    of: names.filter((_, index) => index % doorCount === door).map((device) => ({ device, line: 'door' })),
  })),
});
const folder = mkdtempSync(join(tmpdir(), 'lethe-gateway-'));
const path = join(folder, 'gateway.db');
const database = (await loadSqlite())(path);
openTables(database);
database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
const emptyBytes = statSync(path).size;
const hours = new StoreHours({ hours: parseHours([]), timeZone: 'Europe/Stockholm' });
const records = new Records(database);
const doors = database.transaction(
  () =>
    new Doors({ database, records, config, roster: config, dayOf: (atMs) => hours.dayOf(atMs), firstFromS: BEGIN_S }),
);

let recordCount = 0;
const startedMs = performance.now();
for (let minute = 0; minute < days * 1440; minute += 1) {
  database.transaction(() => {
    for (const device of names) {
      const fromS = BEGIN_S + minute * 60;
      const people = (minute * 7) % 5;
      const common = { device, epochId: '00000000-0000-4000-8000-00000000000a', fromS, spanS: 60 };
      const reading: IntervalReading = {
        ...common,
        kind: 'interval',
        name: 'door',
        seq: 2 * minute + 1,
        in: people,
        out: people,
        netIn: people,
        netOut: people,
        totalIn: minute,
        totalOut: minute,
        samples: 900,
        expected: 900,
        quality: 0,
      };
      const receipt: ReceiptReading = { ...common, kind: 'receipt', name: '', seq: 2 * minute + 2 };
      const line = records.take(reading);
      if (line) doors.take(line, reading, 0);
      records.take(receipt);
      recordCount += 2;
    }
    doors.closeNext();
  });
}
const tookMs = performance.now() - startedMs;
database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
const bytes = statSync(path).size;
database.exec('DELETE FROM reading; DELETE FROM closed; DELETE FROM zone; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
const keptBytes = statSync(path).size;
database.close();
rmSync(folder, { recursive: true, force: true });

const perYear = (size: number) => ((size / deviceCount / days) * 365) / 1e6;
process.stdout.write(
  [
    `${deviceCount} devices, ${doorCount} doors, ${days} days: ${recordCount} records and receipts`,
    `${((tookMs * 1000) / recordCount).toFixed(0)} µs a record, closing included, a transaction a minute`,
    `${(bytes / 1e6).toFixed(1)} MB; ${perYear(bytes - emptyBytes).toFixed(1)} MB a device and year, share of doors and store included`,
    `hours and days alone: ${perYear(keptBytes - emptyBytes).toFixed(2)} MB a device and year`,
    '',
  ].join('\n'),
);
