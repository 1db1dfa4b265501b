/** The command of the store's gateway, and its export. */
import type { GatewayConfig } from '../gateway/config.ts';
import { type CommandLine, type ConfigOptions, withConfig } from './words.ts';

async function gatewayConfigOf(options: ConfigOptions): Promise<GatewayConfig> {
  const { loadGatewayConfig } = await import('../gateway/config.ts');
  return loadGatewayConfig({ path: options.config, overrides: options.set });
}

export function addGateway({ program, finish }: CommandLine): void {
  withConfig(program.command('gateway'))
    .description('join the devices of a store: doors, totals, occupancy; keeps years and publishes below …/store')
    .action(async (options: ConfigOptions) => {
      const config = await gatewayConfigOf(options);
      const { gatewayCommand } = await import('../commands/gateway/gateway.ts');
      finish(await gatewayCommand(config));
    });
}
