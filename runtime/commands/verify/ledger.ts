/** The ledger's own file as a recording: what the device keeps, in its order, and that its last receipt is the head it names. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { DatabaseError, ExitCode, LetheError } from '../../errors.ts';
import { readLedger } from '../../voice/ledger/reading.ts';
import { recordsOf } from '../../voice/ledger/records.ts';
import { type Recording, RecordingReader } from './recording.ts';

/** Every SQLite file begins with it (sqlite.org/fileformat.html, 1.3). */
const MAGIC = 'SQLite format 3\0';

/** Throws system errors. A pipe is none, and not one byte of it is read here. */
export function isLedger(path: string): boolean {
  if (!statSync(path).isFile()) return false;
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(MAGIC.length);
    readSync(fd, head, 0, head.length, 0);
    return head.toString('latin1') === MAGIC;
  } finally {
    closeSync(fd);
  }
}

/** path: of a ledger that may be in use. trustedKey: as for recordings. Throws LetheError (65) if it is damaged. */
export async function readLedgerRecording(path: string, trustedKey: string): Promise<Recording> {
  const openDatabase = await loadSqlite();
  try {
    const database = openDatabase(path, { readOnly: true });
    try {
      const ledger = readLedger(database);
      if (typeof ledger === 'string') throw damaged(path, ledger);
      const reader = new RecordingReader(trustedKey, 'record');
      for (const batch of ledger.batches) for (const record of recordsOf(batch)) reader.takeRecord(record);
      reader.takeHead(ledger.state);
      reader.takeDamaged(ledger.damagedCount());
      return reader.end();
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === 'damaged') throw damaged(path, error.message);
    throw error;
  }
}

function damaged(path: string, why: string): LetheError {
  return new LetheError('VERIFY_STATE_DAMAGED', `The ledger ${path} cannot be read: ${why}.`, ExitCode.dataError, {
    op: 'verify receipts',
    hint: 'Verify what the broker delivered instead: a recording of the device’s topics.',
  });
}
