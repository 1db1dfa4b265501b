/**
 * Contract of ports/gpio.ts: what every implementation with pins must do. A function of the implementation, run on the
 * memory driver and on onoff with a class of its own in place of the package's; on a board it can be run on the real one.
 */

import * as assert from 'uvu/assert';
import { DriverError } from '../../../runtime/errors.ts';
import { type ButtonHold, type Gpio, HOLD_FACTOR_MAX } from '../../../runtime/ports/gpio.ts';

export type GpioBench = {
  readonly gpio: Gpio;
  /** Voltage on the output. */
  isHigh(bcm: number): boolean;
  /** One press whose contacts bounce. */
  press(bcm: number): void;
  /** Lets at least the debounce time pass. */
  settle(): void;
  /** Pushes the button down, waits `ms`, lets go. */
  hold(bcm: number, ms: number): void;
};

const LED_BCM = 17;
const BUTTON_BCM = 27;
const DEBOUNCE_MS = 50;
const HOLD_MS = 10_000;

function holdRecorder(): { told: string[]; hold: ButtonHold } {
  const told: string[] = [];
  return {
    told,
    hold: {
      ms: HOLD_MS,
      onReached: () => told.push('reached'),
      onReleased: (isMeant) => told.push(isMeant ? 'released, meant' : 'released, not meant'),
    },
  };
}

export function gpioContract(
  test: (name: string, run: () => Promise<void>) => unknown,
  name: string,
  open: () => Promise<GpioBench>,
): void {
  test(`${name}: is available and gives no reason`, async () => {
    const { gpio } = await open();
    assert.is(gpio.available, true);
    assert.is(gpio.reason, '');
    assert.match(gpio.name, /^[a-z]+$/);
  });

  test(`${name}: an output begins low, follows every write and is left low`, async () => {
    const bench = await open();
    const pin = bench.gpio.openOutput(LED_BCM);
    assert.is(bench.isHigh(LED_BCM), false);
    pin.write(true);
    assert.is(bench.isHigh(LED_BCM), true);
    pin.write(false);
    assert.is(bench.isHigh(LED_BCM), false);
    pin.write(true);
    pin.close();
    assert.is(bench.isHigh(LED_BCM), false);
  });

  test(`${name}: writing to a closed output and closing twice do nothing`, async () => {
    const bench = await open();
    const pin = bench.gpio.openOutput(LED_BCM);
    pin.close();
    pin.write(true);
    pin.close();
    assert.is(bench.isHigh(LED_BCM), false);
  });

  test(`${name}: calls back once per press`, async () => {
    const bench = await open();
    let presses = 0;
    bench.gpio.openButton(BUTTON_BCM, DEBOUNCE_MS, () => presses++);
    assert.is(presses, 0);
    bench.press(BUTTON_BCM);
    bench.settle();
    assert.is(presses, 1);
    bench.press(BUTTON_BCM);
    bench.settle();
    assert.is(presses, 2);
  });

  test(`${name}: with a hold a press is told when the button is let go, and a hold is no press`, async () => {
    const bench = await open();
    const { told, hold } = holdRecorder();
    bench.gpio.openButton(BUTTON_BCM, DEBOUNCE_MS, () => told.push('press'), hold);
    bench.hold(BUTTON_BCM, 200);
    assert.equal(told, ['press']);
    bench.hold(BUTTON_BCM, HOLD_MS + 500);
    assert.equal(told, ['press', 'reached', 'released, meant']);
    bench.hold(BUTTON_BCM, 200);
    assert.equal(told, ['press', 'reached', 'released, meant', 'press']);
  });

  test(`${name}: a button that is down for ever, as one whose cable has a short, is not meant`, async () => {
    const bench = await open();
    const { told, hold } = holdRecorder();
    bench.gpio.openButton(BUTTON_BCM, DEBOUNCE_MS, () => told.push('press'), hold);
    bench.hold(BUTTON_BCM, HOLD_FACTOR_MAX * HOLD_MS + 1000);
    assert.equal(told, ['reached', 'released, not meant']);
  });

  test(`${name}: a button that is closed while it is down says nothing more`, async () => {
    const bench = await open();
    const { told, hold } = holdRecorder();
    const pin = bench.gpio.openButton(BUTTON_BCM, DEBOUNCE_MS, () => told.push('press'), {
      ...hold,
      onReached: () => pin.close(),
    });
    bench.hold(BUTTON_BCM, HOLD_MS + 500);
    assert.equal(told, []);
  });

  test(`${name}: a closed button is silent`, async () => {
    const bench = await open();
    let presses = 0;
    const pin = bench.gpio.openButton(BUTTON_BCM, DEBOUNCE_MS, () => presses++);
    pin.close();
    pin.close();
    bench.press(BUTTON_BCM);
    bench.settle();
    assert.is(presses, 0);
  });

  test(`${name}: a pin has one owner until it is closed`, async () => {
    const { gpio } = await open();
    const pin = gpio.openOutput(LED_BCM);
    assert.throws(
      () => gpio.openButton(LED_BCM, DEBOUNCE_MS, () => {}),
      (error: unknown) => error instanceof DriverError && error.kind === 'busy' && /BCM 17/.test(error.message),
    );
    pin.close();
    gpio.openButton(LED_BCM, DEBOUNCE_MS, () => {}).close();
  });

  test(`${name}: a number that is not on the header is our own mistake`, async () => {
    const { gpio } = await open();
    for (const bcm of [-1, 28, 1.5, Number.NaN]) {
      assert.throws(() => gpio.openOutput(bcm), /expected 0\.\.27/);
      assert.throws(() => gpio.openButton(bcm, DEBOUNCE_MS, () => {}), /expected 0\.\.27/);
    }
  });
}
