/** The server for devices, with what is behind it: claims, the store's authority, and the bundle of a newer version. */
import { CertificateAuthority } from '../../../drivers/certificates/authority.ts';
import { type DeviceServer, startDeviceServer } from '../../../drivers/https/server.ts';
import { ConfigError } from '../../errors.ts';
import { Claims } from '../../gateway/claim/claims.ts';
import { type ClaimFiles, readClaimFiles, storeFacts } from '../../gateway/claim/files.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { Giving } from '../../gateway/updates/giving.ts';
import { type ReleaseKeys, releaseKeysIn } from '../../gateway/updates/keys.ts';
import { ReleaseWatch } from '../../gateway/updates/release-watch.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import type { Link } from '../../ports/link.ts';

export type DevicesServerOptions = {
  readonly config: GatewayConfig;
  readonly files: ClaimFiles;
  readonly clock: Clock;
  readonly database: Database;
  readonly gateway: Gateway;
  readonly link: Link;
  /** Undefined: no bundle is given. */
  readonly releases: ReleaseWatch | undefined;
  readonly log: Log;
};

const NOT_FOUND = {
  status: 404,
  body: JSON.stringify({
    v: 1,
    error: { code: 'not_found', message: 'Known here: POST /v1/claim, GET /v1/bundle/….' },
  }),
};

/** Rejects with DriverError if the port cannot be had. */
export async function serveDevices(options: DevicesServerOptions): Promise<DeviceServer & { readonly claims: Claims }> {
  const { config, files, gateway, releases, log } = options;
  const claims = claimsOf(options);
  const giving = new Giving({
    release: () => releases?.release,
    atOnce: config.updates.atOnce,
    isKnown: (device) => gateway.roster.devices.includes(device),
    isRevoked: (serial) => gateway.claimed.isRevoked(serial),
  });
  for (const notice of files.notices) log.warn(notice);
  const server = await startDeviceServer(config.claim.address, config.claim.port, files, {
    claim: (body, address) => claims.answer(body, address),
    bundle: (sha256, caller) => giving.give(sha256, caller),
    missing: () => NOT_FOUND,
    onFault: (sentence) => log.error(sentence),
  });
  log.info({ port: server.port, fleet_keys: files.keys.size }, 'devices may claim certificates');
  return { ...server, claims };
}

function claimsOf({ config, files, clock, database, gateway, link, log }: DevicesServerOptions): Claims {
  const { claim } = config;
  const authority = new CertificateAuthority(files.authorityPem, files.authorityKeyPem);
  return new Claims({
    store: { ...storeFacts(config), template: files.template },
    keys: files.keys,
    certificateDays: claim.certificateDays,
    authorityPem: files.authorityPem,
    issue: (request) => authority.issue(request),
    clock,
    database,
    books: gateway.claimed,
    log,
    naming: () => ({
      expected: gateway.roster.devices,
      strangers: gateway.hearing.strangers,
      reserved: claim.reserved,
      prefix: claim.namePrefix,
      replace: claim.replace,
      // Without the broker nobody knows, and nobody is pushed aside.
      isOnline: (device) => !link.up || gateway.devices.isOnline(device),
    }),
    onClaimed: (device) => gateway.adopt(device),
  });
}

export type DeviceFiles = {
  /** Undefined: nobody can claim. */
  readonly claim: ClaimFiles | undefined;
  /** Undefined: nothing is offered. */
  readonly releaseKeys: ReleaseKeys | undefined;
};

/** Throws ConfigError with the faults of all of them. */
export function readDeviceFiles(config: GatewayConfig): DeviceFiles {
  const problems: string[] = [];
  const attempt = <T>(isWanted: boolean, work: () => T): T | undefined => {
    try {
      return isWanted ? work() : undefined;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const claim = attempt(config.claim.port !== 0, () => readClaimFiles(config, process.env, Date.now()));
  const releaseKeys = attempt(config.updates.bundleFile !== '', () => releaseKeysIn(config.updates.releaseKeys));
  if (problems.length > 0) throw new ConfigError(problems, { op: 'read files for devices' });
  return { claim, releaseKeys };
}

export function releaseWatchOf({ updates }: GatewayConfig, keys: ReleaseKeys, log: Log): ReleaseWatch {
  return new ReleaseWatch({
    path: updates.bundleFile,
    keys,
    onNotice: (sentence) => log.warn(sentence),
    onRelease: ({ manifest: { version, bytes } }) => log.info({ version, bytes }, 'a version is there to be offered'),
  });
}
