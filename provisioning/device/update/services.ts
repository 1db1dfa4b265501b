/** What an update asks of systemd. By argument array and fixed names; a failure is logged by the caller, never thrown. */
import { spawnSync } from 'node:child_process';

export interface Services {
  /** systemd reads units again. → a sentence when it failed. */
  reload(): string | undefined;
  /** Eye and voice, from what `current` says now. */
  restartPrograms(): string | undefined;
  /** The program that watches a trial. */
  startTrial(): string | undefined;
}

const PROGRAMS = ['lethe-eye.service', 'lethe-voice.service'] as const;
const TIMEOUT_MS = 60_000;

function systemctl(...words: string[]): string | undefined {
  const done = spawnSync('systemctl', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  if (done.status === 0) return undefined;
  return `systemctl ${words.join(' ')} failed: ${done.error?.message ?? done.stderr.trim()}`;
}

export const systemd: Services = {
  reload: () => systemctl('daemon-reload'),
  // Not waited for: a program that does not start is what the trial is there to see.
  restartPrograms: () => systemctl('restart', '--no-block', ...PROGRAMS),
  startTrial: () => systemctl('start', '--no-block', 'lethe-trial.service'),
};
