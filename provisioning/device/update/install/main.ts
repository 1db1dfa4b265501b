/**
 * The program of lethe-update.service: takes the bundle that the voice left, and begins its trial.
 * Exit: 0 begun, refused (said in the log and in the state), or nothing to do · 1 unexpected.
 */
// First, so that it runs before anything else is evaluated.
import '../../../../runtime/no-inspector.ts';
import { runMain } from '../../../../runtime/process.ts';
import { systemParts } from '../parts.ts';
import { Updater } from '../update.ts';

runMain('update', async () => {
  await new Updater(systemParts('update', process.argv.slice(2))).install();
});
