/** All the lamps of a device as one output: whichever of them is seen says the same. */
import type { OutputPin } from '../../runtime/ports/gpio.ts';

/** Writes to every lamp even when one of them refuses; then throws what the first one did. No lamp at all is fine. */
export function joinLamps(lamps: readonly OutputPin[]): OutputPin {
  const each = (act: (lamp: OutputPin) => void): void => {
    const errors: unknown[] = [];
    for (const lamp of lamps) {
      try {
        act(lamp);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };
  return { write: (high) => each((lamp) => lamp.write(high)), close: () => each((lamp) => lamp.close()) };
}
