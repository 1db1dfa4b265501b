/**
 * The arguments that eye, voice and supervisor share: `--config FILE`, any number of `--set field=value`, `--runtime-dir DIR`.
 * The supervisor hands its own on to both children, so that all three read the same configuration.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.ts';
import { loadConfig } from './config.ts';
import type { Config } from './schema.ts';

export type ProcessArguments = {
  readonly config: Config;
  /** File that it was read from; undefined: defaults and --set only. */
  readonly configPath: string | undefined;
  /** Folder of the FIFOs, 0700, made by the supervisor or by systemd. */
  readonly runtimeDir: string;
};

/** Throws ConfigError for unknown words, a missing --runtime-dir or a bad configuration. */
export function readProcessArguments(argv: readonly string[]): ProcessArguments {
  let values: { config?: string; set?: string[]; 'runtime-dir'?: string };
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        set: { type: 'string', multiple: true },
        'runtime-dir': { type: 'string' },
      },
    }));
  } catch (cause) {
    throw new ConfigError([(cause as Error).message], { op: 'read arguments', cause });
  }
  const runtimeDir = values['runtime-dir'] ?? process.env['RUNTIME_DIRECTORY'];
  if (runtimeDir === undefined) {
    throw new ConfigError(['--runtime-dir is missing; expected the folder of the corridor.'], {
      op: 'read arguments',
      hint: 'Start eye and voice with `lethe run`, or by systemd with RuntimeDirectory=.',
    });
  }
  return {
    config: loadConfig({ path: values.config, overrides: values.set }),
    configPath: values.config === undefined ? undefined : resolve(values.config),
    runtimeDir,
  };
}

/** The words that hand this configuration to a child process. */
export function configWords(configPath: string | undefined, overrides: readonly string[]): string[] {
  return [
    ...(configPath === undefined ? [] : ['--config', configPath]),
    ...overrides.flatMap((override) => ['--set', override]),
  ];
}
