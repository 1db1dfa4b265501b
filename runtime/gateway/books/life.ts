/** One start of the gateway: which series of totals it goes on with, and how many starts there were. */
import { randomUUID } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { Database } from '../../ports/database.ts';
import type { GatewayConfig } from '../config.ts';
import type { Life } from '../payloads.ts';
import { metaOf, setMeta } from './tables.ts';

/** Inside a transaction. Throws ConfigError for intervals of another length than those in the database. */
export function beginLife(database: Database, config: GatewayConfig): Life {
  const intervalS = Number(metaOf(database, 'interval_s') ?? config.intervalS);
  if (intervalS !== config.intervalS)
    throw new ConfigError(
      [
        `interval_s is ${config.intervalS}; the database in ${config.stateDir} was begun with ${intervalS} s, and intervals of two lengths would overlap. Set it to ${intervalS}, or state_dir to another folder.`,
      ],
      { op: 'open database' },
    );
  setMeta(database, 'interval_s', String(intervalS));
  const epochId = metaOf(database, 'epoch_id') ?? randomUUID();
  const boot = Number(metaOf(database, 'boot') ?? 0) + 1;
  setMeta(database, 'epoch_id', epochId);
  setMeta(database, 'boot', String(boot));
  return { epochId, boot, tz: config.timeZone };
}
