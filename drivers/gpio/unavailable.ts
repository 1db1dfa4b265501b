/** The Gpio of a machine without usable pins: it says why, and every pin opened on it does nothing. */
import type { ButtonHold, Gpio, InputPin, OutputPin } from '../../runtime/ports/gpio.ts';

const NO_OUTPUT: OutputPin = { write() {}, close() {} };
const NO_INPUT: InputPin = { close() {} };

export class UnavailableGpio implements Gpio {
  readonly name = 'none';
  readonly available = false;
  readonly reason: string;
  /** reason: one sentence with the remedy. */
  constructor(reason: string) {
    this.reason = reason;
  }
  openOutput(_bcm: number): OutputPin {
    return NO_OUTPUT;
  }
  openButton(_bcm: number, _debounceMs: number, _onPress: () => void, _hold?: ButtonHold): InputPin {
    return NO_INPUT;
  }
}
