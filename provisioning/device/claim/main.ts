/**
 * The program of lethe-claim.service: `node claim/main.js [--root DIR]`. The setup is handed over by systemd as a credential
 * (LoadCredential=setup:…): this user cannot read root's folder. $RUNTIME_DIRECTORY is for the proof at the broker.
 * Exit: 0 ended, well or not (settle looks), or nothing to do · 75 told, try again.
 */
// First, so that it runs before anything else is evaluated.
import '../../../runtime/no-inspector.ts';
import { tmpdir } from 'node:os';
import { tryBroker } from '../../../drivers/link/trial.ts';
import { ExitCode } from '../../../runtime/errors.ts';
import { createLog } from '../../../runtime/log.ts';
import { PACKAGE_VERSION } from '../../../runtime/package.ts';
import { runMain } from '../../../runtime/process.ts';
import { fleetKeys, readBoard } from '../card.ts';
import { realDisk } from '../disk.ts';
import { momentNow } from '../moment.ts';
import { placesBelow, readRoot } from '../places.ts';
import { SetupState } from '../state.ts';
import { waitForTime } from '../time.ts';
import { findAuthority } from './authority.ts';
import { proveBroker, readCredential } from './broker.ts';
import { claim } from './claim.ts';
import { exchange } from './exchange.ts';
import { hardware } from './hardware.ts';

async function main(): Promise<void> {
  const places = placesBelow(readRoot(process.argv.slice(2)));
  const log = createLog('claim', 'info');
  const handed = readCredential('setup', process.env['CREDENTIALS_DIRECTORY']);
  if (handed === undefined) log.warn('nothing was handed over; the unit has LoadCredential=setup:…');
  const folder = process.env['RUNTIME_DIRECTORY'] ?? tmpdir();
  const result = await claim({
    disk: realDisk,
    places,
    log,
    keys: fleetKeys(places.fleetFolder, log),
    board: readBoard(realDisk, places.boardFile),
    gateway: { findAuthority, exchange, tryBroker: (settings) => proveBroker(settings, folder, tryBroker) },
    pending: pendingIn(handed),
    hardware: hardware(),
    version: PACKAGE_VERSION,
    moment: () => momentNow(places.timeKnown),
    waitForTime: () => waitForTime(() => momentNow(places.timeKnown).isTimeKnown),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  process.exit(result === 'again' ? ExitCode.again : ExitCode.ok);

  function pendingIn(text: string | undefined) {
    const handedDisk = { ...realDisk, read: () => text };
    return new SetupState(handedDisk, places).readPending();
  }
}

runMain('claim', main);
