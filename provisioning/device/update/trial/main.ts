/**
 * The program of lethe-trial.service: at boot and after a switch it finishes what was begun, and decides a trial.
 * Exit: 0 decided, or nothing to decide · 1 unexpected (systemd starts it again, which counts as a start of the trial).
 */
// First, so that it runs before anything else is evaluated.
import '../../../../runtime/no-inspector.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { runMain } from '../../../../runtime/process.ts';
import { systemParts } from '../parts.ts';
import { TRIAL_S, Updater } from '../update.ts';

const LOOK_MS = 2000;

runMain('trial', async () => {
  const updater = new Updater(systemParts('trial', process.argv.slice(2)));
  if (updater.resume() === 'idle') return;
  // LETHE_TRIAL_S is for a trial of the trial; the unit does not set it.
  const untilMs = performance.now() + Number(process.env['LETHE_TRIAL_S'] ?? TRIAL_S) * 1000;
  while (performance.now() < untilMs) {
    if (updater.confirmIfHealthy()) return;
    await pause(LOOK_MS);
  }
  updater.giveUp();
});
