/**
 * Gateway: the store's aggregator beside the broker, until Ctrl-C. Chooses the drivers; what it does is in runtime/gateway.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { DriverError, ExitCode } from '../../errors.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { Gateway } from '../../gateway/gateway.ts';
import { createLog } from '../../log.ts';
import { PACKAGE_VERSION } from '../../package.ts';
import { onStopRequest } from '../../process.ts';

/** File in state_dir. */
export const DATABASE_FILE = 'gateway.db';

/** Resolves with the exit code when it has ended. Throws ConfigError, DriverError or DatabaseError when it cannot begin. */
export async function gatewayCommand(config: GatewayConfig): Promise<ExitCode> {
  const log = createLog('gateway', config.logLevel);
  makeFolder(config.stateDir);
  const openDatabase = await loadSqlite();
  const { site, mqtt } = config;
  const gateway = new Gateway({
    config,
    clock: new SystemClock(),
    link: new MqttLink({ ...mqtt, clientId: `lethe-${site}-gateway` }),
    database: openDatabase(join(config.stateDir, DATABASE_FILE)),
    log,
    version: PACKAGE_VERSION,
  });
  return new Promise((resolve) => {
    // The clock's timers keep nothing alive, and a link that waits to try again does not either.
    const keepAlive = setInterval(() => {}, 60_000);
    onStopRequest(() => {
      void gateway.stop().then(() => {
        clearInterval(keepAlive);
        resolve(ExitCode.ok);
      });
    });
    gateway.start();
  });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new DriverError('other', `state_dir ${folder} cannot be made (${(cause as NodeJS.ErrnoException).code}).`, {
      op: 'make state_dir',
      hint: 'Set state_dir to a folder that this user may write.',
      cause,
    });
  }
}
