/** The public keys of releases that the gateway offers, or a fault of the configuration. */
import { type ReleaseKeys, readReleaseKeys } from '../../../provisioning/bundle/manifest.ts';
import { BundleError, ConfigError } from '../../errors.ts';

export type { ReleaseKeys };

/** Throws ConfigError: also for a folder without keys, with which nothing could be offered. */
export function releaseKeysIn(folder: string): ReleaseKeys {
  const op = 'read updates.release_keys';
  let keys: ReleaseKeys;
  try {
    keys = readReleaseKeys(folder);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    throw new ConfigError([`updates.release_keys: ${error.message} ${error.hint}`], { op, cause: error });
  }
  if (keys.size > 0) return keys;
  throw new ConfigError(
    [`updates.release_keys is ${folder}, which holds no *.pem; expected the public keys of releases. Put them there.`],
    { op },
  );
}
