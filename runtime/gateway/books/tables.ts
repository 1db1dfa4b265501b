/**
 * The gateway's tables. Everything that it must still know after a pulled plug is here, and changes in the same
 * transaction as what it follows from: a record, the totals that it changes, and what is to be published of them.
 *
 * Counts stand three times: as devices said them (`reading`), as closed intervals of doors and store (`closed`), both for
 * minute_days, and of doors and store added up by hour and day (`hour`, `day`), for ever. Keys begin with the time, so that writing is
 * appending, and what is old lies together when it goes. Size with one-minute records: a store with one device and one
 * door 65 MB a year, one with four devices 30 MB for each of them; of that 0.4 and 0.13 MB are hours and days, which stay
 * (`node dist/scripts/bench/gateway.js`).
 */
import { DatabaseError } from '../../errors.ts';
import type { Database } from '../../ports/database.ts';

/** user_version of the file; grows with a change that an older program would not understand. */
const VERSION = 1;

/** Four counts, as everywhere below. Times are whole seconds since 1970 UTC. */
const COUNTS =
  'count_in INTEGER NOT NULL, count_out INTEGER NOT NULL, net_in INTEGER NOT NULL, net_out INTEGER NOT NULL';

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Whatever has totals: lines of devices, doors, the store. base_*: the newest record of a line, to which its live total is
-- compared; shown_*: the largest total that was told.
CREATE TABLE counter (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL,
  ${COUNTS},
  base_epoch TEXT, base_in INTEGER, base_out INTEGER, base_to_s INTEGER,
  shown_in INTEGER NOT NULL DEFAULT 0, shown_out INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, device, name)
) STRICT;

-- Series of numbers of a device, and which of them are here. Numbers up to floor are of no interest.
CREATE TABLE epoch (
  id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch_id TEXT NOT NULL, floor INTEGER NOT NULL,
  UNIQUE (device, epoch_id)
) STRICT;
CREATE TABLE seen (
  epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (epoch, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE reading (
  from_s INTEGER NOT NULL, counter INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  span_s INTEGER NOT NULL, ${COUNTS},
  samples INTEGER NOT NULL, expected INTEGER NOT NULL, quality INTEGER NOT NULL,
  PRIMARY KEY (from_s, counter, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE zone (
  from_s INTEGER NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  span_s INTEGER NOT NULL, visits INTEGER NOT NULL, bounces INTEGER NOT NULL, passers_by INTEGER NOT NULL,
  PRIMARY KEY (from_s, device, name, epoch, seq)
) STRICT, WITHOUT ROWID;

-- seq: of its last publication, by which sinks follow. missing: JSON list of devices, null when complete.
CREATE TABLE closed (
  from_s INTEGER NOT NULL, counter INTEGER NOT NULL,
  ${COUNTS},
  quality INTEGER NOT NULL, revision INTEGER NOT NULL, seq INTEGER NOT NULL, missing TEXT,
  PRIMARY KEY (from_s, counter)
) STRICT, WITHOUT ROWID;
CREATE INDEX closed_seq ON closed (seq);
-- Closed intervals to which something came later, and when the last of it did (ms).
CREATE TABLE late (from_s INTEGER PRIMARY KEY, touched_ms INTEGER NOT NULL) STRICT;

-- covered_s: seconds of which everybody reported.
CREATE TABLE hour (
  from_s INTEGER NOT NULL, counter INTEGER NOT NULL, ${COUNTS}, covered_s INTEGER NOT NULL,
  PRIMARY KEY (from_s, counter)
) STRICT, WITHOUT ROWID;
CREATE TABLE day (
  from_s INTEGER NOT NULL, counter INTEGER NOT NULL, ${COUNTS}, covered_s INTEGER NOT NULL,
  date TEXT NOT NULL, to_s INTEGER NOT NULL,
  PRIMARY KEY (from_s, counter)
) STRICT, WITHOUT ROWID;

-- What the broker has not acknowledged. payload: JSON without historical.
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, to_s INTEGER NOT NULL, payload TEXT NOT NULL) STRICT;
-- Devices that nobody expects.
CREATE TABLE stranger (device TEXT PRIMARY KEY, first_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- How far each sink is in the numbers of closed intervals.
CREATE TABLE sink (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Makes the tables in a new file. Throws DatabaseError for a file of a later program. */
export function openTables(database: Database): void {
  const version = versionOf(database);
  if (version === VERSION) return;
  if (version > VERSION)
    throw new DatabaseError(
      'damaged',
      `The gateway's database is of version ${version}; this program knows ${VERSION}.`,
      {
        op: 'open database',
        hint: 'Run the newer program, or move the file away to begin anew.',
      },
    );
  // Only an empty file takes it; pages that become free can be given back then.
  database.exec('PRAGMA auto_vacuum=INCREMENTAL; VACUUM');
  database.transaction(() => {
    database.exec(SCHEMA);
    database.exec(`PRAGMA user_version=${VERSION}`);
  });
}

/** 0: an empty file. */
export function versionOf(database: Database): number {
  return database.all<{ user_version: number }>('PRAGMA user_version')[0]?.user_version ?? 0;
}

export function metaOf(database: Database, key: string): string | undefined {
  return database.all<{ value: string }>('SELECT value FROM meta WHERE key = ?', [key])[0]?.value;
}

export function setMeta(database: Database, key: string, value: string): void {
  database.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', [key, value]);
}
