/**
 * The program of lethe-scan.service: chooses the drivers, then hands over to scan.ts.
 * `node scan/main.js [--root DIR]`
 * Exit: 0 a code was taken, or stopped · 74 camera stuck, or no thread can be had · 76 the button was held: forget what is
 * half set up. It is started again after each of them.
 */
// First, so that it runs before anything else is evaluated.
import '../../../runtime/no-inspector.ts';
import { join } from 'node:path';
import { createRpicamCamera } from '../../../drivers/camera/rpicam/rpicam.ts';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { openGpio } from '../../../drivers/gpio/gpio.ts';
import { openBoardLed, SYSFS_LEDS } from '../../../drivers/lamp/board-led.ts';
import { joinLamps } from '../../../drivers/lamp/lamps.ts';
import { openPulse } from '../../../drivers/watchdog/systemd.ts';
import { ExitCode, explain } from '../../../runtime/errors.ts';
import { createLog, type Log } from '../../../runtime/log.ts';
import type { Gpio, OutputPin } from '../../../runtime/ports/gpio.ts';
import { onStopRequest, runMain } from '../../../runtime/process.ts';
import { readBoard } from '../card.ts';
import { realDisk } from '../disk.ts';
import { placesBelow, readRoot } from '../places.ts';
import { SetupFiles } from './files.ts';
import { SCAN_FORMAT } from './plate.ts';
import { Scan } from './scan.ts';

/** As the eye's: contacts bounce for up to 20 ms. */
const BUTTON_DEBOUNCE_MS = 50;
/** As the eye's, runtime/eye/eye.ts: long enough that nobody does it by leaning on it. */
const RESET_HOLD_MS = 10_000;

/** The one that is wired, and the board's own: without either the log has to do. */
function openLamps(gpio: Gpio, ledGpio: number | undefined, ledsFolder: string, log: Log): OutputPin {
  const lamps: OutputPin[] = [];
  const add = (what: string, open: () => OutputPin): void => {
    try {
      lamps.push(open());
    } catch (error) {
      log.warn(`no lamp ${what}: ${explain(error)}`);
    }
  };
  if (ledGpio !== undefined && ledGpio >= 0) {
    if (gpio.available) add(`on BCM ${ledGpio}`, () => gpio.openOutput(ledGpio));
    else log.warn(`no lamp on BCM ${ledGpio}: ${gpio.reason}`);
  }
  add('on the board', () => openBoardLed(ledsFolder));
  return joinLamps(lamps);
}

function openButton(gpio: Gpio, bcm: number | undefined, scan: Scan, log: Log): void {
  if (bcm === undefined || bcm < 0) return;
  try {
    gpio.openButton(bcm, BUTTON_DEBOUNCE_MS, () => {}, {
      ms: RESET_HOLD_MS,
      onReached: () => scan.showHeld(),
      onReleased: (isMeant) => scan.onHold(isMeant),
    });
  } catch (error) {
    log.warn(`no button on BCM ${bcm}: ${explain(error)}`);
  }
}

async function main(): Promise<void> {
  const clock = new SystemClock();
  const pulse = openPulse({ environment: process.env, pid: process.pid, nowUs: () => clock.monotonicUs() });
  const root = readRoot(process.argv.slice(2));
  const places = placesBelow(root);
  const log = createLog('scan', 'info');
  const board = readBoard(realDisk, places.boardFile);
  const gpio = await openGpio('auto');
  const lamp = openLamps(gpio, board.ledGpio, join(root, SYSFS_LEDS), log);
  const scan = new Scan({
    camera: createRpicamCamera({}, SCAN_FORMAT),
    clock,
    lamp,
    files: new SetupFiles(places),
    deviceName: board.device,
    pulse,
    log,
    exit: (code) => {
      pulse.stopping();
      lamp.close();
      process.exit(code);
    },
  });
  openButton(gpio, board.buttonGpio, scan, log);
  scan.start();
  onStopRequest(() => void scan.stop(ExitCode.ok));
}

runMain('scan', main);
