/**
 * The board's pins through the npm package `onoff` (sysfs and epoll). This file owns the dependency; it is optional and
 * loaded only where /sys/class/gpio exists, so neither its absence nor a failed native build hurts anybody.
 *
 * - Numbers: since Linux 6.6 the first chip does not begin at 0 (512 on a Pi 4; 571, 569 or 512 on a Pi 5, after kernel
 *   and probe order: raspberrypi/linux#6037, fivdi/onoff#199). So the number is looked up: base of the chip + BCM.
 * - The constructor of onoff waits for udev by opening files in a busy loop, up to 10 000 times, then throws the bare
 *   system error. On a slow board that loop ends before udev does. We wait in between (OPEN_TRIES), and what still fails
 *   becomes a DriverError with the remedy. All of it is synchronous: open pins at boot, not in the frame loop.
 * - If the pin was exported before (a killed program leaves it so), onoff swallows failures to set it up; the direction
 *   is read back to see them.
 * Does not: set pull resistors (gpio.ts says how), nor check that the kernel will keep sysfs GPIO for ever.
 */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriverError, type DriverErrorKind } from '../../runtime/errors.ts';
import type { ButtonHold, Gpio, InputPin, OutputPin } from '../../runtime/ports/gpio.ts';
import { type After, HoldWatch } from './hold.ts';
import { assertBcm, assertUnused } from './pin.ts';
import { UnavailableGpio } from './unavailable.ts';

/** Where the kernel shows GPIO; onoff has the same path built in. */
export const SYSFS_GPIO = '/sys/class/gpio';
/** Labels of the chips whose lines 0 to 27 are the 40-pin header: Pi 0 to 3, Pi 4, Pi 5. */
export const HEADER_CHIP_LABELS: readonly string[] = ['pinctrl-bcm2835', 'pinctrl-bcm2711', 'pinctrl-rp1'];
/** The header's chip has 54 lines (58 on a Pi 4); expanders and power chips on the same boards have at most 32. */
const HEADER_CHIP_LINES_MIN = 54;
/** udev sets the group of a fresh pin within tens of milliseconds, on a Zero at boot within some hundreds. */
const OPEN_TRIES = 6;
const OPEN_PAUSE_MS = 100;

const WITHOUT = 'Counting works without lamp and button.';
const GROUP_REMEDY =
  'Add the user to the group gpio (sudo usermod -aG gpio USER) and log in again, or restart the unit.';

/** One pin of onoff, as far as we use it. */
export interface OnoffPin {
  writeSync(value: 0 | 1): void;
  watch(callback: (error: Error | null | undefined, value: 0 | 1) => void): void;
  direction(): string;
  /** Stops watching, closes the file, gives the pin back. */
  unexport(): void;
}
/** The class of onoff; tests hand in one of their own. */
export interface OnoffConstructor {
  new (
    number: number,
    direction: 'in' | 'low',
    edge?: 'none' | 'falling' | 'both',
    options?: { debounceTimeout?: number; activeLow?: boolean },
  ): OnoffPin;
  /** True if /sys/class/gpio/export can be opened for writing. */
  readonly accessible: boolean;
}

export type OnoffEnvironment = {
  readonly sysfsRoot?: string;
  readonly load?: () => Promise<OnoffConstructor>;
  /** Waits, blocking. */
  readonly pause?: (ms: number) => void;
  /** Clock and timer of buttons that are held. */
  readonly monotonicUs?: () => number;
  readonly after?: After;
};

export type HeaderChip = { readonly label: string; readonly base: number; readonly lineCount: number };

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? '';
}

/**
 * The chip behind the 40-pin header, found by label, else by size. Throws DriverError: absent when there is no sysfs
 * GPIO or no such chip, other when it cannot be read.
 */
export function findHeaderChip(sysfsRoot: string = SYSFS_GPIO): HeaderChip {
  const op = 'find pins';
  let names: string[];
  try {
    names = readdirSync(sysfsRoot).filter((name) => /^gpiochip\d+$/.test(name));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') {
      throw new DriverError(
        'absent',
        `no ${sysfsRoot}; expected it on a Raspberry Pi: this is another machine, or a kernel without GPIO_SYSFS.`,
        { op, cause, hint: WITHOUT },
      );
    }
    throw new DriverError('other', `${sysfsRoot} cannot be read (${codeOf(cause)}).`, {
      op,
      cause,
      hint: `${GROUP_REMEDY} ${WITHOUT}`,
    });
  }
  const chips: HeaderChip[] = [];
  const unreadable: string[] = [];
  for (const name of names) {
    try {
      const read = (file: string) => readFileSync(join(sysfsRoot, name, file), 'utf8').trim();
      const chip = { label: read('label'), base: Number(read('base')), lineCount: Number(read('ngpio')) };
      if (Number.isInteger(chip.base) && Number.isInteger(chip.lineCount)) chips.push(chip);
      else unreadable.push(`${name} (no number)`);
    } catch (cause) {
      unreadable.push(`${name} (${codeOf(cause)})`);
    }
  }
  chips.sort((a, b) => a.base - b.base);
  const found =
    chips.find((chip) => HEADER_CHIP_LABELS.includes(chip.label)) ??
    chips.find((chip) => chip.lineCount >= HEADER_CHIP_LINES_MIN);
  if (found !== undefined) return found;
  if (unreadable.length > 0) {
    throw new DriverError('other', `${sysfsRoot} has chips that cannot be read: ${unreadable.join(', ')}.`, {
      op,
      hint: `${GROUP_REMEDY} ${WITHOUT}`,
    });
  }
  const seen = chips.map((chip) => `${chip.label} with ${chip.lineCount} lines`).join(', ') || 'none';
  throw new DriverError('absent', `no chip of a Raspberry Pi header in ${sysfsRoot}; found ${seen}.`, {
    op,
    hint: `On a Raspberry Pi, update the kernel (sudo apt full-upgrade). ${WITHOUT}`,
  });
}

/** Loads the package. Throws DriverError absent if it is not installed, other if its native part does not load. */
export async function loadOnoff(): Promise<OnoffConstructor> {
  try {
    return (await import('onoff')).Gpio;
  } catch (cause) {
    const isAbsent = codeOf(cause) === 'ERR_MODULE_NOT_FOUND';
    const firstLine = String((cause as Error | undefined)?.message ?? cause).split('\n')[0];
    throw new DriverError(
      isAbsent ? 'absent' : 'other',
      isAbsent ? 'the package onoff is not installed.' : `the package onoff does not load: ${firstLine}.`,
      {
        op: 'load onoff',
        cause,
        hint: 'Install a compiler (sudo apt install build-essential python3), then run npm install onoff; its native part is built for this Node.',
      },
    );
  }
}

/** Waits without the event loop: the package is synchronous, and so is the port. Only used while a pin is opened. */
function pauseBlocking(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The board's pins, or an unavailable Gpio with the reason. Never throws. */
export async function openOnoff(environment: OnoffEnvironment = {}): Promise<Gpio> {
  const sysfsRoot = environment.sysfsRoot ?? SYSFS_GPIO;
  try {
    const chip = findHeaderChip(sysfsRoot);
    const PinClass = await (environment.load ?? loadOnoff)();
    if (!PinClass.accessible) {
      throw new DriverError('other', `${join(sysfsRoot, 'export')} cannot be written by this user.`, {
        op: 'find pins',
        hint: `${exportRemedy(sysfsRoot)} ${WITHOUT}`,
      });
    }
    return new OnoffGpio(chip, PinClass, environment);
  } catch (error) {
    if (error instanceof DriverError) return new UnavailableGpio(`${error.message} ${error.hint}`.trim());
    return new UnavailableGpio(`pins cannot be used: ${(error as Error).message}. ${WITHOUT}`);
  }
}

/** A missing group is the usual cause; a read-only /sys (a container, a hardened unit) looks alike but is another matter. */
function exportRemedy(sysfsRoot: string): string {
  try {
    accessSync(join(sysfsRoot, 'export'), constants.W_OK);
  } catch (cause) {
    if (codeOf(cause) === 'EROFS') {
      return '/sys is read-only here: run outside the container, or allow the path in the unit (ReadWritePaths=/sys/class/gpio /sys/devices/platform).';
    }
  }
  return GROUP_REMEDY;
}

/** What a failed open means and what to do, by system error code. */
const OPEN_FAULTS: Readonly<Record<string, readonly [DriverErrorKind, string, string]>> = {
  ENOENT: ['absent', 'the kernel made no files for it', 'Check that /sys/class/gpio is there: lethe doctor.'],
  EACCES: ['other', 'this user may not use it', GROUP_REMEDY],
  EPERM: ['other', 'this user may not use it', GROUP_REMEDY],
  EROFS: [
    'other',
    '/sys is read-only here',
    'Run outside the container, or allow the path in the unit (ReadWritePaths=/sys/class/gpio /sys/devices/platform).',
  ],
  EBUSY: [
    'busy',
    'the kernel or another program holds it',
    'Take another pin, or remove the dtoverlay line or program that uses this one (pinctrl get shows the function).',
  ],
  EINVAL: ['absent', 'the chip has no such line', 'Use a BCM number of the 40-pin header, 0..27.'],
  ENODEV: ['absent', 'the chip has no such line', 'Use a BCM number of the 40-pin header, 0..27.'],
};

/** onoff's bare error → DriverError with the remedy. */
function explainOpen(bcm: number, number: number, cause: unknown): DriverError {
  if (cause instanceof DriverError) return cause;
  const code = codeOf(cause);
  const [kind, meaning, hint] = OPEN_FAULTS[code] ?? [
    'other' as const,
    `onoff said: ${(cause as Error | undefined)?.message ?? String(cause)}`,
    'Run lethe doctor; set gpio.driver to memory to run without pins.',
  ];
  const withCode = code === '' ? meaning : `${meaning} (${code})`;
  return new DriverError(kind, `BCM ${bcm} (number ${number}) cannot be opened: ${withCode}.`, {
    op: `open BCM ${bcm}`,
    hint,
    cause,
  });
}

class OnoffGpio implements Gpio {
  readonly name = 'onoff';
  readonly available = true;
  readonly reason = '';
  readonly #chip: HeaderChip;
  readonly #PinClass: OnoffConstructor;
  readonly #pause: (ms: number) => void;
  readonly #environment: OnoffEnvironment;
  readonly #open = new Set<number>();

  constructor(chip: HeaderChip, PinClass: OnoffConstructor, environment: OnoffEnvironment) {
    this.#chip = chip;
    this.#PinClass = PinClass;
    this.#environment = environment;
    this.#pause = environment.pause ?? pauseBlocking;
  }

  openOutput(bcm: number): OutputPin {
    // `low`, not `out`: direction and level in one write, so the lamp does not flash when the pin is taken.
    const pin = this.#take(bcm, 'out', (number) => new this.#PinClass(number, 'low'));
    let isOpen = true;
    return {
      write: (high) => {
        if (!isOpen) return;
        try {
          pin.writeSync(high ? 1 : 0);
        } catch (cause) {
          throw new DriverError('disconnected', `BCM ${bcm} cannot be written (${codeOf(cause)}).`, {
            op: `write BCM ${bcm}`,
            cause,
            hint: 'Something else gave the pin back or took it; restart Lethe.',
          });
        }
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#giveBack(bcm, () => {
          pin.writeSync(0);
        });
        this.#giveBack(bcm, () => pin.unexport());
      },
    };
  }

  openButton(bcm: number, debounceMs: number, onPress: () => void, hold?: ButtonHold): InputPin {
    // Falling edge and activeLow false together mean "voltage goes to ground". With activeLow true the kernel turns the
    // edges round as well (Documentation/userspace-api/gpio/sysfs.rst), and falling would be the release. It is set, not
    // left out, because a program before us may have exported the pin the other way round.
    const edge = hold === undefined ? 'falling' : 'both';
    const pin = this.#take(
      bcm,
      'in',
      (number) => new this.#PinClass(number, 'in', edge, { debounceTimeout: debounceMs, activeLow: false }),
    );
    const { monotonicUs, after } = this.#environment;
    const watch = hold && new HoldWatch(hold, onPress, monotonicUs, after);
    let isOpen = true;
    try {
      // After the debounce time onoff reads the level again and reports only if it is still low: bounce on release and
      // spikes shorter than that are no presses.
      pin.watch((error, value) => {
        if (!isOpen || error) return;
        if (watch === undefined) {
          if (value === 0) onPress();
        } else if (value === 0) watch.down();
        else watch.up();
      });
    } catch (cause) {
      this.#giveBack(bcm, () => pin.unexport());
      throw explainOpen(bcm, this.#chip.base + bcm, cause);
    }
    return {
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        watch?.close();
        this.#giveBack(bcm, () => pin.unexport());
      },
    };
  }

  #take(bcm: number, direction: 'in' | 'out', make: (number: number) => OnoffPin): OnoffPin {
    assertBcm(bcm);
    assertUnused(this.#open, bcm);
    const number = this.#chip.base + bcm;
    for (let tries = 1; ; tries++) {
      try {
        const pin = make(number);
        this.#verify(bcm, number, direction, pin);
        this.#open.add(bcm);
        return pin;
      } catch (cause) {
        // These two are what a pin looks like that udev has not reached yet; everything else will not get better.
        const isEarly = codeOf(cause) === 'EACCES' || codeOf(cause) === 'ENOENT';
        if (!isEarly || tries === OPEN_TRIES) throw explainOpen(bcm, number, cause);
        this.#pause(OPEN_PAUSE_MS);
      }
    }
  }

  /** The pin is not given back here: if it has the wrong direction it was exported by somebody else and is theirs. */
  #verify(bcm: number, number: number, direction: 'in' | 'out', pin: OnoffPin): void {
    const actual = pin.direction();
    if (actual === direction) return;
    throw new DriverError(
      'busy',
      `BCM ${bcm} (number ${number}) is set to "${actual}"; expected "${direction}": another program exported it.`,
      { op: `open BCM ${bcm}`, hint: `End that program, or: echo ${number} > ${SYSFS_GPIO}/unexport` },
    );
  }

  /** A pin that cannot be given back is gone already; there is nothing left to do about it. */
  #giveBack(bcm: number, task: () => void): void {
    this.#open.delete(bcm);
    try {
      task();
    } catch {
      // As said above.
    }
  }
}
