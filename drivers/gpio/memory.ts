/**
 * Pins in memory: for tests, and for desks that want lamp and button without a board.
 * Memory: the last HISTORY_CHANGES_MAX level changes of each output in typed arrays taken when the pin is opened, so a
 * demo may blink for weeks; writing allocates nothing.
 */
import { DriverError, type DriverErrorKind } from '../../runtime/errors.ts';
import type { ButtonHold, Gpio, InputPin, OutputPin } from '../../runtime/ports/gpio.ts';
import { US_PER_MS } from '../../runtime/units.ts';
import { type After, HoldWatch } from './hold.ts';
import { assertBcm, assertUnused } from './pin.ts';

/** Far more than any test looks at: ten minutes of the busiest steady pattern. */
export const HISTORY_CHANGES_MAX = 4096;

export type LevelChange = { readonly atUs: number; readonly high: boolean };

class MemoryOutput {
  high = false;
  changeCount = 0;
  readonly timesUs = new Float64Array(HISTORY_CHANGES_MAX);
  readonly levels = new Uint8Array(HISTORY_CHANGES_MAX);

  set(high: boolean, atUs: number): void {
    if (high === this.high) return;
    this.high = high;
    const slot = this.changeCount % HISTORY_CHANGES_MAX;
    this.timesUs[slot] = atUs;
    this.levels[slot] = high ? 1 : 0;
    this.changeCount += 1;
  }
}

type MemoryButton = {
  readonly debounceUs: number;
  readonly onPress: () => void;
  readonly watch: HoldWatch | undefined;
  quietUntilUs: number;
};

export class MemoryGpio implements Gpio {
  readonly name = 'memory';
  readonly available = true;
  readonly reason = '';
  readonly #monotonicUs: () => number;
  readonly #after: After | undefined;
  readonly #open = new Set<number>();
  /** Outputs stay here after they are closed: what the lamp did last is what a test wants to see. */
  readonly #outputs = new Map<number, MemoryOutput>();
  readonly #buttons = new Map<number, MemoryButton>();
  #failNext: DriverErrorKind | undefined;

  /** monotonicUs: the clock that level changes are stamped with; after: its timer, for buttons that are held. */
  constructor(monotonicUs: () => number = () => performance.now() * US_PER_MS, after?: After) {
    this.#monotonicUs = monotonicUs;
    this.#after = after;
  }

  openOutput(bcm: number): OutputPin {
    this.#take(bcm);
    const output = new MemoryOutput();
    this.#outputs.set(bcm, output);
    let isOpen = true;
    return {
      write: (high) => {
        if (isOpen) output.set(high, this.#monotonicUs());
      },
      close: () => {
        if (!isOpen) return;
        output.set(false, this.#monotonicUs());
        isOpen = false;
        this.#open.delete(bcm);
      },
    };
  }

  openButton(bcm: number, debounceMs: number, onPress: () => void, hold?: ButtonHold): InputPin {
    this.#take(bcm);
    const button: MemoryButton = {
      debounceUs: debounceMs * US_PER_MS,
      onPress,
      watch: hold && new HoldWatch(hold, onPress, this.#monotonicUs, this.#after),
      quietUntilUs: Number.NEGATIVE_INFINITY,
    };
    this.#buttons.set(bcm, button);
    return {
      close: () => {
        if (this.#buttons.get(bcm) !== button) return;
        button.watch?.close();
        this.#buttons.delete(bcm);
        this.#open.delete(bcm);
      },
    };
  }

  /** Somebody presses the button on `bcm` and lets go. Contacts that bounce are further presses within the debounce time. */
  press(bcm: number): void {
    const button = this.#buttons.get(bcm);
    if (button === undefined) return;
    const nowUs = this.#monotonicUs();
    const isBounce = nowUs < button.quietUntilUs;
    button.quietUntilUs = nowUs + button.debounceUs;
    if (isBounce) return;
    button.watch?.down();
    if (button.watch === undefined) button.onPress();
    else button.watch.up();
  }

  /** Somebody pushes the button down and keeps it there; only for one that was opened with a hold. */
  hold(bcm: number): void {
    this.#buttons.get(bcm)?.watch?.down();
  }

  /** Lets go of it. */
  release(bcm: number): void {
    this.#buttons.get(bcm)?.watch?.up();
  }

  /** Level of the output now; false for a pin that was never opened. */
  isHigh(bcm: number): boolean {
    return this.#outputs.get(bcm)?.high ?? false;
  }

  /** Level changes since the output was opened (low at first), oldest first; the last HISTORY_CHANGES_MAX of them. */
  changes(bcm: number): LevelChange[] {
    const output = this.#outputs.get(bcm);
    if (output === undefined) return [];
    const count = Math.min(output.changeCount, HISTORY_CHANGES_MAX);
    return Array.from({ length: count }, (_, i) => {
      const slot = (output.changeCount - count + i) % HISTORY_CHANGES_MAX;
      return { atUs: output.timesUs[slot]!, high: output.levels[slot] === 1 };
    });
  }

  /** The next pin that is opened fails with a DriverError of this kind. */
  failNext(kind: DriverErrorKind): void {
    this.#failNext = kind;
  }

  #take(bcm: number): void {
    assertBcm(bcm);
    const kind = this.#failNext;
    this.#failNext = undefined;
    if (kind !== undefined) {
      throw new DriverError(kind, `BCM ${bcm} cannot be opened: ${kind}, as the test asked for.`, {
        op: `open BCM ${bcm}`,
      });
    }
    assertUnused(this.#open, bcm);
    this.#open.add(bcm);
  }
}
