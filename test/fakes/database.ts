/** SQLite on a simulated disk; loaded once, so that no test has to wait for it. */
import { loadSqliteForDisks } from '../../drivers/database/sqlite.ts';

export const databaseOn = await loadSqliteForDisks();
