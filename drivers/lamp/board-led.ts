/**
 * The board's own LED as an output: the green one beside the power, which shows the card's activity otherwise. For devices
 * without a lamp of their own; nothing has to be wired.
 * The kernel shows it at /sys/class/leds/ACT (led0 before Linux 6.1). While it is ours its trigger is `none`; closing gives
 * the old one back. A program that is killed leaves it dark and without a trigger until the next start of the board.
 * Which level lights it is the kernel's to know (it is active-low on some boards).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriverError } from '../../runtime/errors.ts';
import type { OutputPin } from '../../runtime/ports/gpio.ts';

export const SYSFS_LEDS = '/sys/class/leds';
/** New name first. */
const NAMES = ['ACT', 'led0'];

/** Throws DriverError: absent without such an LED, other when it may not be written. */
export function openBoardLed(folder = SYSFS_LEDS): OutputPin {
  const { trigger, brightness, active } = findLed(folder);
  const write = (path: string, value: string): void => {
    try {
      writeFileSync(path, value);
    } catch (cause) {
      throw new DriverError('other', `${path} cannot be written (${codeOf(cause)}).`, {
        op: 'light lamp',
        hint: 'Let the group gpio write it (provisioning/units/lamp.conf), or run as root.',
        cause,
      });
    }
  };
  write(trigger, 'none');
  write(brightness, '0');
  let isOpen = true;
  return {
    // Any other number than 0 lights an LED that can only be on or off.
    write: (high) => {
      if (isOpen) write(brightness, high ? '1' : '0');
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      write(brightness, '0');
      write(trigger, active);
    },
  };
}

function findLed(folder: string): { trigger: string; brightness: string; active: string } {
  for (const name of NAMES) {
    const trigger = join(folder, name, 'trigger');
    try {
      // Such as `none usb-gadget [mmc0] timer`: the chosen one in brackets.
      const active = /\[([^\]]+)\]/.exec(readFileSync(trigger, 'utf8'))?.[1] ?? 'none';
      return { trigger, brightness: join(folder, name, 'brightness'), active };
    } catch {
      // The other name, then.
    }
  }
  throw new DriverError('absent', `there is no LED ${NAMES.join(' or ')} in ${folder}.`, {
    op: 'open lamp',
    hint: 'Wire a lamp to a pin and name it in /etc/lethe/board.json (led_gpio).',
  });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
