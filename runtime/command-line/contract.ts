/** The command that prints what a device says on the wire. */
import { ExitCode, LetheError } from '../errors.ts';
import { PACKAGE_VERSION } from '../package.ts';
import { type CommandLine, type ConfigOptions, configOf, withConfig } from './words.ts';

type ContractWords = { readonly asyncapi?: boolean; readonly jsonSchema?: boolean };

export function addContract({ program, finish, out }: CommandLine): void {
  withConfig(program.command('contract'))
    .description('what a device says over MQTT: its topics, or all of it for programs')
    .option('--asyncapi', 'the whole as AsyncAPI 3 document')
    .option('--json-schema', 'the whole as JSON Schema, of which a device publishes a short form on its topic schema')
    .action(async ({ asyncapi = false, jsonSchema = false, ...options }: ConfigOptions & ContractWords) => {
      if (asyncapi && jsonSchema)
        throw new LetheError(
          'USAGE',
          '--asyncapi and --json-schema are both given; expected one of them. Leave one out.',
          ExitCode.usage,
          { op: 'read options', hint: 'Run `lethe contract --help` for its options.' },
        );
      const { contractCommand } = await import('../commands/contract.ts');
      const form = asyncapi ? 'asyncapi' : jsonSchema ? 'json-schema' : 'list';
      finish(contractCommand({ config: configOf(options), version: PACKAGE_VERSION, form, out }));
    });
}
