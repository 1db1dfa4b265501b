/**
 * Pins: one status LED and one privacy button. This file chooses the implementation; read it first.
 * A counter without lamp and button is still a counter, so nothing here throws on a machine without pins: the caller
 * gets a Gpio that says why in `reason`, and whose pins do nothing.
 *
 * The kernel's sysfs interface knows no pull resistors, and BCM 9 to 27 are pulled *down* after power-on (BCM2835 ARM
 * Peripherals, table 6-31). A button to ground on the default BCM 27 is therefore only seen with a resistor of about
 * 10 kΩ to 3.3 V, or with the line `gpio=27=ip,pu` in /boot/firmware/config.txt. `lethe doctor` looks for that.
 */
import type { Gpio } from '../../runtime/ports/gpio.ts';
import { MemoryGpio } from './memory.ts';
import { type OnoffEnvironment, openOnoff } from './onoff.ts';

export type GpioDriver = 'auto' | 'onoff' | 'memory';

/**
 * auto and onoff: the board's pins where there are any, otherwise an unavailable Gpio with the reason; the difference
 * between the two is only how loudly `doctor` says so. memory: pins that exist in this process only.
 */
export async function openGpio(driver: GpioDriver, environment: OnoffEnvironment = {}): Promise<Gpio> {
  return driver === 'memory' ? new MemoryGpio() : openOnoff(environment);
}
