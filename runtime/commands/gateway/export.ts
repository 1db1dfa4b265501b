/**
 * Export of what a gateway keeps: CSV, InfluxDB's line protocol or SQL, to a file or to stdout. Reads a copy of the database
 * as it is now, so it works beside a running gateway and changes nothing.
 * Memory: one page of rows; on disk the copy, in the folder for temporary files.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { dayNumberOf } from '../../config/hours.ts';
import { ConfigError, ExitCode, LetheError } from '../../errors.ts';
import { metaOf, versionOf } from '../../gateway/books/tables.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { csvHeader, csvRow } from '../../gateway/export/csv.ts';
import { influxLine } from '../../gateway/export/influx.ts';
import { type ExportRow, exportRows, type Grain, knownDoors } from '../../gateway/export/rows.ts';
import { sqlRow, sqlTable } from '../../gateway/export/sql.ts';
import { Zone } from '../../site/zone.ts';
import { MS_PER_S } from '../../units.ts';
import { DATABASE_FILE } from './gateway.ts';

export const FORMATS = ['csv', 'influx', 'sql'] as const;
export type Format = (typeof FORMATS)[number];

export type ExportOptions = {
  readonly config: GatewayConfig;
  /** A day of the site (from its midnight), or a moment in RFC 3339; undefined: from the first, to the last. */
  readonly from: string | undefined;
  /** Excluded. */
  readonly to: string | undefined;
  readonly grain: Grain;
  /** Empty: all doors and the store. */
  readonly doors: readonly string[];
  readonly format: Format;
  /** Undefined: stdout. */
  readonly file: string | undefined;
  readonly err: (text: string) => void;
};

type Form = { readonly head: string; readonly lineOf: (row: ExportRow) => string };

/** Written together: a system call a row would be slow. */
const CHUNK_CHARS = 65_536;

/** Throws LetheError with everything that is wrong with the words. */
export async function exportCommand(options: ExportOptions): Promise<ExitCode> {
  const { config, grain, doors, file } = options;
  const zone = new Zone(config.timeZone);
  const range = rangeOf(options, zone);
  const openDatabase = await loadSqlite();
  const database = openDatabase(join(config.stateDir, DATABASE_FILE), { readOnly: true });
  try {
    if (versionOf(database) === 0)
      throw new LetheError('EXPORT_EMPTY', 'The database is empty: no gateway has run with it.', ExitCode.noInput, {
        op: 'export',
      });
    checkDoors(doors, knownDoors(database));
    const intervalS = Number(metaOf(database, 'interval_s') ?? config.intervalS);
    const rows = exportRows(database, { ...range, grain, doors, intervalS });
    const { count, isWhole } = write(file, formOf(options, zone), rows);
    if (isWhole) options.err(`${count} rows\n`);
  } finally {
    database.close();
  }
  return ExitCode.ok;
}

function rangeOf({ from, to }: ExportOptions, zone: Zone): { fromS: number; toS: number } {
  const problems: string[] = [];
  const moment = (word: string | undefined, name: string, otherwise: number): number => {
    if (word === undefined) return otherwise;
    const day = dayNumberOf(word);
    const atMs = day === undefined ? Date.parse(word) : zone.firstMomentMs(day, 0);
    // Without an offset Node would take the time of this machine, which need not be the site's.
    const isMoment = day !== undefined || (/(Z|[+-]\d{2}:\d{2})$/.test(word) && !Number.isNaN(atMs));
    if (isMoment) return Math.floor(atMs / MS_PER_S);
    problems.push(
      `${name} is "${word}"; expected a day such as 2026-01-31 or a moment such as 2026-01-31T08:00:00Z. Correct it.`,
    );
    return otherwise;
  };
  const fromS = moment(from, '--from', 0);
  const toS = moment(to, '--to', Number.MAX_SAFE_INTEGER);
  if (problems.length === 0 && fromS >= toS)
    problems.push(
      `--from ${from} is not before --to ${to}, which is excluded; expected an earlier one. Swap or correct them.`,
    );
  if (problems.length > 0) throw new LetheError('USAGE', problems.join('\n'), ExitCode.usage, { op: 'read options' });
  return { fromS, toS };
}

function checkDoors(wanted: readonly string[], known: readonly string[]): void {
  const problems = wanted
    .filter((name) => !known.includes(name))
    .map((name) => `--door ${name} is unknown; expected some of ${known.join(', ')}. Correct it.`);
  if (problems.length > 0) throw new ConfigError(problems, { op: 'read options' });
}

function formOf({ config, grain, format }: ExportOptions, zone: Zone): Form {
  const { site, timeZone } = config;
  if (format === 'influx') return { head: '', lineOf: (row) => influxLine(row, site, grain) };
  if (format === 'sql') return { head: sqlTable(grain), lineOf: (row) => sqlRow(row, site, grain) };
  const place = { site, timeZone, offsetMsAt: (atMs: number) => zone.offsetMsAt(atMs) };
  return { head: csvHeader(), lineOf: (row) => csvRow(row, place) };
}

/** isWhole: false when the reader at the other end of a pipe has had enough. */
function write(file: string | undefined, { head, lineOf }: Form, rows: Iterable<ExportRow>) {
  const fd = file === undefined ? 1 : openFile(file);
  let [text, count] = [head, 0];
  try {
    for (const row of rows) {
      text += lineOf(row);
      count += 1;
      if (text.length < CHUNK_CHARS) continue;
      writeAll(fd, text);
      text = '';
    }
    writeAll(fd, text);
    return { count, isWhole: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return { count, isWhole: false };
    throw error;
  } finally {
    if (file !== undefined) closeSync(fd);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'w', 0o640);
  } catch (cause) {
    throw new LetheError(
      'EXPORT_FILE',
      `--out ${path} cannot be written (${(cause as NodeJS.ErrnoException).code}). Name a file in a folder that is there.`,
      ExitCode.ioError,
      { op: 'export', cause },
    );
  }
}

/** A pipe that is full says EAGAIN to whoever does not wait. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
