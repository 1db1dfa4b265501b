#!/usr/bin/env node
/**
 * The command line: `lethe <command>`. Thin: command-line/ reads the words, each command is one function in commands/.
 * Expected errors become one message with a remedy and their exit code; an unknown word gets a suggestion and exit 64.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addBundle } from './command-line/bundle.ts';
import { addChecking } from './command-line/checking.ts';
import { addCommanding } from './command-line/commanding.ts';
import { addContract } from './command-line/contract.ts';
import { addCounting } from './command-line/counting.ts';
import { addGateway } from './command-line/gateway.ts';
import { addPapers } from './command-line/papers.ts';
import { Command, CommanderError } from './command-line/words.ts';
import { ExitCode, explain, LetheError } from './errors.ts';
import { PACKAGE_ROOT, PACKAGE_VERSION } from './package.ts';

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

function buildProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command('lethe')
    .description('Anonymous people counter: pictures are erased in milliseconds, numbers leave over MQTT.')
    .version(PACKAGE_VERSION)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showSuggestionAfterError()
    .showHelpAfterError('Run `lethe --help` for the commands.');

  const line = { program, finish, out, err };
  addCounting(line);
  addChecking(line);
  addContract(line);
  addCommanding(line);
  addPapers(line);
  addGateway(line);
  addBundle(line);

  // Sub-commands inherit neither; without it a wrong option in one of them would end the process behind our back.
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`Run \`lethe ${command.name()} --help\` for its options.`);
  return program;
}

async function main(argv: readonly string[]): Promise<void> {
  const program = buildProgram((code) => {
    process.exitCode = code;
  });
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are thrown too, with exit code 0.
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    } else if (error instanceof LetheError) {
      err(`lethe: ${explain(error)}\n`);
      process.exitCode = error.exitCode;
    } else if (isLeftOut(error)) {
      err(`lethe: ${argv[0]} is not part of a device; expected it on the machine that the device was set up from.\n`);
      process.exitCode = ExitCode.unavailable;
    } else {
      throw error;
    }
  }
}

/** The tree of a device (provisioning/bundle) holds the commands that make sense there, and says so by its release.json. */
function isLeftOut(error: unknown): boolean {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
  return isMissing && existsSync(join(PACKAGE_ROOT, 'release.json'));
}

await main(process.argv.slice(2));
