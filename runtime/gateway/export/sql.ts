/**
 * SQL that PostgreSQL (9.5 and later) and SQLite (3.24 and later) take: a table for each grain and one statement a row, which
 * replaces what an older revision wrote. `in` and `out` are words of the language, so the columns are people_in and people_out.
 */
import { MS_PER_S } from '../../units.ts';
import type { ExportRow, Grain } from './rows.ts';

const COLUMNS = [
  ['site', 'text NOT NULL'],
  ['door', 'text NOT NULL'],
  ['from_utc', 'timestamptz NOT NULL'],
  ['to_utc', 'timestamptz NOT NULL'],
  ['people_in', 'bigint NOT NULL'],
  ['people_out', 'bigint NOT NULL'],
  ['net_in', 'bigint NOT NULL'],
  ['net_out', 'bigint NOT NULL'],
  ['covered_s', 'integer NOT NULL'],
  ['revision', 'integer'],
  ['quality', 'text'],
  ['missing', 'text'],
] as const;
const KEY = ['site', 'door', 'from_utc'];

export function sqlTable(grain: Grain): string {
  const columns = COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
  return `CREATE TABLE IF NOT EXISTS ${tableOf(grain)} (${columns}, PRIMARY KEY (${KEY.join(', ')}));\n`;
}

export function sqlRow(row: ExportRow, site: string, grain: Grain): string {
  const { door, fromS, toS, counts, coveredS, revision, quality, missing } = row;
  const values = [
    text(site),
    text(door),
    text(utc(fromS)),
    text(utc(toS)),
    whole(counts.in),
    whole(counts.out),
    whole(counts.netIn),
    whole(counts.netOut),
    whole(coveredS),
    revision === null ? 'NULL' : whole(revision),
    quality === null ? 'NULL' : text(quality),
    revision === null ? 'NULL' : text(missing.join(' ')),
  ];
  const names = COLUMNS.map(([name]) => name);
  const newer = names.filter((name) => !KEY.includes(name)).map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${tableOf(grain)} (${names.join(', ')}) VALUES (${values.join(', ')}) ON CONFLICT (${KEY.join(', ')}) DO UPDATE SET ${newer.join(', ')};\n`;
}

function tableOf(grain: Grain): string {
  return `lethe_people_${grain}`;
}

/**
 * A string constant of the standard: quotes doubled. A backslash means nothing in it (PostgreSQL since 9.1); NUL and line
 * breaks are in no name of ours and would break "a statement a line".
 */
function text(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking these out is the purpose.
  return `'${value.replace(/[\u0000-\u001f]/g, ' ').replaceAll("'", "''")}'`;
}

function whole(value: number): string {
  return String(Math.trunc(value));
}

/** 2026-01-05 12:00:00+00, which both read as a moment. */
function utc(atS: number): string {
  return `${new Date(atS * MS_PER_S).toISOString().slice(0, 19).replace('T', ' ')}+00`;
}
