/** Refusals of commands: each has a code that a program can match and a sentence with value, expectation and remedy. */
import type { RefusalCode } from '../../contract/commands.ts';

export type Refusal = { readonly code: RefusalCode; readonly message: string };

/** A reply may name every fault of a configuration, but no stranger makes us send pages. */
const MESSAGE_CHARS_MAX = 4000;

export function refusal(code: RefusalCode, message: string): Refusal {
  return {
    code,
    message: message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message,
  };
}
