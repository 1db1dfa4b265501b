/**
 * The program of lethe-settle.service: `node settle/main.js [--root DIR]`. Its unit starts eye and voice afterwards.
 * Exit: 0 installed, or nothing to do · 65 refused · 75 the card could not be written, try again.
 */
// First, so that it runs before anything else is evaluated.
import '../../../runtime/no-inspector.ts';
import { NmcliWifi } from '../../../drivers/wifi/wifi.ts';
import { ExitCode } from '../../../runtime/errors.ts';
import { createLog } from '../../../runtime/log.ts';
import { runMain } from '../../../runtime/process.ts';
import { fleetKeys, readBoard } from '../card.ts';
import { realDisk } from '../disk.ts';
import { placesBelow, readRoot, wifiPlacesBelow } from '../places.ts';
import { settle } from './settle.ts';

const EXIT_CODES = {
  installed: ExitCode.ok,
  idle: ExitCode.ok,
  refused: ExitCode.dataError,
  again: ExitCode.again,
} as const;

async function main(): Promise<void> {
  const root = readRoot(process.argv.slice(2));
  const places = placesBelow(root);
  const log = createLog('settle', 'info');
  const result = await settle({
    disk: realDisk,
    places,
    log,
    keys: fleetKeys(places.fleetFolder, log),
    board: readBoard(realDisk, places.boardFile),
    wifi: new NmcliWifi(wifiPlacesBelow(root)),
  });
  process.exit(EXIT_CODES[result]);
}

runMain('settle', main);
