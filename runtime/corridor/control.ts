/**
 * The way back: single bytes from the voice to the eye, each an enumerated word. Anything else is ignored.
 * One byte is enough for a lamp to show that the broker is away; more would be more than the eye needs to know.
 *
 * startAgain: the configuration has changed; the eye tells its last numbers and ends, to be started with the new one.
 *
 * Set-up mode, in which the eye tells positions (eye/setup.ts), is a lease: setupOn holds for SETUP_LEASE_S and is said again
 * every SETUP_REPEAT_S, so a voice that dies takes it along. The eye ends it after SETUP_S_MAX at the latest, whatever it
 * hears, and begins another one only after a setupOff: each time somebody has to ask anew.
 */
export const ControlWord = { linkUp: 1, linkDown: 2, identify: 3, setupOn: 4, setupOff: 5, startAgain: 6 } as const;
export type ControlWord = (typeof ControlWord)[keyof typeof ControlWord];

/** The word, or undefined for a byte that is none. */
export function asControlWord(byte: number): ControlWord | undefined {
  return byte >= ControlWord.linkUp && byte <= ControlWord.startAgain ? (byte as ControlWord) : undefined;
}

/** Three words may be lost (a control pipe that is full) before it ends. */
export const SETUP_REPEAT_S = 30;
export const SETUP_LEASE_S = 110;
export const SETUP_S_MAX = 3600;

/** Names of the two FIFOs inside the runtime directory. */
export const CORRIDOR_FIFO = 'corridor.fifo';
export const CONTROL_FIFO = 'control.fifo';
