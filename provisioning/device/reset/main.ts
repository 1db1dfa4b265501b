/**
 * The program of lethe-reset.service: `node reset/main.js [--root DIR]`. The unit has stopped eye, voice and the setup before,
 * removes the voice's folder and the mark afterwards, and starts the scan. Exit: 0 done · another: not whole, and the mark is there for the next start.
 */
// First, so that it runs before anything else is evaluated.
import '../../../runtime/no-inspector.ts';
import { NmcliWifi } from '../../../drivers/wifi/wifi.ts';
import { createLog } from '../../../runtime/log.ts';
import { runMain } from '../../../runtime/process.ts';
import { realDisk } from '../disk.ts';
import { placesBelow, readRoot, wifiPlacesBelow } from '../places.ts';
import { reset } from './reset.ts';

async function main(): Promise<void> {
  const root = readRoot(process.argv.slice(2));
  const places = placesBelow(root);
  await reset({
    disk: realDisk,
    places,
    log: createLog('reset', 'info'),
    wifi: new NmcliWifi(wifiPlacesBelow(root)),
  });
}

runMain('reset', main);
