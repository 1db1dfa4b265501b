/** The command that speaks to a running counter: command. */
import { COMMANDS } from '../contract/commands.ts';
import { ExitCode, LetheError } from '../errors.ts';
import {
  type CommandLine,
  type ConfigOptions,
  configOf,
  InvalidArgumentError,
  positiveSeconds,
  withConfig,
} from './words.ts';

type CommandWords = {
  readonly key?: string;
  readonly newKey?: string;
  readonly minutes?: number;
  readonly people?: number;
  readonly epochId?: string;
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly timeoutS: number;
  readonly json?: boolean;
};

export function addCommanding({ program, finish, out }: CommandLine): void {
  withConfig(program.command('command [name]'))
    .description(`ask a running counter for something: ${Object.keys(COMMANDS).join(', ')}`)
    .option('--key <file>', 'key that signs; its public half must be in commands.public_keys of the counter')
    .option('--new-key <file>', 'no command: make a key, and print what belongs into the configuration')
    .option('--minutes <n>', 'setup: how long, 0..60; 0 ends it', anyNumber)
    .option('--people <n>', 'reset-occupancy: how many are inside now', anyNumber)
    .option('--epoch-id <id>', 'resend: series of the records')
    .option('--from-seq <n>', 'resend: first number', anyNumber)
    .option('--to-seq <n>', 'resend: last number', anyNumber)
    .option('--timeout-s <n>', 'how long to wait for the broker, and for the reply', positiveSeconds, 10)
    .option('--json', 'print the reply as JSON, and positions as one line each')
    .addHelpText(
      'after',
      '\nsetup shows where people are, as points over the lines of the configuration, until the minutes are over or Ctrl-C ends them.' +
        '\nExit: 0 done, 1 refused by the counter, 64 wrong words, 69 no broker or no reply, 78 a key that cannot be used.',
    )
    .action(async (name: string | undefined, options: ConfigOptions & CommandWords) => {
      const { commandCommand, newKeyCommand } = await import('../commands/command/command.ts');
      if (options.newKey !== undefined) {
        finish(newKeyCommand(options.newKey, out));
        return;
      }
      if (name === undefined)
        throw new LetheError('USAGE', 'No command is named, and no --new-key FILE.', ExitCode.usage, {
          op: 'read options',
          hint: `Name one of ${Object.keys(COMMANDS).join(', ')}.`,
        });
      const { systemEnvironment } = await import('../commands/command/environment.ts');
      const config = configOf(options);
      const { json = false } = options;
      finish(await commandCommand({ ...options, name, config, json }, systemEnvironment(config)));
    });
}

/** The contract says which are good, with words of its own. */
function anyNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('expected a number.');
  return value;
}
