/**
 * What claims leave in the gateway's database: which token was spent by which key and how it was answered, which devices that
 * made, and which certificates are not to be trusted any more. Tables of their own that an older program does not see, so the
 * version of the file stays. Codes and tokens are not in it, only their hashes: who reads a backup can claim nothing.
 */
import { createHash } from 'node:crypto';
import type { Database } from '../../ports/database.ts';

const SCHEMA = `
-- code, token, public_key: SHA-256 in hex. answer: JSON without the time. ends_ms: when the code expires.
CREATE TABLE IF NOT EXISTS claim (
  token TEXT PRIMARY KEY, code TEXT NOT NULL, public_key TEXT NOT NULL, device TEXT NOT NULL, answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS claim_code ON claim (code);
-- A device that claimed, as it is now. counters: JSON list of its lines and entrances that are ways into the store.
-- host: the gateway and its port as this device knows them. code_issued_s: of the code by which it came.
CREATE TABLE IF NOT EXISTS claimed_device (
  device TEXT PRIMARY KEY, hardware_id TEXT NOT NULL, hardware_model TEXT NOT NULL, version TEXT NOT NULL,
  serial TEXT NOT NULL, ends_ms INTEGER NOT NULL, counters TEXT NOT NULL, host TEXT NOT NULL,
  code_issued_s INTEGER NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- ends_ms: after it the certificate holds no longer anyway.
CREATE TABLE IF NOT EXISTS revoked_certificate (
  serial TEXT PRIMARY KEY, device TEXT NOT NULL, at_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** After its code has expired a claim is kept for so long: a device that lost its power comes back for the same answer. */
const KEPT_MS = 30 * 86_400_000;

export type Claim = { readonly publicKey: string; readonly device: string; readonly answer: string };

export type ClaimedDevice = {
  readonly device: string;
  readonly hardwareId: string;
  readonly hardwareModel: string;
  readonly version: string;
  /** Of its certificate, in hex, and when that ends. */
  readonly serial: string;
  readonly endsMs: number;
  readonly counters: readonly string[];
  /** The gateway's server as the device reaches it: host:port. */
  readonly host: string;
  readonly codeIssuedS: number;
  readonly atMs: number;
};

export type RevokedCertificate = { readonly serial: string; readonly device: string; readonly atMs: number };

type DeviceRow = {
  readonly device: string;
  readonly hardware_id: string;
  readonly hardware_model: string;
  readonly version: string;
  readonly serial: string;
  readonly ends_ms: number;
  readonly counters: string;
  readonly host: string;
  readonly code_issued_s: number;
  readonly at_ms: number;
};

/** For keys of tables: what it is the hash of cannot be read out of it. */
export function digest(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex');
}

export class ClaimBooks {
  readonly #database: Database;

  /** Makes the tables where they are missing. */
  constructor(database: Database) {
    this.#database = database;
    if (!ClaimBooks.areIn(database)) database.transaction(() => database.exec(SCHEMA));
  }

  /** A file of a gateway that never ran with this program has none; in a copy that is only read none can be made. */
  static areIn(database: Database): boolean {
    return database.all("SELECT name FROM sqlite_master WHERE name = 'revoked_certificate'").length > 0;
  }

  claimOfCode(code: string): Claim | undefined {
    return this.#claim('code', code);
  }

  claimOfToken(token: string): Claim | undefined {
    return this.#claim('token', token);
  }

  devices(): ClaimedDevice[] {
    return this.#database.all<DeviceRow>('SELECT * FROM claimed_device ORDER BY device').map(deviceOf);
  }

  device(name: string): ClaimedDevice | undefined {
    const [row] = this.#database.all<DeviceRow>('SELECT * FROM claimed_device WHERE device = ?', [name]);
    return row && deviceOf(row);
  }

  deviceOfHardware(hardwareId: string): ClaimedDevice | undefined {
    const [row] = this.#database.all<DeviceRow>(
      'SELECT * FROM claimed_device WHERE hardware_id = ? ORDER BY at_ms DESC LIMIT 1',
      [hardwareId],
    );
    return row && deviceOf(row);
  }

  /** Inside a transaction. The certificate that the device had before is revoked by it. */
  write(device: ClaimedDevice, claim: Claim & { readonly token: string; readonly code: string; endsMs: number }): void {
    const before = this.device(device.device);
    if (before !== undefined) this.#revoke(before, device.atMs);
    this.#closeClaimsOf(device.device);
    this.#database.run('INSERT OR REPLACE INTO claimed_device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
      device.device,
      device.hardwareId,
      device.hardwareModel,
      device.version,
      device.serial,
      device.endsMs,
      JSON.stringify(device.counters),
      device.host,
      device.codeIssuedS,
      device.atMs,
    ]);
    this.#database.run('INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?)', [
      claim.token,
      claim.code,
      claim.publicKey,
      device.device,
      claim.answer,
      device.atMs,
      claim.endsMs,
    ]);
  }

  /** Inside a transaction. False: there is no such device. Its tokens stay spent. */
  remove(name: string, atMs: number): boolean {
    const device = this.device(name);
    if (device === undefined) return false;
    this.#revoke(device, atMs);
    this.#database.run('DELETE FROM claimed_device WHERE device = ?', [name]);
    this.#closeClaimsOf(name);
    return true;
  }

  isRevoked(serial: string): boolean {
    return this.#database.all('SELECT serial FROM revoked_certificate WHERE serial = ?', [serial]).length > 0;
  }

  /** Those that would hold otherwise. */
  revoked(nowMs: number): RevokedCertificate[] {
    return this.#database
      .all<{ serial: string; device: string; at_ms: number }>(
        'SELECT serial, device, at_ms FROM revoked_certificate WHERE ends_ms > ? ORDER BY serial',
        [nowMs],
      )
      .map(({ serial, device, at_ms }) => ({ serial, device, atMs: at_ms }));
  }

  /** Inside a transaction: what nobody can come for any more. */
  forget(nowMs: number): void {
    this.#database.run('DELETE FROM claim WHERE ends_ms < ?', [nowMs - KEPT_MS]);
    this.#database.run('DELETE FROM revoked_certificate WHERE ends_ms < ?', [nowMs - KEPT_MS]);
  }

  #claim(column: 'code' | 'token', value: string): Claim | undefined {
    const [row] = this.#database.all<{ public_key: string; device: string; answer: string }>(
      `SELECT public_key, device, answer FROM claim WHERE ${column} = ?`,
      [value],
    );
    return row && { publicKey: row.public_key, device: row.device, answer: row.answer };
  }

  /** Their certificates are revoked: nobody gets such an answer a second time, whatever key it has. */
  #closeClaimsOf(device: string): void {
    this.#database.run("UPDATE claim SET public_key = '', answer = '' WHERE device = ?", [device]);
  }

  #revoke({ serial, device, endsMs }: ClaimedDevice, atMs: number): void {
    this.#database.run('INSERT OR IGNORE INTO revoked_certificate VALUES (?, ?, ?, ?)', [serial, device, atMs, endsMs]);
  }
}

function deviceOf(row: DeviceRow): ClaimedDevice {
  return {
    device: row.device,
    hardwareId: row.hardware_id,
    hardwareModel: row.hardware_model,
    version: row.version,
    serial: row.serial,
    endsMs: row.ends_ms,
    counters: JSON.parse(row.counters) as string[],
    host: row.host,
    codeIssuedS: row.code_issued_s,
    atMs: row.at_ms,
  };
}
