/**
 * Versions that did not work on a device, on disk: after a restart of the gateway nobody is offered again what it went back from.
 * rolled_back: never again; refused, lost: not for a day, as what kept it from it may be mended.
 */
import type { Database } from '../../ports/database.ts';

export type FailureKind = 'rolled_back' | 'refused' | 'lost';
export type Failure = { readonly device: string; readonly kind: FailureKind; readonly reason: string };

const AGAIN_MS = 86_400_000;

const SCHEMA = `CREATE TABLE IF NOT EXISTS update_failure (
  device TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (device, version)
) STRICT, WITHOUT ROWID`;

export class UpdateFailures {
  readonly #database: Database;

  /** Makes the table where it is missing. */
  constructor(database: Database) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  /** Of a device that went back nothing else is believed any more. */
  note(device: string, version: string, kind: FailureKind, reason: string, nowMs: number): void {
    this.#database.run(
      `INSERT INTO update_failure VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET kind = excluded.kind, reason = excluded.reason, at_ms = excluded.at_ms WHERE kind <> 'rolled_back'`,
      [device, version, kind, reason, nowMs],
    );
  }

  /** It works there after all. */
  clear(device: string, version: string): void {
    this.#database.run('DELETE FROM update_failure WHERE device = ? AND version = ?', [device, version]);
  }

  of(version: string): Failure[] {
    return this.#database.all<Failure>(
      'SELECT device, kind, reason FROM update_failure WHERE version = ? ORDER BY device',
      [version],
    );
  }

  /** Devices that are not to be offered this version now. */
  barred(version: string, nowMs: number): Set<string> {
    const rows = this.#database.all<{ device: string }>(
      "SELECT device FROM update_failure WHERE version = ? AND (kind = 'rolled_back' OR at_ms > ?)",
      [version, nowMs - AGAIN_MS],
    );
    return new Set(rows.map(({ device }) => device));
  }
}
