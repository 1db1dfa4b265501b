/** Plan: what was typed, checked as a whole before anything is opened or made. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { counterNames } from '../../config/counters.ts';
import type { Config } from '../../config/schema.ts';
import { ExitCode, LetheError } from '../../errors.ts';
import { type Keys, parseKeys } from './input.ts';

const BCM_MAX = 27;

export type TallyOptions = {
  readonly config: Config;
  /** Name of the line or entrance; undefined: the first one. */
  readonly line: string | undefined;
  /** As typed: `f,j`. */
  readonly keys: string;
  /** BCM numbers; undefined: no buttons. */
  readonly gpioIn: number | undefined;
  readonly gpioOut: number | undefined;
  readonly windowS: number;
  readonly marginPercent: number;
  /** Ends by itself after so long. */
  readonly seconds: number | undefined;
  /** File for the record, `-` for stdout, undefined for none. */
  readonly json: string | undefined;
  /** Do not show the device's numbers before the end: who sees them presses differently. */
  readonly blind: boolean;
};

export type Plan = {
  readonly line: string;
  readonly keys: Keys;
  readonly pins: { in: number; out: number } | undefined;
};

/** Throws one LetheError (exit 64) with everything that is wrong with the words. */
export function planOf(options: TallyOptions): Plan {
  const { config, gpioIn, gpioOut, json } = options;
  const faults: string[] = [];
  const names = counterNames(config);
  const line = options.line ?? names[0] ?? '';
  if (!names.includes(line)) faults.push(`--line is ${line}; expected one of the configuration: ${names.join(', ')}.`);
  const keys = parseKeys(options.keys);
  if (typeof keys === 'string') faults.push(keys);
  if ((gpioIn === undefined) !== (gpioOut === undefined))
    faults.push('--gpio-in and --gpio-out go together; expected both or none.');
  for (const [word, bcm] of Object.entries({ '--gpio-in': gpioIn, '--gpio-out': gpioOut })) {
    if (bcm === undefined) continue;
    if (!(Number.isInteger(bcm) && bcm >= 0 && bcm <= BCM_MAX))
      faults.push(`${word} is ${bcm}; expected a BCM number 0..${BCM_MAX}.`);
    if (bcm === config.gpio.buttonBcm || bcm === config.gpio.ledBcm)
      faults.push(`${word} is ${bcm}, which the counter uses for its lamp or privacy button; expected a free pin.`);
  }
  if (gpioIn !== undefined && gpioIn === gpioOut)
    faults.push(`--gpio-in and --gpio-out are both ${gpioIn}; expected two pins.`);
  if (json !== undefined && json !== '-') faults.push(...fileFaults(json));
  if (faults.length > 0 || typeof keys === 'string') {
    throw new LetheError('TALLY_WORDS', faults.join('\n'), ExitCode.usage, {
      op: 'read words of tally',
      hint: 'lethe tally --help says what each of them is.',
    });
  }
  return { line, keys, pins: gpioIn === undefined || gpioOut === undefined ? undefined : { in: gpioIn, out: gpioOut } };
}

/** Looked at before the session, as nobody wants to learn it after two hours; nothing is made yet. */
function fileFaults(path: string): string[] {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
    return [];
  } catch (error) {
    return [`--json is ${path}, which cannot be written (${(error as NodeJS.ErrnoException).code}).`];
  }
}
