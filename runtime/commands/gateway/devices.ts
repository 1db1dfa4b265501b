/**
 * Devices that claimed a certificate at this gateway: a list out of a copy of its database, also beside a running gateway; taking
 * one out, and the list of revoked certificates for the broker, while it is stopped or running, as each needs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from '../../../drivers/certificates/authority.ts';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { ConfigError, ExitCode, LetheError } from '../../errors.ts';
import { ClaimBooks, type ClaimedDevice } from '../../gateway/claim/books.ts';
import { readClaimFiles } from '../../gateway/claim/files.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import type { Database, OpenDatabase } from '../../ports/database.ts';
import { rfc3339 } from '../../units.ts';
import { DATABASE_FILE } from './gateway.ts';

/** A list that has ended makes a broker refuse every client; this one ends with the authority's usual ten years. */
const LIST_MS = 3650 * 86_400_000;
/** The clock of the broker's machine is this one, or nearly. */
const BACKDATED_MS = 3_600_000;

export type DevicesOptions = {
  readonly config: GatewayConfig;
  /** Undefined: none. */
  readonly remove: string | undefined;
  /** File to write the list of revoked certificates to. */
  readonly crl: string | undefined;
  readonly isJson: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
};

/** Throws LetheError. */
export async function devicesCommand(options: DevicesOptions): Promise<ExitCode> {
  const { config, remove, crl } = options;
  const openDatabase = await loadSqlite();
  const path = join(config.stateDir, DATABASE_FILE);
  if (remove !== undefined) removeDevice(openDatabase, path, remove, options);
  const database = openDatabase(path, { readOnly: true });
  try {
    const books = ClaimBooks.areIn(database) ? new ClaimBooks(database) : undefined;
    if (crl !== undefined) writeList(crl, books, options);
    if (remove === undefined && crl === undefined) list(books?.devices() ?? [], options);
  } finally {
    database.close();
  }
  return ExitCode.ok;
}

function removeDevice(openDatabase: OpenDatabase, path: string, name: string, { config, err }: DevicesOptions): void {
  // It would be made anew.
  openDatabase(path, { readOnly: true }).close();
  let database: Database;
  try {
    database = openDatabase(path);
  } catch (error) {
    if (!(error instanceof LetheError) || error.code !== 'DATABASE_BUSY') throw error;
    throw new LetheError('GATEWAY_RUNS', `The gateway of ${config.stateDir} is running.`, ExitCode.unavailable, {
      op: 'remove device',
      hint: 'Stop it for a moment; what devices say meanwhile waits at the broker.',
      cause: error,
    });
  }
  try {
    const books = new ClaimBooks(database);
    if (!database.transaction(() => books.remove(name, Date.now()))) {
      const known = books.devices().map(({ device }) => device);
      throw new ConfigError(
        [
          `${name} has claimed no certificate here; expected ${known.length === 0 ? 'nothing, as none has' : `one of ${known.join(', ')}`}. Correct it.`,
        ],
        { op: 'remove device' },
      );
    }
  } finally {
    database.close();
  }
  err(
    `${name} is removed, and its code is worth nothing any more. Its certificate still opens the broker until it is in the broker's list (--crl), or its name in the access list is denied.\n`,
  );
}

function writeList(file: string, books: ClaimBooks | undefined, { config, err }: DevicesOptions): void {
  const nowMs = Date.now();
  const { authorityPem, authorityKeyPem } = readClaimFiles(config, process.env, nowMs);
  const revoked = books?.revoked(nowMs) ?? [];
  // Its number grows with time, which is all that a reader may expect of it.
  const number = Math.floor(nowMs / 1000);
  const authority = new CertificateAuthority(authorityPem, authorityKeyPem);
  const text = authority.revocationList(revoked, number, nowMs - BACKDATED_MS, nowMs + LIST_MS);
  try {
    writeFileSync(file, text, { mode: 0o644 });
  } catch (cause) {
    throw new LetheError(
      'CRL_FILE',
      `--crl ${file} cannot be written (${(cause as NodeJS.ErrnoException).code}). Name a file in a folder that is there.`,
      ExitCode.ioError,
      { op: 'write list of revoked certificates', cause },
    );
  }
  err(`${revoked.length} revoked certificates in ${file}. Restart the broker to have it read.\n`);
}

function list(devices: readonly ClaimedDevice[], { isJson, out, err }: DevicesOptions): void {
  if (isJson) {
    out(`${JSON.stringify(devices.map(asJson), undefined, 2)}\n`);
    return;
  }
  if (devices.length === 0) {
    err('No device has claimed a certificate here.\n');
    return;
  }
  const head = ['device', 'board', 'board id', 'claimed', 'certificate until', 'ways in'];
  const rows = devices.map(({ device, hardwareModel, hardwareId, atMs, endsMs, counters }) => [
    device,
    hardwareModel,
    hardwareId,
    rfc3339(atMs).slice(0, 16).replace('T', ' '),
    rfc3339(endsMs).slice(0, 10),
    counters.join(' '),
  ]);
  const widths = head.map((word, column) => Math.max(word.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [head, ...rows])
    out(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}\n`,
    );
}

function asJson({ device, hardwareModel, hardwareId, version, serial, atMs, endsMs, counters }: ClaimedDevice): object {
  return {
    device,
    board: hardwareModel,
    board_id: hardwareId,
    version,
    serial,
    claimed_at: rfc3339(atMs),
    certificate_until: rfc3339(endsMs),
    ways_in: counters,
  };
}
