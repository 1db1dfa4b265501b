// Goal: pins in memory behave as pins and remember what was written to them.
// Method: the contract suite, then history and scripted failure under a clock set by hand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HISTORY_CHANGES_MAX, MemoryGpio } from '../../../drivers/gpio/memory.ts';
import { DriverError } from '../../../runtime/errors.ts';
import { gpioContract } from './contract.ts';
import { HandTimer } from './hand-timer.ts';

gpioContract(test, 'memory', async () => {
  let nowUs = 0;
  const timer = new HandTimer(() => nowUs);
  const gpio = new MemoryGpio(() => nowUs, timer.after);
  return {
    gpio,
    isHigh: (bcm) => gpio.isHigh(bcm),
    press: (bcm) => {
      for (let bounce = 0; bounce < 4; bounce++) {
        gpio.press(bcm);
        nowUs += 2000;
      }
    },
    settle: () => {
      nowUs += 1_000_000;
    },
    hold: (bcm, ms) => {
      gpio.hold(bcm);
      nowUs += ms * 1000;
      timer.fire();
      gpio.release(bcm);
    },
  };
});

test('remembers level changes with their times, not repeated writes', () => {
  let nowUs = 0;
  const gpio = new MemoryGpio(() => nowUs);
  const pin = gpio.openOutput(17);
  pin.write(false);
  nowUs = 1000;
  pin.write(true);
  nowUs = 2000;
  pin.write(true);
  nowUs = 3000;
  pin.close();
  assert.equal(gpio.changes(17), [
    { atUs: 1000, high: true },
    { atUs: 3000, high: false },
  ]);
});

test('keeps the newest changes when the history is full', () => {
  let nowUs = 0;
  const gpio = new MemoryGpio(() => nowUs);
  const pin = gpio.openOutput(17);
  for (let change = 1; change <= HISTORY_CHANGES_MAX + 3; change++) {
    nowUs = change;
    pin.write(change % 2 === 1);
  }
  const changes = gpio.changes(17);
  assert.is(changes.length, HISTORY_CHANGES_MAX);
  assert.equal(changes[0], { atUs: 4, high: false });
  assert.equal(changes.at(-1), { atUs: HISTORY_CHANGES_MAX + 3, high: true });
});

test('a pin never opened is low and without history, and pressing it does nothing', () => {
  const gpio = new MemoryGpio();
  gpio.press(5);
  assert.is(gpio.isHigh(5), false);
  assert.equal(gpio.changes(5), []);
});

test('fails the next opening as told, once', () => {
  const gpio = new MemoryGpio();
  gpio.failNext('busy');
  assert.throws(
    () => gpio.openOutput(17),
    (error: unknown) => error instanceof DriverError && error.code === 'DRIVER_BUSY',
  );
  gpio.openOutput(17).close();
});

test.run();
