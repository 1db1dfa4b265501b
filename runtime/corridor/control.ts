/**
 * The way back: single bytes from the voice to the eye, each an enumerated word. Anything else is ignored.
 * One byte is enough for a lamp to show that the broker is away; more would be more than the eye needs to know.
 */
export const ControlWord = { linkUp: 1, linkDown: 2, identify: 3 } as const;
export type ControlWord = (typeof ControlWord)[keyof typeof ControlWord];

/** The word, or undefined for a byte that is none. */
export function asControlWord(byte: number): ControlWord | undefined {
  return byte >= ControlWord.linkUp && byte <= ControlWord.identify ? (byte as ControlWord) : undefined;
}

/** Names of the two FIFOs inside the runtime directory. */
export const CORRIDOR_FIFO = 'corridor.fifo';
export const CONTROL_FIFO = 'control.fifo';
