/** Comma-separated values as in RFC 4180: a header, CRLF, quotes where a field needs them. Times in UTC and as on the wall. */
import { MS_PER_S } from '../../units.ts';
import type { ExportRow } from './rows.ts';

export const CSV_COLUMNS = [
  'site',
  'door',
  'from_utc',
  'to_utc',
  'from_local',
  'to_local',
  'time_zone',
  'in',
  'out',
  'net_in',
  'net_out',
  'covered_s',
  'revision',
  'quality',
  'missing',
] as const;

export type CsvPlace = {
  readonly site: string;
  readonly timeZone: string;
  /** Local time less UTC. */
  readonly offsetMsAt: (atMs: number) => number;
};

export function csvHeader(): string {
  return csvLine(CSV_COLUMNS);
}

export function csvRow(row: ExportRow, place: CsvPlace): string {
  const { door, fromS, toS, counts, coveredS, revision, quality, missing } = row;
  return csvLine([
    place.site,
    door,
    utc(fromS),
    utc(toS),
    local(fromS, place),
    local(toS, place),
    place.timeZone,
    counts.in,
    counts.out,
    counts.netIn,
    counts.netOut,
    coveredS,
    revision ?? '',
    quality ?? '',
    missing.join(' '),
  ]);
}

function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map((field) => quoted(String(field))).join(',')}\r\n`;
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** 2026-01-05T12:00:00Z */
function utc(atS: number): string {
  return new Date(atS * MS_PER_S).toISOString().replace('.000Z', 'Z');
}

/** 2026-01-05T13:00:00+01:00: with its offset it is one moment, also in the hour that comes twice. */
function local(atS: number, { offsetMsAt }: CsvPlace): string {
  const offsetMinutes = Math.round(offsetMsAt(atS * MS_PER_S) / 60_000);
  const size = Math.abs(offsetMinutes);
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${twoDigits(Math.floor(size / 60))}:${twoDigits(size % 60)}`;
  return `${new Date(atS * MS_PER_S + offsetMinutes * 60_000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}${offset}`;
}
