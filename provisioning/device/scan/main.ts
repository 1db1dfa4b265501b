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
import { SetupFiles } from './files.ts';
import { SCAN_FORMAT } from './plate.ts';
import { Scan } from './scan.ts';
