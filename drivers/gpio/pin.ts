/** What both implementations hold true about pins: which numbers exist, and that a pin has one owner at a time. */
import { strict as assert } from 'node:assert';
import { DriverError } from '../../runtime/errors.ts';

/** The 40-pin header carries BCM 0 to 27 on every board since the B+. */
export const BCM_MAX = 27;

/** The configuration has checked the range; anything else is our own mistake (-1, "none", is not opened at all). */
export function assertBcm(bcm: number): void {
  assert.ok(Number.isInteger(bcm) && bcm >= 0 && bcm <= BCM_MAX, `BCM number ${bcm}; expected 0..${BCM_MAX}`);
}

/** Throws DriverError busy when `bcm` is among the pins open here: lamp and button on one number is a likely slip. */
export function assertUnused(openPins: ReadonlySet<number>, bcm: number): void {
  if (!openPins.has(bcm)) return;
  throw new DriverError('busy', `BCM ${bcm} is already open in this program; expected a pin of its own.`, {
    op: `open BCM ${bcm}`,
    hint: 'Give gpio.led_bcm and gpio.button_bcm different numbers, or -1 for the one that is not there.',
  });
}
