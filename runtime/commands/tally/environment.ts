/** The machine itself, as a session of tally touches it: this file chooses the drivers. */
import { randomBytes } from 'node:crypto';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { openGpio } from '../../../drivers/gpio/gpio.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { brokerAccess } from '../../config/broker.ts';
import type { Config } from '../../config/schema.ts';
import { LISTEN_KEEPALIVE_S } from './observer.ts';
import type { TallyEnvironment } from './tally.ts';

/** SIGHUP: the terminal was closed, or the connection of whoever stands at the door broke. Their work is kept. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function systemEnvironment(config: Config, recordOnStdout: boolean): TallyEnvironment {
  const access = brokerAccess(config.mqtt, process.env);
  // Without a listener an error event would end the program: a terminal that is gone must not cost the record.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const screen = recordOnStdout ? process.stderr : process.stdout;
  return {
    clock: new SystemClock(),
    link: new MqttLink({
      ...access,
      keepaliveS: Math.min(access.keepaliveS, LISTEN_KEEPALIVE_S),
      // Two people may audit two lines at once, and a broker ends the older of two clients of one name.
      clientId: `lethe-tally-${config.site}-${config.device}-${randomBytes(3).toString('hex')}`,
    }),
    openGpio: () => openGpio(config.gpio.driver),
    input: process.stdin,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    columns: () => (screen.isTTY ? screen.columns : undefined),
    onStopRequest,
  };
}

/** Calls `stop` when somebody or the system asks for an end; returns what takes that back. */
export function onStopRequest(stop: () => void): () => void {
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}
