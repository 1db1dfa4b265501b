/**
 * Logs, by pino, to stdout only: state changes and one summary a minute, never one a frame; the card is never written.
 * This file owns the dependency. Destination is synchronous: a log line that matters is the one before a crash, and
 * at a few lines a minute the cost does not count.
 */
import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Keys whose values never reach a log, wherever in an object they stand. */
const SECRET_KEYS = ['password', 'passwordFile', '*.password', '*.passwordFile', 'psk', '*.psk', 'token', '*.token'];

/** program: `eye`, `voice`, `supervisor`. Times are ISO 8601 in UTC. */
export function createLog(program: string, level: string): Log {
  return pino(
    {
      base: { program },
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_KEYS, censor: '[secret]' },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}
