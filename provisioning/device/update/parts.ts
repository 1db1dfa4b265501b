/** What both programs of the update begin with. `--root DIR` puts everything below another folder, for tests; systemd is left alone then. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../../runtime/errors.ts';
import { createLog } from '../../../runtime/log.ts';
import { readReleaseKeys } from '../../bundle/manifest.ts';
import { RELEASE_KEYS_FOLDER } from '../layout.ts';
import { realDisk } from './disk.ts';
import { type Services, systemd } from './services.ts';
import type { UpdateParts } from './update.ts';

const NO_SERVICES: Services = {
  reload: () => undefined,
  restartPrograms: () => undefined,
  startTrial: () => undefined,
};

/** Throws ConfigError and BundleError. */
export function systemParts(program: string, words: readonly string[]): UpdateParts {
  const root = readRoot(words);
  return {
    disk: realDisk,
    services: root === '/' ? systemd : NO_SERVICES,
    log: createLog(program, 'info'),
    keys: readReleaseKeys(join(root, RELEASE_KEYS_FOLDER)),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    wallMs: Date.now,
    root,
  };
}

function readRoot(words: readonly string[]): string {
  const [option, folder, ...rest] = words;
  if (option === undefined) return '/';
  if (option === '--root' && folder !== undefined && rest.length === 0) return resolve(folder);
  throw new ConfigError([`the words are ${JSON.stringify(words)}; expected --root DIR or none. Correct the unit.`], {
    op: 'read words',
  });
}
