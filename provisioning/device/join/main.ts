/**
 * The program of lethe-join.service: `node join/main.js [--root DIR]`.
 * Exit: 0 joined, or nothing to do (the claim is started, and looks for itself) · 65 refused · 75 told, try again.
 */
// First, so that it runs before anything else is evaluated.
import '../../../runtime/no-inspector.ts';
import { NmcliWifi } from '../../../drivers/wifi/wifi.ts';
import { ExitCode } from '../../../runtime/errors.ts';
import { createLog } from '../../../runtime/log.ts';
import { runMain } from '../../../runtime/process.ts';
import { waitForAddress } from '../address.ts';
import { fleetKeys, readBoard } from '../card.ts';
import { realDisk } from '../disk.ts';
import { momentNow } from '../moment.ts';
import { placesBelow, readRoot, wifiPlacesBelow } from '../places.ts';
import { join } from './join.ts';

const EXIT_CODES = {
  joined: ExitCode.ok,
  idle: ExitCode.ok,
  refused: ExitCode.dataError,
  again: ExitCode.again,
} as const;

async function main(): Promise<void> {
  const root = readRoot(process.argv.slice(2));
  const places = placesBelow(root);
  const log = createLog('join', 'info');
  const result = await join({
    disk: realDisk,
    places,
    log,
    wifi: new NmcliWifi(wifiPlacesBelow(root)),
    keys: fleetKeys(places.fleetFolder, log),
    deviceName: readBoard(realDisk, places.boardFile).device,
    moment: () => momentNow(places.timeKnown),
    waitForAddress: () => waitForAddress(),
  });
  process.exit(EXIT_CODES[result]);
}

runMain('join', main);
