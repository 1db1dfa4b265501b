/** Words of the operators that move bytes, beside those of command.ts. */

export const KIND_COPY_CHANNELS = 33;
export const KIND_DOUBLE = 34;
