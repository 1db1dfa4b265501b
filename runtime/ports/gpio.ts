/**
 * GPIO port: one output (status LED) and one input (privacy button), by BCM number.
 * A machine without pins gets `available: false` with the reason; opening a pin there is a no-op, never a crash.
 */
export interface OutputPin {
  write(high: boolean): void;
  close(): void;
}
export interface InputPin {
  close(): void;
}
export interface Gpio {
  /** One word for logs: `onoff`, `memory`. */
  readonly name: string;
  readonly available: boolean;
  /** Why it is not available, with the remedy; empty when it is. */
  readonly reason: string;
  /** Throws DriverError (absent, busy, other) if the pin cannot be had. */
  openOutput(bcm: number): OutputPin;
  /** `onPress` is called once per press, debounced; the pin is active low with the board's pull-up (button to ground). */
  openButton(bcm: number, debounceMs: number, onPress: () => void): InputPin;
}
