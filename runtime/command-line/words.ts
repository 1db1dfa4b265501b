/**
 * What all commands of the command line have in common. This file owns the dependency `commander`.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/config.ts';
import type { ExitCode } from '../errors.ts';

export { Command, CommanderError, InvalidArgumentError, Option };

/** Where a group of commands adds itself. */
export type CommandLine = {
  readonly program: Command;
  /** How the process is to end. */
  readonly finish: (code: ExitCode) => void;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
};

export type ConfigOptions = { readonly config?: string; readonly set?: string[] };

/** The two options that every command with a configuration has. */
export function withConfig(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (JSON); without it: defaults')
    .option('-s, --set <field=value>', 'set one field over the file, such as camera.driver=video; repeatable', collect);
}

export function configOf(options: ConfigOptions) {
  return loadConfig({ path: options.config, overrides: options.set });
}

export function positiveSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 31_536_000)) throw new InvalidArgumentError('expected a number of seconds above 0.');
  return seconds;
}

export function positiveCount(text: string): number {
  const count = Number(text);
  if (!(Number.isInteger(count) && count >= 1 && count <= 256))
    throw new InvalidArgumentError('expected a whole number from 1 to 256.');
  return count;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
