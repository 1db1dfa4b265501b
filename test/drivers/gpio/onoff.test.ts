// Goal: the right pin number on every board, pins set up as the button and the lamp need them, a remedy for each failure.
// Method: sysfs trees made in a temporary folder; a class in place of the package's, which records what it was asked.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpio } from '../../../drivers/gpio/gpio.ts';
import { findHeaderChip, type OnoffConstructor, type OnoffPin, openOnoff } from '../../../drivers/gpio/onoff.ts';
import { DriverError } from '../../../runtime/errors.ts';
import { gpioContract } from './contract.ts';
import { HandTimer } from './hand-timer.ts';

type Chip = { base: number; label?: string; lines?: number };

const folders: string[] = [];
function sysfs(...chips: Chip[]): string {
  const root = mkdtempSync(join(tmpdir(), 'lethe-gpio-'));
  folders.push(root);
  writeFileSync(join(root, 'export'), '');
  for (const chip of chips) {
    const folder = join(root, `gpiochip${chip.base}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'base'), `${chip.base}\n`);
    if (chip.label !== undefined) writeFileSync(join(folder, 'label'), `${chip.label}\n`);
    if (chip.lines !== undefined) writeFileSync(join(folder, 'ngpio'), `${chip.lines}\n`);
  }
  return root;
}
test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const PI_4: Chip[] = [
  { base: 512, label: 'pinctrl-bcm2711', lines: 58 },
  { base: 570, label: 'raspberrypi-exp-gpio', lines: 8 },
];
/** A Pi 5 has power-domain and expander chips before or after the header's, as they happened to be probed. */
const pi5 = (base: number): Chip[] => [
  { base, label: 'pinctrl-rp1', lines: 54 },
  { base: base === 512 ? 566 : 512, label: 'gpio-brcmstb@107d508500', lines: 32 },
  { base: base === 512 ? 598 : 544, label: 'gpio-brcmstb@107d517c00', lines: 15 },
];

type Asked = { number: number; direction: string; edge: string | undefined; options: object | undefined };

/** The package's class as far as we use it; `faults` are thrown by the constructor, one a call. */
function fakeOnoff(faults: (Error | undefined)[] = [], actualDirection?: string) {
  const asked: Asked[] = [];
  const levels = new Map<number, 0 | 1>();
  const listeners = new Map<number, (error: Error | null, value: 0 | 1) => void>();
  const given: number[] = [];
  class Fake implements OnoffPin {
    static accessible = true;
    readonly #number: number;
    readonly #direction: string;
    constructor(number: number, direction: 'in' | 'low', edge?: 'none' | 'falling' | 'both', options?: object) {
      asked.push({ number, direction, edge, options });
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      this.#number = number;
      this.#direction = direction;
      if (direction === 'low') levels.set(number, 0);
    }
    writeSync(value: 0 | 1): void {
      levels.set(this.#number, value);
    }
    watch(callback: (error: Error | null, value: 0 | 1) => void): void {
      listeners.set(this.#number, callback);
    }
    direction(): string {
      return actualDirection ?? (this.#direction === 'low' ? 'out' : 'in');
    }
    unexport(): void {
      listeners.delete(this.#number);
      given.push(this.#number);
    }
  }
  return { Fake: Fake as OnoffConstructor & { accessible: boolean }, asked, levels, listeners, given };
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the kernel says it`), { code });
}

gpioContract(test, 'onoff', async () => {
  const fake = fakeOnoff();
  let nowUs = 0;
  const timer = new HandTimer(() => nowUs);
  const gpio = await openOnoff({
    sysfsRoot: sysfs(...PI_4),
    load: async () => fake.Fake,
    monotonicUs: () => nowUs,
    after: timer.after,
  });
  return {
    gpio,
    isHigh: (bcm) => fake.levels.get(512 + bcm) === 1,
    // Debouncing is the package's: what reaches us of a bouncing press is one call with the settled level.
    press: (bcm) => fake.listeners.get(512 + bcm)?.(null, 0),
    settle: () => {},
    hold: (bcm, ms) => {
      fake.listeners.get(512 + bcm)?.(null, 0);
      nowUs += ms * 1000;
      timer.fire();
      fake.listeners.get(512 + bcm)?.(null, 1);
    },
  };
});

const BOARDS: [string, Chip[], number][] = [
  ['a Pi 3 with an old kernel', [{ base: 0, label: 'pinctrl-bcm2835', lines: 54 }], 0],
  [
    'a Pi 3',
    [
      { base: 512, label: 'pinctrl-bcm2835', lines: 54 },
      { base: 566, label: 'raspberrypi-exp-gpio', lines: 8 },
    ],
    512,
  ],
  ['a Pi 4', PI_4, 512],
  ['a Pi 5 with base 571', pi5(571), 571],
  ['a Pi 5 with base 569', pi5(569), 569],
  ['a Pi 5 that probed the header first', pi5(512), 512],
  [
    'a board with a label we do not know, by its size',
    [
      { base: 512, label: 'gpio-expander', lines: 32 },
      { base: 600, label: 'pinctrl-bcm9999', lines: 54 },
    ],
    600,
  ],
];
for (const [board, chips, base] of BOARDS) {
  test(`finds the header of ${board}`, () => {
    assert.is(findHeaderChip(sysfs(...chips)).base, base);
  });
}

test('opens base + BCM, never BCM itself', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...pi5(571)), load: async () => fake.Fake });
  gpio.openOutput(17);
  gpio.openButton(27, 40, () => {});
  assert.equal(
    fake.asked.map((one) => one.number),
    [588, 598],
  );
});

test('the lamp is opened low, the button as falling edge, not inverted, debounced', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  gpio.openOutput(17);
  gpio.openButton(27, 40, () => {});
  assert.equal(fake.asked, [
    { number: 529, direction: 'low', edge: undefined, options: undefined },
    { number: 539, direction: 'in', edge: 'falling', options: { debounceTimeout: 40, activeLow: false } },
  ]);
});

test('a button that was down when it was opened says nothing until it is let go and pressed anew', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  const told: string[] = [];
  const hold = { ms: 10_000, onReached: () => told.push('reached'), onReleased: () => told.push('released') };
  gpio.openButton(27, 40, () => told.push('press'), hold).close();
  const pin = gpio.openButton(27, 40, () => told.push('press'), hold);
  assert.is(fake.asked.at(-1)?.edge, 'both', 'letting go is looked for only where it means something');
  fake.listeners.get(539)?.(null, 1);
  assert.equal(told, []);
  fake.listeners.get(539)?.(null, 0);
  fake.listeners.get(539)?.(null, 1);
  assert.equal(told, ['press']);
  pin.close();
});

test('ignores a release and a watch error', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  let presses = 0;
  gpio.openButton(27, 40, () => presses++);
  fake.listeners.get(539)?.(null, 1);
  fake.listeners.get(539)?.(systemError('EIO'), 0);
  assert.is(presses, 0);
});

test('gives closed pins back to the kernel', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  gpio.openOutput(17).close();
  gpio.openButton(27, 40, () => {}).close();
  assert.equal(fake.given, [529, 539]);
});

const UNAVAILABLE: [string, () => string, RegExp][] = [
  [
    'no sysfs',
    () => join(sysfs(), 'gone'),
    /no \/.*gone; .*kernel without GPIO_SYSFS.*Counting works without lamp and button/,
  ],
  ['no chips', () => sysfs(), /no chip of a Raspberry Pi header .*found none/],
  ['only small chips', () => sysfs({ base: 512, label: 'pl061', lines: 8 }), /found pl061 with 8 lines/],
  ['a chip without files', () => sysfs({ base: 512 }), /gpiochip512 \(ENOENT\).*group gpio/],
  [
    'a chip with nonsense in its files',
    () => {
      const root = sysfs({ base: 512, label: 'pinctrl-rp1', lines: 54 });
      writeFileSync(join(root, 'gpiochip512', 'base'), 'many\n');
      return root;
    },
    /gpiochip512 \(no number\)/,
  ],
];
for (const [what, root, reason] of UNAVAILABLE) {
  test(`${what}: unavailable with reason and remedy, the package is not even loaded, pins do nothing`, async () => {
    let loads = 0;
    const gpio = await openGpio('auto', {
      sysfsRoot: root(),
      load: async () => {
        loads++;
        return fakeOnoff().Fake;
      },
    });
    assert.is(gpio.available, false);
    assert.match(gpio.reason, reason);
    assert.is(loads, 0);
    const pin = gpio.openOutput(17);
    pin.write(true);
    pin.close();
    gpio.openButton(27, 50, () => {}).close();
  });
}

test('an unreadable sysfs asks for the group gpio', async () => {
  const root = sysfs(...PI_4);
  chmodSync(root, 0);
  const gpio = await openGpio('onoff', { sysfsRoot: root, load: async () => fakeOnoff().Fake });
  chmodSync(root, 0o700);
  // The superuser may read everything: then there is nothing to report.
  if (process.getuid?.() === 0) assert.is(gpio.available, true);
  else assert.match(gpio.reason, /cannot be read \(EACCES\).*group gpio/);
});

test('an export file that may not be written asks for the group gpio', async () => {
  const fake = fakeOnoff();
  fake.Fake.accessible = false;
  const gpio = await openGpio('auto', { sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  assert.is(gpio.available, false);
  assert.match(gpio.reason, /export cannot be written by this user.*usermod -aG gpio/);
});

test('a package that is missing or broken makes pins unavailable, not the program', async () => {
  const missing = new DriverError('absent', 'the package onoff is not installed.', { op: 'load', hint: 'Install it.' });
  for (const [fault, reason] of [
    [missing, /not installed\. Install it/],
    [new TypeError('x is not a function'), /x is not a function.*Counting works/],
  ] as const) {
    const gpio = await openGpio('onoff', { sysfsRoot: sysfs(...PI_4), load: () => Promise.reject(fault) });
    assert.is(gpio.available, false);
    assert.match(gpio.reason, reason);
  }
});

const FAULTS: [string, string, RegExp, RegExp][] = [
  ['EBUSY', 'DRIVER_BUSY', /BCM 17 \(number 529\).*another program holds it \(EBUSY\)/, /dtoverlay/],
  ['EINVAL', 'DRIVER_ABSENT', /no such line \(EINVAL\)/, /0\.\.27/],
  ['EPERM', 'DRIVER_OTHER', /may not use it \(EPERM\)/, /group gpio/],
  ['EROFS', 'DRIVER_OTHER', /read-only here \(EROFS\)/, /ReadWritePaths/],
  ['EMFILE', 'DRIVER_OTHER', /as the kernel says it/, /lethe doctor/],
];
for (const [code, expected, message, hint] of FAULTS) {
  test(`${code} from the package becomes ${expected} with a remedy, at once`, async () => {
    const fake = fakeOnoff([systemError(code)]);
    const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
    assert.throws(
      () => gpio.openOutput(17),
      (error: unknown) => {
        assert.instance(error, DriverError);
        const fault = error as DriverError;
        assert.is(fault.code, expected);
        assert.match(fault.message, message);
        assert.match(fault.hint, hint);
        return true;
      },
    );
    assert.is(fake.asked.length, 1);
    gpio.openOutput(17).close();
  });
}

test('waits for udev between tries, and opens when it is done', async () => {
  const fake = fakeOnoff([systemError('EACCES'), systemError('ENOENT')]);
  const pauses: number[] = [];
  const gpio = await openOnoff({
    sysfsRoot: sysfs(...PI_4),
    load: async () => fake.Fake,
    pause: (ms) => pauses.push(ms),
  });
  gpio.openOutput(17).write(true);
  assert.equal(pauses, [100, 100]);
  assert.is(fake.levels.get(529), 1);
});

test('gives up on udev after half a second, with the group as remedy', async () => {
  const fake = fakeOnoff(Array.from({ length: 9 }, () => systemError('EACCES')));
  let pausedMs = 0;
  const gpio = await openOnoff({
    sysfsRoot: sysfs(...PI_4),
    load: async () => fake.Fake,
    pause: (ms) => {
      pausedMs += ms;
    },
  });
  assert.throws(
    () => gpio.openButton(27, 50, () => {}),
    (error: unknown) => error instanceof DriverError && error.kind === 'other' && /group gpio/.test(error.hint),
  );
  assert.is(pausedMs, 500);
});

test('a pin that another program exported the other way round is busy, and is not taken from it', async () => {
  const fake = fakeOnoff([], 'in');
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  assert.throws(
    () => gpio.openOutput(17),
    (error: unknown) =>
      error instanceof DriverError && error.kind === 'busy' && /"in"; expected "out"/.test(error.message),
  );
  assert.equal(fake.given, []);
});

test('a pin lost while in use is a DriverError on writing and no error on closing', async () => {
  const fake = fakeOnoff();
  const gpio = await openOnoff({ sysfsRoot: sysfs(...PI_4), load: async () => fake.Fake });
  const pin = gpio.openOutput(17);
  fake.Fake.prototype.writeSync = () => {
    throw systemError('ENODEV');
  };
  assert.throws(
    () => pin.write(true),
    (error: unknown) => error instanceof DriverError && error.kind === 'disconnected',
  );
  pin.close();
  assert.equal(fake.given, [529]);
});

test('driver memory has pins on any machine', async () => {
  const gpio = await openGpio('memory');
  assert.is(gpio.name, 'memory');
  assert.is(gpio.available, true);
});

test('auto on this machine never throws, whatever it is', async () => {
  const gpio = await openGpio('auto');
  assert.is(gpio.available, gpio.reason === '');
});

test.run();
