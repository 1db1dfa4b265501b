/**
 * What eye, voice and supervisor have in common as processes: how they end, and what a person reads when they cannot start.
 */
import { ExitCode, explain, LetheError } from './errors.ts';
import { createLog } from './log.ts';

/** How often a supervised child looks whether its parent still lives. */
const PARENT_CHECK_MS = 1000;

/**
 * Calls `stop` on SIGINT, SIGTERM, or when the supervisor is gone: a killed supervisor must not leave a camera running
 * that nobody sees.
 */
export function onStopRequest(stop: () => void): void {
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // The supervisor's own word: by the time this is read, a supervisor that died early has already been replaced as parent.
  const supervisorPid = Number(process.env['LETHE_SUPERVISED'] ?? 0);
  if (!(supervisorPid >= 1)) return;
  const timer = setInterval(() => {
    if (process.ppid === supervisorPid) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** Runs a process' main function; an expected error becomes one log line and its exit code, any other one a crash with its stack. */
export function runMain(program: string, main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const log = createLog(program, 'info');
    if (error instanceof LetheError) {
      log.fatal({ code: error.code, op: error.op }, explain(error));
      process.exit(error.exitCode);
    }
    log.fatal({ err: error }, 'unexpected error');
    process.exit(ExitCode.failed);
  });
}
