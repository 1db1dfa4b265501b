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
/**
 * A button that is held is another word than one that is pressed. It is said only when the button is let go again in time: a
 * cable with a short looks like a button held for ever, and must not reset a counter.
 */
export type ButtonHold = {
  /** From so long on it is a hold and no press. */
  readonly ms: number;
  /** Held for `ms`, and still down: let the person know. */
  readonly onReached: () => void;
  /** Let go after onReached. `isMeant` is false when it took longer than HOLD_FACTOR_MAX × ms. */
  readonly onReleased: (isMeant: boolean) => void;
};
/** Whoever holds a button waits for the lamp and lets go; longer than this is a fault of the cable. */
export const HOLD_FACTOR_MAX = 3;

export interface Gpio {
  /** One word for logs: `onoff`, `memory`. */
  readonly name: string;
  readonly available: boolean;
  /** Why it is not available, with the remedy; empty when it is. */
  readonly reason: string;
  /** Throws DriverError (absent, busy, other) if the pin cannot be had. */
  openOutput(bcm: number): OutputPin;
  /**
   * `onPress` is called once per press, debounced; the pin is active low with the board's pull-up (button to ground). At once
   * without `hold`; with it when the button is let go, as it is not known before whether it was a press or a hold. A button
   * that is down when it is opened says nothing until it was let go.
   */
  openButton(bcm: number, debounceMs: number, onPress: () => void, hold?: ButtonHold): InputPin;
}
