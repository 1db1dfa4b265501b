/** The command of the store's gateway, its export, and its list of devices. */
import type { GatewayConfig } from '../gateway/config.ts';
import { GRAINS, type Grain } from '../gateway/export/rows.ts';
import { type CommandLine, type ConfigOptions, Option, withConfig } from './words.ts';

type ExportWords = {
  readonly from?: string;
  readonly to?: string;
  readonly by: Grain;
  readonly door?: string[];
  readonly format: 'csv' | 'influx' | 'sql';
  readonly out?: string;
};

async function gatewayConfigOf(options: ConfigOptions): Promise<GatewayConfig> {
  const { loadGatewayConfig } = await import('../gateway/config.ts');
  return loadGatewayConfig({ path: options.config, overrides: options.set });
}

type DevicesWords = { readonly remove?: string; readonly crl?: string; readonly json?: boolean };

export function addGateway({ program, finish, out, err }: CommandLine): void {
  const gateway = withConfig(program.command('gateway'))
    .description(
      'join the devices of a store: doors, totals, occupancy; keeps years and publishes below …/store; makes certificates for new devices and offers updates, where its configuration says so',
    )
    .action(async (options: ConfigOptions) => {
      const config = await gatewayConfigOf(options);
      const { gatewayCommand } = await import('../commands/gateway/gateway.ts');
      finish(await gatewayCommand(config));
    });
  withConfig(gateway.command('export'))
    // Not handed down to what is below a sub-command.
    .exitOverride()
    .showHelpAfterError('Run `lethe gateway export --help` for its options.')
    .description('numbers of doors and store out of the database, also beside a running gateway')
    .option('--from <day>', 'first day of the site such as 2026-01-31, or a moment such as 2026-01-31T08:00:00Z')
    .option('--to <day>', 'the same; this day is not part of it any more')
    .addOption(new Option('--by <grain>', 'minute: the intervals themselves').choices([...GRAINS]).default('hour'))
    .option('--door <name>', 'a door, or store; repeatable; without it: all', (name: string, before?: string[]) => [
      ...(before ?? []),
      name,
    ])
    .addOption(new Option('--format <form>', 'what to write').choices(['csv', 'influx', 'sql']).default('csv'))
    .option('--out <file>', 'file to write to; without it: stdout')
    .action(async (_own: unknown, command: { optsWithGlobals: () => ConfigOptions & ExportWords }) => {
      const words = command.optsWithGlobals();
      const config = await gatewayConfigOf(words);
      const { exportCommand } = await import('../commands/gateway/export.ts');
      const { from, to, by: grain, door: doors = [], format, out: file } = words;
      finish(await exportCommand({ config, from, to, grain, doors, format, file, err }));
    });
  withConfig(gateway.command('devices'))
    .exitOverride()
    .showHelpAfterError('Run `lethe gateway devices --help` for its options.')
    .description('devices that claimed their certificates here, also beside a running gateway')
    .option('--remove <device>', 'take a device out; the gateway must be stopped')
    .option('--crl <file>', 'write the list of revoked certificates, for crlfile of the broker')
    .option('--json', 'as JSON')
    .action(async (_own: unknown, command: { optsWithGlobals: () => ConfigOptions & DevicesWords }) => {
      const words = command.optsWithGlobals();
      const config = await gatewayConfigOf(words);
      const { devicesCommand } = await import('../commands/gateway/devices.ts');
      const { remove, crl, json: isJson = false } = words;
      finish(await devicesCommand({ config, remove, crl, isJson, out, err }));
    });
}
