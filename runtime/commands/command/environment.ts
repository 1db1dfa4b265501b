/** The machine itself, as a command touches it: this file chooses the drivers. */
import { randomBytes } from 'node:crypto';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { brokerAccess } from '../../config/broker.ts';
import type { Config } from '../../config/schema.ts';
import { onStopRequest } from '../tally/environment.ts';
import type { CommandEnvironment } from './command.ts';

export function systemEnvironment(config: Config): CommandEnvironment {
  const { stdout } = process;
  return {
    clock: new SystemClock(),
    link: new MqttLink({
      ...brokerAccess(config.mqtt, process.env),
      clientId: `lethe-command-${config.site}-${config.device}-${randomBytes(3).toString('hex')}`,
    }),
    out: (text) => void stdout.write(text),
    size: () => (stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : undefined),
    onStopRequest,
  };
}
